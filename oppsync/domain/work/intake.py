"""A delivery: what a CRM sent to a webhook, kept as it came, or what we found in it ourselves."""

from __future__ import annotations

from enum import StrEnum
from uuid import UUID

from pydantic import AwareDatetime

from oppsync.domain.values.model import Code, Frozen


class Source(StrEnum):
    """How we came to know: told by the CRM, or found by asking it."""

    WEBHOOK = "webhook"
    POLL = "poll"
    BACKFILL = "backfill"


class Delivery(Frozen):
    """A verified delivery. `delivery_id` is the sender's, the same across its retries.

    One that was found has an id made of the record and its version, and the reference as its body;
    `late_seconds` says how long before the poll it changed.
    """

    tenant_id: Code
    connection_id: Code
    delivery_id: Code
    headers: dict[str, str]
    body: bytes
    traceparent: Code
    source: Source = Source.WEBHOOK
    late_seconds: int | None = None


class StoredDelivery(Frozen):
    """A delivery in the inbox; `opportunities` are those it told about.

    `body` is empty once retention has pruned it; `body_sha256` tells what it was.
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
