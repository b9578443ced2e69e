"""Senders that never finish a request, and workers of web that are patient or impatient with them."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from tests.harness.waiting import HANG_SECONDS
from web.whole_requests import WholeRequests


class Patient(WholeRequests):
    """No test is slower than this worker is patient, so a slow sender is still there at its end."""

    read_seconds = HANG_SECONDS
    linger_seconds = HANG_SECONDS


class Impatient(WholeRequests):
    read_seconds = 0.1


class Sender:
    def __init__(self, port: int, first: bytes, drip: bytes) -> None:
        self.connection = socket.create_connection(("127.0.0.1", port), HANG_SECONDS)
        self._drip = drip
        self.connection.sendall(first)

    def drip(self) -> None:
        self.connection.sendall(self._drip)

    @property
    def is_open(self) -> bool:
        """Whether the server neither answered nor closed."""
        self.connection.setblocking(False)
        try:
            return self.connection.recv(1, socket.MSG_PEEK) is None
        except BlockingIOError:
            return True
        finally:
            self.connection.settimeout(HANG_SECONDS)

    def answer(self) -> bytes:
        """All that the server sends until it closes."""
        return b"".join(iter(lambda: self.connection.recv(65_536), b""))


@contextmanager
def slow_senders(port: int, count: int, first: bytes, drip: bytes) -> Iterator[list[Sender]]:
    with ExitStack() as held:
        senders = [Sender(port, first, drip) for _ in range(count)]
        for sender in senders:
            held.enter_context(sender.connection)
        yield senders
