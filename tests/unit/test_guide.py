"""*Where new things go* (docs/architecture.md) is enough: what is added by its steps works, in a copy of the
project.

Vendors are added in tests/contract/test_new_vendor.py, a page and a command in tests/web/test_guide.py.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.harness.copied_tree import CopiedTree

GUIDE = Path(__file__).parent / "guide"
BILLING = "oppsync/domain/billing"
REVENUE = "oppsync/domain/revenue"
FINDINGS = "oppsync/domain/values/findings/validation_codes.py"
SIGNATURES = "adapters/connectors/signatures"


@pytest.fixture
def tree(tmp_path: Path) -> CopiedTree:
    return CopiedTree(tmp_path)


def test_a_billing_model_is_a_code_a_module_and_a_row(tree: CopiedTree) -> None:
    code = '    NON_BILLABLE = "non_billable"'
    tree.add("oppsync/domain/deal/opportunity.py", code, '    SUCCESS_FEE = "success_fee"')
    tree.put(GUIDE / "success_fee.py", f"{BILLING}/success_fee.py")
    tree.add(f"{BILLING}/table.py", "    NonBillable(),", "    SuccessFee(),")
    tree.add(
        f"{BILLING}/table.py",
        "from oppsync.domain.billing.retainer import RetainerBilling",
        "from oppsync.domain.billing.success_fee import SuccessFee",
    )

    assert json.loads(tree.run("-m", "tests.unit.guide.goes_through")) == {
        "findings": [],
        "findings of a line that says nothing": ["FIELD_MISSING"],
        "template": "TPL-CLOUD-DACH-SF",
        "lines": [["milestone", "10000.00", "2026-09-15"]],
        "revenue": ["milestone", "2026-09"],
        "why": "scheduled by the billing model success fee",
        "title": "Success fee",
    }


def test_a_method_of_recognition_is_a_code_a_module_and_a_row(tree: CopiedTree) -> None:
    policy = "oppsync/domain/reference/billing_policy.py"
    tree.add(policy, '    AS_INVOICED = "as_invoiced"', '    AT_START = "at_start"')
    tree.put(GUIDE / "at_start.py", f"{REVENUE}/at_start.py")
    tree.add(f"{REVENUE}/table.py", "    AsInvoiced(),", "    AtStart(),")
    tree.add(
        f"{REVENUE}/table.py",
        "from oppsync.domain.revenue.as_invoiced import AsInvoiced",
        "from oppsync.domain.revenue.at_start import AtStart",
    )

    assert json.loads(tree.run("-m", "tests.unit.guide.earned_at_start")) == {
        "method": "at_start",
        "title": "When work begins",
        "earned": [["2026-06", "10000.00"]],
    }


RULE = """

def name_is_no_draft(opportunity: Opportunity, facts: ValidationFacts) -> Iterator[Finding]:
    if "draft" in opportunity.name.casefold():
        yield finding("NAME_IS_A_DRAFT", f"The opportunity is called {opportunity.name}", path="/name")
"""
CODE = """    "NAME_IS_A_DRAFT": code_text(
        "The name says that the deal is a draft",
        OwnerRole.SALES,
        "Give the deal its final name in the CRM and save it.",
    ),"""
ENTRY = """### `NAME_IS_A_DRAFT`
Owner: sales. Somebody won the deal before it had its final name.

