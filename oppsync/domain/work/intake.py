"""A delivery: a message that a CRM sent to a webhook, kept as it came, or a change that we found in the
CRM."""

from __future__ import annotations

import hashlib
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from pydantic import AwareDatetime

from oppsync.domain.values.keys import MadeCode
from oppsync.domain.values.model import Code, Frozen, changed

_SHOWN_OF_AN_ID = 100


class Source(StrEnum):
    """How a delivery reached us: sent by the CRM, or found by asking it."""

    WEBHOOK = "webhook"
    POLL = "poll"
    BACKFILL = "backfill"


class Delivery(Frozen):
    """A verified delivery. `delivery_id` is the sender's, the same across its retries.

    A delivery that we found has an id made of the record and its version, and the reference as its body;
    `late_seconds` is the time from the change to the poll.
    """

    tenant_id: Code
    connection_id: Code
    delivery_id: MadeCode
    headers: dict[str, str]
    body: bytes
    traceparent: Code
    source: Source = Source.WEBHOOK
    late_seconds: int | None = None


class StoredDelivery(Frozen):
    """A delivery in the inbox; `opportunities` are those of the records it names.

    `body` is empty once retention has pruned it; `body_sha256` still identifies it.
    """

    id: UUID
    tenant_id: Code
    connection_id: Code
    delivery_id: Code
    received_at: AwareDatetime
    headers: dict[str, str]
    body: bytes
    traceparent: Code
    source: Source = Source.WEBHOOK
    late_seconds: int | None = None
    body_sha256: Code | None = None
    pruned_at: AwareDatetime | None = None
    opportunities: tuple[UUID, ...] = ()


class ReceivedDeal(NamedTuple):
    """The deal of a record that a delivery names."""

    source_id: str
    opportunity_id: UUID
    is_new: bool


def is_same_body(stored: StoredDelivery, body: bytes) -> bool:
    """Whether a delivery that comes again is the one that is stored, which may be pruned."""
    known = stored.body_sha256 or hashlib.sha256(stored.body).hexdigest()
    return known == hashlib.sha256(body).hexdigest()


def under_own_id(delivery: Delivery) -> Delivery:
    """The delivery under an id made of its sender's and its content, for an id that is another delivery's
    already. The space is in no id that a sender may use; the same delivery again has the same id again."""
    whole = hashlib.sha256(delivery.delivery_id.encode() + b" " + delivery.body).hexdigest()
    return changed(delivery, delivery_id=f"{delivery.delivery_id[:_SHOWN_OF_AN_ID]} {whole}")
