"""Planned anew after its approval, with a deal that exists in part: nothing is created twice, nothing is left
behind, and what differs is named."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from oppsync.domain.approval.tasks import Decision, TaskStatus
from oppsync.domain.effects.effects import EffectState, ExternalRecord
from oppsync.domain.plan.plan import ROOT_PATH
from oppsync.domain.values.keys import EffectKind
from oppsync.domain.work.states import State
from oppsync.kernel.errors import VendorRejected
from oppsync.pipeline.outside_keys import key_of
from tests.stateful import checks
from tests.stateful.anew import (
    TWO_WORKSTREAMS,
    created_deal,
    finish,
    invoices_of,
    keys_of,
    stop_after_creation,
    stopped_deal,
    to_another_customer,
)
from tests.stateful.faults import Kind, Trouble
from tests.stateful.people import FIONA
from tests.stateful.scenes import codes, work
from tests.stateful.simulation import Simulation


def test_what_is_equal_is_taken_over_and_what_differs_is_changed(firm: Simulation) -> None:
    record_id = stopped_deal(firm, writes=4)
    before = [(thing.key, thing.outside_id) for thing in firm.outside.erp.books.things]
    firm.reprice(record_id)

    firm.plan_anew(record_id)
    finish(firm, record_id)

    assert firm.state(record_id) is State.ACTIVE
    after = [(thing.key, thing.outside_id) for thing in firm.outside.erp.books.things]
    assert after[: len(before)] == before
    checks.at_the_end(firm)


def test_what_only_the_old_plan_had_is_closed_and_its_billing_moves_along(firm: Simulation) -> None:
    record_id = stopped_deal(firm, writes=4)
    (first, *_others) = firm.outside.crm[record_id].now.lines
    firm.change(record_id, lines=(first,), amount=first.net)

    firm.plan_anew(record_id)
    finish(firm, record_id)

    assert firm.state(record_id) is State.ACTIVE
    closed = [effect.kind for effect in firm.effects(record_id) if effect.state is EffectState.CANCELLED]
    assert closed.count(EffectKind.CHILD) == 2
    checks.at_the_end(firm)


def test_one_workstream_becomes_two(firm: Simulation) -> None:
    record_id = stopped_deal(firm, writes=2, lines=0)
    firm.resell(record_id, TWO_WORKSTREAMS)

    firm.plan_anew(record_id)
    finish(firm, record_id)

    assert firm.state(record_id) is State.ACTIVE
    checks.at_the_end(firm)


def test_what_was_created_whole_is_changed_and_staffing_is_asked_for_as_planned_now(firm: Simulation) -> None:
    record_id = firm.win(TWO_WORKSTREAMS)
    firm.tell(record_id)
    firm.work()
    firm.approve(record_id)
    tracked = firm.find(record_id).tracked
    content = firm.world.plan(tracked.id, tracked.plan_hash or "").content
    # After the projects, their billing and the CRM the PSA refuses the project.
    writes = len(content.nodes) + len(list(content.billing_lines())) + 1
    firm.work_on(record_id, Trouble(Kind.REJECTED, writes))
    firm.pass_time(timedelta(minutes=1))
    assert firm.find(record_id).tracked.resume_state is State.CREATED
    things = len(firm.outside.erp.books.things)
    firm.reprice(record_id)

    firm.plan_anew(record_id)
    finish(firm, record_id)

    assert firm.state(record_id) is State.ACTIVE
    assert len(firm.outside.erp.books.things) == things
    checks.at_the_end(firm)


def test_what_somebody_changed_in_the_erp_is_a_conflict_that_names_it(firm: Simulation) -> None:
    record_id = stopped_deal(firm, writes=4)
    root = key_of(firm.find(record_id).tracked, EffectKind.PARENT, ROOT_PATH)
    books = firm.outside.erp.books
    (thing,) = books.of(root)
    mine, ours = {"node": {"name": "Mine"}, "parent": None}, thing.content
    books.revise(thing.outside_id, mine)
    firm.reprice(record_id)

    firm.plan_anew(record_id)
    finish(firm, record_id)

    (item,) = firm.open_items_of(record_id)
    assert item.code == "CONTENT_CONFLICT"
    assert f"({thing.outside_id}): node: planned" in item.message
    assert "found \"{'name': 'Mine'}\"" in item.message
    (row,) = (row for row in firm.effects(record_id) if row.key == root)
    assert row.state is EffectState.CONFIRMED  # it is ours, and is closed when the deal is given up
    books.revise(thing.outside_id, ours)
    firm.replay(item)
    firm.settle()
    assert firm.state(record_id) is State.ACTIVE
    checks.at_the_end(firm)


@pytest.mark.parametrize("given_up", [False, True])
def test_invoices_for_another_customer_take_the_place_of_those_that_exist(
    firm: Simulation, given_up: bool
) -> None:
    record_id = created_deal(firm)
    assert invoices_of(firm) == ["CUST-1001"]
    works = [thing.key for thing in firm.outside.erp.books.things if "customer" not in thing.content]
    if given_up:
        firm.give_up(record_id)
        firm.settle()
    to_another_customer(firm, record_id)

    if given_up:
        firm.tell(record_id)
    else:
        firm.plan_anew(record_id)
    finish(firm, record_id)

    assert firm.state(record_id) is State.ACTIVE
    assert invoices_of(firm) == ["CUST-1004"]
    assert set(works) < set(keys_of(firm))  # all else stays under its key
    checks.at_the_end(firm)


def test_back_at_the_first_customer_its_invoices_are_opened_again(firm: Simulation) -> None:
    record_id = created_deal(firm)
    before = keys_of(firm)
    to_another_customer(firm, record_id)
    firm.plan_anew(record_id)
    firm.settle()
    firm.approve(record_id)
    firm.work_on(record_id, Trouble(Kind.REJECTED, 3))  # the CRM, after the invoices
    firm.pass_time(timedelta(minutes=1))
    assert invoices_of(firm) == ["CUST-1004"]
    assert firm.state(record_id) is State.PARKED

    to_another_customer(firm, record_id, "CUST-1001")
    firm.plan_anew(record_id)
    finish(firm, record_id)

    assert firm.state(record_id) is State.ACTIVE
    assert invoices_of(firm) == ["CUST-1001"]
    assert set(before) <= set(keys_of(firm))
    checks.at_the_end(firm)


def test_a_plan_that_was_never_applied_moves_nothing(firm: Simulation) -> None:
    """Before its approval the deal had another customer; what was made stays as it is."""
    record_id = firm.win(TWO_WORKSTREAMS, account="CUST-1004")
    firm.tell(record_id)
    firm.settle()
    to_another_customer(firm, record_id, "CUST-1001")
    firm.tell(record_id)
    firm.settle()
    firm.approve(record_id)
    stop_after_creation(firm, record_id)
    approved = firm.find(record_id).tracked.plan_hash

    firm.plan_anew(record_id)
    firm.settle()

    assert firm.state(record_id) is State.ACTIVE  # with the same hash it keeps its approvals
    assert firm.find(record_id).tracked.plan_hash == approved
    checks.at_the_end(firm)


def test_nothing_is_created_again_that_was_made_a_moment_ago(firm: Simulation) -> None:
    """The vendor's search does not find it yet."""
    record_id = firm.win(0)
    firm.tell(record_id)
    firm.work()
    firm.approve(record_id)
    firm.work_on(record_id, Trouble(Kind.REJECTED, 1))
    firm.reprice(record_id)
    firm.plan_anew(record_id)
    firm.relay()
    firm.run(0, firm.find(record_id).tracked.id, "validate")
    firm.approve(record_id)
    firm.run(0, firm.find(record_id).tracked.id, "approve")

    assert len(firm.outside.erp.books.things) == 1
    firm.settle()

    assert firm.state(record_id) is State.ACTIVE
    checks.at_the_end(firm)


