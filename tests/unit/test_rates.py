"""Rate cards, planned cost and margin."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import NamedTuple

import pytest

from oppsync.domain.deal.opportunity import Opportunity
from oppsync.domain.enrichment.enrich import enrich
from oppsync.domain.plan.enrichment import Enrichment
from oppsync.domain.plan.overrides import PlanOverride
from oppsync.domain.plan.plan import ROOT_PATH, PlanContent, RateCardUse, plan_hash
from oppsync.domain.planning.split import split
from oppsync.domain.planning.workstreams import make_workstreams
from oppsync.domain.reference.book import ReferenceBook, ReferenceKind, ReferenceRow, reference_key
from oppsync.domain.values.findings.finding import Finding, Severity
from oppsync.domain.values.model import changed
from oppsync.domain.values.money import Money
from tests.harness import builders as make
from tests.unit.test_overrides import override_of
from tests.unit.test_split_rules import IN_PHASES

BEGIN = date(2026, 1, 1)
GENERAL = "DACH|Senior Consultant|EUR"
MARGINS = frozenset({ReferenceKind.COST_RATE, ReferenceKind.MARGIN_POLICY})


def row(kind: ReferenceKind, key: str, until: date | None = None, **value: object) -> ReferenceRow:
    return ReferenceRow(kind=kind, key=key, valid_from=BEGIN, valid_to=until, value=value)


def rate(key: str, hourly: str, **value: object) -> ReferenceRow:
    until = value.pop("until", None)
    assert until is None or isinstance(until, date)
    return row(ReferenceKind.RATE_CARD, key, until, card="Globex 2026", hourly=hourly, **value)


def cost(key: str, hourly: str) -> ReferenceRow:
    return row(ReferenceKind.COST_RATE, key, card="cost", hourly=hourly)


def floor(key: str, percent: str, severity: Severity = Severity.WARNS) -> ReferenceRow:
    return row(ReferenceKind.MARGIN_POLICY, key, floor_percent=percent, severity=severity)


TIME = make.opportunity(make.time_line())  # 100 hours at 160 less 10 %: 14,400
FIXED = make.opportunity(make.fixed_line())  # 10,000 with 60 planned hours
UNPLANNED = make.opportunity(make.fixed_line(planned_hours=None))


class Case(NamedTuple):
    """A deal and its reference rows, and its one warning."""

    code: str
    path: str
    value: str
    said: str
    deal: Opportunity
    book: ReferenceBook


CASES = [
    Case(
        "RATE_GAP",
        "/lines/0/role",
        "2026-07-01",
        "no rate for Senior Consultant on 2026-07-01",
        TIME,
        make.book(rate("CUST-1001|" + GENERAL, "160", until=date(2026, 7, 1))),
    ),
    Case(
        "COST_RATE_MISSING",
        "/lines/0/role",
        "Senior Consultant",
        "No cost rate is set for Senior Consultant in DACH in EUR",
        TIME,
        make.book(floor("*", "20"), without=MARGINS),
    ),
    Case(
        "PLANNED_HOURS_MISSING",
        "/lines/0/planned_hours",
        "",
        "Cloud foundation has no planned hours",
        UNPLANNED,
        make.book(floor("*", "20")),
    ),
    Case(
        "MARGIN_BELOW_FLOOR",
        "/amount",
        "30.56 %",
        "sold at EUR 14,400.00, planned cost EUR 10,000.00); at least 40 % are wanted",
        TIME,
        make.book(cost("DACH|*|EUR", "100"), floor("*", "40"), without=MARGINS),
    ),
    Case(
        "MARGIN_BELOW_FLOOR",
        "/lines/0/net",
        "40 %",
        "Cloud foundation has a margin of 40 %",
        FIXED,
        make.book(cost("DACH|*|EUR", "100"), floor("ACME-DE|CLOUD", "40.01"), without=MARGINS),
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.code} {case.path}")
def test_what_is_odd_about_prices_and_margins_is_warned_of(case: Case) -> None:
    (found,) = (*make.enrichment(case.deal, case.book).warnings, *judged(case.deal, case.book))

    assert (found.code, found.path, found.value) == (case.code, case.path, case.value)
    assert (found.severity, case.said in found.message) == (Severity.WARNS, True)


def blocks(deal: Opportunity, book: ReferenceBook) -> tuple[Finding, ...]:
    result = enrich(deal, book)
    assert not isinstance(result, Enrichment)
    return result


def judged(deal: Opportunity, book: ReferenceBook, *overrides: PlanOverride) -> tuple[Finding, ...]:
    """The findings after the split."""
    return make_workstreams(deal, make.enrichment(deal, book), overrides, book, make.DATES).findings


def test_a_policy_may_block_a_thin_margin() -> None:
    rows = (cost("DACH|*|EUR", "100"), floor("*", "10"), floor("ACME-DE", "40", Severity.BLOCKS))

    (found,) = judged(TIME, make.book(*rows, without=MARGINS))

    assert (found.code, found.severity) == ("MARGIN_BELOW_FLOOR", Severity.BLOCKS)


def test_a_margin_on_its_floor_is_good_enough() -> None:
    rows = (cost("DACH|*|EUR", "100"), floor("ACME-DE|CLOUD", "40"), floor("*", "40"))

    assert judged(FIXED, make.book(*rows, without=MARGINS)) == ()


class Planned(NamedTuple):
    """Overrides of a deal with a margin floor for each service line and one for the deal, and the findings that
    follow: the value and the path of each."""

    name: str
    deal: Opportunity
    overrides: tuple[PlanOverride, ...]
    found: list[tuple[str, str, str]]


BELOW = "MARGIN_BELOW_FLOOR"
# Each hour costs 100. Cloud has a floor of 35 %, Advisory one of 60 %, the deal one of 30 %.
FLOORS = make.book(
    cost("DACH|*|EUR", "100"),
    floor("ACME-DE|CLOUD", "35"),
    floor("ACME-DE|ADV", "60"),
    floor("*", "30"),
    without=MARGINS,
)
PLANNED = [
    Planned("as sold", FIXED, (), []),
    Planned(
        "more hours",
        FIXED,
        (override_of("hours", "90"),),
        [(BELOW, "/lines/0/net", "10 %"), (BELOW, "/amount", "10 %")],
    ),
    Planned(
        "more hours, taken back", FIXED, (override_of("hours", "90"), override_of("hours", None, number=2)), []
    ),
    Planned(
        "too many hours in the CRM",
        make.opportunity(make.fixed_line(planned_hours=90)),
        (override_of("hours", "60"),),
        [],
    ),
    Planned("no hours in the CRM", UNPLANNED, (override_of("hours", "60"),), []),
    Planned(
        "another service line", FIXED, (override_of("service_line", "ADV"),), [(BELOW, "/lines/0/net", "40 %")]
    ),
    Planned(
        "one of two lines",
        make.opportunity(make.fixed_line(), make.fixed_line(id="00kL3")),
        (override_of("hours", "90", "00kL3"),),
        [(BELOW, "/lines/1/net", "10 %"), (BELOW, "/amount", "25 %")],
    ),
    Planned("a workstream that is gone", FIXED, (override_of("hours", "90", "00kL9"),), []),
    Planned("what changes no cost", FIXED, (override_of("ends_on", "2026-10-31"),), []),
]


@pytest.mark.parametrize("case", PLANNED, ids=lambda case: case.name)
def test_margins_are_judged_by_the_hours_that_people_plan(case: Planned) -> None:
    findings = judged(case.deal, FLOORS, *case.overrides)

    assert [(found.code, found.path, found.value) for found in findings] == case.found


def test_of_a_line_in_phases_each_phase_is_judged_once_people_plan_one() -> None:
    in_phases = row(ReferenceKind.SPLIT_RULE, IN_PHASES.code, **IN_PHASES.model_dump(mode="json"))
    book = make.book(
        cost("DACH|*|EUR", "100"), floor("ACME-DE|CLOUD", "35"), floor("*", "30"), in_phases, without=MARGINS
    )
    (first, *_rest) = split(FIXED, make.enrichment(FIXED, book))
    assert first.hours is not None
    twice = override_of("hours", str(first.hours * 2), first.key)

    findings = judged(FIXED, book, twice)

    assert {found.message.partition(" has a margin of ")[0] for found in findings} >= {first.name}
    assert judged(FIXED, book) == ()


def test_a_customers_own_rate_comes_first() -> None:
    book = make.book(rate("CUST-1001|" + GENERAL, "155"))
    deal = make.opportunity(make.time_line(unit_price=155, net=13_950))

    found = make.enrichment(deal, book).lines[0].rate

    assert found is not None
    assert (found.card, found.hourly) == ("Globex 2026", Decimal(155))
    (differs,) = blocks(TIME, book)
    assert "was sold at EUR 160.00 an hour, the rate card Globex 2026 has EUR 155.00" in differs.message


def test_the_cards_discount_makes_the_price_that_is_sold() -> None:
    """160 less 5 % is 152; the line's own 10 % come off that: 136.80 an hour, 13,680 for a hundred."""
    book = make.book(rate("CUST-1001|" + GENERAL, "160", discount_percent="5"))
    deal = make.opportunity(make.time_line(unit_price=152, net=13_680))

    (line,) = make.content(deal, book).node(ROOT_PATH).lines

    assert (line.rate, line.amount.text) == (Decimal("136.8"), "13680.00")
    (differs,) = blocks(TIME, book)
    assert "has EUR 160.00 less 5 %" in differs.message


