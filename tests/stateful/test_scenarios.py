"""Named histories, in memory and on Postgres: what random histories seldom reach, on purpose."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from oppsync.domain.approval.tasks import Decision, Person, TaskStatus
from oppsync.domain.effects.effects import EffectState
from oppsync.domain.plan.plan import ROOT_PATH
from oppsync.domain.values.keys import EffectKind, outside_key
from oppsync.domain.values.model import changed
from oppsync.domain.values.roles import ApprovalRole
from oppsync.domain.work.exceptions import Disposition, ExceptionStatus
from oppsync.domain.work.states import State
from oppsync.pipeline.outside_keys import KIND_OF, key_of
from tests.stateful import checks
from tests.stateful.faults import QUARANTINE, Kind, Trouble
from tests.stateful.people import BO, DARIO, FIONA, VERA
from tests.stateful.simulation import Simulation
from tests.stateful.worlds import World


@pytest.fixture(params=["memory", "postgres"])
def new_world(request: pytest.FixtureRequest) -> Callable[[], World]:
    make_world: Callable[[], World] = request.getfixturevalue(request.param)
    return make_world


@pytest.fixture
def firm(new_world: Callable[[], World]) -> Iterator[Simulation]:
    simulation = Simulation(new_world())
    yield simulation
    checks.always(simulation)


def waiting_deal(firm: Simulation, lines: int = 0) -> str:
    """A deal that waits for its approval."""
    record_id = firm.win(lines)
    firm.tell(record_id)
    firm.work()
    assert firm.state(record_id) is State.AWAITING_APPROVAL
    return record_id


def approved_deal(firm: Simulation, lines: int = 0) -> str:
    record_id = waiting_deal(firm, lines)
    firm.approve(record_id)
    return record_id


def work(firm: Simulation, record_id: str, *troubles: Trouble) -> None:
    firm.work_on(record_id, *troubles)


def codes(firm: Simulation, record_id: str) -> list[str]:
    return [item.code for item in firm.open_items_of(record_id)]


# Effects.


def test_nothing_is_sent_again_before_the_quarantine_is_over(firm: Simulation) -> None:
    record_id = approved_deal(firm)
    work(firm, record_id, Trouble(Kind.LATE))
    for _ in range(2):
        firm.pass_time(timedelta(seconds=3))
        work(firm, record_id)
    assert firm.outside.erp.books.things == []

    firm.settle()

    assert firm.state(record_id) is State.ACTIVE
    checks.at_the_end(firm)


def test_a_worker_killed_after_sending_leaves_an_effect_that_waits(firm: Simulation) -> None:
    record_id = approved_deal(firm)
    work(firm, record_id, Trouble(Kind.KILLED_AFTER_WRITE))
    firm.pass_time(timedelta(seconds=11))
    work(firm, record_id)  # found only after the search lag; looked up only after the quarantine
    assert len(firm.outside.erp.books.things) == 1

    firm.settle()

    checks.at_the_end(firm)


def test_a_worker_killed_after_asking_for_somebody_has_asked_once(firm: Simulation) -> None:
    record_id = approved_deal(firm, 2)
    tracked = firm.find(record_id).tracked
    content = firm.world.plan(tracked.id, tracked.plan_hash or "").content
    # After the projects and their billing, the CRM, and the project in the PSA.
    before = len(content.nodes) + len(list(content.billing_lines())) + 2
    work(firm, record_id, Trouble(Kind.KILLED_AFTER_WRITE, before))

    (asked,) = content.staffing()
    key = key_of(tracked, EffectKind.STAFFING, asked.path)
    (effect,) = (row for row in firm.effects(record_id) if row.key == key)
    assert effect.state is EffectState.SENT
    assert len(firm.outside.psa.books.of(key)) == 1
    firm.settle()

    assert firm.state(record_id) is State.ACTIVE
    assert len(firm.outside.psa.books.of(key)) == 1
    checks.at_the_end(firm)


def test_a_write_that_never_lands_is_a_bug_after_three_sends(firm: Simulation) -> None:
    record_id = approved_deal(firm)
    for _ in range(3):
        work(firm, record_id, Trouble(Kind.LOST_BEFORE))
        firm.pass_time(timedelta(minutes=5))
    work(firm, record_id, Trouble(Kind.VENDOR_AWAY))  # a failed look-up forgets none of it
    firm.pass_time(timedelta(minutes=5))
    work(firm, record_id)

    assert codes(firm, record_id) == ["BUG"]
    assert firm.outside.erp.books.things == []


def test_a_refused_write_parks_the_deal_and_is_not_sent_again_by_itself(firm: Simulation) -> None:
    record_id = approved_deal(firm)
    work(firm, record_id, Trouble(Kind.REJECTED))
    firm.settle()
    firm.pass_time(timedelta(hours=1))
    firm.settle()

    assert firm.state(record_id) is State.PARKED
    assert codes(firm, record_id) == ["VENDOR_REJECTED"]
    (effect,) = (row for row in firm.effects(record_id) if row.kind is EffectKind.PARENT)
    assert (effect.state, effect.attempts) == (EffectState.REJECTED, 1)


def test_something_else_under_our_key_is_a_conflict_for_a_person(firm: Simulation) -> None:
    record_id = approved_deal(firm)
    tracked = firm.find(record_id).tracked
    key = key_of(tracked, EffectKind.PARENT, ROOT_PATH)
    firm.outside.erp.books.create(key, {"node": "another", "parent": None}, firm.now())
    firm.pass_time(timedelta(minutes=1))
    firm.settle()

    assert codes(firm, record_id) == ["CONTENT_CONFLICT"]
    assert [thing.content["node"] for thing in firm.outside.erp.books.things] == ["another"]


def test_what_was_not_there_is_looked_up_again_when_the_erp_was_slow(firm: Simulation) -> None:
    """All nodes are looked up at once; while the parent is made, something else is created under a child's
    key."""
    record_id = approved_deal(firm, 1)
    tracked = firm.find(record_id).tracked
    child = firm.world.plan(tracked.id, tracked.plan_hash or "").content.nodes[1]
    key = key_of(tracked, KIND_OF[child.kind], child.path)
    firm.outside.erp.books.create(key, {"node": "another"}, firm.now() + timedelta(seconds=3))

    work(firm, record_id, Trouble(Kind.SLOW))

    assert codes(firm, record_id) == ["CONTENT_CONFLICT"]
    assert [thing.content["node"] for thing in firm.outside.erp.books.of(key)] == ["another"]


def test_lost_while_a_write_is_unclear_it_is_not_withdrawn(firm: Simulation) -> None:
    """The quarantine is over, the look-up fails; then the deal is lost, though a project exists."""
    record_id = approved_deal(firm)
    work(firm, record_id, Trouble(Kind.LOST_AFTER))
    firm.pass_time(QUARANTINE + timedelta(minutes=1))
    work(firm, record_id, Trouble(Kind.VENDOR_AWAY))
    firm.change(record_id, is_won=False)
    firm.tell(record_id)
    firm.settle()

    assert firm.state(record_id) is State.ACTIVE
    assert codes(firm, record_id) == ["LOST_AFTER_APPROVAL"]


def test_lost_before_a_late_write_lands_it_is_not_withdrawn(firm: Simulation) -> None:
    record_id = approved_deal(firm)
    work(firm, record_id, Trouble(Kind.LATE))
    firm.change(record_id, is_won=False)
    firm.tell(record_id)
    firm.settle()

    assert firm.state(record_id) is State.ACTIVE
    assert codes(firm, record_id) == ["LOST_AFTER_APPROVAL"]


def test_given_up_while_a_write_is_unclear_all_of_it_is_closed(firm: Simulation) -> None:
    record_id = approved_deal(firm, 2)
    work(firm, record_id, Trouble(Kind.LATE, 2))
    firm.tell(record_id)
    firm.pass_time(timedelta(seconds=3))
    work(firm, record_id, Trouble(Kind.BUG))
    assert firm.state(record_id) is State.PARKED
    firm.give_up(record_id)
    firm.settle()

    assert firm.state(record_id) is State.WITHDRAWN
    firm.pass_time(QUARANTINE)  # every late commit has happened by now
    assert [thing.closed for thing in firm.outside.erp.books.things] == [True] * 3
    checks.at_the_end(firm)


def test_given_up_before_it_can_be_found_all_of_it_is_closed(firm: Simulation) -> None:
    """The person gives up before the ERP's search can find it."""
    record_id = approved_deal(firm, 2)
    work(firm, record_id, Trouble(Kind.REJECTED, 2))
    firm.give_up(record_id)
    firm.settle()

    assert firm.state(record_id) is State.WITHDRAWN
    assert [thing.closed for thing in firm.outside.erp.books.things] == [True, True]
    created = [row.state for row in firm.effects(record_id) if row.outside_id and row.kind in KIND_OF.values()]
    assert created == [EffectState.CANCELLED] * 2
    checks.at_the_end(firm)


