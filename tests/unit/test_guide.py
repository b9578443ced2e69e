"""*Where new things go* (docs/architecture.md) is enough: what is added by its steps works, in a copy of the
project.

Vendors are added in tests/contract/test_new_vendor.py, a capability in tests/contract/test_new_capability.py, a
page and a command in tests/web/test_guide.py.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from oppsync.domain.plan.plan import plan_hash
from oppsync.kernel import canonical_json
from tests.harness import builders as make
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
    tree.add("tests/unit/faults/required_fields.py", "CASES = [", CASE)

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


PLANS_REGION = """
import sys
from oppsync.domain.plan.plan import PlanContent, plan_hash
from oppsync.domain.reading.why import why
from oppsync.kernel import canonical_json
from tests.harness import builders as make
from web.pages.plan.why_view import groups_of

plan = make.plan(make.opportunity())
_, (of_deal, *_) = groups_of(plan)
shown = {known.name: known.reason for known in of_deal.known}
print(plan.content.region, shown["region"].rule, *shown["region"].fields)
print(plan_hash(PlanContent.model_validate(canonical_json.loads(sys.argv[1]))))
"""


def test_a_field_of_a_plan_is_a_shape_a_value_and_an_origin(tree: CopiedTree) -> None:
    shape, origins = "oppsync/domain/plan/plan.py", "oppsync/domain/planning/origin_table.py"
    tree.add(shape, "    delivery_model: Code | None = None", "    region: Code | None = omitted_at(None)")
    origins_told = ("tests/unit/test_origins.py", "-k", "every_field")
    made = "        delivery_model=delivery.code if delivery else None,"
    tree.add("oppsync/domain/planning/planning.py", made, "        region=opportunity.region,")

    with pytest.raises(AssertionError, match=r"FAILED .*test_every_field_of_a_plan_has_a_row"):
        tree.test(*origins_told)
    row = '    "delivery_model": Row("looked_up", [of_deal("/delivery_model")], [K.DELIVERY_MODEL]),'
    tree.add(origins, row, '    "region": Row("stated", [of_deal("/region")]),')
    tree.test(*origins_told)

    stored = make.content(make.opportunity())
    told = tree.run("-c", PLANS_REGION, canonical_json.dumps(stored.document())).splitlines()
    assert told == ["DACH stated /region", plan_hash(stored)]


COVERS = """
from tests.unit.test_approval_rules import approved, row

print([bool(approved(row(most_projects=most))) for most in (None, 3, 2)], "most_projects" in row().value)
"""
MOST_PROJECTS = "    most_projects: Annotated[int, Field(ge=1)] | None = omitted_at(None)"
IS_SMALL = """

def _is_small(rule: ApprovalRule, content: PlanContent) -> bool:
    projects = sum(1 for node in content.nodes if node.billing_model is not None)
    return rule.most_projects is None or projects <= rule.most_projects
"""
SETS_A_RULE = ("-m", "adapters.cli", "approval-rule", "set", "small", "--up-to", "50000", "--currency", "EUR")


def test_a_condition_of_a_rule_is_a_field_a_judgement_and_an_option(tree: CopiedTree) -> None:
    shape, rules = "oppsync/domain/policy/approval_rule.py", "oppsync/domain/approval/rules.py"
    tree.add(
        shape,
        "from __future__ import annotations",
        "from typing import Annotated\nfrom pydantic import Field",
    )
    field = "    least_margin_percent: Quantity | None = omitted_at(None)"
    tree.add(shape, field, MOST_PROJECTS)
    tree.add(rules, "        and _is_profitable(rule, content)", "        and _is_small(rule, content)")
    tree.append(rules, IS_SMALL)
    assert tree.run("-c", COVERS) == "[True, True, False] False\n"

    commands = "adapters/cli/approval_rules.py"
    tree.add(commands, '@approval_rule.command("set")\n@NAME', '@click.option("--most-projects", type=int)')
    tree.add(commands, "    least_margin: str | None,", "    most_projects: int | None,")
    passed = "            known_customers_only=not new_customers,"
    tree.add(commands, passed, "            most_projects=most_projects,")
    with pytest.raises(AssertionError, match="should be greater than or equal to 1"):
        tree.run(*SETS_A_RULE, "--most-projects", "0")
