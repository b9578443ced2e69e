"""The in-process message bus: a command has one handler, an event has many subscribers.

Subscribers run inside the transaction of whoever publishes and do no I/O of their own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

Answer = TypeVar("Answer")
Asked = TypeVar("Asked", bound="Command[Any]")
Unit = TypeVar("Unit")
Happened = TypeVar("Happened")


class Command(Generic[Answer]):
    """Base of all commands; the parameter is the type of its handler's answer."""


class MessageBus(Generic[Unit, Happened]):
    """`Unit` is the unit of work whose transaction subscribers join, `Happened` the base of all events."""

    def __init__(self) -> None:
        self._handlers: dict[type[Command[Any]], Callable[[Any], Any]] = {}
        self._subscribers: list[Callable[[Unit, str, str, Happened], None]] = []

    def register(self, command: type[Asked], handler: Callable[[Asked], Any]) -> None:
        """Raises ValueError when the command has a handler already."""
        if command in self._handlers:
            raise ValueError(f"{command.__name__} already has a handler")
        self._handlers[command] = handler

    def subscribe(self, subscriber: Callable[[Unit, str, str, Happened], None]) -> None:
        self._subscribers.append(subscriber)

    def dispatch(self, command: Command[Answer]) -> Answer:
        """Run the command's handler; what it raises reaches the caller."""
        answer: Answer = self._handlers[type(command)](command)
        return answer

    def publish(self, uow: Unit, tenant_id: str, traceparent: str, *events: Happened) -> None:
        """Call every subscriber with each event, inside the caller's transaction."""
        for event in events:
            for subscriber in self._subscribers:
                subscriber(uow, tenant_id, traceparent, event)
