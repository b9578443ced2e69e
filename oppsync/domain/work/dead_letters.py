"""Dead letters of the broker: messages that no stage could take (an unknown actor, a bug outside a stage)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from oppsync.domain.values.model import Code, Frozen


class DeadLetter(Frozen):
    """`message` is the whole message as the broker held it; `opportunity_id` comes from its first argument."""

    message_id: Code
    queue: Code
    actor: Code
    opportunity_id: UUID | None
    message: dict[str, Any]


class DeadLetterOwner(Frozen):
    """The deal that a dead letter was about."""

    tenant_id: Code
    opportunity_id: UUID
    traceparent: Code
