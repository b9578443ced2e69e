"""Accept a delivery: store its raw bytes, an opportunity for each record it names and their messages, in one
commit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import assert_never
from uuid import UUID

from oppsync.domain.deal.opportunity import OpportunityRef
from oppsync.domain.values.actor import connection_actor
from oppsync.domain.values.findings.codes import CODES, finding
from oppsync.domain.values.findings.finding import Finding
from oppsync.domain.work.events import DeliveryIdReused, DeliveryReceived, DeliveryUnreadable
from oppsync.domain.work.exceptions import NewException
from oppsync.domain.work.intake import (
    Delivery,
    ReceivedDeal,
    Source,
    StoredDelivery,
    is_same_body,
    under_own_id,
)
from oppsync.domain.work.payload_references import delivery_reference
from oppsync.domain.work.trial_events import is_trial_event
from oppsync.kernel.crash_points import crash_point
from oppsync.kernel.errors import BusinessError
from oppsync.pipeline.exception_items import raise_item
from oppsync.pipeline.table import PIPELINE
from oppsync.ports.storage.unit_of_work import Publish, UnitOfWork, UnitOfWorkFactory
from oppsync.ports.systems import Systems
from oppsync.services.intake.commands import AcceptDelivery, Accepted

# The records that a delivery names, or what is wrong with it or with its connection.
Read = Sequence[OpportunityRef] | BusinessError
_BEFORE_ALL = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class AcceptDeliveryHandler:
    uow: UnitOfWorkFactory
    publish: Publish
    systems: Systems

    def __call__(self, command: AcceptDelivery) -> Accepted:
        delivery = command.delivery
        read = read_delivery(self.systems, delivery)
        with self.uow() as uow:
            event_id, is_new = self._store(uow, delivery, read)
            crash_point("delivery.uncommitted")
            uow.commit()
            crash_point("delivery.committed")
        return Accepted(event_id, is_new)

    def _store(self, uow: UnitOfWork, delivery: Delivery, read: Read) -> tuple[UUID, bool]:
        """Its event id and whether it is new. A known id with another body is a new delivery, and an item."""
        event_id, is_new = accept(uow, self.publish, delivery, read)
        if is_new:
            return event_id, True
        earlier = uow.deliveries.get(delivery.tenant_id, event_id)
        if is_same_body(earlier, delivery.body):
            return event_id, False
        own_id, is_new = accept(uow, self.publish, under_own_id(delivery), read)
        if is_new:
            _report_reused_id(uow, self.publish, delivery, own_id, earlier)
        return own_id, is_new


def read_delivery(systems: Systems, delivery: Delivery) -> Read:
    """The records a delivery names, or what is wrong with it or with its connection."""
    if delivery.source is not Source.WEBHOOK:
        return [OpportunityRef.model_validate_json(delivery.body)]
    if is_trial_event(delivery.body):
        return []
    try:
        return systems.crm(delivery.connection_id).read_notification(delivery.body)
    except BusinessError as error:
        return error


def accept(uow: UnitOfWork, publish: Publish, delivery: Delivery, read: Read) -> tuple[UUID, bool]:
    """Store a delivery with all that it brings, in the transaction at hand. Returns its event id and whether it
    is new; a known one brings nothing."""
    if isinstance(read, BusinessError):
        event_id, is_new = uow.deliveries.add(delivery)
        if is_new:
            _set_aside(uow, publish, delivery, event_id, read)
        return event_id, is_new
    event_id, deals = uow.deliveries.accept(delivery, _each_once(read), PIPELINE[0].name)
    if deals is None:
        return event_id, False
    _report(uow, publish, delivery, event_id, deals)
    return event_id, True


def receive_again(
    uow: UnitOfWork, publish: Publish, delivery: Delivery, event_id: UUID, read: Sequence[OpportunityRef]
) -> None:
    """Receive each record that a stored delivery names, in the transaction at hand."""
    deals = uow.deliveries.receive(delivery, event_id, _each_once(read), PIPELINE[0].name)
    _report(uow, publish, delivery, event_id, deals)


def _each_once(named: Sequence[OpportunityRef]) -> Sequence[OpportunityRef]:
    """Each record once, as of its latest change, in one order for all: two at once do not deadlock."""
    latest: dict[str, OpportunityRef] = {}
    for ref in named:
        earlier = latest.get(ref.id)
        if earlier is None or (ref.modified_at or _BEFORE_ALL) > (earlier.modified_at or _BEFORE_ALL):
            latest[ref.id] = ref
    return [latest[record_id] for record_id in sorted(latest)]


def _report(
    uow: UnitOfWork, publish: Publish, delivery: Delivery, event_id: UUID, deals: Sequence[ReceivedDeal]
) -> None:
    for deal in deals:
        event = DeliveryReceived(
            opportunity_id=deal.opportunity_id,
            actor=connection_actor(delivery.connection_id),
            after={"state": "received"} if deal.is_new else {},
            detail={"event": str(event_id), "delivery": delivery.delivery_id, "record": deal.source_id},
            summary=_summary(delivery, deal.is_new),
        )
        publish(uow, delivery.tenant_id, delivery.traceparent, event)


def _summary(delivery: Delivery, is_new: bool) -> str:
    match delivery.source:
        case Source.WEBHOOK:
            return "The CRM reported it" if is_new else "The CRM reported it again"
        case Source.POLL:
            what = "Found" if is_new else "Found changed"
            return f"{what} in the CRM by polling, {delivery.late_seconds} s late: no webhook arrived"
        case Source.BACKFILL:
            return "Accepted by a backfill"
        case _:
            assert_never(delivery.source)


def _set_aside(
    uow: UnitOfWork, publish: Publish, delivery: Delivery, event_id: UUID, error: BusinessError
) -> None:
    text = CODES[error.code]
    problem = Finding(code=error.code, path=error.where, message=error.message, fix=text.fix, owner=text.owner)
    item_id = raise_item(
        uow,
        NewException(
            tenant_id=delivery.tenant_id,
            delivery_id=event_id,
            code=error.code,
            message=error.message_with_place,
            owner=text.owner,
            findings=(problem,),
            payload_reference=delivery_reference(event_id),
        ),
    )
    event = DeliveryUnreadable(
        opportunity_id=None,
        actor=connection_actor(delivery.connection_id),
        detail={"event": str(event_id), "exception": str(item_id), "where": error.where},
        summary=error.message,
    )
    publish(uow, delivery.tenant_id, delivery.traceparent, event)


def _report_reused_id(
    uow: UnitOfWork, publish: Publish, delivery: Delivery, event_id: UUID, earlier: StoredDelivery
) -> None:
    """An item for whoever owns the sender. The delivery is read all the same: a change that is lost costs more
    than a record that is read once too often."""
    code = "DELIVERY_ID_REUSED"
    received = f"{earlier.received_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    message = (
        f"{earlier.delivery_id} was the id of another delivery of this connection already (event {earlier.id}, "
        f"received {received}). This one is kept as event {event_id}, and its records are read."
    )
    item_id = raise_item(
        uow,
        NewException(
            tenant_id=delivery.tenant_id,
            delivery_id=event_id,
            code=code,
            message=message,
            owner=CODES[code].owner,
            findings=(finding(code, message, value=earlier.delivery_id),),
            payload_reference=delivery_reference(event_id),
        ),
    )
    event = DeliveryIdReused(
        opportunity_id=None,
        actor=connection_actor(delivery.connection_id),
        detail={"event": str(event_id), "earlier": str(earlier.id), "exception": str(item_id)},
        summary=message,
    )
    publish(uow, delivery.tenant_id, delivery.traceparent, event)
