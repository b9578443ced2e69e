"""Split rules: which lines become which workstreams, under keys that no order and no other line changes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from oppsync.domain.deal.billing_terms import BillingTerms, Cap
from oppsync.domain.deal.opportunity import BillingModelCode, Opportunity
from oppsync.domain.enrichment.enrich import enrich
from oppsync.domain.plan.enrichment import Enrichment
from oppsync.domain.plan.plan import ROOT_PATH, plan_hash
from oppsync.domain.plan.workstream import Workstream
from oppsync.domain.planning.split import split
from oppsync.domain.reference.book import ReferenceBook, ReferenceKind, ReferenceRow
from oppsync.domain.reference.splitting import LineAttribute, SplitPhase, SplitRule, key_part
from oppsync.domain.values.model import changed
from oppsync.domain.values.money import Money
from tests.harness import builders as make
from tests.harness.random_deals import ANY_BOOK, ANY_RATES, CURRENCIES, deals, profile

BY_FAMILY = SplitRule(
    code="by-family", order=10, when={"product_family": ["Platform"]}, group_by=["product_family"]
)
PHASES = (
    SplitPhase(code="design", name="Design", percent="30"),
    SplitPhase(code="build", name="Build", percent="60"),
    SplitPhase(code="run", name="Run", percent="10"),
)
IN_PHASES = SplitRule(code="phased", order=20, when={"service_line": ["CLOUD"]}, phases=PHASES)


def row(rule: SplitRule) -> ReferenceRow:
    return ReferenceRow(
        kind=ReferenceKind.SPLIT_RULE,
        key=rule.code,
        valid_from=date(2026, 1, 1),
        value=rule.model_dump(mode="json"),
    )


def book(*rules: SplitRule, more: tuple[ReferenceRow, ...] = ()) -> ReferenceBook:
    return make.book(*map(row, rules), *more, without=frozenset({ReferenceKind.SPLIT_RULE}))


def workstreams(deal: Opportunity, *rules: SplitRule) -> tuple[Workstream, ...]:
    return split(deal, make.enrichment(deal, book(*rules)))


def platform(line_id: str, net: int, **changes: Any) -> Any:
    return make.fixed_line(id=line_id, product_family="Platform", unit_price=net, net=net, **changes)


def test_lines_of_one_family_become_one_workstream() -> None:
    deal = make.opportunity(platform("00kL1", 10_000), platform("00kL2", 5_000), make.time_line(id="00kL3"))

    alone, grouped = workstreams(deal, BY_FAMILY)

    assert (alone.key, alone.name) == ("00kL3", "Senior consulting")
    assert (grouped.key, grouped.name) == ("by-family.platform.cloud.dach.fixed-fee", "Platform")
    assert (grouped.amount.text, grouped.hours) == ("15000.00", Decimal(120))


def test_a_group_with_the_same_terms_is_billed_as_one() -> None:
    deal = make.opportunity(platform("00kL1", 10_000), platform("00kL2", 5_000))

    root = make.content(deal, book(BY_FAMILY)).node(ROOT_PATH)

    assert [(line.path, line.amount.text) for line in root.lines] == [
        (f"by-family.platform.cloud.dach.fixed-fee/dated/2026-{month:02}", "3750.00") for month in (6, 7, 8, 9)
    ]


def test_lines_of_a_group_with_other_terms_are_billed_each_by_itself() -> None:
    senior = make.time_line(product_family="Platform")
    junior = make.time_line(
        id="00kL2", product_family="Platform", role="Consultant", quantity=200, unit_price=130, net=23_400
    )

    root = make.content(make.opportunity(senior, junior), book(BY_FAMILY)).node(ROOT_PATH)

    assert (root.amount.text, root.hours) == ("37800.00", Decimal(300))
    assert [(line.path, line.role, line.rate, line.amount.text) for line in root.lines] == [
        ("00kL1/time/senior-consultant", "Senior Consultant", Decimal(144), "14400.00"),
        ("00kL2/time/consultant", "Consultant", Decimal(117), "23400.00"),
    ]


def test_what_a_group_takes_back_is_a_workstream_of_its_own() -> None:
    taken_back = make.credit(platform("00kL3", 2_000))
    charged, credited = workstreams(
        make.opportunity(platform("00kL1", 10_000), platform("00kL2", 5_000), taken_back), BY_FAMILY
    )

    assert credited.key == f"{charged.key}.credit"
    assert credited.name == f"{charged.name}, credit"
    assert [each.amount.text for each in (charged, credited)] == ["15000.00", "-2000.00"]
    assert (charged.is_credit, credited.is_credit) == (False, True)


def test_lines_with_dates_of_their_own_make_one_workstream_over_their_whole_run() -> None:
    early = platform("00kL1", 3_000, ends_on=date(2026, 6, 30))
    late = platform("00kL2", 6_000, starts_on=date(2026, 8, 1))

    root = make.content(make.opportunity(early, late), book(BY_FAMILY)).node(ROOT_PATH)

    assert (root.starts_on, root.ends_on) == (date(2026, 6, 1), date(2026, 9, 15))
    assert [(line.path, line.amount.text) for line in root.lines] == [
        ("00kL1/dated/2026-06", "3000.00"),
        ("00kL2/dated/2026-08", "3000.00"),
        ("00kL2/dated/2026-09", "3000.00"),
    ]


@pytest.mark.parametrize(
    "other",
    [{"billing_model": "milestone", "milestones": make.milestone_line().milestones}, {"delivery_region": "NA"}],
    ids=["billing model", "delivery region"],
)
def test_what_decides_billing_template_or_cost_centre_is_never_mixed(other: dict[str, Any]) -> None:
    deal = make.opportunity(platform("00kL1", 10_000), platform("00kL2", 20_000, **other))

    assert [ws.amount.text for ws in workstreams(deal, BY_FAMILY)] == ["10000.00", "20000.00"]


def test_one_more_line_leaves_the_other_workstreams_under_their_keys() -> None:
    lines = [platform("00kL1", 10_000), make.time_line(id="00kL3"), make.milestone_line(id="00kL4")]
    more = [
        make.time_line(id="00kL0", product_family="Platform"),
        platform("00kL2", 5_000, delivery_region="NA"),
        platform("00kL9", 1),
    ]

    before = [ws.key for ws in workstreams(make.opportunity(*lines), BY_FAMILY)]
    after = [ws.key for ws in workstreams(make.opportunity(*more, *lines), BY_FAMILY)]

    assert set(before) < set(after)
    assert len(after) == len(before) + 2


def test_a_line_is_spread_over_phases_by_percent() -> None:
    deal = make.opportunity(make.fixed_line(net="10000.01", unit_price="10000.01", planned_hours="61"))

    phased = workstreams(deal, IN_PHASES)

    # 107 days: 32.1 and 96.3 are reached after 32 and 96 whole days.
    assert [
        (ws.key, ws.name, ws.amount.text, ws.hours, ws.starts_on.isoformat(), ws.ends_on.isoformat())
        for ws in phased
    ] == [
        (
            "phased.00kL2.design",
            "Cloud foundation: Design",
            "3000.00",
            Decimal("18.3"),
            "2026-06-01",
            "2026-07-02",
        ),
        (
            "phased.00kL2.build",
            "Cloud foundation: Build",
            "6000.01",
            Decimal("36.6"),
            "2026-07-03",
            "2026-09-04",
        ),
        ("phased.00kL2.run", "Cloud foundation: Run", "1000.00", Decimal("6.1"), "2026-09-05", "2026-09-15"),
    ]


def test_a_group_is_spread_as_a_whole() -> None:
    rule = changed(BY_FAMILY, phases=PHASES)
    deal = make.opportunity(platform("00kL1", 1_000), platform("00kL2", 2_000))

    assert [(ws.key.rsplit(".", 1)[1], ws.name, ws.amount.text) for ws in workstreams(deal, rule)] == [
        ("design", "Platform: Design", "900.00"),
        ("build", "Platform: Build", "1800.00"),
        ("run", "Platform: Run", "300.00"),
    ]


def test_a_run_of_fewer_days_than_phases_gives_every_phase_a_day_within_it() -> None:
    day = date(2026, 6, 1)
    deal = make.opportunity(make.fixed_line(starts_on=day, ends_on=day))

    assert [(ws.starts_on, ws.ends_on) for ws in workstreams(deal, IN_PHASES)] == [(day, day)] * 3


def test_milestones_cannot_be_spread() -> None:
    result = enrich(make.opportunity(make.milestone_line()), book(IN_PHASES))

    assert not isinstance(result, Enrichment)
    (found,) = result
    assert (found.code, found.path, found.value) == ("SPLIT_NOT_POSSIBLE", "/lines/0", "phased")
    assert "Cloud migration" in found.message


def test_the_first_rule_whose_conditions_all_hold_takes_the_line() -> None:
    first = changed(IN_PHASES, code="a", order=1, when={"phase": ["Discovery"], "legal_entity": ["acme-de"]})
    deal = make.opportunity(
        platform("00kL1", 10_000, phase="discovery"),
        platform("00kL2", 10_000, phase="Rollout"),
        make.fixed_line(id="00kL3", phase="Discovery"),
    )

    keys = [ws.key for ws in workstreams(deal, BY_FAMILY, first)]

    assert keys == [
        "a.00kL1.design",
        "a.00kL1.build",
        "a.00kL1.run",
        "a.00kL3.design",
        "a.00kL3.build",
        "a.00kL3.run",
        "by-family.platform.cloud.dach.fixed-fee",
    ]


def test_lines_without_the_value_are_a_group_of_their_own() -> None:
    rule = SplitRule(code="p", order=1, group_by=["phase"])
    deal = make.opportunity(platform("00kL1", 1), platform("00kL2", 2), platform("00kL3", 4, phase="Pilot"))

    assert [(ws.key, ws.name, ws.amount.text) for ws in workstreams(deal, rule)] == [
        ("p._.cloud.dach.fixed-fee", "no phase", "3.00"),
        ("p.pilot.cloud.dach.fixed-fee", "Pilot", "4.00"),
    ]


def test_a_rule_of_another_year_is_not_asked() -> None:
    over = changed(row(BY_FAMILY), valid_from=date(2025, 1, 1), valid_to=date(2026, 1, 1))
    deal = make.opportunity(platform("00kL1", 1), platform("00kL2", 2))

    assert [ws.key for ws in split(deal, make.enrichment(deal, book(more=(over,))))] == ["00kL1", "00kL2"]


def test_a_plan_tells_which_rules_it_used() -> None:
    deal = make.opportunity(platform("00kL1", 1))

    used = make.enrichment(deal, book(BY_FAMILY, IN_PHASES)).used

    assert [use.key for use in used if use.kind is ReferenceKind.SPLIT_RULE] == ["by-family"]


@pytest.mark.parametrize(
    ("phases", "said"),
    [
        (
            [{"code": "a", "name": "A", "percent": 60}, {"code": "b", "name": "B", "percent": 50}],
            "60 % \\+ 50 %",
        ),
        ([{"code": "a", "name": "A", "percent": 110}, {"code": "b", "name": "B", "percent": -10}], "above 0 %"),
        ([{"code": "a", "name": "A", "percent": 50}, {"code": "a", "name": "B", "percent": 50}], "same code"),
    ],
)
def test_a_rule_whose_phases_are_not_whole_is_refused(phases: list[dict[str, Any]], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        SplitRule(code="x", order=1, phases=phases)


def test_values_that_differ_have_parts_that_differ() -> None:
    values = ["C", "C#", "C++", "###", "Data & AI", "Data / AI", "クラウド", "x" * 60, "x" * 61, None]

    assert len({key_part(value) for value in values}) == len(values)
    assert key_part("Data  AI") == key_part("data ai")


def test_a_key_leaves_room_for_the_paths_below_it() -> None:
    rule = SplitRule(code="r" * 60, order=1, group_by=["product_family", "phase"])
    lines = [platform("00kL1", 1, phase=f"{'p' * 100}{n}") for n in (1, 2)]

    keys = {workstreams(make.opportunity(line), rule)[0].key for line in lines}

    assert len(keys) == 2
    assert max(map(len, keys)) <= 80


# Random deals under random rules.


@st.composite
def rules(draw: st.DrawFn) -> SplitRule:
    group_by = draw(st.lists(st.sampled_from(LineAttribute), max_size=3, unique=True))
    cuts = sorted(draw(st.sets(st.integers(1, 999), max_size=4))) if draw(st.booleans()) else None
    phases = [
        SplitPhase(code=f"p{low}", name="Phase", percent=Decimal(high - low) / 10)
        for low, high in (zip([0, *cuts], [*cuts, 1_000], strict=True) if cuts is not None else ())
    ]
    when = {"billing_model": sorted(set(BillingModelCode) - {BillingModelCode.MILESTONE})} if phases else {}
    return SplitRule(code=draw(st.sampled_from("abc")), order=1, when=when, group_by=group_by, phases=phases)


def _hours(workstreams: tuple[Workstream, ...]) -> Decimal:
    return sum((ws.hours or Decimal(0) for ws in workstreams), start=Decimal(0))


@profile(25)
@given(deal=deals(), rule=rules(), data=st.data())
def test_no_rule_loses_a_minor_unit_or_a_minute_or_looks_at_the_order(
    deal: Opportunity, rule: SplitRule, data: st.DataObject
) -> None:
    reference = book(rule, more=ANY_RATES)
    shuffled = changed(deal, lines=data.draw(st.permutations(deal.lines)))

    by_rule = split(deal, make.enrichment(deal, reference))
    one_each = split(deal, make.enrichment(deal, ANY_BOOK))

    assert deal.currency in CURRENCIES
    assert Money.total((ws.amount for ws in by_rule), deal.currency).amount == deal.amount
    assert _hours(by_rule) == _hours(one_each)
    assert len({ws.key for ws in by_rule}) == len(by_rule)
    assert plan_hash(make.content(shuffled, reference)) == plan_hash(make.content(deal, reference))


def test_the_hours_and_caps_of_a_group_add_up() -> None:
    capped = [make.capped_line(id=name, product_family="Platform") for name in ("00kL1", "00kL2")]
    retainers = [make.retainer_line(id=name, product_family="Platform") for name in ("00kL3", "00kL4")]

    by_month, by_hours = workstreams(make.opportunity(*capped, *retainers), BY_FAMILY)

    assert by_month.terms.retainer is not None
    assert by_hours.terms.cap is not None
    assert (by_hours.terms.cap.amount, by_month.terms.retainer.hours) == (Decimal(40_000), Decimal(40))


@pytest.mark.parametrize(
    ("scope", "caps"), [("workstream", ["3000.01", "6000.01", "1000.00"]), ("contract", ["10000.02"] * 3)]
)
def test_phases_share_the_cap_of_their_workstream(scope: str, caps: list[str]) -> None:
    terms = BillingTerms(cap=Cap(amount="10000.02", scope=scope))
    line = make.capped_line(service_line="Cloud", quantity=50, net=7_200, billing=terms)

    found = [each.terms.cap for each in workstreams(make.opportunity(line), IN_PHASES)]

    assert [str(cap.amount) for cap in found if cap] == caps


@pytest.mark.parametrize("line", [make.fixed_line, make.progress_line])
def test_a_cent_in_two_phases_is_invoiced_in_one(line: Callable[..., Any]) -> None:
    halves = [{"code": code, "name": code.upper(), "percent": 50} for code in ("a", "b")]
    deal = make.opportunity(line(unit_price="0.01", net="0.01", quantity=1, discount_percent=0))

    content = make.content(deal, book(SplitRule(code="phased", order=1, phases=halves)))

    assert [each.amount.text for _, each in content.billing_lines()] == ["0.01"]
