"""Named histories of workers that die, freeze, pause or are told to stop."""

from __future__ import annotations

from datetime import timedelta

from oppsync.domain.effects.effects import EffectState
from oppsync.domain.values.keys import EffectKind
from oppsync.domain.work.exceptions import Disposition
from oppsync.domain.work.states import State
from tests.stateful import checks
from tests.stateful.faults import Kind, Trouble
from tests.stateful.scenes import approved_deal, codes, waiting_deal, work
from tests.stateful.simulation import Simulation


def test_a_deal_that_kills_its_worker_three_times_is_parked(firm: Simulation) -> None:
    record_id = firm.win()
    firm.tell(record_id)
    for worker in range(3):
        firm.work_on(record_id, Trouble(Kind.KILLED_BEFORE_CALL), worker=worker)
        assert codes(firm, record_id) == []
        firm.pass_time(timedelta(seconds=11))
    work(firm, record_id)

    assert codes(firm, record_id) == ["WORKER_CRASHED"]
    assert firm.reported == ["WORKER_CRASHED"]


def test_crashes_count_only_while_nothing_is_recorded(firm: Simulation) -> None:
    record_id = waiting_deal(firm)
    for _ in range(3):
        firm.reprice(record_id)
        firm.tell(record_id)
        for _ in range(2):
            work(firm, record_id, Trouble(Kind.KILLED_BEFORE_CALL))
            firm.pass_time(timedelta(seconds=11))
        work(firm, record_id)

    assert firm.state(record_id) is State.AWAITING_APPROVAL


def test_a_late_message_does_not_shorten_a_pause(firm: Simulation) -> None:
    record_id = firm.win()
    firm.tell(record_id)
    work(firm, record_id, Trouble(Kind.LIMITED))
    for _ in range(2):
        firm.pass_time(timedelta(seconds=14))
        work(firm, record_id)
        assert firm.state(record_id) is State.RECEIVED

    firm.pass_time(timedelta(seconds=3))
    work(firm, record_id)

    assert firm.state(record_id) is State.AWAITING_APPROVAL


def test_a_pause_is_no_longer_than_it_says(firm: Simulation) -> None:
    record_id = approved_deal(firm)
    work(firm, record_id, Trouble(Kind.VENDOR_AWAY))

    row = firm.find(record_id)
    assert row.due_at is not None
    assert row.emit_at <= row.due_at  # the sweeper sends it as soon as it is due


def test_waiting_for_a_turn_however_often_is_no_failure(firm: Simulation) -> None:
    """Each comes back exactly when it was promised; a deal of a flood may wait hundreds of times."""
    record_id = firm.win()
    firm.tell(record_id)
    for _ in range(5):
        work(firm, record_id, Trouble(Kind.HELD_BACK))
        assert firm.find(record_id).tracked.tries == 0
        firm.pass_time(timedelta(seconds=30))
    work(firm, record_id)

    assert firm.state(record_id) is State.AWAITING_APPROVAL


def test_a_write_without_a_token_was_not_sent(firm: Simulation) -> None:
    """Its mark is taken back: no quarantine, no attempt, and it is sent once."""
    record_id = approved_deal(firm)
    # It is read, the ERP is asked what it names, its keys are looked up twice, and then:
    work(firm, record_id, Trouble(Kind.HELD_BACK, nth=4))
    (parent,) = (row for row in firm.effects(record_id) if row.kind is EffectKind.PARENT)
    assert (parent.state, parent.attempts) == (EffectState.INTENDED, 0)
    firm.pass_time(timedelta(seconds=30))
    work(firm, record_id)

    assert firm.state(record_id) is State.ACTIVE
    checks.at_the_end(firm)


def test_an_outage_of_hours_parks_nobody_and_one_of_weeks_does(firm: Simulation) -> None:
    record_id = firm.win()
    firm.tell(record_id)
    firm.away.add("crm")
    began = firm.now()
    for _ in range(320):
        firm.work()
        if firm.state(record_id) is State.PARKED:
            break

    assert codes(firm, record_id) == ["RETRIES_EXHAUSTED"]
    assert firm.now() - began > timedelta(hours=12)
    (item,) = firm.open_items()
    assert item.disposition is Disposition.DEAD_LETTER
    assert firm.reported == ["RETRIES_EXHAUSTED"]


def test_a_worker_that_is_told_to_stop_finishes_its_wave_and_hands_on(firm: Simulation) -> None:
    record_id = approved_deal(firm)
    work(firm, record_id, Trouble(Kind.STOPPED))

    assert firm.state(record_id) is State.APPROVED
    made = {row.kind: row.state for row in firm.effects(record_id) if row.makes_something}
    assert made == {EffectKind.PARENT: EffectState.CONFIRMED}
    firm.relay()
    assert firm.bag[-1] == (firm.find(record_id).tracked.id, "create_projects")

    firm.settle()
    checks.at_the_end(firm)


def test_frozen_between_mark_and_send_it_does_not_send(firm: Simulation) -> None:
    """Paused at each step for longer than any quarantine: by then another worker has looked, and created."""
    for nth in range(12):
        record_id = approved_deal(firm, 1)
        work(firm, record_id, Trouble(Kind.PAUSED, nth, ("another takes over", "a minute passes")))
        firm.settle()
        checks.at_the_end(firm)


def test_frozen_until_its_lease_has_run_out_it_writes_nothing_though_nobody_took_over(firm: Simulation) -> None:
    """The ledger's rows are watched: nobody writes one without a valid lease."""
    for nth in range(4, 10):
        record_id = approved_deal(firm)
        work(firm, record_id, Trouble(Kind.PAUSED, nth, ("the lease runs out",)))
        checks.always(firm)
        firm.settle()
        checks.at_the_end(firm)
