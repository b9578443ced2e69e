"""How named histories begin: deals that wait for their approval or have it, and what is open of them."""

from __future__ import annotations

from oppsync.domain.work.states import State
from tests.stateful.faults import Trouble
from tests.stateful.simulation import Simulation


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