def test_another_customer_pays_the_regions_price() -> None:
    book = make.book(rate("CUST-1004|" + GENERAL, "99"))

    found = make.enrichment(TIME, book).lines[0].rate

    assert found is not None
    assert found.card == "DACH 2026"


def test_the_card_and_its_version_are_frozen_in_the_plan() -> None:
    book = make.book(rate("CUST-1001|" + GENERAL, "160", version="7"))

    assert make.content(TIME, book).node(ROOT_PATH).rate_card == RateCardUse(card="Globex 2026", version="7")
    other = make.book(rate("CUST-1001|" + GENERAL, "160", version="8"))
    assert plan_hash(make.content(TIME, other)) != plan_hash(make.content(TIME, book))


def test_cost_and_margin_of_each_workstream_add_up_to_the_deals() -> None:
    """100 x 88 + 60 x 76 + 400 x 76 = 8,800 + 4,560 + 30,400 = 43,760 of 44,400: 640 or 1.44 % are left."""
    content = make.content(
        make.opportunity(make.time_line(), make.fixed_line(), make.milestone_line(planned_hours=400))
    )

    assert costs(content) == {
        "project": ("43760.00", Decimal("1.44")),
        "00kL1": ("8800.00", Decimal("38.89")),
        "00kL2": ("4560.00", Decimal("54.40")),
        "00kL3": ("30400.00", Decimal("-52.00")),
    }


