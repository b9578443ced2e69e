"""Time and materials, not to exceed: hours at a rate, and a cap that is part of the plan."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from oppsync.domain.billing.time_and_materials import TimeAndMaterials
from oppsync.domain.billing.time_and_materials_capped import TimeAndMaterialsCapped, charge
from oppsync.domain.deal.billing_terms import BillingTerms, Cap, CapScope
from oppsync.domain.deal.opportunity import ContractTerms
from oppsync.domain.validation.table import validate
from oppsync.domain.values.findings.finding import OwnerRole, Severity
from oppsync.pipeline.stage import Advance
from oppsync.pipeline.validate import decide
from tests.harness import builders as make


def test_hours_are_invoiced_as_of_time_and_materials() -> None:
    capped = make.workstream(make.capped_line())

    assert TimeAndMaterialsCapped().lines(capped) == TimeAndMaterials().lines(capped)


def test_the_cap_stands_in_the_plan_with_its_warning() -> None:
    (root, *_) = make.content(make.opportunity(make.capped_line())).nodes

    cap = root.terms.cap
    assert cap is not None
    assert (cap.amount, cap.scope, cap.warning_percent) == (Decimal(20_000), CapScope.WORKSTREAM, Decimal(80))


@pytest.mark.parametrize(
    ("before", "amount", "billable", "beyond", "warns"),
    [
        ("0", "7999.99", "7999.99", "0", False),
        ("0", "8000", "8000", "0", True),
        ("7000", "2000", "2000", "0", True),
        ("9000", "1500.01", "1000", "500.01", True),
        ("10000", "1", "0", "1", True),
        ("10000", "-3000", "-3000", "0", False),
    ],
)
def test_what_is_beyond_the_cap_is_not_billable(
    before: str, amount: str, billable: str, beyond: str, warns: bool
) -> None:
    found = charge(Decimal(10_000), Decimal(80), Decimal(before), Decimal(amount))

    assert found == (Decimal(billable), Decimal(beyond), warns)


@pytest.mark.parametrize(
    ("scope", "limit", "sound"),
    [
        (CapScope.WORKSTREAM, "14400", True),
        (CapScope.WORKSTREAM, "14399.99", False),
        (CapScope.PERIOD, "3600", True),  # June to September
        (CapScope.PERIOD, "3599", False),
        (CapScope.CONTRACT, "28800", True),
        (CapScope.CONTRACT, "28799.99", False),
    ],
)
def test_what_was_sold_has_to_fit_under_the_cap(scope: CapScope, limit: str, sound: bool) -> None:
    terms = BillingTerms(cap=Cap(amount=Decimal(limit), scope=scope))
    contract = ContractTerms(payment_terms="NET30", billing=terms)
    lines = [make.capped_line(id=name, billing=BillingTerms()) for name in ("00kA", "00kB")]

    findings = validate(make.opportunity(*lines, contract=contract), make.facts())

    assert {found.code for found in findings} == {"CAP_NEARLY_REACHED" if sound else "CAP_BELOW_AMOUNT"}
    assert {found.path for found in findings} == {"/contract/billing/cap/amount"}


@pytest.mark.parametrize(
    ("limit", "changes", "said"),
    [
        ("18000.01", {}, None),  # 79.99 %
        ("18000", {}, "EUR 14,400.00 is planned under a cap of EUR 18,000.00, which is 80 % of it"),
        ("14400", {}, "which is 100 % of it"),
        # Sold at 144 an hour; more hours are planned than sold.
        ("20000", {"planned_hours": 111}, None),
        (
            "20000",
            {"planned_hours": 112},
            "EUR 16,128.00 is planned under a cap of EUR 20,000.00, which is 80.64 %",
        ),
        (
            "20000",
            {"planned_hours": 150},
            "a cap of EUR 20,000.00, so EUR 1,600.00 is not billable",
        ),
        # Fewer planned than sold: what was sold counts.
        ("18000", {"planned_hours": 10}, "EUR 14,400.00 is planned"),
    ],
)
def test_people_are_warned_when_the_plan_reaches_80_percent_of_the_cap(
    limit: str, changes: dict[str, object], said: str | None
) -> None:
    line = make.capped_line(billing=BillingTerms(cap=Cap(amount=Decimal(limit))), **changes)

    findings = validate(make.opportunity(line), make.facts())

    assert [found.code for found in findings] == (["CAP_NEARLY_REACHED"] if said else [])
    for found in findings:
        assert said is not None
        assert said in found.message
        assert (found.severity, found.owner, found.value) == (
            Severity.WARNS,
            OwnerRole.DELIVERY,
            f"EUR {int(limit):,}.00",
        )


def test_a_cap_for_the_contract_warns_once_for_all_its_lines() -> None:
    terms = BillingTerms(cap=Cap(amount=Decimal(40_000), scope=CapScope.CONTRACT, warning_percent=Decimal(70)))
    contract = ContractTerms(payment_terms="NET30", billing=terms)
    lines = [make.capped_line(id=name, billing=BillingTerms()) for name in ("00kA", "00kB")]

    (found,) = validate(make.opportunity(*lines, contract=contract), make.facts())

    assert found.message == (
        "The contract: EUR 28,800.00 is planned under a cap of EUR 40,000.00, which is 72 % of it; "
        "the warning starts at 70 %"
    )


def test_the_warning_stands_beside_the_plan_that_people_approve() -> None:
    deal = make.opportunity(make.capped_line(billing=BillingTerms(cap=Cap(amount=Decimal(16_000)))))

    outcome = decide(make.tracked(deal), make.facts())

    assert isinstance(outcome, Advance)
    assert [found.code for found in outcome.opportunity.warnings] == ["CAP_NEARLY_REACHED"]


def test_a_line_s_own_cap_comes_before_the_contract_s() -> None:
    contract = ContractTerms(payment_terms="NET30", billing=BillingTerms(cap=Cap(amount=Decimal(1))))

    assert validate(make.opportunity(make.capped_line(), contract=contract), make.facts()) == ()


def test_a_cap_for_each_month_counts_the_months_the_line_runs_in() -> None:
    terms = BillingTerms(cap=Cap(amount=Decimal(9_100), scope=CapScope.PERIOD))
    line = make.capped_line(billing=terms, starts_on=date(2026, 7, 31), ends_on=date(2026, 8, 1))

    assert validate(make.opportunity(line), make.facts()) == ()
