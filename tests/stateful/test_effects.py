"""Named histories of effects: what is sent once, what waits, and what is closed, in memory and on Postgres."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from oppsync.domain.effects.effects import EffectState
from oppsync.domain.plan.plan import ROOT_PATH
from oppsync.domain.values.keys import EffectKind, outside_key
from oppsync.domain.work.states import State
from oppsync.pipeline.outside_keys import KIND_OF, key_of
from tests.stateful import checks
from tests.stateful.faults import QUARANTINE, Kind, Trouble
from tests.stateful.scenes import approved_deal, codes, work
from tests.stateful.simulation import Simulation
from tests.stateful.worlds import World


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


def test_won_again_after_it_was_given_up_people_are_asked_for_anew(firm: Simulation) -> None:
    record_id = approved_deal(firm, 2)
    tracked = firm.find(record_id).tracked
    content = firm.world.plan(tracked.id, tracked.plan_hash or "").content
    # The PSA's project is found after a lost answer, somebody is asked for, and the PSA refuses the status.
    before = len(content.nodes) + len(list(content.billing_lines())) + 1
    work(firm, record_id, Trouble(Kind.LOST_AFTER, before))
    firm.pass_time(timedelta(minutes=5))
    work(firm, record_id, Trouble(Kind.REJECTED, 1))
    firm.give_up(record_id)
    firm.settle()
    assert firm.state(record_id) is State.WITHDRAWN

    firm.reprice(record_id)
    firm.tell(record_id)
    firm.settle()
    firm.approve(record_id)
    firm.settle()

    assert firm.state(record_id) is State.ACTIVE
    (asked,) = content.staffing()
    requests = firm.outside.psa.books.of(key_of(tracked, EffectKind.STAFFING, asked.path))
    assert [each.closed for each in requests] == [True, False]
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
    for _ in range(3):  # stopped in each wave: the parent, its children, their billing lines
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
