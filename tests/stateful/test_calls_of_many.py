"""An ERP that creates many records in one call, which is lost, refused, or answers of each record by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta

import pytest

from oppsync.domain.effects.effects import EffectState, LedgerRow
from oppsync.domain.plan.plan import ROOT_PATH
from oppsync.domain.values.keys import EffectKind
from oppsync.domain.work.states import State
from oppsync.pipeline.outside_keys import key_of
from tests.stateful import checks
from tests.stateful.faults import QUARANTINE, Kind, Trouble
from tests.stateful.scenes import approved_deal, codes, work
from tests.stateful.simulation import Simulation
from tests.stateful.test_every_step import tell_the_story
from tests.stateful.worlds import World

TWO_WORKSTREAMS = 2
# The root by itself, its children in one call, their billing lines in one.
ROOT, CHILDREN = 0, 1
WAY = [1, 2, 2]
AT_A_CALL = (
    Kind.KILLED_BEFORE_COMMIT,
    Kind.KILLED_AFTER_COMMIT,
    Kind.PAUSED,
    Kind.PAUSED_AFTER_WRITE,
    Kind.KILLED_BEFORE_CALL,
    Kind.VENDOR_AWAY,
    Kind.BUG,
    Kind.REJECTED,
    Kind.LOST_BEFORE,
    Kind.LOST_AFTER,
    Kind.LATE,
    Kind.KILLED_AFTER_WRITE,
    Kind.SLOW,
    Kind.STOPPED,
)


@pytest.fixture
def record_id(firm: Simulation) -> str:
    firm.outside.erp.together = 8
    return approved_deal(firm, TWO_WORKSTREAMS)


def rows(firm: Simulation, record_id: str, kind: EffectKind = EffectKind.CHILD) -> list[LedgerRow]:
    return sorted((row for row in firm.effects(record_id) if row.kind is kind), key=lambda row: row.key)


def keys(firm: Simulation, record_id: str) -> list[str]:
    tracked = firm.find(record_id).tracked
    nodes = firm.world.plan(tracked.id, tracked.plan_hash or "").content.nodes
    return sorted(key_of(tracked, EffectKind.CHILD, node.path) for node in nodes if node.path != ROOT_PATH)


def sent(firm: Simulation) -> list[int]:
    """How many records each call was to create."""
    return [len(call) for call in firm.outside.erp.calls]


def ends_whole(firm: Simulation, record_id: str) -> None:
    firm.settle()
    assert firm.state(record_id) is State.ACTIVE, firm.open_items_of(record_id)
    checks.at_the_end(firm)


def states(rows: Iterable[LedgerRow]) -> list[tuple[EffectState, int]]:
    return [(row.state, row.attempts) for row in rows]


def test_what_waits_for_nothing_of_one_another_goes_in_one_call(firm: Simulation, record_id: str) -> None:
    work(firm, record_id)

    assert sent(firm) == WAY
    assert states(rows(firm, record_id)) == [(EffectState.CONFIRMED, 1)] * 2
    ends_whole(firm, record_id)


def test_of_a_refused_call_the_one_at_fault_is_named_and_the_others_exist(
    firm: Simulation, record_id: str
) -> None:
    first, second = keys(firm, record_id)
    firm.outside.erp.refused = {second}
    work(firm, record_id)

    assert (firm.state(record_id), codes(firm, record_id)) == (State.PARKED, ["VENDOR_REJECTED"])
    (item,) = firm.open_items_of(record_id)
    assert second in item.message
    assert states(rows(firm, record_id)) == [(EffectState.CONFIRMED, 1), (EffectState.REJECTED, 1)]
    assert len(firm.outside.erp.books.of(first)) == 1
    assert firm.outside.erp.books.of(second) == []
    assert sent(firm) == [1, 2, 1, 1]

    firm.outside.erp.refused = set()
    firm.replay(item)
    ends_whole(firm, record_id)
    assert sent(firm) == [1, 2, 1, 1, 1, 2]


def test_killed_before_the_members_of_a_refused_call_are_sent_alone_nothing_is_forgotten(
    firm: Simulation, record_id: str
) -> None:
    """From the refusal on, at each commit and each call."""
    firm.outside.erp.refused = {keys(firm, record_id)[1]}
    for nth in range(4):
        work(firm, record_id, Trouble(Kind.KILLED_BEFORE_COMMIT, nth))
        firm.pass_time(QUARANTINE + timedelta(seconds=30))
        work(firm, record_id, Trouble(Kind.KILLED_AFTER_COMMIT, nth))
        firm.pass_time(QUARANTINE + timedelta(seconds=30))
    firm.settle()
    for item in firm.open_items_of(record_id):
        firm.replay(item)
    firm.outside.erp.refused = set()
    firm.settle()
    checks.finish(firm)
    assert firm.state(record_id) is State.ACTIVE


def test_told_to_stop_after_a_refused_call_its_members_are_left_to_another(
    firm: Simulation, record_id: str
) -> None:
    firm.outside.erp.refused = {keys(firm, record_id)[1]}
    work(firm, record_id, Trouble(Kind.STOPPED, ROOT))
    firm.settle()

    assert codes(firm, record_id) == ["VENDOR_REJECTED"]
    assert states(rows(firm, record_id)) == [(EffectState.CONFIRMED, 1), (EffectState.REJECTED, 1)]


def test_a_lost_answer_makes_all_of_them_unknown_and_each_is_found_by_its_own_key(
    firm: Simulation, record_id: str
) -> None:
    work(firm, record_id, Trouble(Kind.LOST_AFTER, CHILDREN))
    assert states(rows(firm, record_id)) == [(EffectState.UNKNOWN, 1)] * 2

    ends_whole(firm, record_id)

    assert sent(firm) == WAY
    assert states(rows(firm, record_id)) == [(EffectState.CONFIRMED, 1)] * 2


def test_a_call_that_never_arrived_is_not_sent_again_as_one(firm: Simulation, record_id: str) -> None:
    """Perhaps it is one of them that the vendor fails on; each sends its own unclear sends."""
    work(firm, record_id, Trouble(Kind.LOST_BEFORE, CHILDREN))
    assert states(rows(firm, record_id)) == [(EffectState.UNKNOWN, 1)] * 2

    ends_whole(firm, record_id)

    assert sent(firm) == [1, 2, 1, 1, 2]
    assert states(rows(firm, record_id)) == [(EffectState.CONFIRMED, 2)] * 2


def test_where_one_of_an_unclear_call_is_found_the_others_go_by_their_own_records(
    firm: Simulation, record_id: str
) -> None:
    first, second = keys(firm, record_id)
    books = firm.outside.erp.books
    work(firm, record_id, Trouble(Kind.LOST_AFTER, CHILDREN))
    books.things = [thing for thing in books.things if thing.key != second]  # somebody deleted it there

    ends_whole(firm, record_id)

    assert firm.outside.erp.calls[2:3] == [(second,)]
    assert len(books.of(first)) == len(books.of(second)) == 1


def test_another_record_under_the_key_of_one_is_a_conflict_and_nothing_is_sent(
    firm: Simulation, record_id: str
) -> None:
    first, second = keys(firm, record_id)
    books = firm.outside.erp.books
    work(firm, record_id, Trouble(Kind.LOST_BEFORE, CHILDREN))
    books.create(second, {"node": "another", "parent": None}, firm.now())
    firm.settle()

    assert codes(firm, record_id) == ["CONTENT_CONFLICT"]
    assert sent(firm) == [1, 2]
    assert books.of(first) == []


def test_an_answer_that_refuses_one_by_itself_is_believed_of_each(firm: Simulation, record_id: str) -> None:
    first, _second = keys(firm, record_id)
    firm.outside.erp.refused, firm.outside.erp.each_by_itself = {first}, True
    work(firm, record_id)

    assert codes(firm, record_id) == ["VENDOR_REJECTED"]
    assert sent(firm) == [1, 2]
    assert states(rows(firm, record_id)) == [(EffectState.REJECTED, 1), (EffectState.CONFIRMED, 1)]
    (item,) = firm.open_items_of(record_id)
    firm.outside.erp.refused = set()
    firm.replay(item)
    ends_whole(firm, record_id)


def test_what_an_answer_leaves_out_is_unknown_and_settled_before_a_refusal_beside_it_parks(
    firm: Simulation, record_id: str
) -> None:
    first, second = keys(firm, record_id)
    erp = firm.outside.erp
    erp.refused, erp.unnamed, erp.each_by_itself = {first}, {second}, True
    work(firm, record_id)

    assert (firm.state(record_id), codes(firm, record_id)) == (State.APPROVED, [])
    assert states(rows(firm, record_id)) == [(EffectState.REJECTED, 1), (EffectState.UNKNOWN, 1)]
    erp.refused, erp.unnamed = set(), set()
    ends_whole(firm, record_id)
    assert len(erp.books.of(second)) == 1


def test_a_worker_killed_in_the_middle_of_a_call_leaves_marks_that_are_looked_up(
    firm: Simulation, record_id: str
) -> None:
    work(firm, record_id, Trouble(Kind.KILLED_AFTER_WRITE, CHILDREN))
    assert states(rows(firm, record_id)) == [(EffectState.SENT, 1)] * 2

    ends_whole(firm, record_id)

    assert sent(firm) == WAY


@pytest.mark.parametrize("kind", AT_A_CALL)
def test_a_trouble_at_any_step_does_no_harm(kind: Kind, memory: Callable[[], World]) -> None:
    nth = 0
    while tell_the_story(memory(), Trouble(kind, nth, ("another takes over",)), approved=True, together=8):
        nth += 1

    assert nth, "the trouble never came"
