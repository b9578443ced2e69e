"""One trouble at each step of a deal's way, one step after the other, so that chance leaves none out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta

import pytest

from oppsync.domain.work.states import State
from tests.stateful import checks
from tests.stateful.faults import Kind, Trouble
from tests.stateful.simulation import Simulation
from tests.stateful.worlds import World

TWO_WORKSTREAMS = 2
PAUSES = (Kind.PAUSED, Kind.PAUSED_AFTER_WRITE)
# Postgres is far slower: only the troubles that concern the storage most, at every thirteenth step.
ON_POSTGRES = (
    Kind.KILLED_BEFORE_COMMIT,
    Kind.KILLED_AFTER_COMMIT,
    Kind.COMMIT_ANSWER_LOST,
    Kind.PAUSED,
    Kind.PAUSED_AFTER_WRITE,
    Kind.LATE,
    Kind.SLOW,
)
MEANWHILE = (
    ("three seconds pass",),
    ("another takes over",),
    ("another takes over and dies", "a minute passes"),
    ("the deal is lost", "another takes over"),
    ("the deal gets dearer", "another takes over"),
    ("it is told again", "a minute passes"),
)


def tell_the_story(world: World, trouble: Trouble, *, approved: bool, together: int = 1) -> bool:
    """A deal with two workstreams, from the webhook to its end; the trouble comes in the run before or after
    its approval. Returns whether it came. `together`: how many records the ERP creates in one call."""
    simulation = Simulation(world)
    simulation.outside.erp.together = together
    record_id = simulation.win(TWO_WORKSTREAMS)
    simulation.tell(record_id)
    if approved:
        simulation.work()
        simulation.approve(record_id)
    simulation.relay()
    happened = simulation.work_with(trouble)
    checks.always(simulation)
    checks.finish(simulation)
    return happened


def every_step(
    kind: Kind,
    make_world: Callable[[], World],
    every: int = 1,
    what_else: Sequence[tuple[str, ...]] = MEANWHILE,
) -> Iterator[None]:
    """Run the story once for each step (each `every`th) at which `kind` can happen."""
    for approved in (False, True):
        for meanwhile in what_else if kind in PAUSES else ((),):
            nth = 0
            while tell_the_story(make_world(), Trouble(kind, nth, meanwhile), approved=approved):
                nth += every
                yield


@pytest.mark.parametrize("kind", Kind)
def test_a_trouble_at_any_step_does_no_harm(kind: Kind, memory: Callable[[], World]) -> None:
    steps = list(every_step(kind, memory))

    assert steps, "the trouble never came"


@pytest.mark.parametrize("kind", Kind)
def test_a_trouble_at_any_step_of_giving_up_does_no_harm(kind: Kind, memory: Callable[[], World]) -> None:
    nth = 0
    while give_up(memory(), Trouble(kind, nth, ("another takes over", "a minute passes"))):
        nth += 1

    assert nth, "the trouble never came"


def give_up(world: World, trouble: Trouble) -> bool:
    """A deal that stops at its third project is given up; the trouble comes while existing records are
    closed."""
    simulation = Simulation(world)
    record_id = simulation.win(TWO_WORKSTREAMS)
    simulation.tell(record_id)
    simulation.work()
    simulation.approve(record_id)
    simulation.work_on(record_id, Trouble(Kind.REJECTED, 2))
    simulation.pass_time(timedelta(minutes=1))
    simulation.relay()
    simulation.bag.clear()
    simulation.give_up(record_id)
    simulation.relay()
    happened = simulation.work_with(trouble)
    checks.always(simulation)
    simulation.settle()
    for item in simulation.open_items():
        simulation.replay(item)
    simulation.settle()
    checks.at_the_end(simulation)
    assert simulation.state(record_id) is State.WITHDRAWN
    assert len(simulation.outside.erp.books.things) == 2
    return happened


@pytest.mark.parametrize("kind", ON_POSTGRES)
def test_a_trouble_at_some_steps_does_no_harm_on_postgres(kind: Kind, postgres: Callable[[], World]) -> None:
    steps = list(every_step(kind, postgres, every=13, what_else=MEANWHILE[1:2]))

    assert steps, "the trouble never came"
