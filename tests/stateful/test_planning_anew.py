"""Planned anew after its approval, with a deal that exists in part: nothing is created twice, nothing is left
behind, and what differs is named."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from oppsync.domain.approval.tasks import Decision, TaskStatus
from oppsync.domain.effects.effects import EffectState, ExternalRecord
from oppsync.domain.plan.plan import ROOT_PATH
from oppsync.domain.values.keys import EffectKind
from oppsync.domain.values.model import changed
from oppsync.domain.work.states import State
from oppsync.kernel.errors import VendorRejected
from oppsync.pipeline.outside_keys import key_of
from tests.stateful import checks
from tests.stateful.faults import Kind, Trouble
from tests.stateful.people import FIONA
from tests.stateful.simulation import Simulation
from tests.stateful.worlds import World

TWO_WORKSTREAMS = 2


@pytest.fixture(params=["memory", "postgres"])
def new_world(request: pytest.FixtureRequest) -> Callable[[], World]:
    make_world: Callable[[], World] = request.getfixturevalue(request.param)
    return make_world


@pytest.fixture
def firm(new_world: Callable[[], World]) -> Iterator[Simulation]:
    simulation = Simulation(new_world())
    yield simulation
    checks.always(simulation)


def stopped_deal(firm: Simulation, writes: int, lines: int = TWO_WORKSTREAMS) -> str:
    """An approved deal whose next write is refused after so many."""
    record_id = firm.win(lines)
    firm.tell(record_id)
    firm.work()
    firm.approve(record_id)
    firm.work_on(record_id, Trouble(Kind.REJECTED, writes))
    firm.pass_time(timedelta(minutes=1))
    assert firm.state(record_id) is State.PARKED
    return record_id


def created_deal(firm: Simulation) -> str:
    """An approved deal whose projects and billing exist; the CRM refuses what is written back."""
    record_id = firm.win(TWO_WORKSTREAMS)
    firm.tell(record_id)
    firm.work()
    firm.approve(record_id)
    stop_after_creation(firm, record_id)
    return record_id


def stop_after_creation(firm: Simulation, record_id: str) -> None:
    tracked = firm.find(record_id).tracked
    content = firm.world.plan(tracked.id, tracked.plan_hash or "").content
    firm.work_on(record_id, Trouble(Kind.REJECTED, len(content.nodes) + len(list(content.billing_lines()))))
    firm.pass_time(timedelta(minutes=1))
    assert firm.find(record_id).tracked.resume_state is State.CREATED


def keys_of(firm: Simulation) -> list[str]:
    return [thing.key for thing in firm.outside.erp.books.things if not thing.closed]


def codes(firm: Simulation, record_id: str) -> list[str]:
    return [item.code for item in firm.open_items_of(record_id)]


def finish(firm: Simulation, record_id: str) -> None:
    """The new plan is made, approved and applied."""
    firm.settle()
    assert firm.state(record_id) is State.AWAITING_APPROVAL
    firm.approve(record_id)
    firm.settle()


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


def to_another_customer(firm: Simulation, record_id: str, code: str = "CUST-1004") -> None:
    account = firm.outside.crm[record_id].now.account
    assert account is not None
    firm.change(record_id, account=changed(account, code=code))


def invoices_of(firm: Simulation) -> list[str]:
    """For whom each open invoice is."""
    things = firm.outside.erp.books.things
    return [thing.content["customer"] for thing in things if "customer" in thing.content and not thing.closed]


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


def plan_anew(world: World, trouble: Trouble, *, approved: bool) -> bool:
    """A deal that stops at its fifth write, gets fewer lines and is planned anew; the trouble comes before or
    after the new plan is approved. Returns whether it came."""
    simulation = Simulation(world)
    record_id = stopped_deal(simulation, writes=4)
    first, second = simulation.outside.crm[record_id].now.lines
    dearer = changed(second, quantity=second.quantity * 2, net=second.net * 2)
    simulation.change(record_id, lines=(dearer,) if approved else (first, dearer))
    simulation.change(record_id, amount=sum(line.net for line in simulation.outside.crm[record_id].now.lines))
    simulation.relay()
    simulation.bag.clear()
    simulation.plan_anew(record_id)
    if approved:
        simulation.settle()
        simulation.approve(record_id)
    simulation.relay()
    happened = simulation.work_with(trouble)
    checks.always(simulation)
    checks.finish(simulation)
    assert simulation.state(record_id) is State.ACTIVE or codes(simulation, record_id)
    return happened


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("approved", [False, True])
def test_a_trouble_at_any_step_of_it_does_no_harm(
    kind: Kind, approved: bool, memory: Callable[[], World]
) -> None:
    nth = 0
    meanwhile = ("another takes over", "a minute passes")
    while plan_anew(memory(), Trouble(kind, nth, meanwhile), approved=approved):
        nth += 1

    assert nth or not approved, "the trouble never came"


def change_customer(world: World, trouble: Trouble) -> bool:
    """A deal that was created gets another customer; the trouble comes after the new approval."""
    simulation = Simulation(world)
    record_id = created_deal(simulation)
    to_another_customer(simulation, record_id)
    simulation.plan_anew(record_id)
    simulation.settle()
    simulation.approve(record_id)
    simulation.relay()
    happened = simulation.work_with(trouble)
    checks.always(simulation)
    checks.finish(simulation)
    if simulation.state(record_id) is State.ACTIVE:
        assert invoices_of(simulation) == ["CUST-1004"]
    else:
        assert codes(simulation, record_id)
    return happened


@pytest.mark.parametrize("kind", Kind)
def test_a_trouble_at_any_step_to_another_customer_does_no_harm(
    kind: Kind, memory: Callable[[], World]
) -> None:
    nth = 0
    while change_customer(memory(), Trouble(kind, nth, ("another takes over", "a minute passes"))):
        nth += 1

    assert nth, "the trouble never came"


def win_again(world: World, trouble: Trouble) -> bool:
    """A deal that was given up is won again; the trouble comes while its projects are opened again."""
    simulation = Simulation(world)
    record_id = stopped_deal(simulation, writes=4)
    simulation.give_up(record_id)
    simulation.settle()
    simulation.reprice(record_id)
    simulation.tell(record_id)
    simulation.settle()
    simulation.approve(record_id)
    simulation.relay()
    happened = simulation.work_with(trouble)
    checks.always(simulation)
    checks.finish(simulation)
    return happened


@pytest.mark.parametrize("kind", Kind)
def test_a_trouble_at_any_step_of_opening_again_does_no_harm(kind: Kind, memory: Callable[[], World]) -> None:
    nth = 0
    while win_again(memory(), Trouble(kind, nth, ("another takes over", "a minute passes"))):
        nth += 1

    assert nth, "the trouble never came"
