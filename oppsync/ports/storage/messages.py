"""Storage of the audit trail, of the outbox and of dead letters."""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol
from uuid import UUID

from oppsync.domain.work.dead_letters import DeadLetter, DeadLetterOwner
from oppsync.domain.work.events import Event


class Audit(Protocol):
    def append(self, tenant_id: str, event: Event, traceparent: str) -> None: ...

    def shapers(self, tenant_id: str, opportunity_id: UUID) -> Collection[str]:
        """The actors of the deal's events that shape its plan (`domain.work.events.SHAPES_THE_PLAN`)."""


class Outbox(Protocol):
    def add(self, tenant_id: str, opportunity_id: UUID, stage: str, traceparent: str) -> None: ...


class DeadLetters(Protocol):
    def add(self, letter: DeadLetter) -> DeadLetterOwner | None:
        """Store it, unless it is stored already. Returns the deal it is about; None when it names no known
        deal."""