def test_given_up_when_the_crm_refuses_to_be_told_billing_lines_are_closed_too(firm: Simulation) -> None:
    record_id = approved_deal(firm, 2)
    work(firm, record_id, Trouble(Kind.STOPPED))
    assert firm.state(record_id) is State.CREATED
    work(firm, record_id, Trouble(Kind.REJECTED))
    firm.give_up(record_id)
    firm.settle()

    assert firm.state(record_id) is State.WITHDRAWN
    assert any("line" in thing.content for thing in firm.outside.erp.books.things)
    checks.at_the_end(firm)


def test_a_restored_backup_finds_its_own_projects_again(new_world: Callable[[], World]) -> None:
    before = Simulation(new_world())
    before.tell(before.win(), before.win(1))
    checks.finish(before)
    after = Simulation(new_world())
    # Another order of the lines: our keys may depend only on the CRM's ids.
    after.take_over_outside(before)
    for record_id in reversed(before.outside.crm):
        after.tell(record_id)
    after.settle()
    assert [item.code for item in after.open_items()] == ["APPROVAL_LOST"] * 2
    for record_id in before.outside.crm:
        after.approve(record_id)
    after.settle()

    checks.at_the_end(after)


def test_no_two_tenants_share_a_key() -> None:
    keys = {
        outside_key(tenant, connection, record, kind, path)
        for tenant in "ab"
        for connection in "cd"
        for record in "ef"
        for kind in EffectKind
        for path in "gh"
    }

    assert len(keys) == 16 * len(EffectKind)


