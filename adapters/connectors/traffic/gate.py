"""The gate of one connection: every call asks it for a turn first, and reports its outcome to it.

A step of a worker takes one place at its first call and keeps it until the step ends; other work (a person's
command, a poll) takes a place for each call. Where no limit is counted and all goes well, the calls of a
process share one question for a moment and report nothing.
"""

from __future__ import annotations

import itertools
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from threading import Semaphore

from adapters.connectors.http.client import CallTrace
from adapters.connectors.traffic.book import Book, Who
from adapters.connectors.traffic.bulkhead import Bulkhead
from adapters.connectors.traffic.call_log import CallLog
from adapters.connectors.traffic.calm import Calm
from adapters.connectors.traffic.limits import Limits
from oppsync.domain.work.connections import Connection
from oppsync.kernel.errors import (
    AmbiguousAnswer,
    HeldBack,
    OppsyncError,
    RateLimited,
    RecordBusy,
    VendorUnavailable,
)
from oppsync.kernel.stage_scope import current_scope

# Longer waits are cut to this and asked for again, because the book may be lost meanwhile.
LONGEST_WAIT = timedelta(minutes=5)
SHORTEST_WAIT = timedelta(milliseconds=50)
# Seconds after which a call retries that exceeded this process's number of calls at once.
AT_ONCE_AGAIN = 1.0
# Seconds for which a process goes on without asking again, where no limit is counted and all went well.
GOOD_FOR = 0.25
FULL = "places here"
_WORDS = {
    "tokens": "its limit of calls is used up",
    "places": "as many calls as it allows are under way",
    "held": "the vendor asked to wait",
    FULL: "it is slow, and other vendors' work needs a thread too",
}
_numbers = itertools.count()
_process = (os.getpid(), secrets.token_hex(4))


def _holder() -> str:
    """A name that is unique, also in a forked process."""
    global _process  # noqa: PLW0603
    if _process[0] != os.getpid():
        _process = (os.getpid(), secrets.token_hex(4))
    return f"{_process[0]}:{_process[1]}:{next(_numbers)}"


def book_name(connection: Connection) -> str:
    return f"{connection.tenant_id}:{connection.id}"


@dataclass
class Visit:
    """A step's visit to one connection. `in_book`: the book gave it a turn, so it hears of its end."""

    holder: str
    ticket: str
    began: float
    calls: int = 0
    in_book: bool = False


class ConnectionGate:
    """Implements `adapters.connectors.http.client.Gate`."""

    def __init__(
        self,
        connection: Connection,
        limits: Limits,
        book: Book,
        bulkhead: Bulkhead,
        log: CallLog,
        *,
        calm: Calm,
        at_once: Semaphore | None = None,
    ) -> None:
        """`at_once`: how many calls of this process may be under way together; None for any number."""
        self._connection = book_name(connection)
        self._connection_id = connection.id
        self._limits = limits
        self._book = book
        self._bulkhead = bulkhead
        self._calm = calm
        self._at_once = at_once
        self._log = log

    @contextmanager
    def call(self, name: str, seconds: float) -> Iterator[CallTrace]:
        """Raises HeldBack while the limits do not allow it, VendorUnavailable while the circuit is open."""
        with ExitStack() as ending:
            self._wait_for_others(ending, name, seconds)
            scope = current_scope()
            if scope is None:
                visit = ending.enter_context(self._visit("", name))
            else:
                ticket = str(scope.opportunity_id)
                visit = scope.keep(("visit", self._connection), lambda: self._visit(ticket, name))
            must_report = self._turn(visit, name, seconds)
            exchange, began = CallTrace(), time.monotonic()
            try:
                yield exchange
            except OppsyncError as error:
                exchange.error = error
                raise
            finally:
                self._report(visit, exchange, must_report)
                if scope is not None and exchange.sent is not None:
                    self._log.add(scope, self._connection_id, exchange, time.monotonic() - began)

    def _wait_for_others(self, ending: ExitStack, name: str, seconds: float) -> None:
        """Wait for another call of this process to end, for as long as a call may take."""
        if self._at_once is None:
            return
        if not self._at_once.acquire(timeout=seconds):
            raise _held_back(name, "places", AT_ONCE_AGAIN)
        ending.callback(self._at_once.release)

    @contextmanager
    def _visit(self, ticket: str, name: str) -> Iterator[Visit]:
        visit = Visit(_holder(), ticket, time.monotonic())
        if not self._bulkhead.enter(visit.holder):
            self._calm.end()  # its deal has to ask when it comes back, which takes it out of the line
            who = Who(visit.holder, ticket, first=True, full=True)
            raise _held_back(name, FULL, self._book.turn(self._connection, who, self._limits, 0).wait_seconds)
        try:
            yield visit
        finally:
            self._bulkhead.leave(visit.holder)
            if visit.in_book:
                seconds = time.monotonic() - visit.began
                self._book.leave(self._connection, visit.holder, visit.calls, seconds)

    def _turn(self, visit: Visit, name: str, seconds: float) -> bool:
        """Ask the book for a turn. Returns whether the call's end must be reported, even when all went well."""
        if self._limits.counts_nothing and self._calm.lasts():
            visit.calls += 1
            return False
        who = Who(visit.holder, visit.ticket, first=visit.calls == 0)
        ends = self._calm.ends
        reply = self._book.turn(self._connection, who, self._limits, seconds)
        if reply.is_calm:
            self._calm.begin(GOOD_FOR, ends)
        else:
            self._calm.end()
        if reply.blocked_by == "open":
            raise VendorUnavailable(
                f"{name}: not called: it failed too often just now, and is tried again soon",
                retry_after=_within_bounds(reply.wait_seconds),
            )
        if reply.blocked_by:
            raise _held_back(name, reply.blocked_by, reply.wait_seconds)
        visit.calls += 1
        visit.in_book = True
        return reply.must_report

    def _report(self, visit: Visit, exchange: CallTrace, must_report: bool) -> None:
        outcome = _outcome(exchange)
        wish = exchange.signal.hold
        hold = None if wish is None else wish.total_seconds()
        left = exchange.signal.remaining
        low = left is not None and self._limits.rate > 0 and left < self._limits.capacity
        if outcome and (must_report or outcome != "ok" or hold or low):
            self._book.report(self._connection, visit.holder, outcome, hold, left if low else None)
        if outcome != "ok" or hold:
            self._calm.end()  # after the report, so that an answer from before it begins no calm


def _outcome(exchange: CallTrace) -> str:
    """The outcome to report; empty when nothing was sent, or when the failure was not the vendor's."""
    match exchange.error:
        case _ if exchange.sent is None:
            return ""
        case RateLimited():
            return "refused"
        case VendorUnavailable() | AmbiguousAnswer() if not isinstance(exchange.error, RecordBusy):
            return "failed"
        case _:
            return "ok" if exchange.answer is not None else ""


def _held_back(name: str, why: str, wait: float) -> HeldBack:
    return HeldBack(f"{name}: waits for its turn: {_WORDS[why]}", retry_after=_within_bounds(wait))


def _within_bounds(seconds: float) -> timedelta:
    wait = LONGEST_WAIT
    with suppress(OverflowError):
        wait = timedelta(seconds=seconds)
    return min(max(wait, SHORTEST_WAIT), LONGEST_WAIT)
