"""Invariants: of every moment, and of the end, when every trouble is over and time has passed."""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from datetime import timedelta
from itertools import chain
from uuid import UUID

from oppsync.domain.approval.tasks import TaskStatus
from oppsync.domain.effects.effects import EffectState
from oppsync.domain.plan.plan import ROOT_PATH
from oppsync.domain.values.keys import EffectKind
from oppsync.domain.work.exceptions import ExceptionItem, ExceptionStatus
from oppsync.domain.work.states import RESTING, TRANSITIONS, State
from oppsync.pipeline.outside_keys import KIND_OF, key_of
from oppsync.pipeline.table import stage_for
from tests.stateful.memory import EMIT_AGAIN, Row
from tests.stateful.simulation import Simulation
from tests.stateful.vendors import Books, Thing

# Codes that only a person's change clears; all others clear when the troubles are over.
MOST_TURNS = 4
STAYS_PARKED = {"ACCOUNT_UNKNOWN", "NO_APPROVER"}
_IN_ERP = {EffectKind.PARENT, EffectKind.CHILD, EffectKind.TASK, EffectKind.BILLING_LINE}
_IN_PSA = {EffectKind.PSA_PROJECT, EffectKind.STAFFING}


def _there(books: Books) -> list[Thing]:
    """A staffing request that was cancelled does not open again: another one takes its place."""
    return [thing for thing in books.things if not (thing.closed and ":staffing:" in thing.key)]


def always(simulation: Simulation) -> None:
    assert not simulation.broken, simulation.broken
    assert not simulation.world.breaches(), simulation.world.breaches()
    outside = simulation.outside
    for books in (outside.erp.books, outside.psa.books):
        keys = Counter(thing.key for thing in _there(books))
        assert not (doubles := [key for key, count in keys.items() if count > 1]), f"twice outside: {doubles}"
    for call in outside.erp.calls:
        assert len({key.split(":")[3] for key in call}) == 1, f"two deals in one call: {call}"
    waiting = simulation.world.waiting_messages()
    for row in simulation.world.rows():
        _is_not_forgotten(simulation, row)
        _will_be_sent(simulation, row, waiting)
        _ledger_is_true(simulation, row)
    _moves_are_allowed(simulation)


def _is_not_forgotten(simulation: Simulation, row: Row) -> None:
    """It is due, leased, parked with an item, or waits for people."""
    tracked = row.tracked
    if row.due_at is not None or row.lease_holder is not None:
        return
    assert not tracked.reread_due, f"{tracked.source_id}: a change is known and nothing will read it"
    if tracked.state is State.PARKED:
        assert _items(simulation, row), f"{tracked.source_id} is parked and nobody is told why"
    elif tracked.state is State.AWAITING_APPROVAL:
        tasks = simulation.world.tasks(tracked.id)
        open_ones = [task for task in tasks if task.status is TaskStatus.OPEN]
        assert tracked.plan_hash in {task.plan_hash for task in open_ones}, (
            f"{tracked.source_id} waits for nobody"
        )
    else:
        assert tracked.state in RESTING, f"{tracked.source_id} is {tracked.state}, and nothing is due"


def _items(simulation: Simulation, row: Row) -> list[ExceptionItem]:
    """Its items that are open, or that a person dismissed."""
    wanted = (ExceptionStatus.OPEN, ExceptionStatus.DISMISSED)
    items = simulation.world.items()
    return [item for item in items if item.opportunity_id == row.tracked.id and item.status in wanted]


def _will_be_sent(simulation: Simulation, row: Row, waiting: set[UUID]) -> None:
    """The sweeper holds back only what is in the outbox or was sent a moment ago."""
    due = row.due_at is not None and row.due_at <= simulation.now() and row.lease_holder is None
    if not due or row.emit_at <= simulation.now() or row.tracked.id in waiting:
        return
    last = simulation.last_sent.get(row.tracked.id)
    assert last is not None, f"{row.tracked.source_id} is due, and no message was ever sent"
    assert last + EMIT_AGAIN >= row.emit_at, f"{row.tracked.source_id} is due, and its message is missing"


def _ledger_is_true(simulation: Simulation, row: Row) -> None:
    """Every effect that the ledger calls confirmed exists."""
    outside = simulation.outside
    for effect in simulation.world.effects(row.tracked.id):
        if effect.state is EffectState.CONFIRMED and effect.kind in _IN_ERP | _IN_PSA:
            books = outside.psa.books if effect.kind in _IN_PSA else outside.erp.books
            existing = [thing.outside_id for thing in _there(books) if thing.key == effect.key]
            assert existing == [effect.outside_id], (
                f"{effect.key} is confirmed as {effect.outside_id}: {existing}"
            )
        if effect.state is EffectState.CANCELLED:
            books = outside.psa.books if effect.kind in _IN_PSA else outside.erp.books
            assert all(thing.closed for thing in books.of(effect.key)), f"{effect.key} is not closed"


