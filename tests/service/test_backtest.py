"""The last won deals are tried by changed rows, each as of its own day: what differs is said in money and
people, and no deal changes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date

import pytest

from oppsync.domain.configuration.bundle import fingerprint
from oppsync.domain.policy.approval_rule import ApprovalRule
from oppsync.domain.policy.approval_step import ApprovalStep
from oppsync.domain.reading.backtest import Backtest, Way
from oppsync.domain.reference.book import ReferenceKind, ReferenceRow
from oppsync.domain.values.actor import COMMAND_LINE
from oppsync.domain.values.model import changed
from oppsync.domain.values.money import Money
from oppsync.kernel.errors import Forbidden, InvalidInput
from oppsync.services.configuration.commands import (
    Applied,
    ApplyConfiguration,
    BacktestConfiguration,
    CompareConfiguration,
)
from sandbox.firm import deals
from sandbox.firm.demo_firm import bundle
from tests.harness.builders import TENANT
from tests.harness.house import DELIVERY, WON_ON, House
from tests.service.test_across_deals import fee
from tests.service.test_overrides import override

FIRM, ROWS = bundle()
K = ReferenceKind
JANUARY, YEAR_BEFORE = date(2026, 1, 1), date(2025, 1, 1)
CONSULTANT = "DACH|Consultant|EUR"


def tried(house: House, rows: Sequence[ReferenceRow], last: int = 100, as_of: date | None = None) -> Backtest:
    return house.application.dispatch(BacktestConfiguration(TENANT, COMMAND_LINE, rows, last, as_of))


def with_row(kind: K, key: str, since: date = JANUARY, **value: object) -> list[ReferenceRow]:
    """The demo firm's rows, this one with other values."""
    return [
        changed(row, value={**row.value, **value})
        if (row.kind, row.key, row.valid_from) == (kind, key, since)
        else row
        for row in ROWS
    ]


def with_rule(since: date = JANUARY, **conditions: object) -> list[ReferenceRow]:
    limit = Money(amount="1000000.00", currency="USD")
    rule = ApprovalRule.model_validate({"up_to": limit, "known_customers_only": False, **conditions})
    row = ReferenceRow(kind=K.APPROVAL_RULE, key="small", valid_from=since, value=rule.model_dump(mode="json"))
    return [*ROWS, row]


def test_rates_that_cost_more_leave_less_of_each_deal_and_no_deal_changes(house: House) -> None:
    hours, fee = house.to_active(deals.time_and_materials(WON_ON)), house.to_approval(deals.milestone(WON_ON))
    before = [house.plan(each).hash for each in (hours, fee)]
    dearer = with_row(K.COST_RATE, CONSULTANT, YEAR_BEFORE, hourly="100")

    found = tried(house, dearer)

    assert (found.tried, found.differing, found.not_kept) == (2, 1, 0), found
    (row,) = found.rows
    assert (row.source_id, row.ways, row.won_on) == (hours, (Way.PRICED,), WON_ON)
    assert "margin percent" in row.what
    cost = next(each for each in found.sums if (each.what, each.currency) == ("cost", "EUR"))
    assert cost.after - cost.before == Money(amount="7200.00", currency="EUR")  # 200 hours at 36 more
    assert row.total_before == row.total_after == house.plan(hours).plan.content.total
    assert [house.plan(each).hash for each in (hours, fee)] == before
    assert found.approvals == tried(house, ROWS).approvals
    assert tried(house, ROWS).differing == 0


def test_a_deal_that_would_be_stopped_is_named_with_its_money_and_the_finding(house: House) -> None:
    record_id = house.to_approval(deals.fixed_fee(WON_ON))
    total = house.plan(record_id).plan.content.total

    found = tried(house, [row for row in ROWS if row.kind is not K.PROJECT_TEMPLATE])

    (row,) = found.rows
    assert (row.ways, row.total_before, row.total_after) == ((Way.ENRICHED,), total, None)
    assert "No project template is set for" in row.what
    assert (found.stopped, found.freed) == (1, 0)
    assert (found.sums, found.approvals) == ((), ())
    assert [(each.what, each.before, each.after) for each in found.findings] == [("TEMPLATE_MISSING", 0, 1)]


def test_where_every_deal_stops_by_both_it_says_that_nothing_is_shown(house: House) -> None:
    """On that day no row of the demo firm holds."""
    house.to_approval(deals.fixed_fee(WON_ON))
    dearer = with_row(K.COST_RATE, CONSULTANT, YEAR_BEFORE, hourly="100")

    found = tried(house, dearer, as_of=date(2001, 1, 1))

    assert (found.tried, found.stopped, found.stopped_by_both) == (1, 0, 1)
    assert found.in_words == "all 1 deals that were tried are stopped by the rows of now and by these"
    assert tried(house, dearer).stopped_by_both == 0