"""
CASE = """    Case(
        "a draft",
        "NAME_IS_A_DRAFT",
        "/name",
        "is called Draft of May",
        make.opportunity(name="Draft of May"),
    ),"""


CHECKS = ("tests/unit/test_findings.py", "tests/unit/test_validation.py")


def test_a_rule_is_a_function_and_a_row_its_code_a_row_an_entry_and_a_case(tree: CopiedTree) -> None:
    tree.append("oppsync/domain/validation/required_fields.py", RULE)
    row = "    required_fields.owner_has_an_email,"
    tree.add("oppsync/domain/validation/table.py", row, "    required_fields.name_is_no_draft,")
    tree.add(FINDINGS, "VALIDATION_CODES: dict[str, CodeText] = {", CODE)
    tree.add("tests/unit/test_validation.py", "CASES = [", CASE)

    with pytest.raises(AssertionError, match=r"FAILED .*test_the_runbook_has_an_entry_for_every_code"):
        tree.test(*CHECKS, "-k", "runbook_has")
    tree.replace("docs/runbook.md", "### `ACCOUNT_MISSING`\n", f"{ENTRY}### `ACCOUNT_MISSING`\n")
    told = tree.test(*CHECKS, "-k", "runbook or draft or every")

    assert "test_what_is_wrong_is_named[a draft]" in told
    assert "test_every_rule_finds_something[name_is_no_draft]" in told


VERIFIES = """
from datetime import UTC, datetime
from adapters.connectors.signatures.raw_request import RawRequest
from adapters.connectors.signatures.registry import SIGNATURE_SCHEMES
from adapters.runtime.plugins import load

request = RawRequest("POST", "https://x/webhooks/c", {"x-password": "sesame", "x-delivery": "17"}, b"")
print(load(SIGNATURE_SCHEMES, "shared_password")(request, ["sesame"], datetime.now(UTC)))
"""


def test_a_signature_scheme_is_a_module_and_a_row(tree: CopiedTree) -> None:
    tree.put(GUIDE / "shared_password.py", f"{SIGNATURES}/shared_password.py")
    row = '    "shared_password": "adapters.connectors.signatures.shared_password:verify",'
    tree.add(f"{SIGNATURES}/registry.py", "SIGNATURE_SCHEMES = {", row)

    assert tree.run("-c", VERIFIES) == "17\n"


STAGE = '''"""Stage `settle`: goes straight on."""

from oppsync.domain.work.states import State
from oppsync.domain.work.tracked import TrackedOpportunity
from oppsync.pipeline.stage import Advance, Outcome, StageContext


def decide(opportunity: TrackedOpportunity) -> Outcome:
    return Advance(State.ACTIVE, opportunity)


def run(context: StageContext) -> Outcome:
    return decide(context.opportunity)
'''
HAS_AN_ACTOR = """
from dramatiq.brokers.stub import StubBroker
from actors.stages import declare_actors

settle = declare_actors(StubBroker(), None)["settle"]
print(settle.actor_name, "takes from", settle.queue_name)
"""
SETTLING = """    State.SETTLING: Shown("Running", "info", "arrow", "Created. Next: it is settled."),"""


def test_a_stage_is_a_module_a_state_with_its_moves_and_words_and_a_row(tree: CopiedTree) -> None:
    tree.write("oppsync/pipeline/settle.py", STAGE)
    states, statuses, table = (
        "oppsync/domain/work/states.py",
        "web/pages/statuses.py",
        "oppsync/pipeline/table.py",
    )
    tree.add(states, '    CREATED = "created"', '    SETTLING = "settling"')
    moves = "    State.CREATED: frozenset({State.ACTIVE}),"
    tree.replace(states, moves, moves.replace("{State.ACTIVE}", "{State.ACTIVE, State.SETTLING}"))
    tree.add(states, "    State.ACTIVE: frozenset(),", "    State.SETTLING: frozenset({State.ACTIVE}),")
    tree.add(states, "            State.CREATED,", "            State.SETTLING,")
    tree.add(statuses, "STATES: dict[State, Shown] = {", SETTLING)
    tree.add(table, "    enrich,", "    settle,")
    row = '    Stage("compensate", (State.COMPENSATING,), compensate.run),'
    tree.add(table, row, '    Stage("settle", (State.SETTLING,), settle.run),')

    told = tree.test("tests/unit/test_pipeline_table.py", "tests/unit/test_states.py")

    assert "test_a_state_has_one_stage_or_rests[settling]" in told
    assert "test_a_stage_decides_from_facts_alone[oppsync.pipeline.settle]" in told
    assert tree.run("-c", HAS_AN_ACTOR) == "stage.settle takes from settle\n"
