"""Storage of the audit trail and of the outbox."""

from __future__ import annotations

from typing import Protocol
from uuid import UUID

from oppsync.domain.work.events import Event


class Audit(Protocol):
    def append(self, tenant_id: str, event: Event, traceparent: str) -> None: ...


class Outbox(Protocol):
    def add(self, tenant_id: str, opportunity_id: UUID, stage: str, traceparent: str) -> None: ...