def from_then_on(day: date, hourly: str = "100") -> list[ReferenceRow]:
    """The demo firm's rows, a consultant's cost another from `day` on."""
    costs = [row for row in ROWS if (row.kind, row.key) == (K.COST_RATE, CONSULTANT)]
    ended = [changed(row, valid_to=day) if row in costs else row for row in ROWS]
    return [*ended, *(changed(row, valid_from=day, value={**row.value, "hourly": hourly}) for row in costs)]


OCTOBER = date(2026, 10, 1)


def test_a_rate_that_rises_later_shows_which_deals_would_cost_more(house: House) -> None:
    hours = house.to_approval(deals.time_and_materials(WON_ON))

    found = tried(house, from_then_on(OCTOBER))

    (row,) = found.rows
    assert (row.source_id, row.ways) == (hours, (Way.PRICED,))
    cost = next(each for each in found.sums if (each.what, each.currency) == ("cost", "EUR"))
    assert cost.after - cost.before == Money(amount="7200.00", currency="EUR")  # 200 hours at 36 more
    assert (found.begin_later, found.untouched, found.as_of) == (2, 0, None)
    assert (found.first_won, found.last_won) == (WON_ON, WON_ON)


def test_a_row_that_is_on_the_way_already_is_the_one_that_a_later_change_is_compared_with(house: House) -> None:
    house.to_approval(deals.time_and_materials(WON_ON))
    house.application.dispatch(ApplyConfiguration(TENANT, COMMAND_LINE, FIRM, from_then_on(OCTOBER, "90")))

    found = tried(house, from_then_on(OCTOBER, "100"))

    cost = next(each for each in found.sums if (each.what, each.currency) == ("cost", "EUR"))
    assert cost.after - cost.before == Money(amount="2000.00", currency="EUR")  # 200 hours at 10 more
    assert found.begin_later == 1


def test_what_ends_later_without_a_successor_is_missing(house: House) -> None:
    house.to_approval(deals.time_and_materials(WON_ON))
    ended = [changed(row, valid_to=OCTOBER) if row.kind is K.PROJECT_TEMPLATE else row for row in ROWS]

    found = tried(house, ended)

    assert found.stopped == 1
    assert [each.what for each in found.findings] == ["TEMPLATE_MISSING"]


def test_what_began_before_the_last_deal_counts_for_those_won_since(house: House) -> None:
    """Each as of its own day: which of them a row meant is not asked of the day of the backtest."""
    house.to_approval(deals.time_and_materials(date(2026, 2, 2)))
    latest = house.to_approval(deals.time_and_materials(WON_ON))

    found = tried(house, from_then_on(date(2026, 3, 1)))

    assert [row.source_id for row in found.rows] == [latest]
    assert (found.begin_later, found.untouched) == (0, 0)


def test_as_of_a_day_all_deals_are_tried_by_its_rows(house: House) -> None:
    house.to_approval(deals.time_and_materials(WON_ON))

    before = tried(house, from_then_on(OCTOBER), as_of=date(2026, 9, 30))
    after = tried(house, from_then_on(OCTOBER), as_of=OCTOBER)

    assert (before.differing, before.untouched, before.as_of) == (0, 2, date(2026, 9, 30))
    assert (after.differing, after.untouched, after.begin_later) == (1, 0, 0)
    assert (after.first_won, after.rows[0].won_on) == (WON_ON, WON_ON)
    unknown = tried(house, from_then_on(OCTOBER), as_of=date(2019, 1, 1))
    assert (unknown.differing, unknown.sums) == (0, ())


def test_rows_that_no_deal_reads_are_counted(house: House) -> None:
    house.to_approval(deals.time_and_materials(WON_ON))
    long_over = ReferenceRow(
        kind=K.COST_RATE,
        key=CONSULTANT,
        valid_from=date(2019, 1, 1),
        valid_to=date(2020, 1, 1),
        value={"hourly": "50"},
    )

    found = tried(house, [*ROWS, long_over])

    assert (found.differing, found.untouched) == (0, 1)


def test_a_rule_that_would_approve_for_people_is_counted_by_its_name(house: House) -> None:
    record_id = house.to_approval(deals.fixed_fee(WON_ON))

    found = tried(house, with_rule())

    (row,) = found.rows
    assert (row.source_id, row.ways) == (record_id, (Way.APPROVED,))
    assert row.approved_before == "finance by a person; delivery by a person"
    assert row.approved_after == "finance by the rule small; delivery by the rule small"
    assert {each.what: (each.before, each.after) for each in found.approvals} == {
        "delivery by a person": (1, 0),
        "delivery by the rule small": (0, 1),
        "finance by a person": (1, 0),
        "finance by the rule small": (0, 1),
    }


def _of_a_customer_who_was_known_only_later(house: House) -> list[ReferenceRow]:
    house.to_active(deals.fixed_fee(WON_ON))
    return with_rule(known_customers_only=True)


def _edited_by_somebody(house: House) -> list[ReferenceRow]:
    record_id = house.to_approval(deals.fixed_fee(WON_ON))
    override(house, record_id)
    house.settle()
    override(house, record_id, value=None, reason="A misunderstanding")
    house.settle()
    return with_rule()


