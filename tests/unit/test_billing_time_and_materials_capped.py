"""Time and materials, not to exceed: hours at a rate, and a cap that is part of the plan."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from oppsync.domain.billing.caps import charge
from oppsync.domain.billing.terms_text import in_words
from oppsync.domain.billing.time_and_materials import TimeAndMaterials
from oppsync.domain.billing.time_and_materials_capped import TimeAndMaterialsCapped
from oppsync.domain.deal.billing_terms import BillingTerms, Cap, CapScope, PeriodBasis
from oppsync.domain.deal.opportunity import ContractTerms, Opportunity, OpportunityLine
from oppsync.domain.planning.monthly_caps import with_months_capped
from oppsync.domain.planning.planning import make_plan
from oppsync.domain.planning.split import split
from oppsync.domain.planning.workstreams import make_workstreams
from oppsync.domain.reference.billing_policy import BillingPolicy
from oppsync.domain.validation.table import validate
from oppsync.domain.values.findings.finding import OwnerRole, Severity
from oppsync.domain.values.model import changed
from oppsync.pipeline.stage import Advance
from oppsync.pipeline.validate import decide
from tests.harness import builders as make
from tests.unit.test_origins import calls_made
from tests.unit.test_rates import GENERAL, cost, floor
from tests.unit.test_revenue import planned


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
        # From 1 June to 15 September, 107 days: 4,171.96 in July and in August, which have 31.
        (CapScope.PERIOD, "4171.97", True),
        (CapScope.PERIOD, "4171.95", False),
        (CapScope.CONTRACT, "28800", True),
        (CapScope.CONTRACT, "28799.99", False),
    ],
)
def test_people_are_warned_when_more_was_sold_than_the_cap(scope: CapScope, limit: str, sound: bool) -> None:
    terms = BillingTerms(cap=Cap(amount=Decimal(limit), scope=scope))
    contract = ContractTerms(payment_terms="NET30", billing=terms)
    lines = [make.capped_line(id=name, billing=BillingTerms()) for name in ("00kA", "00kB")]

    findings = validate(make.opportunity(*lines, contract=contract), make.facts())

    assert {found.code for found in findings} == {"CAP_NEARLY_REACHED" if sound else "CAP_BELOW_AMOUNT"}
    assert {found.severity for found in findings} == {Severity.WARNS}
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


def by_month(limit: int, **changes: object) -> OpportunityLine:
    """14,400 of hours from 15 January to 15 March: 60 days, 240 a day."""
    run = {"starts_on": date(2027, 1, 15), "ends_on": date(2027, 3, 15)}
    terms = BillingTerms(cap=Cap(amount=Decimal(limit), scope=CapScope.PERIOD))
    return make.capped_line(billing=terms, **{**run, **changes})


def test_a_cap_for_each_month_holds_in_each_of_them() -> None:
    """17 days in January, 28 in February, 15 in March; three times the cap is more than what was sold."""
    (found,) = validate(make.opportunity(by_month(5_000)), make.facts())

    assert (found.code, found.severity) == ("CAP_BELOW_AMOUNT", Severity.WARNS)
    assert found.message == (
        "Senior consulting: EUR 14,400.00 was sold, spread over its days EUR 6,720.00 in 2027-02, under a cap "
        "of EUR 5,000.00 for each month, which is exceeded in 1 of 3 months; EUR 1,720.00 is planned as not "
        "billable"
    )


def test_the_plan_bills_at_most_the_cap_in_each_month() -> None:
    content = make.content(make.opportunity(by_month(5_000)))

    [(root, line)] = content.billing_lines()
    assert (content.total.text, root.amount.text, line.amount.text) == ("12680.00",) * 3
    assert (root.sold.text, line.estimate, line.beyond_cap.text) == ("14400.00", root.estimate, "1720.00")


def test_revenue_is_planned_at_most_up_to_the_cap_in_each_month() -> None:
    (schedule,) = planned(by_month(5_000)).revenue_schedules()

    assert [(each.period, each.amount.text) for each in schedule.lines] == [
        ("2027-01", "4080.00"),
        ("2027-02", "5000.00"),
        ("2027-03", "3600.00"),
    ]


def contract_months(limit: int) -> OpportunityLine:
    """The same hours, of which months of the contract have 31, 28 and one days."""
    line = by_month(limit)
    return changed(line, billing=changed(line.billing, periods=PeriodBasis.CONTRACT))


def test_a_cap_for_each_month_of_the_contract_holds_in_those_months() -> None:
    """From the 15th to the 14th: 7,440, 6,720 and 240. No calendar month has more than 6,720."""
    deal = make.opportunity(contract_months(7_000))

    (found,) = validate(deal, make.facts())
    (root, *_) = make.content(deal).nodes

    assert found.message == (
        "Senior consulting: EUR 14,400.00 was sold, spread over its days EUR 7,440.00 in 2027-01-15 to "
        "2027-02-14, under a cap of EUR 7,000.00 for each month, which is exceeded in 1 of 3 months; EUR "
        "440.00 is planned as not billable"
    )
    assert (root.amount.text, root.beyond_cap.text) == ("13960.00", "440.00")
    assert "for each month of the contract" in in_words(root.terms, "EUR")["not to exceed"]


def test_the_entitys_policy_decides_of_which_months_a_cap_is() -> None:
    """Its plan says so, because the project in the ERP has nothing else to say it."""
    policy = BillingPolicy(periods=PeriodBasis.CONTRACT)
    deal, line = make.opportunity(by_month(7_000)), contract_months(7_000)
    entity = make.legal_entity(billing_policy=policy)
    enrichment = changed(make.enrichment(deal), legal_entity=entity)

    (by_policy,) = split(deal, enrichment)
    (root, *_) = make_plan(deal, enrichment, [by_policy]).nodes

    assert by_policy.amount == make.workstream(line).amount
    assert root.terms.periods is PeriodBasis.CONTRACT
    assert [found.code for found in validate(deal, make.facts(legal_entity=entity))] == ["CAP_BELOW_AMOUNT"]
    assert [found.code for found in validate(deal, make.facts())] == ["CAP_NEARLY_REACHED"]


def test_days_moved_by_a_person_fall_into_other_months_of_the_contract() -> None:
    (moved,) = [changed(make.workstream(contract_months(7_000)), ends_on=date(2027, 4, 14))]

    assert with_months_capped(moved).amount.text == "14400.00"


def test_revenue_of_a_month_of_the_contract_is_spread_over_its_days() -> None:
    """17 and 14 days of 7,000, 14 and 14 of 6,720, one of 240."""
    (schedule,) = planned(contract_months(7_000)).revenue_schedules()

    assert [(each.period, each.amount.text) for each in schedule.lines] == [
        ("2027-01", "3838.71"),
        ("2027-02", "6521.29"),
        ("2027-03", "3600.00"),
    ]


def test_hours_beyond_a_cap_are_planned_and_not_billable() -> None:
    """What was sold, what may be invoiced and the rest add up to the cent, on the line and on the project."""
    deal = make.opportunity(make.capped_line(billing=BillingTerms(cap=Cap(amount=Decimal("12345.67")))))

    content = make.content(deal)

    [(root, line)] = content.billing_lines()
    assert deal.amount == Decimal(14_400)
    assert (line.estimate, line.amount.text, line.beyond_cap.text) == (root.sold, "12345.67", "2054.33")
    assert (root.sold.text, root.amount, content.total) == ("14400.00", line.amount, line.amount)
    assert line.hours == Decimal(100)


def test_a_margin_is_that_of_what_may_be_invoiced() -> None:
    uncapped = make.opportunity(make.capped_line())
    capped = make.opportunity(make.capped_line(billing=BillingTerms(cap=Cap(amount=Decimal(10_000)))))
    book = make.book(cost(GENERAL, "70"))

    root = make.content(capped, reference=book).nodes[0]

    assert root.cost == make.content(uncapped, reference=book).nodes[0].cost
    assert root.margin_percent == Decimal(30)  # 100 hours at 70 are sold for 14,400, and 10,000 is invoiced


def test_a_margin_floor_is_held_against_what_may_be_invoiced() -> None:
    """Of the whole 14,400 the margin would be 51.39 %."""
    book = make.book(cost(GENERAL, "70"), floor("ACME-DE", "40"))
    deal = make.opportunity(make.capped_line(billing=BillingTerms(cap=Cap(amount=Decimal(10_000)))))

    found = make_workstreams(deal, make.enrichment(deal, book), (), book, make.DATES).findings

    assert [(each.code, each.value) for each in found] == [("MARGIN_BELOW_FLOOR", "30 %")]


def test_lines_share_a_cap_for_the_contract_in_proportion() -> None:
    terms = BillingTerms(cap=Cap(amount=Decimal(10_000), scope=CapScope.CONTRACT))
    contract = ContractTerms(payment_terms="NET30", billing=terms)
    small = make.capped_line(id="00kA", billing=BillingTerms(), quantity=50, net=7_200)
    large = make.capped_line(id="00kB", billing=BillingTerms())

    content = make.content(make.opportunity(small, large, contract=contract))

    assert [(line.amount.text, line.beyond_cap.text) for _, line in content.billing_lines()] == [
        ("3333.33", "3866.67"),
        ("6666.67", "7733.33"),
    ]
    root = content.nodes[0]
    assert (root.amount.text, root.sold.text, content.total) == ("10000.00", "21600.00", root.amount)


def test_a_purchase_order_has_to_cover_what_may_be_invoiced() -> None:
    cap = BillingTerms(cap=Cap(amount=Decimal(12_000)))

    def codes(limit: int) -> set[str]:
        contract = ContractTerms(payment_terms="NET30", po_number="PO-1", po_limit=Decimal(limit))
        deal = make.opportunity(make.capped_line(billing=cap), contract=contract)
        return {found.code for found in validate(deal, make.facts())}

    assert codes(12_000) == {"CAP_BELOW_AMOUNT"}
    assert codes(11_999) == {"CAP_BELOW_AMOUNT", "PO_TOO_SMALL"}


def test_caps_of_many_lines_cost_as_much_for_each_of_them() -> None:
    """A cap for the contract is worked out once, not once for each line under it."""

    def capped(count: int) -> Opportunity:
        terms = BillingTerms(cap=Cap(amount=Decimal(10_000), scope=CapScope.CONTRACT))
        lines = (make.capped_line(id=f"00k{number:04d}", billing=BillingTerms()) for number in range(count))
        return make.opportunity(*lines, contract=ContractTerms(payment_terms="NET30", billing=terms))

    small, large = capped(50), capped(200)
    validate(small, make.facts())  # what is only worked out once

    few = calls_made(lambda: validate(small, make.facts()))
    many = calls_made(lambda: validate(large, make.facts()))

    assert many < 4.5 * few