def test_lost_while_it_is_planned_anew_it_waits_and_can_be_given_up(firm: Simulation) -> None:
    record_id = stopped_deal(firm, writes=3)
    firm.reprice(record_id)
    firm.plan_anew(record_id)
    firm.settle()
    firm.change(record_id, is_won=False)
    firm.tell(record_id)
    firm.settle()

    assert codes(firm, record_id) == ["LOST_WHILE_PLANNED_ANEW"]
    assert firm.tasks(record_id, TaskStatus.OPEN) == []
    (item,) = firm.open_items_of(record_id)
    firm.replay(item)
    firm.settle()
    assert codes(firm, record_id) == ["LOST_WHILE_PLANNED_ANEW"]

    firm.give_up(record_id)
    firm.settle()

    assert firm.state(record_id) is State.WITHDRAWN
    assert keys_of(firm) == []
    checks.at_the_end(firm)


def test_lost_and_won_again_meanwhile_it_goes_on(firm: Simulation) -> None:
    record_id = stopped_deal(firm, writes=3)
    firm.plan_anew(record_id)
    firm.change(record_id, is_won=False)
    firm.tell(record_id)
    firm.settle()
    assert codes(firm, record_id) == ["LOST_WHILE_PLANNED_ANEW"]

    firm.change(record_id, is_won=True)
    firm.tell(record_id)
    finish(firm, record_id)

    assert firm.state(record_id) is State.ACTIVE
    assert codes(firm, record_id) == []
    checks.at_the_end(firm)