# Leases, crashes, pauses.


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
    """Its mark is taken back: no quarantine, and it is sent once."""
    record_id = approved_deal(firm)
    work(firm, record_id, Trouble(Kind.HELD_BACK, nth=2))  # read, looked up, and then
    (parent,) = (row for row in firm.effects(record_id) if row.kind is EffectKind.PARENT)
    assert (parent.state, parent.attempts) == (EffectState.INTENDED, 1)
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


def test_a_worker_that_is_told_to_stop_finishes_its_stage_and_hands_on(firm: Simulation) -> None:
    record_id = approved_deal(firm)
    work(firm, record_id, Trouble(Kind.STOPPED))

    assert firm.state(record_id) is State.CREATED
    firm.relay()
    assert firm.bag[-1] == (firm.find(record_id).tracked.id, "write_back")


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


# Approvals.


def decide(
    firm: Simulation, record_id: str, role: ApprovalRole, decision: Decision, person: Person | None = None
) -> None:
    (task,) = (task for task in firm.tasks(record_id, TaskStatus.OPEN) if task.role is role)
    firm.decide(task, person or (FIONA if role is ApprovalRole.FINANCE else DARIO), decision)


def test_a_new_plan_voids_the_approvals_of_the_old_one(firm: Simulation) -> None:
    record_id = waiting_deal(firm)
    decide(firm, record_id, ApprovalRole.FINANCE, Decision.APPROVE)
    old = firm.find(record_id).tracked.plan_hash
    firm.reprice(record_id)
    firm.tell(record_id)
    firm.settle()

    assert {task.status for task in firm.tasks(record_id) if task.plan_hash == old} == {TaskStatus.VOID}
    assert len(firm.tasks(record_id, TaskStatus.OPEN)) == 2


