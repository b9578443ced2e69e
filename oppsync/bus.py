"""The in-process message bus: a command has one handler, an event has many subscribers.

Subscribers run inside the transaction of whoever publishes and do no I/O of their own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

from oppsync.domain.events import Event
from oppsync.ports.storage import UnitOfWork

Answer = TypeVar("Answer")
Asked = TypeVar("Asked", bound="Command[Any]")
Subscriber = Callable[[UnitOfWork, str, str, Event], None]


class Command(Generic[Answer]):
    """Base of all commands; the parameter is the type of its handler's answer."""


class MessageBus:
    def __init__(self) -> None:
        self._handlers: dict[type[Command[Any]], Callable[[Any], Any]] = {}
        self._subscribers: list[Subscriber] = []

    def register(self, command: type[Asked], handler: Callable[[Asked], Any]) -> None:
        """Raises ValueError when the command has a handler already."""
        if command in self._handlers:
            raise ValueError(f"{command.__name__} already has a handler")
        self._handlers[command] = handler

    def subscribe(self, subscriber: Subscriber) -> None:
        self._subscribers.append(subscriber)

    def dispatch(self, command: Command[Answer]) -> Answer:
        """Run the command's handler; what it raises reaches the caller."""
        answer: Answer = self._handlers[type(command)](command)
        return answer

    def publish(self, uow: UnitOfWork, tenant_id: str, traceparent: str, *events: Event) -> None:
        """Tell every subscriber of each event, inside the caller's transaction."""
        for event in events:
            for subscriber in self._subscribers:
                subscriber(uow, tenant_id, traceparent, event)
