"""How people are notified."""

from __future__ import annotations

from typing import Protocol

from oppsync.domain.plan.orders import Message


class Notifier(Protocol):
    """`delivers`: whether what it takes reaches people. A file on a machine reaches nobody by itself."""

    @property
    def delivers(self) -> bool: ...

    def send(self, message: Message) -> None:
        """Raises NotificationRefused when it will never be taken, TransientError when it may be later."""