def test_the_same_plan_again_keeps_its_approvals(firm: Simulation) -> None:
    record_id = waiting_deal(firm)
    decide(firm, record_id, ApprovalRole.FINANCE, Decision.APPROVE)
    firm.change(record_id, probability=None)
    firm.tell(record_id)
    firm.settle()

    assert firm.state(record_id) is State.AWAITING_APPROVAL
    assert [task.status for task in firm.tasks(record_id)] == [TaskStatus.APPROVED, TaskStatus.OPEN]


def test_lost_and_won_again_it_must_be_approved_anew(firm: Simulation) -> None:
    record_id = waiting_deal(firm)
    decide(firm, record_id, ApprovalRole.FINANCE, Decision.APPROVE)
    for is_won in (False, True):
        firm.change(record_id, is_won=is_won)
        firm.tell(record_id)
        firm.settle()

    assert len(firm.tasks(record_id, TaskStatus.OPEN)) == 2


def test_a_rejection_closes_the_other_task_and_a_second_try_starts_afresh(firm: Simulation) -> None:
    record_id = waiting_deal(firm)
    decide(firm, record_id, ApprovalRole.DELIVERY, Decision.REJECT)
    firm.settle()
    assert firm.state(record_id) is State.REJECTED
    assert {task.status for task in firm.tasks(record_id)} == {TaskStatus.VOID, TaskStatus.REJECTED}

    firm.change(record_id, probability=None)
    firm.tell(record_id)
    firm.settle()
    assert len(firm.tasks(record_id, TaskStatus.OPEN)) == 2
    firm.approve(record_id)
    firm.settle()

    assert firm.state(record_id) is State.ACTIVE
    checks.at_the_end(firm)


def test_changed_while_its_rejection_is_told_it_is_decided_anew(firm: Simulation) -> None:
    record_id = waiting_deal(firm)
    decide(firm, record_id, ApprovalRole.FINANCE, Decision.REJECT)
    work(firm, record_id, Trouble(Kind.VENDOR_AWAY))
    assert firm.state(record_id) is State.REFUSED
    firm.reprice(record_id)
    firm.tell(record_id)
    firm.settle()

    written = firm.outside.crm[record_id].written
    assert written is not None
    assert written.status == "rejected"
    assert firm.state(record_id) is State.AWAITING_APPROVAL


def test_nobody_decides_twice_nor_their_own_deal(firm: Simulation) -> None:
    record_id = firm.win(owner=DARIO.email)
    firm.tell(record_id)
    firm.work()
    for task in firm.tasks(record_id, TaskStatus.OPEN):
        for person in (DARIO, BO):
            firm.decide(task, person, Decision.APPROVE)

    assert [task.decided_by for task in firm.tasks(record_id)].count(BO.id) == 1
    assert len(firm.tasks(record_id, TaskStatus.OPEN)) == 1


def test_who_owned_the_deal_once_decides_nothing_of_it(firm: Simulation) -> None:
    record_id = firm.win(owner=DARIO.email)
    firm.tell(record_id)
    firm.work()
    firm.hand_over(record_id, "zoe@example.com")
    firm.work()

    decide(firm, record_id, ApprovalRole.DELIVERY, Decision.APPROVE, DARIO)

    assert len(firm.tasks(record_id, TaskStatus.OPEN)) == 2