def test_a_part_of_the_cost_is_not_taken_for_the_whole() -> None:
    content = make.content(make.opportunity())  # the milestone line has no planned hours

    assert set(costs(content)) == {"00kL1", "00kL2"}
    assert content.node(ROOT_PATH).margin_percent is None


def test_a_credit_without_hours_costs_nothing_and_has_no_margin_of_its_own() -> None:
    """1,200 of cost on 10,000 less 2,000: what is left is 85 % of 8,000."""
    taken_back = make.credit(make.fixed_line(id="00kL9", unit_price=2_000, net=2_000, planned_hours=None))
    book = make.book(cost("DACH|*|EUR", "20"), floor("*", "80"), floor("ACME-DE|CLOUD", "80"), without=MARGINS)
    deal = make.opportunity(make.fixed_line(), taken_back)

    assert judged(deal, book) == ()
    assert costs(make.content(deal, book)) == {
        "project": ("1200.00", Decimal("85.00")),
        "00kL2": ("1200.00", Decimal("88.00")),
        "00kL9": ("0.00", None),
    }


def test_a_firm_without_cost_rates_has_the_plans_it_always_had() -> None:
    book = make.book(rate("CUST-1001|" + GENERAL, "160"), without=MARGINS)

    (root,) = make.content(TIME, book).nodes

    assert {"cost", "margin_percent", "rate_card"} & set(root.model_dump(mode="json")) == set()


def costs(content: PlanContent) -> dict[str, tuple[str, Decimal | None]]:
    return {
        node.path: (node.cost.text, node.margin_percent)
        for node in content.nodes
        if isinstance(node.cost, Money)
    }


@pytest.mark.parametrize(
    ("rows", "gap"),
    [
        ([("2026-01-01", None)], None),
        ([("2026-01-01", "2026-05-01"), ("2026-05-01", None)], None),
        ([("2026-01-01", "2026-05-01"), ("2026-05-02", None)], "2026-05-01"),
        ([("2026-03-02", None)], "2026-03-01"),
        ([("2026-01-01", "2026-09-30")], "2026-09-30"),
        ([("2026-01-01", "2026-10-01")], None),
        ([], "2026-03-01"),
    ],
)
def test_the_first_day_without_a_row_is_found(rows: list[tuple[str, str | None]], gap: str | None) -> None:
    kind, value = ReferenceKind.REGION, {"code": "X", "name": "X"}
    book = ReferenceBook(
        ReferenceRow(
            kind=kind,
            key="X",
            valid_from=date.fromisoformat(since),
            valid_to=date.fromisoformat(until) if until else None,
            value=value,
        )
        for since, until in reversed(rows)
    )

    found = book.uncovered(kind, "X", date(2026, 3, 1), date(2026, 9, 30))

    assert found == (date.fromisoformat(gap) if gap else None)


@pytest.mark.parametrize("written", ["cust-1001", "CUST-1001\u200b"])
def test_a_customers_own_card_is_found_in_whatever_spelling_its_code_is_written(written: str) -> None:
    key = reference_key("CUST-1001", "DACH", "Senior Consultant", "EUR")
    own = ReferenceRow(
        kind=ReferenceKind.RATE_CARD,
        key=key,
        valid_from=date(2026, 1, 1),
        value={"card": "Globex", "hourly": "160"},
    )
    deal = make.opportunity(account=make.account(code=written))

    for row in (own, changed(own, key=key.replace("CUST-1001", written))):
        for asked in (deal, make.opportunity()):
            rate = make.enrichment(asked, make.book(row)).lines[0].rate
            assert rate is not None
            assert rate.card == "Globex"
