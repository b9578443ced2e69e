"""All gates of a process, and a reading of each connection's traffic."""

from __future__ import annotations

import threading

from adapters.connectors.traffic.book import Book
from adapters.connectors.traffic.bulkhead import Bulkhead
from adapters.connectors.traffic.call_log import CallLog, KeepCalls
from adapters.connectors.traffic.calm import Calm
from adapters.connectors.traffic.gate import ConnectionGate, book_name
from adapters.connectors.traffic.limits import Limits
from oppsync.domain.reading.traffic import Circuit, Traffic
from oppsync.domain.work.connections import Connection


class VendorTraffic:
    """One per process. `threads`: those of a worker, one of which stays free of any one vendor; 0 elsewhere."""

    def __init__(self, book: Book, threads: int, keep: KeepCalls) -> None:
        self._log = CallLog(keep)
        self._book = book
        self._threads = threads
        self._lock = threading.Lock()
        self._bulkheads: dict[str, Bulkhead] = {}
        self._calm: dict[str, Calm] = {}
        self._at_once: dict[tuple[str, int], threading.Semaphore] = {}

    def close(self) -> None:
        self._book.close()

    def gate(self, connection: Connection, limits: Limits) -> ConnectionGate:
        name = book_name(connection)
        with self._lock:
            bulkhead = self._bulkheads.setdefault(name, Bulkhead(self._threads))
            calm = self._calm.setdefault(name, Calm())
            at_once = self._places(name, limits.calls_at_once)
        return ConnectionGate(connection, limits, self._book, bulkhead, self._log, calm=calm, at_once=at_once)

    def _places(self, name: str, calls: int | None) -> threading.Semaphore | None:
        """The semaphore that all gates of a connection share; another number makes a new one."""
        if calls is None:
            return None
        return self._at_once.setdefault((name, calls), threading.Semaphore(calls))

    def look(self, connection: Connection, limits: Limits) -> Traffic:
        """The traffic of a connection now; only its name while Redis is away."""
        seen = self._book.look(book_name(connection), limits)
        plain = {
            "requests": limits.requests,
            "per_seconds": limits.per_seconds,
            "concurrent": limits.concurrent,
        }
        if seen is None:
            return Traffic(connection_id=connection.id, circuit=None, **plain)
        tokens, held, is_open, failures, opens, in_use, waiting = seen
        closed = Circuit.HALF_OPEN if opens else Circuit.CLOSED
        return Traffic(
            connection_id=connection.id,
            circuit=Circuit.OPEN if is_open else closed,
            retry_in=is_open,
            held_for=held,
            failures=int(failures),
            tokens=int(tokens) if limits.requests else None,
            in_use=int(in_use) if limits.concurrent else None,
            waiting=int(waiting),
            **plain,
        )