@pytest.mark.parametrize("approved", [1, 2])
def test_who_becomes_the_owner_has_approved_nothing(firm: Simulation, approved: int) -> None:
    """After one approval, and after both, before anything was made outside."""
    record_id = waiting_deal(firm)
    decide(firm, record_id, ApprovalRole.FINANCE, Decision.APPROVE, FIONA)
    if approved == 2:
        decide(firm, record_id, ApprovalRole.DELIVERY, Decision.APPROVE, DARIO)

    firm.hand_over(record_id, FIONA.email)
    firm.settle()

    assert firm.state(record_id) is State.AWAITING_APPROVAL
    assert firm.outside.erp.books.things == []
    (anew,) = (task for task in firm.tasks(record_id, TaskStatus.OPEN) if task.role is ApprovalRole.FINANCE)
    assert FIONA.id not in anew.candidates
    (void,) = (task for task in firm.tasks(record_id, TaskStatus.VOID) if task.decided_by == FIONA.id)
    assert void.void_because == "OWN_OPPORTUNITY"
    assert [mail.to for mail in firm.outside.mail if "does not stand" in mail.subject] == [FIONA.email]
    decide(firm, record_id, ApprovalRole.FINANCE, Decision.APPROVE, BO)
    if approved == 1:
        decide(firm, record_id, ApprovalRole.DELIVERY, Decision.APPROVE, DARIO)
    firm.settle()
    assert firm.state(record_id) is State.ACTIVE


def test_a_decision_that_comes_in_while_a_worker_judges_is_not_overlooked(firm: Simulation) -> None:
    """The worker has read one approval; the second comes before it records that it waits."""
    for nth in range(4):
        record_id = waiting_deal(firm)
        decide(firm, record_id, ApprovalRole.FINANCE, Decision.APPROVE)
        work(firm, record_id, Trouble(Kind.PAUSED, nth, ("the other role approves",)))
        firm.settle()
        assert firm.state(record_id) is State.ACTIVE


def test_nobody_decides_without_the_role_nor_on_what_changed(firm: Simulation) -> None:
    """A person whose page is older than the change, or who decides while it is being read, decides nothing."""
    record_id = waiting_deal(firm)
    (old,) = firm.tasks(record_id)[:1]
    firm.decide(old, VERA, Decision.APPROVE)
    firm.reprice(record_id)
    firm.tell(record_id)
    firm.decide(old, BO, Decision.APPROVE)
    firm.settle()
    firm.decide(old, BO, Decision.APPROVE)
    (new,) = (task for task in firm.tasks(record_id, TaskStatus.OPEN) if task.role is old.role)
    firm.decide(new, BO, Decision.APPROVE, seen=old.plan_hash)

    assert len(firm.tasks(record_id, TaskStatus.OPEN)) == 2


# The CRM's changes.


def test_a_delivery_that_comes_again_changes_nothing(firm: Simulation) -> None:
    record_id = waiting_deal(firm)
    firm.deliver(firm.deliveries[0])
    firm.settle()

    assert firm.state(record_id) is State.AWAITING_APPROVAL


def test_a_change_after_the_first_mark_leaves_the_plan_as_it_was_approved(firm: Simulation) -> None:
    record_id = approved_deal(firm, 1)
    work(firm, record_id, Trouble(Kind.LOST_AFTER))
    assert firm.state(record_id) is State.APPROVED
    approved = firm.find(record_id).tracked.plan_hash
    firm.reprice(record_id)
    firm.tell(record_id)
    firm.settle()

    assert firm.state(record_id) is State.ACTIVE
    assert firm.find(record_id).tracked.plan_hash == approved
    assert codes(firm, record_id) == ["CHANGED_AFTER_APPROVAL"]
    checks.at_the_end(firm)


