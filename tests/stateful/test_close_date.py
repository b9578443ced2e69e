"""Named histories of deals that wait for their close date."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from oppsync.domain.work.states import State
from tests.stateful import checks
from tests.stateful.scenes import codes, work
from tests.stateful.simulation import Simulation


def won_on(firm: Simulation, days: int) -> str:
    """A deal whose close date is so many days ahead, read from the CRM and validated."""
    record_id = firm.win()
    firm.change(record_id, won_on=firm.now().date() + timedelta(days=days))
    firm.tell(record_id)
    firm.relay()
    while firm.bag:
        firm.run(0, *firm.bag.pop(0))
    return record_id


def test_a_close_date_that_has_not_begun_is_waited_for_and_nobody_is_told(firm: Simulation) -> None:
    record_id = won_on(firm, 1)

    row = firm.find(record_id)
    assert (row.tracked.state, codes(firm, record_id)) == (State.RECEIVED, [])
    assert (row.tracked.waits_for or "").startswith("The close date 2026-05-05 has not begun at ")
    assert row.due_at is not None
    midnight_in_berlin = datetime(2026, 5, 4, 22, 0, tzinfo=UTC)
    assert abs(row.due_at - midnight_in_berlin) < timedelta(seconds=1)
    firm.pass_time(timedelta(hours=12))
    work(firm, record_id)  # a message that came again
    firm.sweep()
    assert (firm.bag, firm.state(record_id)) == ([], State.RECEIVED)

    firm.settle()

    assert firm.state(record_id) is State.AWAITING_APPROVAL
    assert firm.find(record_id).tracked.waits_for is None
    assert codes(firm, record_id) == []
    firm.approve(record_id)
    firm.settle()
    checks.at_the_end(firm)


def test_a_deal_that_waits_goes_on_at_once_when_its_close_date_is_put_earlier(firm: Simulation) -> None:
    record_id = won_on(firm, 1)
    began = firm.now()

    firm.change(record_id, won_on=began.date())
    firm.tell(record_id)
    work(firm, record_id)

    assert firm.state(record_id) is State.AWAITING_APPROVAL
    assert firm.now() - began < timedelta(minutes=1)


def test_a_change_that_leaves_the_close_date_leaves_the_wait(firm: Simulation) -> None:
    record_id = won_on(firm, 1)
    due_at = firm.find(record_id).due_at

    firm.change(record_id, probability=90)
    firm.tell(record_id)
    work(firm, record_id)

    row = firm.find(record_id)
    assert row.due_at is not None
    assert due_at is not None
    assert abs(row.due_at - due_at) < timedelta(seconds=1)
    assert row.tracked.waits_for


def test_a_deal_that_is_lost_while_it_waits_is_withdrawn(firm: Simulation) -> None:
    record_id = won_on(firm, 1)

    firm.change(record_id, is_won=False)
    firm.tell(record_id)
    work(firm, record_id)

    assert firm.state(record_id) is State.WITHDRAWN
    assert firm.find(record_id).due_at is None


def test_a_close_date_further_ahead_than_time_zones_differ_is_for_a_person(firm: Simulation) -> None:
    record_id = won_on(firm, 3)

    assert (firm.state(record_id), codes(firm, record_id)) == (State.PARKED, ["WON_IN_THE_FUTURE"])