def _warned_of_another_deal(house: House) -> list[ReferenceRow]:
    for name in ("One", "Two"):
        house.to_approval(fee(name, 50_000, number="PO-1", limit=500_000))
    (deal,) = house.rows("select id from opportunities order by id limit 1")
    house.rows("delete from plan_inputs where opportunity_id = :id", id=deal["id"])
    return with_rule(up_to=Money(amount="1000000.00", currency="EUR"))


@pytest.mark.parametrize(
    "happened",
    [
        _of_a_customer_who_was_known_only_later,
        _edited_by_somebody,
        _warned_of_another_deal,
    ],
)
def test_what_would_have_kept_a_rule_from_approving_then_does_so(
    house: House, happened: Callable[[House], list[ReferenceRow]]
) -> None:
    rows = happened(house)

    found = tried(house, rows)

    assert (found.tried, found.differing) == (1, 0), found.rows


def test_only_the_last_are_tried_and_those_of_a_release_before_are_counted(house: House) -> None:
    earlier = house.to_approval(deals.fixed_fee(date(2026, 2, 2)))
    latest = house.to_approval(deals.fixed_fee(WON_ON))
    other = [row for row in ROWS if row.kind is not K.PROJECT_TEMPLATE]

    assert [row.source_id for row in tried(house, other, last=1).rows] == [latest]
    assert [row.source_id for row in tried(house, other, last=2).rows] == [latest, earlier]
    house.rows("delete from plan_inputs")
    assert (tried(house, other).tried, tried(house, other).not_kept) == (0, 2)
    lost = house.to_approval(deals.milestone(WON_ON))
    house.lose(lost)
    house.tell(lost)
    house.settle()
    assert tried(house, other).tried == 0


def test_the_report_is_kept_with_whatever_has_these_rows_and_told_once(house: House) -> None:
    house.to_approval(deals.time_and_materials(WON_ON))
    other = with_row(K.COST_RATE, CONSULTANT, YEAR_BEFORE, hourly="100")
    tried(house, other)
    last = tried(house, other, last=1)

    version = house.application.dispatch(ApplyConfiguration(TENANT, COMMAND_LINE, FIRM, other))

    with house.application.uow.reading() as uow:
        assert uow.configurations.backtest_of(TENANT, fingerprint(other)) == last
        assert uow.configurations.backtest_of(TENANT, fingerprint(ROWS)) is None
    assert version == Applied(2, last.after, 1, waiting=1)
    told = house.rows("select actor, summary from audit where type = 'configuration.backtested.v1'")
    assert [each["summary"] for each in told] == ["Tried 1 won deals by a configuration: 1 would differ"] * 2
    assert {each["actor"] for each in told} == {"command-line"}


def test_who_may_not_propose_or_approve_a_configuration_does_not_try_one(house: House) -> None:
    with pytest.raises(Forbidden):
        house.application.dispatch(BacktestConfiguration(TENANT, house.person(DELIVERY).id, ROWS, 1))
    with pytest.raises(InvalidInput):
        tried(house, ROWS, last=0)


def test_that_a_changed_connection_map_is_not_tried_is_said(house: House) -> None:
    """The record is as the map of then read it, so every deal seems to stay as it is."""
    house.to_approval(deals.fixed_fee(WON_ON))
    settings = {"fields": {"Opportunity.PO_Number__c": ""}}
    value = {"vendor": "salesforce", "settings": settings}
    row = ReferenceRow(kind=K.CONNECTION_MAP, key="Sales", valid_from=JANUARY, value=value)
    compare = CompareConfiguration(TENANT, COMMAND_LINE, FIRM, (*ROWS, row))
    words = (
        "What the changed connection maps (Sales) read of other systems is not tried: "
        "deals are as they were read by the maps of then."
    )

    past, opened = tried(house, [*ROWS, row]), house.application.dispatch(compare).open_deals

    assert (past.tried, past.differing, past.maps_not_tried, past.maps_in_words) == (1, 0, ("Sales",), words)
    assert past.in_words.endswith("; changed connection maps are not tried")
    assert (len(opened.rows), opened.differing, opened.maps_in_words) == (1, (), words)
    assert "maps_not_tried" not in tried(house, ROWS).model_dump()
    with house.application.uow.reading() as uow:
        assert uow.configurations.backtest_of(TENANT, past.after) == past


def test_a_step_whose_amount_has_no_rate_stops_deals_before_they_are_approved(house: House) -> None:
    house.to_approval(deals.fixed_fee(WON_ON))
    amount = Money(amount="50000.00", currency="NOK")
    step = ApprovalStep(name="Large", roles=("finance",), order=2, from_amount=amount)
    row = ReferenceRow(
        kind=K.APPROVAL_STEP, key="large", valid_from=JANUARY, value=step.model_dump(mode="json")
    )

    found = tried(house, [*ROWS, row])

    assert [(each.ways, each.what[:30]) for each in found.rows] == [
        ((Way.APPROVED,), "No exchange rate is set for US")
    ]
