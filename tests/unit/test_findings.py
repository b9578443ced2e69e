"""The table of codes is whole: each has its text, its runbook entry, and something that raises it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from oppsync.domain.catalog import CATALOG
from oppsync.domain.reference.book import ReferenceKind
from oppsync.domain.values.findings.codes import CODES, finding
from oppsync.domain.values.findings.finding import Severity, blocking, warnings
from oppsync.domain.values.findings.reference_codes import REFERENCE_CODES
from tests.unit import test_enrichment, test_rates, test_taxed_deals
from tests.unit.faults.across_deals import TOGETHER
from tests.unit.faults.table import CASES

RUNBOOK = Path(__file__).parents[2] / "docs" / "runbook.md"
ENTRY = re.compile(r"^### `([A-Z_]+)`\nOwner: (\w+)\. (.+)", re.MULTILINE)

MISSING_ROWS = {"COST_CENTRE_MISSING", "TEMPLATE_MISSING"}
OF_SPLIT_RULES = {
    "OVERRIDE_NOT_POSSIBLE",
    "BUDGET_HOURS_MISSING",
    "SPLIT_NOT_POSSIBLE",
    "TOO_MANY_INSTALMENTS",
    "TRANSFER_PRICE_MISSING",
}
# Fields that a deal may lack.
OPTIONAL_KINDS = {
    ReferenceKind.EXCEPTION_OWNER,
    ReferenceKind.SLA_TARGET,
    ReferenceKind.ROUTE,
    ReferenceKind.CONNECTION_MAP,
    ReferenceKind.CUSTOMER_LINK,
    ReferenceKind.TAX_REGIME,
    ReferenceKind.TAX_NEXUS,
    ReferenceKind.TAX_EXEMPTION,
    ReferenceKind.WITHHOLDING,
    ReferenceKind.SPLIT_RULE,
    ReferenceKind.COST_RATE,
    ReferenceKind.MARGIN_POLICY,
    ReferenceKind.APPROVAL_RULE,
    ReferenceKind.RULE,
    ReferenceKind.APPROVAL_ROLE,
    ReferenceKind.APPROVAL_STEP,
    ReferenceKind.CALENDAR,
}
# Asked of the plan's systems, told in tests/unit/test_erp_lacks.py and tests/service/test_preflight.py.
OF_PREFLIGHT = set(REFERENCE_CODES)
# Raised by stages and services for faults of the outside, not of the deal.
RAISED_BY_THE_WORLD = {
    "NO_APPROVER",
    "CHANGES_REQUESTED",
    "APPROVAL_EXPIRED",
    "APPROVAL_LOST",
    "PLAN_TAMPERED",
    "APPROVAL_FORGED",
    "LOST_AFTER_APPROVAL",
    "CHANGED_AFTER_APPROVAL",
    "VENDOR_REJECTED",
    "CONNECTION_MISCONFIGURED",
    "CRM_RECORD_GONE",
    "CONTENT_CONFLICT",
    "DESTINATION_CHANGED",
    "LOST_WHILE_PLANNED_ANEW",
    "REJECTED_AFTER_CREATION",
    "UNREADABLE_DELIVERY",
    "DELIVERY_ID_REUSED",
    "NOTIFICATION_REFUSED",
    "POLL_REFUSED",
    "MASTER_DATA_ENDED",
    "RETRIES_EXHAUSTED",
    "WORKER_CRASHED",
    "BUG",
}


def test_every_code_is_raised_by_something() -> None:
    of_the_deal = {case.code for case in (*CASES, TOGETHER)}
    of_reference_data = {case.code for case in test_enrichment.CASES} | MISSING_ROWS | OF_SPLIT_RULES
    of_reference_data |= {case.code for case in test_rates.CASES}
    of_reference_data |= {case.code for case in test_taxed_deals.CASES}
    of_reference_data |= {"EXCHANGE_RATE_MISSING", "COST_CENTRE_CLOSED"}

    assert of_the_deal | of_reference_data | OF_PREFLIGHT | RAISED_BY_THE_WORLD == set(CODES)


def test_the_runbook_has_an_entry_for_every_code_and_for_nothing_else() -> None:
    entries = [code for code, _owner, _text in ENTRY.findall(RUNBOOK.read_text(encoding="utf-8"))]

    assert sorted(entries) == sorted(CODES)


@pytest.mark.parametrize(("code", "owner"), [entry[:2] for entry in ENTRY.findall(RUNBOOK.read_text("utf-8"))])
def test_the_runbook_names_the_owner_that_the_item_gets(code: str, owner: str) -> None:
    assert CODES[code].owner.value == owner


@pytest.mark.parametrize("code", CODES)
def test_a_code_has_a_title_and_an_advice_for_people(code: str) -> None:
    text = CODES[code]

    assert text.title[0].isupper()
    assert text.fix.endswith(".")
    assert code not in text.title + text.fix


def test_a_finding_blocks_and_takes_owner_and_advice_from_its_code() -> None:
    found = finding("TOTAL_MISMATCH", "The sums differ", path="/amount", value=12)

    assert (found.severity, found.owner, found.value) == (Severity.BLOCKS, CODES["TOTAL_MISMATCH"].owner, "12")
    assert found.fix == CODES["TOTAL_MISMATCH"].fix
    assert finding("TOTAL_MISMATCH", "…", fix="Do this.").fix == "Do this."


def test_a_finding_warns_where_its_code_or_its_maker_says_so() -> None:
    by_code = finding("PROBABILITY_NOT_CERTAIN", "Only 90 %")
    by_rule = finding("TOTAL_MISMATCH", "The sums differ", severity=Severity.WARNS)
    blocks = finding("TOTAL_MISMATCH", "The sums differ")

    assert warnings([by_code, blocks, by_rule]) == (by_code, by_rule)
    assert blocking([by_code, blocks, by_rule]) == (blocks,)


def test_the_runbook_says_of_every_warning_that_it_does_not_stop_the_deal() -> None:
    said = {
        code for code, _owner, text in ENTRY.findall(RUNBOOK.read_text("utf-8")) if text.startswith("Warns.")
    }

    assert said == {code for code, text in CODES.items() if text.severity is Severity.WARNS}


def test_a_finding_quotes_no_more_than_a_text_holds() -> None:
    found = finding("TOTAL_MISMATCH", "m" * 2_001, value="v" * 2_001)

    assert (len(found.message), len(found.value)) == (2_000, 2_000)


def test_reference_data_has_a_code_for_each_kind_that_can_be_missing() -> None:
    codes = {kind: row.code for kind, row in CATALOG.items() if row.code is not None}

    assert set(CATALOG) == set(ReferenceKind)
    assert set(codes) == set(ReferenceKind) - OPTIONAL_KINDS
    assert set(codes.values()) <= set(CODES)