@pytest.mark.parametrize("told", [True, False])
def test_a_change_before_the_first_mark_is_planned_and_approved_anew(firm: Simulation, told: bool) -> None:
    """Also when nobody tells of it: the record is read once more before anything is created."""
    record_id = approved_deal(firm, 1)
    work(firm, record_id, Trouble(Kind.VENDOR_AWAY))
    assert firm.state(record_id) is State.APPROVED
    approved = firm.find(record_id).tracked.plan_hash
    firm.reprice(record_id)
    if told:
        firm.tell(record_id)
    firm.settle()

    assert firm.state(record_id) is State.AWAITING_APPROVAL
    assert firm.find(record_id).tracked.plan_hash != approved
    assert firm.outside.erp.books.things == []
    firm.approve(record_id)
    firm.settle()
    assert firm.state(record_id) is State.ACTIVE
    checks.at_the_end(firm)


def test_changed_and_changed_back_before_the_first_mark_is_no_change(firm: Simulation) -> None:
    record_id = approved_deal(firm, 1)
    work(firm, record_id, Trouble(Kind.VENDOR_AWAY))
    before = firm.outside.crm[record_id].now
    firm.reprice(record_id)
    firm.change(record_id, lines=before.lines, amount=before.amount)
    firm.settle()

    assert firm.state(record_id) is State.ACTIVE
    assert codes(firm, record_id) == []
    checks.at_the_end(firm)


def test_deleted_before_the_first_mark_nothing_is_created(firm: Simulation) -> None:
    """Though the ERP was away, so that it was approved long before."""
    record_id = approved_deal(firm)
    firm.away.add("erp")
    work(firm, record_id)
    firm.delete(record_id)
    firm.away.clear()
    firm.settle()

    assert firm.state(record_id) is State.PARKED
    assert codes(firm, record_id) == ["CRM_RECORD_GONE"]
    assert firm.outside.erp.books.things == []

    firm.restore(record_id)
    firm.tell(record_id)
    firm.settle()
    assert firm.state(record_id) is State.ACTIVE
    assert codes(firm, record_id) == []
    checks.at_the_end(firm)


def test_a_person_dismisses_what_was_deleted_and_it_is_withdrawn(firm: Simulation) -> None:
    record_id = waiting_deal(firm)
    firm.delete(record_id)
    firm.tell(record_id)
    firm.settle()
    firm.dismiss(firm.open_items_of(record_id)[0])
    assert firm.state(record_id) is State.WITHDRAWN
    assert codes(firm, record_id) == []

    firm.restore(record_id)
    firm.tell(record_id)
    firm.settle()
    assert firm.state(record_id) is State.AWAITING_APPROVAL
    firm.approve(record_id)
    firm.settle()
    assert firm.state(record_id) is State.ACTIVE
    checks.at_the_end(firm)


def test_dismissed_while_the_news_of_its_return_waits_it_comes_back_all_the_same(firm: Simulation) -> None:
    record_id = waiting_deal(firm)
    firm.delete(record_id)
    firm.tell(record_id)
    firm.settle()
    firm.restore(record_id)
    firm.tell(record_id)
    firm.dismiss(firm.open_items_of(record_id)[0])
    checks.always(firm)
    firm.settle()

    assert firm.state(record_id) is State.AWAITING_APPROVAL


def test_what_a_person_approved_is_read_once_more_and_no_oftener(firm: Simulation) -> None:
    record_id = approved_deal(firm)
    read = firm.crm_reads.count(record_id)
    work(firm, record_id)

    assert firm.state(record_id) is State.ACTIVE
    assert firm.crm_reads.count(record_id) == read + 1


def test_a_re_read_that_meets_a_bug_waits_for_a_person_and_not_for_itself(firm: Simulation) -> None:
    record_id = waiting_deal(firm)
    firm.tell(record_id)
    work(firm, record_id, Trouble(Kind.BUG))

    assert firm.state(record_id) is State.PARKED
    assert not firm.find(record_id).tracked.reread_due
    firm.settle()
    checks.at_the_end(firm)


