"""A delivery: what a CRM sent to a webhook, kept as it came."""

from __future__ import annotations

from uuid import UUID

from pydantic import AwareDatetime

from oppsync.domain.model import Code, Frozen


class Delivery(Frozen):
    """A verified delivery. `delivery_id` is the sender's, the same across its retries."""

    tenant_id: Code
    connection_id: Code
    delivery_id: Code
    headers: dict[str, str]
    body: bytes
    traceparent: Code


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
    body_sha256: Code | None = None
    pruned_at: AwareDatetime | None = None
    opportunities: tuple[UUID, ...] = ()