@pytest.mark.parametrize("gives_up", [False, True])
def test_a_rejected_new_plan_leaves_nothing_behind(firm: Simulation, gives_up: bool) -> None:
    record_id = stopped_deal(firm, writes=3)
    firm.reprice(record_id)
    firm.plan_anew(record_id)
    firm.settle()
    (task, *_) = (each for each in firm.tasks(record_id, TaskStatus.OPEN) if FIONA.id in each.candidates)
    firm.decide(task, FIONA, Decision.REJECT)
    firm.settle()

    assert codes(firm, record_id) == ["REJECTED_AFTER_CREATION"]
    if gives_up:
        firm.give_up(record_id)
        firm.settle()
        assert firm.state(record_id) is State.WITHDRAWN
        assert keys_of(firm) == []
    else:
        firm.replay(firm.open_items_of(record_id)[0])
        finish(firm, record_id)
        assert firm.state(record_id) is State.ACTIVE
    checks.at_the_end(firm)


@pytest.mark.parametrize("other", [False, True])
def test_given_up_and_won_again_its_projects_are_opened_again(firm: Simulation, other: bool) -> None:
    record_id = stopped_deal(firm, writes=4)
    firm.give_up(record_id)
    firm.settle()
    assert firm.state(record_id) is State.WITHDRAWN
    existing = {thing.key: thing.outside_id for thing in firm.outside.erp.books.things}

    firm.change(record_id, name="Won again")
    if other:
        firm.reprice(record_id)
    firm.tell(record_id)
    finish(firm, record_id)

    assert firm.state(record_id) is State.ACTIVE
    after = {thing.key: thing.outside_id for thing in firm.outside.erp.books.things}
    assert existing.items() <= after.items()
    checks.at_the_end(firm)


@pytest.mark.parametrize("told", [False, True])
def test_deleted_and_given_up_it_starts_again_when_it_is_restored(firm: Simulation, told: bool) -> None:
    """Nothing else in it changed; `told`: whether the deletion was known before it was given up."""
    record_id = stopped_deal(firm, writes=4)
    firm.delete(record_id)
    if told:
        firm.tell(record_id)
        firm.settle()
        assert set(codes(firm, record_id)) == {"CRM_RECORD_GONE", "VENDOR_REJECTED"}
    firm.give_up(record_id)
    firm.settle()
    assert firm.state(record_id) is State.WITHDRAWN
    existing = {thing.key: thing.outside_id for thing in firm.outside.erp.books.things}

    firm.restore(record_id)
    firm.tell(record_id)
    finish(firm, record_id)

    assert firm.state(record_id) is State.ACTIVE
    after = {thing.key: thing.outside_id for thing in firm.outside.erp.books.things}
    assert existing.items() <= after.items()
    checks.at_the_end(firm)


