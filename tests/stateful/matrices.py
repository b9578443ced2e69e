"""Approval matrices of two or three steps, one of them of a group, side by side or in order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize

from oppsync.domain.policy.approval_step import ApprovalStep
from oppsync.domain.reference.book import ReferenceKind, ReferenceRow
from tests.stateful.machine import FirmMachine
from tests.stateful.people import REVIEW
from tests.stateful.simulation import LINES, Simulation
from tests.stateful.worlds import World

Matrix = Sequence[ReferenceRow]


def step(code: str, *roles: str, count: int = 1, order: int = 1) -> ReferenceRow:
    asks = ApprovalStep(name=code.capitalize(), roles=roles or (code,), count=count, order=order)
    value = asks.model_dump(mode="json")
    return ReferenceRow(kind=ReferenceKind.APPROVAL_STEP, key=code, valid_from=date(2020, 1, 1), value=value)


def _steps(finance: int, orders: tuple[int, int, int], *, reviewed: bool) -> Matrix:
    first, second, third = orders
    reviews = (step(REVIEW, "finance", "delivery", order=third),) if reviewed else ()
    return (step("finance", count=finance, order=first), step("delivery", order=second), *reviews)


_order = st.integers(1, 3)
matrices = st.builds(
    _steps, finance=st.integers(1, 2), orders=st.tuples(_order, _order, _order), reviewed=st.booleans()
)


def machine_with_matrix(make_world: Callable[[Matrix], World]) -> type[RuleBasedStateMachine]:
    """The machine of a firm that has another matrix in each example."""

    class Machine(FirmMachine):
        def __init__(self) -> None:
            super().__init__(make_world(()))

        @initialize(lines=st.integers(0, len(LINES) - 1), matrix=matrices)
        def first_deal(self, lines: int, matrix: Matrix) -> None:
            self.simulation = Simulation(make_world(matrix))
            self.simulation.tell(self.simulation.win(lines))

    return Machine
