"""What can happen while a process is paused, by name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from oppsync.domain.approval.tasks import Decision, TaskStatus
from tests.stateful.faults import Kind, Trouble
from tests.stateful.people import BO

if TYPE_CHECKING:
    from tests.stateful.simulation import Simulation


def _with_deal(act: Callable[[Simulation, str], None]) -> Callable[[Simulation], None]:
    """Act on the deal that is being worked just now, if there is one."""

    def on_worked(simulation: Simulation) -> None:
        for row in simulation.world.rows():
            if row.lease_holder is not None:
                act(simulation, row.tracked.source_id)
                return

    return on_worked


def _lose(simulation: Simulation, record_id: str) -> None:
    simulation.change(record_id, is_won=False)
    simulation.tell(record_id)


def _delete(simulation: Simulation, record_id: str) -> None:
    simulation.delete(record_id)
    simulation.tell(record_id)


def _reprice(simulation: Simulation, record_id: str) -> None:
    simulation.reprice(record_id)
    simulation.tell(record_id)


def _take_over(simulation: Simulation, troubles: Sequence[Trouble] = ()) -> None:
    """The lease runs out, and another worker takes over."""
    simulation.pass_time(timedelta(seconds=11))
    simulation.sweep()
    if simulation.bag:
        simulation.run(1, *simulation.bag.pop(), troubles=troubles)


def _decide_one(decision: Decision) -> Callable[[Simulation, str], None]:
    def decide(simulation: Simulation, record_id: str) -> None:
        for task in simulation.world.tasks(simulation.find(record_id).tracked.id):
            if task.status is TaskStatus.OPEN:
                simulation.decide(task, BO, decision)
                return

    return decide


def _other_role_approves(simulation: Simulation, record_id: str) -> None:
    simulation.approve(record_id)


def _replay_all(simulation: Simulation) -> None:
    for item in simulation.open_items():
        simulation.replay(item)


MEANWHILE: dict[str, Callable[[Simulation], None]] = {
    "a second passes": lambda simulation: simulation.pass_time(timedelta(seconds=1)),
    "three seconds pass": lambda simulation: simulation.pass_time(timedelta(seconds=3)),
    "the lease runs out": lambda simulation: simulation.pass_time(timedelta(seconds=11)),
    "a minute passes": lambda simulation: simulation.pass_time(timedelta(minutes=1)),
    "another takes over": _take_over,
    "another takes over and dies": lambda simulation: _take_over(
        simulation, [Trouble(Kind.KILLED_AFTER_WRITE)]
    ),
    "the deal is lost": _with_deal(_lose),
    "the deal is deleted": _with_deal(_delete),
    "the deal gets dearer": _with_deal(_reprice),
    "it is told again": _with_deal(lambda simulation, record_id: simulation.tell(record_id)),
    "one approves": _with_deal(_decide_one(Decision.APPROVE)),
    "the other role approves": _with_deal(_other_role_approves),
    "one rejects": _with_deal(_decide_one(Decision.REJECT)),
    "all items are replayed": _replay_all,
    "it is planned anew": _with_deal(lambda simulation, record_id: simulation.plan_anew(record_id)),
}
