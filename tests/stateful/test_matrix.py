"""Two of finance, then delivery: whatever dies in between, each is asked in turn, and nobody twice."""

from __future__ import annotations

import pytest

from oppsync.domain.approval.tasks import TaskStatus
from oppsync.domain.work.states import State
from tests.stateful import checks
from tests.stateful.conftest import REFERENCE
from tests.stateful.faults import Kind, Trouble
from tests.stateful.matrices import step
from tests.stateful.people import PEOPLE
from tests.stateful.scenes import waiting_deal
from tests.stateful.simulation import START, Simulation
from tests.stateful.worlds import MemoryWorld

SEATS = ["finance", "finance#2", "delivery"]

MATRIX = (step("finance", count=2), step("delivery", order=2))


def tell_the_story(kind: Kind, after: int, nth: int) -> bool:
    """The trouble comes in the run that follows the approval counted `after`. Returns whether it came."""
    firm = Simulation(MemoryWorld(START, PEOPLE, (*REFERENCE, *MATRIX)))
    record_id = waiting_deal(firm)
    happened = False
    for number in range(len(SEATS)):
        assert [task.role for task in firm.tasks(record_id)] == SEATS[: number + 1]
        firm.approve(record_id)
        firm.relay()
        if number == after:
            happened = firm.work_with(Trouble(kind, nth, ("another takes over",)))
        firm.settle()
        for item in firm.open_items_of(record_id):
            firm.replay(item)
        firm.settle()
        checks.always(firm)
    assert firm.state(record_id) is State.ACTIVE
    tasks = firm.tasks(record_id, TaskStatus.APPROVED)
    assert [task.role for task in tasks] == SEATS
    assert len({task.decided_by for task in tasks}) == len(SEATS)
    checks.at_the_end(firm)
    return happened


@pytest.mark.parametrize("after", range(len(SEATS)), ids=SEATS)
@pytest.mark.parametrize("kind", Kind)
def test_a_trouble_at_any_step_between_the_approvals_does_no_harm(kind: Kind, after: int) -> None:
    nth = 0
    while tell_the_story(kind, after, nth):
        nth += 1
