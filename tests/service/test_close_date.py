"""A close date that has not begun where the entity is: the deal waits for its day, and nobody has to act."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from oppsync.domain.values.model import require
from oppsync.domain.work.states import State
from oppsync.services.insight.commands import PreviewPlan
from sandbox.firm import deals
from tests.harness.builders import TENANT
from tests.harness.house import House

BERLIN = ZoneInfo("Europe/Berlin")


def test_a_deal_won_where_tomorrow_has_begun_waits_until_it_begins_here(house: House) -> None:
    today = house.application.clock.now().astimezone(BERLIN).date()
    record_id = house.win(deals.time_and_materials(today + timedelta(days=1)))

    house.work()

    waiting = house.opportunity(record_id)
    assert (waiting.state, house.exceptions(record_id)) == (State.RECEIVED, [])
    assert require(waiting.waits_for, "the reason").startswith(f"The close date {today + timedelta(days=1)}")
    assert abs(require(waiting.next_at, "when it goes on") - _midnight(today)) < timedelta(seconds=5)
    assert house.timeline(record_id).count("moment.awaited.v1") == 1
    shown = house.application.dispatch(PreviewPlan(TENANT, house.operator, waiting.id))
    assert (shown.waits_until, shown.is_blocked) == (_midnight(today), False)

    house.skip_waiting()  # woken too early, it waits on
    house.work()
    assert house.opportunity(record_id).waits_for == waiting.waits_for
    assert house.timeline(record_id).count("moment.awaited.v1") == 1

    house.edit(record_id, opportunity={"CloseDate": today.isoformat()})
    house.settle()

    assert house.state(record_id) is State.AWAITING_APPROVAL
    assert house.opportunity(record_id).waits_for is None
    assert house.exceptions(record_id) == []


def test_a_close_date_of_next_week_is_a_finding(house: House) -> None:
    record_id = house.win(deals.time_and_materials(house.application.clock.now().date() + timedelta(days=7)))

    house.settle()

    assert house.exception(record_id).code == "WON_IN_THE_FUTURE"


def _midnight(today: date) -> datetime:
    return datetime.combine(today + timedelta(days=1), datetime.min.time(), BERLIN)
