"""How people are notified."""

from __future__ import annotations

from typing import Protocol

from oppsync.domain.plan.orders import Message


class Notifier(Protocol):
    def send(self, message: Message) -> None:
        """Raises TransientError when it could not be handed over."""
