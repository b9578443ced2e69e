"""Work the exception queue: replay an item from where it stopped, or dismiss it with a reason."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from oppsync.domain.approval.who_may import Action
from oppsync.domain.values.model import changed
from oppsync.domain.values.trace import new_traceparent
from oppsync.domain.work.events import Event, ExceptionDismissed, Replayed, StateChanged
from oppsync.domain.work.exceptions import ExceptionItem, ExceptionStatus
from oppsync.domain.work.intake import Delivery
from oppsync.domain.work.states import State
from oppsync.domain.work.tracked import TrackedOpportunity
from oppsync.kernel.crash_points import crash_point
from oppsync.kernel.errors import BusinessError, Conflict, RecordGone
from oppsync.kernel.text_input import comment
from oppsync.pipeline.table import stage_for
from oppsync.ports.storage.opportunities import HANDED_ON, ON_ACTION
from oppsync.ports.storage.unit_of_work import Publish, UnitOfWork, UnitOfWorkFactory
from oppsync.ports.systems import Systems
from oppsync.services.admin.who_asks import admit
from oppsync.services.intake.accept_delivery import read_delivery, receive_again
from oppsync.services.queue.commands import DismissException, ReplayException
from oppsync.services.queue.items import open_item
from oppsync.services.queue.reach import check_reach
from oppsync.services.queue.resume import resume


@dataclass(frozen=True)
class ReplayExceptionHandler:
    """An opportunity goes back to the start of the stage it stopped at; a delivery or a poll is done again."""

    uow: UnitOfWorkFactory
    publish: Publish
    systems: Systems

    def __call__(self, command: ReplayException) -> None:
        with self.uow() as uow:
            actor = admit(uow, command.tenant_id, command.actor, Action.REPLAY)
            item = open_item(uow, command.tenant_id, command.item_id)
            check_reach(uow, item.tenant_id, _deal_of(uow, item), command.actor, Action.REPLAY)
            if item.opportunity_id is not None:
                self._resume(uow, item, actor)
            elif item.polled_connection is not None:
                self._poll_now(uow, item, item.polled_connection, actor)
            elif item.mirrored_connection is not None:
                self._mirror_now(uow, item, item.mirrored_connection, actor)
            else:
                self._read_again(uow, item, actor)
            crash_point("replay.uncommitted", item.code)
            uow.commit()
            crash_point("replay.committed", item.code)

    def _resume(self, uow: UnitOfWork, item: ExceptionItem, actor: str) -> None:
        if item.opportunity_id is None:
            raise ValueError(f"{item.id} is not about an opportunity")
        before = uow.opportunities.lock(item.tenant_id, item.opportunity_id)
        uow.exceptions.close_open(item.tenant_id, before.id, actor, "Replayed")
        detail = {"exception": str(item.id), "code": item.code}
        what = f"after {item.code}"
        resume(uow, self.publish, before, before.stands_at, actor=actor, after_what=what, detail=detail)

    def _poll_now(self, uow: UnitOfWork, item: ExceptionItem, connection_id: str, actor: str) -> None:
        uow.watermarks.due_now(item.tenant_id, connection_id)
        uow.exceptions.close(item.tenant_id, item.id, ExceptionStatus.REPLAYED, actor, "Replayed")
        event = Replayed(
            opportunity_id=None,
            actor=actor,
            detail={"exception": str(item.id), "connection": connection_id},
            summary=f"Polled again after {item.code}",
        )
        self.publish(uow, item.tenant_id, new_traceparent(), event)

    def _mirror_now(self, uow: UnitOfWork, item: ExceptionItem, connection_id: str, actor: str) -> None:
        """What is still so is told again by that reading."""
        uow.mirror.ask(item.tenant_id, connection_id, actor, ())
        uow.exceptions.close(item.tenant_id, item.id, ExceptionStatus.REPLAYED, actor, "Replayed")
        event = Replayed(
            opportunity_id=None,
            actor=actor,
            detail={"exception": str(item.id), "connection": connection_id},
            summary=f"Master data is read again after {item.code}",
        )
        self.publish(uow, item.tenant_id, new_traceparent(), event)

    def _read_again(self, uow: UnitOfWork, item: ExceptionItem, actor: str) -> None:
        if item.delivery_id is None:
            raise ValueError(f"{item.id} is about nothing that can be replayed")
        stored = uow.deliveries.get(item.tenant_id, item.delivery_id)
        if stored.pruned_at is not None:
            raise Conflict(pruned_words(stored.pruned_at), code="BODY_PRUNED")
        delivery = Delivery(**stored.model_dump(include=set(Delivery.model_fields)))
        read = read_delivery(self.systems, delivery)
        if isinstance(read, BusinessError):
            raise Conflict(f"It still cannot be read: {read.message_with_place}.", code="STILL_UNREADABLE")
        uow.exceptions.close(item.tenant_id, item.id, ExceptionStatus.REPLAYED, actor, "Replayed")
        receive_again(uow, self.publish, delivery, stored.id, read)
        event = Replayed(
            opportunity_id=None,
            actor=actor,
            detail={"exception": str(item.id), "event": str(stored.id)},
            summary=f"Read again after {item.code}",
        )
        self.publish(uow, item.tenant_id, delivery.traceparent, event)


@dataclass(frozen=True)
class DismissExceptionHandler:
    uow: UnitOfWorkFactory
    publish: Publish

    def __call__(self, command: DismissException) -> None:
        with self.uow() as uow:
            actor = admit(uow, command.tenant_id, command.actor, Action.DISMISS)
            reason = comment(
                command.reason, "reason", required="Give a reason for closing it without a replay."
            )
            item = open_item(uow, command.tenant_id, command.item_id)
            check_reach(uow, item.tenant_id, _deal_of(uow, item), command.actor, Action.DISMISS)
            uow.exceptions.close(item.tenant_id, item.id, ExceptionStatus.DISMISSED, actor, reason)
            events = [_dismissed(item, actor, reason), *_withdraw_what_is_gone(uow, item, actor, reason)]
            self.publish(uow, item.tenant_id, _trace_of(uow, item), *events)
            uow.commit()


def _withdraw_what_is_gone(uow: UnitOfWork, item: ExceptionItem, actor: str, reason: str) -> list[Event]:
    """A parked deal that the CRM no longer has, and of which nothing was made, comes to its end with its item.
    Its digest is forgotten: should the record come back, that is news."""
    if item.code != RecordGone.code or item.opportunity_id is None:
        return []
    before = uow.opportunities.lock(item.tenant_id, item.opportunity_id)
    made = any(row.may_exist for row in uow.ledger.of(item.tenant_id, before.id))
    if before.state is not State.PARKED or made:
        return []
    ended = {"state": State.WITHDRAWN, "resume_state": None, "record_digest": None}
    after = changed(before, **ended, approved_record=None, changes_since_approval=())
    uow.approvals.void(before.tenant_id, before.id, None)
    uow.exceptions.close_open(before.tenant_id, before.id, actor, reason, ExceptionStatus.DISMISSED)
    if before.reread_due:  # perhaps it is back
        uow.opportunities.change(before, after, HANDED_ON)
        uow.outbox.add(before.tenant_id, before.id, stage_for(after.state).name, before.traceparent)
    else:
        uow.opportunities.change(before, after, ON_ACTION)
    moved = StateChanged(
        opportunity_id=before.id,
        actor=actor,
        before={"state": before.state.value},
        after={"state": after.state.value},
        summary=f"{before.state} -> {after.state}",
    )
    return [moved]


def _dismissed(item: ExceptionItem, actor: str, reason: str) -> Event:
    return ExceptionDismissed(
        opportunity_id=item.opportunity_id,
        actor=actor,
        detail={"exception": str(item.id), "code": item.code, "reason": reason},
        summary=f"Dismissed {item.code}: {reason}",
    )


def pruned_words(pruned_at: datetime) -> str:
    return (
        f"The body of this delivery was pruned on {pruned_at.date()}; only its digest is kept. "
        "Save the record in the CRM again; the CRM then sends a new one."
    )


def _deal_of(uow: UnitOfWork, item: ExceptionItem) -> TrackedOpportunity | None:
    known = item.opportunity_id
    return uow.opportunities.get(item.tenant_id, known) if known else None


def _trace_of(uow: UnitOfWork, item: ExceptionItem) -> str:
    if item.opportunity_id is not None:
        return uow.opportunities.get(item.tenant_id, item.opportunity_id).traceparent
    if item.delivery_id is not None:
        return uow.deliveries.get(item.tenant_id, item.delivery_id).traceparent
    return new_traceparent()
