"""Deals that exist in part or whole before they are planned anew, and what is seen of them."""

from __future__ import annotations

from datetime import timedelta

from oppsync.domain.values.model import changed
from oppsync.domain.work.states import State
from tests.stateful.faults import Kind, Trouble
from tests.stateful.simulation import Simulation

TWO_WORKSTREAMS = 2


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


def finish(firm: Simulation, record_id: str) -> None:
    """The new plan is made, approved and applied."""
    firm.settle()
    assert firm.state(record_id) is State.AWAITING_APPROVAL
    firm.approve(record_id)
    firm.settle()


def to_another_customer(firm: Simulation, record_id: str, code: str = "CUST-1004") -> None:
    account = firm.outside.crm[record_id].now.account
    assert account is not None
    firm.change(record_id, account=changed(account, code=code))


def invoices_of(firm: Simulation) -> list[str]:
    """For whom each open invoice is."""
    things = firm.outside.erp.books.things
    return [thing.content["customer"] for thing in things if "customer" in thing.content and not thing.closed]
