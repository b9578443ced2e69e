"""Validation: each fault of a deal gives its finding, and all of them are reported at once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oppsync.domain.billing.periods import months_later
from oppsync.domain.deal.billing_terms import (
    BillingFrequency,
    BillingTerms,
    CapScope,
    PeriodBasis,
    Retainer,
)
from oppsync.domain.deal.customers import CustomerMatch
from oppsync.domain.deal.opportunity import (
    BillingModelCode,
    Opportunity,
    OpportunityLine,
)
from oppsync.domain.reference.billing_policy import BillingPolicy
from oppsync.domain.validation.close_date import begins_later
from oppsync.domain.validation.confirmations import Confirmation, confirmable
from oppsync.domain.validation.facts import ValidationFacts
from oppsync.domain.validation.table import RULES, RULES_WHEN_WON, validate
from oppsync.domain.values.findings.finding import Finding, Severity
from oppsync.domain.values.model import changed
from tests.harness import builders as make
from tests.unit.faults.case import US, Case, capped, contract, first_planned_on, ordered
from tests.unit.faults.table import CASES
from tests.unit.faults.terms import a_year_from_15_january


def test_a_sound_deal_has_no_findings() -> None:
    assert validate(make.opportunity(), make.facts()) == ()


def test_a_sound_american_deal_has_none_either() -> None:
    facts = make.facts(legal_entity=make.legal_entity("ACME-US"))

    assert validate(make.opportunity(**US), facts) == ()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_is_wrong_is_named(case: Case) -> None:
    findings = validate(case.deal, case.facts)

    assert {found.code for found in findings} == {case.code}
    (found,) = (found for found in findings if found.path == case.path)
    assert case.said in found.message
    assert found.fix


@pytest.mark.parametrize("rule", RULES + RULES_WHEN_WON, ids=lambda rule: rule.__name__)
def test_every_rule_finds_something(rule: Callable[[Opportunity, ValidationFacts], list[Finding]]) -> None:
    assert any(list(rule(case.deal, case.facts)) for case in CASES)


@pytest.mark.parametrize("won_on", [None, date(2027, 1, 1)])
def test_an_open_deal_need_not_have_been_won(won_on: date | None) -> None:
    won = make.opportunity(won_on=won_on)

    assert [found.path for found in validate(won, make.facts())] == ["/won_on"]
    assert validate(changed(won, is_won=False), make.facts()) == ()


NOON = datetime(2026, 5, 3, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("won_on", "zone", "begins_at"),
    [
        ("2026-05-03", "America/New_York", None),  # today there
        ("2026-05-04", "America/New_York", "2026-05-04T04:00:00+00:00"),
        ("2026-05-04", "Europe/Berlin", "2026-05-03T22:00:00+00:00"),
        ("2026-05-04", "Pacific/Kiritimati", None),  # has begun
        ("2026-05-04", "Etc/GMT+12", "2026-05-04T12:00:00+00:00"),
        ("2026-05-05", "Europe/Berlin", None),  # too far ahead to be a matter of time zones
        ("9999-12-31", "Europe/Berlin", None),
        ("0001-01-01", "Europe/Berlin", None),
    ],
)
def test_a_close_date_is_waited_for_as_long_as_time_zones_may_differ(
    won_on: str, zone: str, begins_at: str | None
) -> None:
    waits_until = begins_later(date.fromisoformat(won_on), make.legal_entity(time_zone=zone), NOON)

    assert (waits_until.isoformat() if waits_until else None) == begins_at


EARLY = make.opportunity(starts_on=date(2026, 2, 2))


def _confirmed(deal: Opportunity, reason: str = "Letter of intent of January") -> Confirmation:
    (found,) = validate(deal, make.facts())
    said = {"reason": reason, "by": "person:olga@example.com", "at": make.NOW}
    return Confirmation(code=found.code, path=found.path, value=found.value, **said)


def test_an_early_start_holds_the_deal_until_a_person_confirms_it() -> None:
    (asked,) = validate(EARLY, make.facts())
    (told,) = validate(EARLY, make.facts(confirmations=(_confirmed(EARLY),)))

    assert (asked.code, asked.severity) == ("START_BEFORE_WON", Severity.BLOCKS)
    assert (told.code, told.severity) == ("START_BEFORE_WON", Severity.WARNS)
    assert told.message.endswith("Confirmed by olga@example.com on 2026-05-04: Letter of intent of January")


@pytest.mark.parametrize("other", [{"starts_on": date(2026, 2, 3)}, {"won_on": date(2026, 5, 3)}])
def test_another_date_is_asked_about_again(other: dict[str, date]) -> None:
    (asked,) = validate(changed(EARLY, **other), make.facts(confirmations=(_confirmed(EARLY),)))

    assert asked.severity is Severity.BLOCKS


def test_the_earliest_line_is_what_starts() -> None:
    deal = make.opportunity(make.time_line(), make.fixed_line(starts_on=date(2026, 1, 15)))

    (asked,) = validate(deal, make.facts())

    assert (asked.path, asked.value) == ("/lines/1/starts_on", "2026-01-15, won on 2026-05-04")


def test_nothing_else_can_be_confirmed_away() -> None:
    deal = make.opportunity(amount=1)

    assert confirmable(validate(deal, make.facts())) == ()


def test_a_close_date_that_is_waited_for_is_no_finding() -> None:
    waits = make.facts(today=date(2026, 5, 3), waits_until=datetime(2026, 5, 3, 22, 0, tzinfo=UTC))

    assert validate(make.opportunity(), waits) == ()


def test_a_line_that_nobody_pays_is_told_of_the_model_non_billable() -> None:
    free = make.fixed_line(discount_percent=Decimal(100), net=Decimal(0))

    (found,) = validate(make.opportunity(make.time_line(), free, amount=Decimal(14_400)), make.facts())

    assert (found.code, found.path) == ("AMOUNT_NOT_POSITIVE", "/lines/1/net")
    assert "billing model non-billable" in found.fix


@pytest.mark.parametrize(
    ("terms", "policy"),
    [
        ({"periods": PeriodBasis.CALENDAR}, BillingPolicy()),
        ({"periods": PeriodBasis.CONTRACT}, BillingPolicy()),
        ({}, BillingPolicy(periods=PeriodBasis.CALENDAR)),
        ({}, BillingPolicy(periods=PeriodBasis.CONTRACT)),
        ({"frequency": "once"}, BillingPolicy()),
    ],
)
def test_periods_that_deal_or_entity_state_are_not_asked_about(
    terms: dict[str, Any], policy: BillingPolicy
) -> None:
    facts = make.facts(legal_entity=make.legal_entity(billing_policy=policy))
    silent = a_year_from_15_january("yearly")
    stated = changed(silent, billing=changed(silent.billing, **terms))

    assert [found.code for found in validate(make.opportunity(silent), make.facts())] == ["PERIODS_NOT_STATED"]
    assert validate(make.opportunity(stated), facts) == ()


@pytest.mark.parametrize("days", [{"ends_on": date(2028, 1, 13)}, {"starts_on": date(2027, 2, 1)}])
def test_a_run_that_has_no_whole_months_of_its_own_is_ordinary_by_the_calendar(days: dict[str, date]) -> None:
    line = changed(a_year_from_15_january("monthly"), **days)

    assert validate(make.opportunity(line), make.facts()) == ()


def test_a_billing_model_that_every_line_replaces_only_warns() -> None:
    """Nothing is billed by it, and what somebody typed there is told all the same."""
    own = make.fixed_line(billing_model="fixed_fee")

    (unused,) = validate(make.opportunity(own, billing_model="barter"), make.facts())
    (used,) = validate(
        make.opportunity(make.fixed_line(billing_model=None), billing_model="barter"), make.facts()
    )

    assert (unused.severity, unused.value) == (Severity.WARNS, "barter")
    assert unused.message.endswith("; no line is billed by it, each has a model of its own")
    assert used.severity is Severity.BLOCKS


def test_a_hundred_lines_with_the_same_fault_are_one_finding() -> None:
    lines = [make.fixed_line(id=f"L{n}", product_name=f"Package {n}", currency="USD") for n in range(1, 101)]

    (found,) = validate(make.opportunity(*lines, amount=Decimal(1_000_000)), make.facts())

    assert (found.code, found.path, found.value) == ("CURRENCY_DIFFERS", "/lines", "USD")
    assert found.message.startswith("100 lines: Package 1 is in USD")
    assert "Package 3 is in USD" in found.message
    assert found.message.endswith("; and 97 more")


def test_three_lines_are_named_one_by_one() -> None:
    lines = [make.fixed_line(id=f"L{n}", currency="USD") for n in range(3)]

    found = validate(make.opportunity(*lines, amount=Decimal(30_000)), make.facts())

    assert [each.path for each in found] == ["/lines/0/currency", "/lines/1/currency", "/lines/2/currency"]


def test_all_findings_come_at_once() -> None:
    deal = make.opportunity(make.time_line(role=None), currency="XYZ", account=None, owner=None, ends_on=None)

    codes = [found.code for found in validate(deal, make.facts(legal_entity=None))]

    assert codes == [
        "ACCOUNT_MISSING",
        "LEGAL_ENTITY_UNKNOWN",
        "FIELD_MISSING",
        "OWNER_EMAIL_MISSING",
        "FIELD_MISSING",
        "CURRENCY_UNKNOWN",
    ]


def test_a_net_rounded_by_the_crm_is_right_within_one_minor_unit() -> None:
    line = make.fixed_line(quantity=3, unit_price="33.335", net="100.01")  # exactly 100.005

    assert validate(make.opportunity(line), make.facts()) == ()


@pytest.mark.parametrize(("net", "sound"), [("10000.01", True), ("9999.99", True), ("10000.02", False)])
def test_a_net_may_be_off_by_one_minor_unit_and_no_more(net: str, sound: bool) -> None:
    findings = validate(make.opportunity(make.fixed_line(net=net)), make.facts())

    assert (findings == ()) is sound


@pytest.mark.parametrize("signed_on", [None, date(2026, 5, 1)])
def test_a_milestone_at_signing_is_ordinary_though_the_work_starts_later(signed_on: date | None) -> None:
    at_signing = first_planned_on(signed_on or make.WON_ON, starts_on=date(2026, 7, 15))
    deal = make.opportunity(at_signing, contract=contract(signed_on=signed_on))

    assert validate(deal, make.facts()) == ()


def _capped_each_month() -> OpportunityLine:
    return make.capped_line(billing=capped("20000", scope=CapScope.PERIOD))


@pytest.mark.parametrize("line", [*make.LINES.values(), _capped_each_month], ids=lambda line: line().title)
@pytest.mark.parametrize("frequency", [*BillingFrequency])
@pytest.mark.parametrize("basis", [*PeriodBasis])
@pytest.mark.parametrize(
    ("start", "end"),
    [(date(2026, 6, 1), date.max), (date.max, date.max), (date.min, date.min), (date.min, date.max)],
)
def test_the_first_and_the_last_day_of_the_calendar_are_findings(
    line: Callable[..., OpportunityLine],
    frequency: BillingFrequency,
    basis: PeriodBasis,
    start: date,
    end: date,
) -> None:
    """Of every model: nothing overflows, and nothing is computed month by month for eight thousand years."""
    terms = contract(billing_frequency=frequency, billing_periods=basis)
    deal = make.opportunity(line(), starts_on=start, ends_on=end, contract=terms)

    codes = {found.code for found in validate(deal, make.facts()) if found.severity is Severity.BLOCKS}

    far = {"DATE_FAR_AWAY"} if start.year != 2026 else set()
    assert codes - {"START_BEFORE_WON"} == far | ({"RUN_TOO_LONG"} if start < end else set())


def test_a_purchase_order_may_be_valid_until_the_calendars_last_day() -> None:
    assert validate(ordered(po_expires_on=date.max), make.facts()) == ()


@pytest.mark.parametrize("day", [date.max, date.min])
def test_a_milestone_or_a_signing_on_such_a_day_is_a_finding_too(day: date) -> None:
    deal = make.opportunity(first_planned_on(day), contract=contract(signed_on=day))

    far = [found.path for found in validate(deal, make.facts()) if found.code == "DATE_FAR_AWAY"]

    assert far == ["/contract/signed_on", "/lines/0/milestones/0/planned_on"]


def test_a_deal_without_lines_misses_what_its_lines_would_have_told() -> None:
    deal = changed(make.opportunity(amount=1), lines=())

    paths = [found.path for found in validate(deal, make.facts())]

    assert paths == ["/service_line", "/billing_model", "/lines"]


def test_a_yen_has_no_cents() -> None:
    facts = make.facts(legal_entity=make.legal_entity(currencies=("EUR", "JPY")))
    deal = make.opportunity(make.fixed_line(unit_price="10000.5", net="10000.5"), currency="JPY")

    assert {found.code for found in validate(deal, facts)} == {"AMOUNT_TOO_FINE"}


def test_a_field_that_every_line_has_is_not_missed_on_the_deal() -> None:
    line = make.fixed_line(
        delivery_region="DACH", starts_on=date(2026, 6, 1), ends_on=date(2026, 6, 30), billing_model="fixed_fee"
    )

    assert validate(make.opportunity(line, region=None, starts_on=None, ends_on=None), make.facts()) == ()


def test_the_longest_texts_a_crm_can_send_still_give_findings() -> None:
    line = make.time_line(description="x" * 2_000, role=None)

    assert [found.code for found in validate(make.opportunity(line), make.facts())] == ["FIELD_MISSING"]


_EMPTY_LINE = make.time_line(
    role=None, service_line=None, billing_model=None, starts_on=None, currency=None, product_name=None
)
_NUMBERS = st.sampled_from(["0", "-1", "0.0000000001", "999999999999999999", "1E+17", "14400"]).map(Decimal)
_OPTIONAL = {
    "account": st.sampled_from([None, make.account(), make.account(code=None, country=None)]),
    "owner": st.sampled_from([None, make.owner(email=None)]),
    "amount": st.none() | _NUMBERS,
    "currency": st.sampled_from([None, "EUR", "USD", "KWD", "nonsense"]),
    "won_on": st.none() | st.dates(),
    "starts_on": st.none() | st.dates() | st.just(date.max),
    "ends_on": st.none() | st.dates() | st.just(date.max),
    "billing_model": st.sampled_from([None, "?", *BillingModelCode]),
    "contracting_entity": st.sampled_from([None, "ACME-DE"]),
    "region": st.sampled_from([None, "DACH"]),
    "lines": st.lists(
        st.builds(
            lambda line, quantity, price, net: changed(line, quantity=quantity, unit_price=price, net=net),
            st.sampled_from([_EMPTY_LINE, *(line() for line in make.LINES.values())]),
            _NUMBERS,
            _NUMBERS,
            _NUMBERS,
        ),
        max_size=3,
    ).map(tuple),
}


BROKEN_DEALS = st.fixed_dictionaries(_OPTIONAL).map(lambda fields: changed(make.opportunity(), **fields))


@given(
    deal=BROKEN_DEALS,
    entity=st.sampled_from([None, make.legal_entity()]),
    customer=st.sampled_from([CustomerMatch(), make.match_of(None), make.match_of(make.GLOBEX)]),
)
def test_no_deal_is_so_broken_that_validation_fails(
    deal: Opportunity, entity: object, customer: CustomerMatch
) -> None:
    for found in validate(deal, make.facts(legal_entity=entity, customer=customer)):
        assert found.message
        assert found.path.startswith("/")


@pytest.mark.parametrize(
    "deal",
    [
        ordered(po_expires_on=date(2026, 9, 15)),
        make.opportunity(account=make.account(po_required=True), contract=contract()),
        make.opportunity(starts_on=date(2026, 4, 4)),
    ],
)
def test_what_is_just_in_time_is_in_time(deal: Opportunity) -> None:
    assert validate(deal, make.facts(books_open_until=deal.ends_on)) == ()


def test_a_purchase_order_blocks_once_it_expired_and_warns_before() -> None:
    expired, expiring = (
        validate(ordered(po_expires_on=day), make.facts()) for day in (date(2026, 5, 3), date(2026, 5, 4))
    )

    assert [found.severity for found in (*expired, *expiring)] == [Severity.BLOCKS, Severity.WARNS]


def test_an_erp_that_invoices_in_any_currency_takes_hours_in_a_foreign_one() -> None:
    anywhere = make.facts(erp=make.erp(own_currency_only=frozenset()))

    assert validate(make.opportunity(currency="USD"), anywhere) == ()


def test_a_new_customer_is_waited_for_where_the_erp_does_not_let_us_create_it() -> None:
    allowed = make.legal_entity(creates_customers=True)
    deal = make.opportunity()

    created = make.facts(customer=make.match_of(None), legal_entity=allowed)
    by_hand = make.changed(created, erp=make.erp(creates_customers=False))

    assert validate(deal, created) == ()
    assert [found.code for found in validate(deal, by_hand)] == ["ACCOUNT_UNKNOWN"]


BY_CONTRACT = BillingPolicy(periods=PeriodBasis.CONTRACT)
MISMATCH = "MONTHS_MISMATCH"
# From 15 June: twelve months end on 14 June, and the thirteenth from 15 July has 31 days.
HALF_A_MONTH = {
    "quantity": Decimal("13.5"),
    "net": Decimal(54_000),
    "starts_on": date(2026, 6, 15),
    "billing": BillingTerms(retainer=Retainer(hours=20), periods=PeriodBasis.CONTRACT),
}
A_YEAR = {"quantity": 12, "unit_price": 1_000, "net": 12_000, "starts_on": date(2026, 6, 15)}


@pytest.mark.parametrize("line", [make.retainer_line, make.recurring_line])
@pytest.mark.parametrize(
    ("months", "ends_on", "runs"),
    [
        ("12", date(2027, 6, 14), None),
        ("12", date(2027, 6, 20), "12 months and 6 days"),
        ("12", date(2027, 6, 10), "11 months and 27 days"),
        ("12", date(2027, 5, 14), "11 months"),
        ("12.4", date(2027, 6, 14), "12 months"),
        ("12.02", date(2027, 6, 14), "12 months"),
        ("12.5", date(2027, 6, 29), None),  # half a month is 15 days of 30
        ("12.5", date(2027, 6, 30), "12 months and 16 days"),
        ("12.5", date(2027, 6, 28), "12 months and 14 days"),
        ("12.5", date(2027, 7, 3), "12 months and 19 days"),
        ("11.99", date(2027, 6, 15), "12 months and 1 day"),
    ],
)
def test_months_of_the_contract_are_sold_as_it_has_them(
    line: Callable[..., OpportunityLine], months: str, ends_on: date, runs: str | None
) -> None:
    """A month that was sold costs its price: it is not made cheaper or dearer by days before or after."""
    quantity = Decimal(months)
    sold = line(**(A_YEAR | {"quantity": quantity, "net": quantity * 1_000, "ends_on": ends_on}))
    own = changed(sold, billing=changed(sold.billing, periods=PeriodBasis.CONTRACT))
    by_policy = make.facts(legal_entity=make.legal_entity(billing_policy=BY_CONTRACT))

    by_terms = validate(make.opportunity(own), make.facts())

    assert by_terms == validate(make.opportunity(sold), by_policy)
    assert [found.code for found in by_terms] == (["MONTHS_MISMATCH"] if runs else [])
    assert all(
        f"runs from 2026-06-15 to {ends_on}: {runs} of the contract" in found.message for found in by_terms
    )


@given(
    st.dates(date(2026, 1, 1), date(2029, 12, 31)),
    st.integers(0, 30),
    st.integers(1, 30),
    st.sampled_from([-1, 1]),
)
def test_a_part_of_a_month_runs_for_the_days_that_were_sold(
    start: date, months: int, days: int, more: int
) -> None:
    """A person types 12.48 months for 12 months and 15 days of 31: a day more or less is another quantity."""
    begin, after = months_later(start, months), months_later(start, months + 1)
    length = (after - begin).days
    days = min(days, length - 1)

    def told(days_sold: int) -> list[str]:
        quantity = round(Decimal(months) + Decimal(days_sold) / length, 2)
        line = make.retainer_line(
            quantity=quantity,
            net=quantity * 4_000,
            starts_on=start,
            ends_on=begin + timedelta(days=days - 1),
            billing=BillingTerms(retainer=Retainer(hours=20), periods=PeriodBasis.CONTRACT),
        )
        return [
            found.code for found in validate(make.opportunity(line), make.facts()) if found.code == MISMATCH
        ]

    assert told(days) == []
    assert told(days + more) == [MISMATCH]


def test_half_a_month_of_31_days_is_15_or_16() -> None:
    def told(ends_on: date) -> list[str]:
        line = make.retainer_line(**(HALF_A_MONTH | {"ends_on": ends_on}))
        return [found.code for found in validate(make.opportunity(line), make.facts())]

    ends = [date(2027, 7, day) for day in (28, 29, 30, 31)]
    assert [told(day) for day in ends] == [[MISMATCH], [], [], [MISMATCH]]


def test_the_months_that_were_sold_say_when_the_contract_ends() -> None:
    sold = make.retainer_line(**A_YEAR, ends_on=date(2027, 6, 20))
    own = changed(sold, billing=changed(sold.billing, periods=PeriodBasis.CONTRACT))

    (found,) = validate(make.opportunity(own), make.facts())

    assert found.fix.startswith("12 months from 2026-06-15 end on 2027-06-14.")


def test_calendar_months_may_miss_the_months_sold_by_half_a_month() -> None:
    sold = make.retainer_line(**A_YEAR, ends_on=date(2027, 6, 20))
    calendar = changed(sold, billing=changed(sold.billing, periods=PeriodBasis.CALENDAR))
    by_policy = make.facts(legal_entity=make.legal_entity(billing_policy=BY_CONTRACT))

    assert validate(make.opportunity(calendar), by_policy) == ()
