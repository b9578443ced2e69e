"""One trouble at each step of planning anew, of another customer, and of opening again."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from oppsync.domain.values.model import changed
from oppsync.domain.work.states import State
from tests.stateful import checks
from tests.stateful.anew import created_deal, invoices_of, stopped_deal, to_another_customer
from tests.stateful.faults import Kind, Trouble
from tests.stateful.scenes import codes
from tests.stateful.simulation import Simulation
from tests.stateful.worlds import World


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