def _moves_are_allowed(simulation: Simulation) -> None:
    """Each step that is told is a move of the table, and each move of the storage is told: by one step, or by
    those that were committed together."""
    audited: dict[UUID, deque[tuple[State, State]]] = defaultdict(deque)
    for opportunity_id, before, after in simulation.world.audited_moves():
        assert after in TRANSITIONS[State(before)], f"{before} -> {after}"
        audited[opportunity_id].append((State(before), State(after)))
    for move in simulation.world.moves():
        assert move.version_after == move.version_before + 1, f"{move}"
        told, at, may_join = audited[move.opportunity_id], move.before, True
        while at is not move.after:
            assert told, f"{move} is not told"
            assert may_join, f"{move}: {at} should have been committed"
            before, after = told.popleft()
            assert before is at, f"{move}, but the audit trail tells {before} -> {after}"
            at, may_join = after, stage_for(before).decides
    more = {deal: list(told) for deal, told in audited.items() if told}
    assert not more, f"the audit trail tells moves that were not made: {more}"


# The end.


def at_the_end(simulation: Simulation) -> None:
    """Every deal that was delivered to us has reached an end that matches the outside."""
    always(simulation)
    known = {row.tracked.source_id for row in simulation.world.rows()}
    assert known >= simulation.accepted, f"lost: {simulation.accepted - known}"
    for row in simulation.world.rows():
        _has_ended(simulation, row)
    rows = simulation.world.rows()
    keys = {key for row in rows for key in _keys_of(simulation, row)}
    # What only its old plan has is closed when the new one is applied.
    anew = [f":{row.tracked.source_id}:" for row in rows if row.tracked.replaces is not None]
    open_ones = [thing.key for thing in _open_things(simulation) if thing.key not in keys]
    strange = [key for key in open_ones if not any(mark in key for mark in anew)]
    assert not strange, f"of no plan: {strange}"


def _has_ended(simulation: Simulation, row: Row) -> None:
    tracked = row.tracked
    record = simulation.outside.crm[tracked.source_id]
    ends = {State.ACTIVE, State.REJECTED, State.WITHDRAWN, State.PARKED, State.AWAITING_APPROVAL}
    assert tracked.state in ends, f"{tracked.source_id} stays {tracked.state}"
    if tracked.state is State.PARKED:
        assert _items(simulation, row)
        return
    if record.deleted:
        return
    if tracked.source_id not in simulation.untold:
        assert tracked.record_digest == record.now.content_digest(), f"{tracked.source_id}: a change was missed"
        _follows_the_crm(simulation, row)
    if tracked.state is State.ACTIVE:
        _is_whole(simulation, row)
    elif tracked.state is State.REJECTED and not record.was_deleted:
        assert record.written is not None
        assert record.written.status == "rejected"
        assert record.written.message
    elif tracked.state is State.AWAITING_APPROVAL:
        _candidates_know(simulation, row)
    is_planned_anew = tracked.state is State.AWAITING_APPROVAL and tracked.replaces is not None
    if tracked.state is not State.ACTIVE and not is_planned_anew:
        assert not _keys_there(simulation, row), f"{tracked.source_id} is {tracked.state}, but has projects"


def _follows_the_crm(simulation: Simulation, row: Row) -> None:
    tracked = row.tracked
    record = simulation.outside.crm[tracked.source_id]
    if record.now.is_won and tracked.source_id in simulation.given_up and tracked.state is State.WITHDRAWN:
        told = record.written is not None and record.written.status == "withdrawn"
        assert told or record.was_deleted
        return
    if record.now.is_won:
        assert tracked.state is not State.WITHDRAWN, f"{tracked.source_id} is won, and lies withdrawn"
        return
    codes = {item.code for item in simulation.world.items() if item.opportunity_id == tracked.id}
    audited = tracked.state is State.WITHDRAWN or "LOST_AFTER_APPROVAL" in codes
    assert audited, f"{tracked.source_id} is no longer won, and is {tracked.state}"


def _keys_of(simulation: Simulation, row: Row) -> list[str]:
    tracked = row.tracked
    if tracked.plan_hash is None:
        return []
    content = simulation.world.plan(tracked.id, tracked.plan_hash).content
    nodes = (key_of(tracked, KIND_OF[node.kind], node.path) for node in content.nodes)
    lines = (key_of(tracked, EffectKind.BILLING_LINE, line.path) for _, line in content.billing_lines())
    asked = (key_of(tracked, EffectKind.STAFFING, request.path) for request in content.staffing())
    return [*chain(nodes, lines, [key_of(tracked, EffectKind.PSA_PROJECT, ROOT_PATH)], asked)]


