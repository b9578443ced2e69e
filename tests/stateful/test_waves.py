"""What goes out together: the effects of a wave, and what stages decide one after the other."""

from __future__ import annotations

from itertools import pairwise

import pytest

from oppsync.domain.effects.effects import EffectState
from oppsync.domain.work.states import State
from tests.stateful import checks
from tests.stateful.faults import Kind, Trouble
from tests.stateful.meanwhile import MEANWHILE
from tests.stateful.scenes import approved_deal, codes, work
from tests.stateful.simulation import Simulation


def test_stages_that_only_decide_share_one_commit_and_each_is_told(firm: Simulation) -> None:
    record_id = firm.win(2)
    firm.tell(record_id)
    firm.work()

    deal = firm.find(record_id).tracked.id
    steps = [(before, after) for of, before, after in firm.world.audited_moves() if of == deal]
    way = [State.RECEIVED, State.VALIDATED, State.ENRICHED, State.PLANNED, State.AWAITING_APPROVAL]
    assert steps == list(pairwise(way))
    moved = [(move.before, move.after) for move in firm.world.moves() if move.before is not move.after]
    assert moved == [(State.RECEIVED, State.AWAITING_APPROVAL)]


def test_killed_before_that_commit_it_decides_the_same_again(firm: Simulation) -> None:
    first, second = firm.win(2), firm.win(2)
    firm.tell(first, second)
    for nth in range(6):
        work(firm, first, Trouble(Kind.KILLED_BEFORE_COMMIT, nth))
    firm.settle()
    for record_id in (first, second):
        firm.approve(record_id)
    firm.settle()

    checks.at_the_end(firm)


def test_what_was_decided_before_a_system_failed_is_on_record(firm: Simulation) -> None:
    """The ERP is asked once by validation, and once for what the plan names."""
    record_id = firm.win()
    firm.tell(record_id)
    work(firm, record_id, Trouble(Kind.VENDOR_AWAY, 3))

    tracked = firm.find(record_id).tracked
    assert (tracked.state, tracked.tries) == (State.ENRICHED, 1)
    firm.settle()
    assert firm.state(record_id) is State.AWAITING_APPROVAL
    checks.always(firm)


def test_lost_between_the_reading_and_the_first_mark_nothing_is_made(
    firm: Simulation, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []
    for nth in range(8):
        record_id = approved_deal(firm, 1)
        read_before, marked = firm.crm_reads.count(record_id), []

        def lose(simulation: Simulation) -> None:
            made = [row for row in simulation.effects(record_id) if row.makes_something]  # noqa: B023
            is_read = simulation.crm_reads.count(record_id) > read_before  # noqa: B023
            marked.append((is_read, bool(made)))  # noqa: B023
            simulation.change(record_id, is_won=False)  # noqa: B023
            simulation.tell(record_id)  # noqa: B023

        monkeypatch.setitem(MEANWHILE, "the deal is lost", lose)
        work(firm, record_id, Trouble(Kind.PAUSED, nth, ("the deal is lost",)))
        firm.settle()
        seen += marked
        if marked and not marked[0][1]:
            assert firm.state(record_id) is State.WITHDRAWN
            assert not [row for row in firm.effects(record_id) if row.makes_something]
    assert (True, False) in seen, "no pause lay between the reading and the first mark"


def test_one_refused_line_leaves_the_others_of_its_wave_alone(firm: Simulation) -> None:
    record_id = approved_deal(firm, 2)
    work(firm, record_id, Trouble(Kind.REJECTED, 2))

    assert (firm.state(record_id), codes(firm, record_id)) == (State.PARKED, ["VENDOR_REJECTED"])
    made = [row.state for row in firm.effects(record_id) if row.makes_something]
    assert sorted(made) == [EffectState.CONFIRMED] * (len(made) - 1) + [EffectState.REJECTED]
    assert len(made) > 2

    (item,) = firm.open_items_of(record_id)
    firm.replay(item)
    firm.settle()
    checks.at_the_end(firm)


def test_an_unclear_answer_is_settled_before_a_refusal_beside_it_parks_the_deal(firm: Simulation) -> None:
    record_id = approved_deal(firm, 2)
    work(firm, record_id, Trouble(Kind.REJECTED, 1), Trouble(Kind.LOST_AFTER, 2))

    assert (firm.state(record_id), codes(firm, record_id)) == (State.APPROVED, [])
    firm.settle()
    assert firm.state(record_id) is State.ACTIVE
    checks.at_the_end(firm)