def test_an_older_reading_changes_nothing(firm: Simulation) -> None:
    record_id = waiting_deal(firm)
    known = firm.find(record_id).tracked
    firm.reprice(record_id)
    record = firm.outside.crm[record_id]
    record.versions.append(changed(record.now, modified_at=record.versions[0].modified_at - timedelta(1)))
    firm.tell(record_id)
    firm.settle()

    assert firm.find(record_id).tracked.plan_hash == known.plan_hash
    assert firm.find(record_id).tracked.record == known.record


def test_a_change_told_while_its_stage_runs_is_read_at_once(firm: Simulation) -> None:
    for nth in range(12):
        record_id = firm.win(1)
        firm.tell(record_id)
        work(firm, record_id, Trouble(Kind.PAUSED, nth, ("the deal gets dearer",)))
        firm.settle()
        checks.at_the_end(firm)


def test_what_was_fixed_in_the_crm_counts_on_a_replay(firm: Simulation) -> None:
    record_id = firm.win(account="CUST-404")
    firm.tell(record_id)
    firm.settle()
    assert codes(firm, record_id) == ["ACCOUNT_UNKNOWN"]
    account = firm.outside.crm[record_id].now.account
    assert account is not None
    firm.change(record_id, account=changed(account, code="CUST-1001"))  # without a notification
    firm.replay(firm.open_items()[0])
    firm.settle()

    assert firm.state(record_id) is State.AWAITING_APPROVAL
    assert [item.status for item in firm.world.items()] == [ExceptionStatus.REPLAYED]


def test_what_was_lost_in_the_crm_counts_on_a_replay_too(firm: Simulation) -> None:
    record_id = approved_deal(firm)
    work(firm, record_id, Trouble(Kind.REJECTED))
    firm.change(record_id, is_won=False)  # without a notification
    firm.replay(firm.open_items()[0])
    firm.settle()

    assert firm.state(record_id) is State.WITHDRAWN
    assert firm.outside.erp.books.things == []


def test_a_fixed_and_told_deal_closes_its_item_and_no_other(firm: Simulation) -> None:
    record_id, other = (firm.win(account="CUST-404") for _ in range(2))
    firm.tell(record_id, other)
    firm.settle()
    account = firm.outside.crm[record_id].now.account
    assert account is not None
    firm.change(record_id, account=changed(account, code="CUST-1001"))
    firm.tell(record_id)
    firm.settle()

    assert firm.state(record_id) is State.AWAITING_APPROVAL
    assert codes(firm, record_id) == []
    assert codes(firm, other) == ["ACCOUNT_UNKNOWN"]


def test_a_replay_goes_on_where_it_stopped(firm: Simulation) -> None:
    record_id = approved_deal(firm, 2)
    work(firm, record_id, Trouble(Kind.REJECTED, 2))
    firm.settle()
    there = len(firm.outside.erp.books.things)
    (item,) = firm.open_items()
    firm.replay(item)

    assert firm.state(record_id) is State.APPROVED
    firm.settle()
    assert firm.state(record_id) is State.ACTIVE
    assert there == 2
    checks.at_the_end(firm)


# Messages.


def test_what_redis_refuses_stays_in_the_outbox_on_postgres(postgres: Callable[[], World]) -> None:
    firm = Simulation(postgres())
    record_id = firm.win()
    firm.tell(record_id)

    def refuse(opportunity_id: UUID, stage: str) -> None:
        raise ConnectionError("Redis is away")

    with pytest.raises(ConnectionError):
        firm.world.relay(refuse)

    assert firm.world.waiting_messages() == {firm.find(record_id).tracked.id}


def test_a_flushed_redis_costs_ten_seconds(firm: Simulation) -> None:
    record_id = firm.win()
    firm.tell(record_id)
    firm.relay()
    firm.bag.clear()
    firm.pass_time(timedelta(seconds=10))
    firm.sweep()

    assert firm.bag == [(firm.find(record_id).tracked.id, "validate")]


# Waiting for the close date.


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