def _keys_there(simulation: Simulation, row: Row) -> list[str]:
    mark = f":{row.tracked.source_id}:"
    return [thing.key for thing in _open_things(simulation) if mark in thing.key]


def _open_things(simulation: Simulation) -> list[Thing]:
    """What is still open in the ERP and in the PSA."""
    outside = simulation.outside
    return [it for it in (*outside.erp.books.things, *outside.psa.books.things) if not it.closed]


def _is_whole(simulation: Simulation, row: Row) -> None:
    """The whole tree as approved, its money exact, and written back to CRM and PSA."""
    tracked, outside = row.tracked, simulation.outside
    content = simulation.world.plan(tracked.id, tracked.plan_hash or "").content
    for node in content.nodes:
        thing = _only(outside.erp.books, key_of(tracked, KIND_OF[node.kind], node.path))
        assert thing["node"] == node.model_dump(mode="json")
    for _, line in content.billing_lines():
        thing = _only(outside.erp.books, key_of(tracked, EffectKind.BILLING_LINE, line.path))
        assert thing["line"] == line.model_dump(mode="json")
    assert sorted(_keys_there(simulation, row)) == sorted(_keys_of(simulation, row))
    (root,) = outside.erp.books.of(key_of(tracked, EffectKind.PARENT, ROOT_PATH))
    written = outside.crm[tracked.source_id].written
    assert written is not None
    assert (written.status, written.project_number) == ("active", root.number)
    (project,) = outside.psa.books.of(key_of(tracked, EffectKind.PSA_PROJECT, ROOT_PATH))
    assert project.content["number"] == root.number
    assert outside.psa.statuses[project.outside_id] == written
    for request in content.staffing():
        thing = _only(outside.psa.books, key_of(tracked, EffectKind.STAFFING, request.path))
        assert thing == {"asked": request.model_dump(mode="json"), "project": project.outside_id}


def _only(books: Books, key: str) -> dict[str, object]:
    things = [thing for thing in _there(books) if thing.key == key]
    assert len(things) == 1, f"{key} exists {len(things)} times"
    return dict(things[0].content)


def _candidates_know(simulation: Simulation, row: Row) -> None:
    """The candidates were notified, or an item names who cannot be."""
    refused = any(item.code == "NOTIFICATION_REFUSED" for item in _items(simulation, row))
    for task in simulation.world.tasks(row.tracked.id):
        if task.status is TaskStatus.OPEN:
            sent = [message for message in simulation.outside.mail if str(task.id) in message.body]
            everybody = len({message.to for message in sent}) == len(task.candidates)
            assert everybody or refused, f"nobody told of {task.role}"


def finish(simulation: Simulation) -> None:
    """Settle; replay open items; approve what waits: afterwards nothing is left that only troubles had
    stopped."""
    simulation.settle()
    at_the_end(simulation)
    simulation.reads_garbage = True
    for record_id, record in simulation.outside.crm.items():
        if record.deleted:
            simulation.restore(record_id)
            simulation.tell(record_id)
    simulation.settle()
    for item in simulation.open_items():
        simulation.replay(item)
    simulation.settle()
    at_the_end(simulation)
    approve_what_waits(simulation)
    # A change nobody told oppsync about is found on the reading before the first mark: it is asked again, once.
    approve_what_waits(simulation)
    _give_up_what_is_lost(simulation)
    simulation.pass_time(timedelta(hours=1))
    at_the_end(simulation)
    for row in simulation.world.rows():
        if row.tracked.state is State.PARKED:
            dismissed = any(item.status is ExceptionStatus.DISMISSED for item in _items(simulation, row))
            codes, source_id = {item.code for item in _items(simulation, row)}, row.tracked.source_id
            assert dismissed or codes & STAYS_PARKED, f"{source_id} stays parked: {codes}"
        assert row.tracked.state is not State.AWAITING_APPROVAL, "approved by all, and still waiting"


def approve_what_waits(simulation: Simulation) -> None:
    """In as many turns as steps in order may need."""
    for _ in range(MOST_TURNS):
        waiting = [row for row in simulation.world.rows() if row.tracked.state is State.AWAITING_APPROVAL]
        for row in waiting:
            simulation.approve(row.tracked.source_id)
        simulation.settle()
        if not waiting:
            return


def _give_up_what_is_lost(simulation: Simulation) -> None:
    """Deals that were lost while they were planned anew, with projects of their old plans."""
    for item in simulation.open_items():
        if item.code == "LOST_WHILE_PLANNED_ANEW" and item.opportunity_id is not None:
            simulation.give_up(simulation.row(item.opportunity_id).tracked.source_id)
    simulation.settle()
