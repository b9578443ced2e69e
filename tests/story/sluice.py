"""A sluice before Tryton: it passes calls on, and can hold one create before or after Tryton carried it out."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal
from urllib.parse import urlsplit

from tests.harness.waiting import HANG_SECONDS, until

HOP_BY_HOP = {"connection", "transfer-encoding", "content-length", "host"}
# What is below a project is created by a nested write of it.
CREATES = ("POST", "PUT")
Side = Literal["before", "after"]
Reply = tuple[int, str, bytes]


class Sluice:
    """Counts calls that create from 1. What is held when the sluice closes is dropped without an answer."""

    def __init__(self, behind: str) -> None:
        self._behind = urlsplit(behind).netloc
        self._lock = threading.Lock()
        self._creates = 0
        self._hold: tuple[int, Side] | None = None
        self._held = threading.Event()
        self._let_go = threading.Event()

    def hold(self, create: int, side: Side) -> None:
        """Hold the create with this number, counted from now on."""
        with self._lock:
            self._creates, self._hold = 0, (create, side)

    def wait_until_held(self) -> None:
        until(self._held.is_set, "a create is held")

    def let_go(self) -> None:
        self._let_go.set()

    def pass_on(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Reply:
        """Raises OSError or HTTPException when Tryton is away."""
        side = self._side(method)
        if side == "before":
            self._wait()
        connection = http.client.HTTPConnection(self._behind, timeout=HANG_SECONDS)
        try:
            connection.request(method, path, body or None, headers)
            answer = connection.getresponse()
            reply = answer.status, answer.headers.get_content_type(), answer.read()
        finally:
            connection.close()
        if side == "after":
            self._wait()
        return reply

    def _side(self, method: str) -> Side | None:
        with self._lock:
            self._creates += method in CREATES
            number, side = self._hold or (None, None)
            return side if method in CREATES and self._creates == number else None

    def _wait(self) -> None:
        self._held.set()
        self._let_go.wait()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    sluice: Sluice

    def _pass_on(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = {name: value for name, value in self.headers.items() if name.lower() not in HOP_BY_HOP}
        self.close_connection = True
        try:
            status, content_type, content = self.sluice.pass_on(self.command, self.path, headers, body)
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(content)))
            self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(content)
        except (OSError, http.client.HTTPException):
            return  # one side is gone: the other learns it by the connection's end

    do_GET = do_POST = do_PUT = _pass_on  # noqa: N815 - as the base class calls them

    def log_message(self, *_: object) -> None:
        """Quiet."""


@contextmanager
def sluice_before(behind: str) -> Iterator[tuple[Sluice, str]]:
    """A sluice and its address."""
    sluice = Sluice(behind)
    handler = type("Handler", (_Handler,), {"sluice": sluice})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        serving.start()
        try:
            yield sluice, f"http://127.0.0.1:{server.server_port}"
        finally:
            sluice.let_go()
            server.shutdown()
            serving.join()
