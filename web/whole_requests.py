"""gunicorn's threaded worker, but a request gets a thread only when the whole of it has arrived.

gunicorn's own takes a thread with a request's first byte and waits in it for the rest, for as long as the
sender likes: as many slow senders as there are threads stop everything. Here all connections are read in one
loop, each for a time and all together up to a number and a size, and threads never wait for a sender.
"""

from __future__ import annotations

import contextlib
import selectors
import socket
import time
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any

from gunicorn import http, util
from gunicorn.workers.gthread import TConn, ThreadWorker

from web.arrival import Arrival

_AT_ONCE = 64 * 1024
_LEFT_TO_DRAIN = 1024 * 1024
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_TOO_SLOW = b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
_BUSY = b"HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nRetry-After: 5\r\nContent-Length: 0\r\n\r\n"


class Connection(TConn):  # type: ignore[misc] # gunicorn has no types
    """`linger` gets a connection that was answered; what its sender still sends is thrown away."""

    def __init__(self, linger: Callable[[Connection], None], *socket_and_peers: Any) -> None:
        super().__init__(*socket_and_peers)
        self.arrival = Arrival()
        self.drained = 0
        self._linger = linger

    def close(self, graceful: bool = False) -> None:
        """gunicorn's own would wait up to two seconds for the peer, in the loop that everybody shares."""
        if graceful:
            self._linger(self)
        else:
            util.close(self.sock)


class WholeRequests(ThreadWorker):  # type: ignore[misc] # gunicorn has no types
    read_seconds = 10.0  # from a request's first byte, or from the connection's begin, to its last byte
    send_seconds = 10.0  # for each piece of an answer; ours are one piece
    linger_seconds = 2.0
    most_waiting = 200  # connections whose request has not arrived: the oldest makes room
    most_bytes = 32 * 1024 * 1024  # of all of them together

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.max_keepalived: int = min(self.max_keepalived, self.most_waiting)
        self.lingering: deque[Connection] = deque()
        self._bytes_waiting = 0

    def accept(self, listener: socket.socket) -> None:
        try:
            client, address = listener.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return
        self.nr_conns += 1
        conn = Connection(self._linger, self.cfg, client, address, listener.getsockname())
        self.enqueue_req(conn)

    def enqueue_req(self, conn: Connection) -> None:
        """Wait for a whole request first. Called for a new connection, and for another request on one."""
        conn.arrival = Arrival()
        conn.timeout = time.monotonic() + self.read_seconds
        conn.sock.setblocking(False)
        self.pending_conns.append(conn)
        read_on = partial(self.on_pending_socket_readable, conn)
        self.poller.register(conn.sock, selectors.EVENT_READ, read_on)
        already_here = conn.parser.unreader.take_buffered() if conn.parser else b""
        if already_here:
            self._arrived(conn, already_here)
        self._make_room()

    def on_pending_socket_readable(self, conn: Connection, client: socket.socket) -> None:
        try:
            data = client.recv(_AT_ONCE)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if data:
            self._arrived(conn, data)
            self._make_room()
        else:
            self._give_up(conn, b"")

    def murder_pending(self) -> None:
        """Give up what did not arrive in time, and what was answered and is not closed by its sender. A worker
        that stops does not wait for a request that has not begun."""
        now = time.monotonic()
        if not self.alive:
            for idle in [conn for conn in self.pending_conns if not conn.arrival.data]:
                self._give_up(idle, b"")
        while self.pending_conns and self.pending_conns[0].timeout <= now:
            late = self.pending_conns[0]
            self._give_up(late, _TOO_SLOW if late.arrival.data else b"")
        while self.lingering and self.lingering[0].timeout <= now:
            self._end(self.lingering[0])

    def handle_request(self, req: Any, conn: Connection) -> bool:
        conn.sock.settimeout(self.send_seconds)
        try:
            return bool(super().handle_request(req, conn))
        except TimeoutError:
            return False  # nobody takes the answer

    def _keepalive_after(self, conn: Connection, keepalive: bool) -> bool:
        return conn.arrival.is_complete and bool(super()._keepalive_after(conn, keepalive))

    def _arrived(self, conn: Connection, data: bytes) -> None:
        arrival = conn.arrival
        had_head = arrival.has_head
        arrival.add(data)
        self._bytes_waiting += len(data)
        if arrival.is_whole:
            self._forget(conn)
            # It is parsed from memory, so the thread cannot wait for its sender.
            conn.parser = http.get_parser(self.cfg, iter([bytes(arrival.data)]), conn.client)
            conn.initialized = True
            super().enqueue_req(conn)
        elif arrival.waits_for_us and not had_head:
            with contextlib.suppress(OSError):
                conn.sock.send(_CONTINUE)

    def _make_room(self) -> None:
        while len(self.pending_conns) > self.most_waiting or self._bytes_waiting > self.most_bytes:
            self._give_up(self.pending_conns[0], _BUSY)

    def _give_up(self, conn: Connection, answer: bytes) -> None:
        self._forget(conn)
        self.nr_conns -= 1
        with contextlib.suppress(OSError):
            conn.sock.send(answer)
        util.close(conn.sock)

    def _forget(self, conn: Connection) -> None:
        self.pending_conns.remove(conn)
        self.poller.unregister(conn.sock)
        self._bytes_waiting -= len(conn.arrival.data)

    def _linger(self, conn: Connection) -> None:
        """Say that nothing more comes, and read until the sender closes: closed at once, it might lose the
        answer."""
        try:
            conn.sock.shutdown(socket.SHUT_WR)
            conn.sock.setblocking(False)
        except OSError:
            util.close(conn.sock)
            return
        conn.timeout = time.monotonic() + self.linger_seconds
        self.lingering.append(conn)
        self.poller.register(conn.sock, selectors.EVENT_READ, partial(self._drain, conn))
        if len(self.lingering) > self.most_waiting:
            self._end(self.lingering[0])

    def _drain(self, conn: Connection, client: socket.socket) -> None:
        try:
            data = client.recv(_AT_ONCE)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        conn.drained += len(data)
        if not data or conn.drained > _LEFT_TO_DRAIN:
            self._end(conn)

    def _end(self, conn: Connection) -> None:
        self.lingering.remove(conn)
        self.poller.unregister(conn.sock)
        util.close(conn.sock)