def test_what_was_opened_again_by_half_is_closed_when_it_is_given_up_once_more(
    firm: Simulation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The ERP opens a record, and refuses the change that comes with it."""
    record_id = stopped_deal(firm, writes=4)
    firm.give_up(record_id)
    firm.settle()
    firm.reprice(record_id)
    firm.tell(record_id)
    firm.settle()
    books = firm.outside.erp.books

    def by_half(outside_id: str, _content: object) -> ExternalRecord:
        (thing,) = (each for each in books.things if each.outside_id == outside_id)
        books.things[books.things.index(thing)] = replace(thing, closed=False)
        raise VendorRejected("the period is closed")

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(books, "revise", by_half)
        firm.approve(record_id)
        firm.settle()
    assert codes(firm, record_id) == ["VENDOR_REJECTED"]
    assert len(keys_of(firm)) == 1
    firm.pass_time(timedelta(minutes=5))

    firm.give_up(record_id)
    firm.settle()

    assert firm.state(record_id) is State.WITHDRAWN
    assert keys_of(firm) == []


def test_what_a_person_closed_in_the_erp_is_not_opened_again(firm: Simulation) -> None:
    record_id = stopped_deal(firm, writes=4)
    (thing,) = firm.outside.erp.books.of(key_of(firm.find(record_id).tracked, EffectKind.PARENT, ROOT_PATH))
    firm.outside.erp.books.close(thing.outside_id)
    firm.reprice(record_id)

    firm.plan_anew(record_id)
    finish(firm, record_id)

    (item,) = firm.open_items_of(record_id)
    assert (item.code, "closed: planned 'no', found 'yes'" in item.message) == ("CONTENT_CONFLICT", True)
    firm.give_up(record_id)
    firm.settle()
    assert firm.state(record_id) is State.WITHDRAWN
    assert keys_of(firm) == []


def test_planned_anew_twice_and_back_it_has_what_was_approved_last(firm: Simulation) -> None:
    record_id = stopped_deal(firm, writes=4)
    first = firm.outside.crm[record_id].now
    firm.reprice(record_id)
    firm.plan_anew(record_id)
    firm.settle()
    firm.approve(record_id)
    firm.work_on(record_id, Trouble(Kind.REJECTED, 1))
    firm.pass_time(timedelta(minutes=1))
    firm.change(record_id, lines=first.lines, amount=first.amount)

    firm.plan_anew(record_id)
    finish(firm, record_id)

    assert firm.state(record_id) is State.ACTIVE
    checks.at_the_end(firm)


def test_a_change_without_an_answer_is_looked_up_and_not_a_conflict(firm: Simulation) -> None:
    record_id = stopped_deal(firm, writes=4)
    firm.reprice(record_id)
    firm.plan_anew(record_id)
    firm.settle()
    firm.approve(record_id)
    firm.work_on(record_id, Trouble(Kind.LOST_BEFORE))
    firm.settle()

    assert firm.state(record_id) is State.ACTIVE
    checks.at_the_end(firm)


# The last reading before anything of the new plan is made.


def approved_anew(firm: Simulation) -> str:
    """It exists in part, gets dearer, and the new plan is approved; the ERP was away, so nothing of that is
    made yet."""
    record_id = stopped_deal(firm, writes=4)
    firm.reprice(record_id)
    firm.plan_anew(record_id)
    firm.settle()
    firm.approve(record_id)
    firm.away.add("erp")
    work(firm, record_id)
    firm.away.clear()
    firm.pass_time(timedelta(minutes=1))
    assert firm.state(record_id) is State.APPROVED
    return record_id


def contents(firm: Simulation) -> list[Mapping[str, Any]]:
    return [thing.content for thing in firm.outside.erp.books.things]


def test_deleted_after_its_new_plan_was_approved_nothing_more_is_made_of_it(firm: Simulation) -> None:
    """Nobody told of it."""
    record_id = approved_anew(firm)
    before = contents(firm)
    firm.delete(record_id)
    firm.settle()

    assert codes(firm, record_id) == ["CRM_RECORD_GONE"]
    assert contents(firm) == before

    firm.restore(record_id)
    firm.tell(record_id)
    firm.settle()
    assert (firm.state(record_id), codes(firm, record_id)) == (State.ACTIVE, [])
    checks.at_the_end(firm)


@pytest.mark.parametrize("told", [True, False])
def test_lost_after_its_new_plan_was_approved_it_waits_for_a_person(firm: Simulation, told: bool) -> None:
    record_id = approved_anew(firm)
    before = contents(firm)
    firm.change(record_id, is_won=False)
    if told:
        firm.tell(record_id)
    firm.settle()

    assert codes(firm, record_id) == ["LOST_WHILE_PLANNED_ANEW"]
    assert contents(firm) == before
    firm.replay(firm.open_items_of(record_id)[0])
    firm.settle()
    assert codes(firm, record_id) == ["LOST_WHILE_PLANNED_ANEW"]

    firm.change(record_id, is_won=True)
    firm.tell(record_id)
    finish(firm, record_id)
    assert (firm.state(record_id), codes(firm, record_id)) == (State.ACTIVE, [])
    checks.at_the_end(firm)


@pytest.mark.parametrize("told", [True, False])
def test_changed_after_its_new_plan_was_approved_it_is_planned_and_approved_once_more(
    firm: Simulation, told: bool
) -> None:
    record_id = approved_anew(firm)
    approved, before = firm.find(record_id).tracked.plan_hash, contents(firm)
    firm.reprice(record_id)
    if told:
        firm.tell(record_id)
    firm.settle()

    assert firm.state(record_id) is State.AWAITING_APPROVAL
    assert firm.find(record_id).tracked.plan_hash != approved
    assert contents(firm) == before
    firm.approve(record_id)
    firm.settle()
    assert (firm.state(record_id), codes(firm, record_id)) == (State.ACTIVE, [])
    checks.at_the_end(firm)


def test_changed_and_changed_back_the_new_plan_keeps_its_approvals(firm: Simulation) -> None:
    record_id = approved_anew(firm)
    approved = firm.find(record_id).tracked.plan_hash
    before = firm.outside.crm[record_id].now
    firm.reprice(record_id)
    firm.change(record_id, lines=before.lines, amount=before.amount)
    firm.settle()

    assert (firm.state(record_id), codes(firm, record_id)) == (State.ACTIVE, [])
    assert firm.find(record_id).tracked.plan_hash == approved
    checks.at_the_end(firm)


@pytest.mark.parametrize("told", [True, False])
def test_from_the_new_plan_s_first_mark_on_it_stands(firm: Simulation, told: bool) -> None:
    """The first change of what exists has no answer; then the deal gets dearer again."""
    record_id = approved_anew(firm)
    work(firm, record_id, Trouble(Kind.LOST_AFTER))
    approved, read = firm.find(record_id).tracked.plan_hash, firm.crm_reads.count(record_id)
    firm.reprice(record_id)
    if told:
        firm.tell(record_id)
    firm.settle()
    assert (firm.state(record_id), firm.find(record_id).tracked.plan_hash) == (State.ACTIVE, approved)
    assert firm.crm_reads.count(record_id) == read + told  # read once before, and not with each try

    firm.tell(record_id)
    firm.settle()
    assert codes(firm, record_id) == ["CHANGED_AFTER_APPROVAL"]
    checks.at_the_end(firm)
