"""A minimal HTTP/1.1: a server that keeps connections open, and a client that posts."""

from __future__ import annotations

import asyncio
import gc
import signal
import sys
import time
from collections.abc import Callable, Mapping
from functools import partial
from http import HTTPStatus

# Method, path with query, headers in lower case, body -> status, body.
Answer = Callable[[str, str, Mapping[str, str], bytes], tuple[int, bytes]]
# Method, path, when the call was read, when its answer was written (`time.monotonic`).
Answered = Callable[[str, str, float, float], None]


class Served(asyncio.Protocol):
    """One connection. An answer is computed when its call is read, and written `delay` seconds later. Other
    connections are served meanwhile."""

    def __init__(self, answer: Answer, delay: float, answered: Answered) -> None:
        self._answer, self._delay, self._answered = answer, delay, answered
        self._buffer = bytearray()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            began = time.monotonic()
            first, *lines = self._buffer[:end].decode("latin-1").split("\r\n")
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
            whole = end + 4 + int(headers.get("content-length", 0))
            if len(self._buffer) < whole:
                return
            body = bytes(self._buffer[end + 4 : whole])
            del self._buffer[:whole]
            method, path, _ = first.split(" ", 2)
            reply = partial(self._write, method, path, began, *self._answer(method, path, headers, body))
            if self._delay:
                left = began + self._delay - time.monotonic()
                asyncio.get_running_loop().call_later(max(0.0, left), reply)
            else:
                reply()

    def _write(self, method: str, path: str, began: float, status: int, content: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(
                b"HTTP/1.1 %d %s\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%s"
                % (status, HTTPStatus(status).phrase.encode(), len(content), content)
            )
        self._answered(method, path, began, time.monotonic())


def serve(answer: Answer, port: int, delay: float, answered: Answered) -> None:
    """Serve on 127.0.0.1 until SIGTERM; print a line when it listens."""
    gc.freeze()
    asyncio.run(_serve(lambda: Served(answer, delay, answered), port))


async def _serve(connection: Callable[[], Served], port: int) -> None:
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    server = await loop.create_server(connection, "127.0.0.1", port)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    async with server:
        await stop.wait()


class Poster:
    """One kept-open connection that posts one request at a time; reopened when the server closed it."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def post(self, path: str, headers: Mapping[str, str], body: bytes) -> int:
        """Post, and return the status."""
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        head = f"POST {path} HTTP/1.1\r\nhost: {self._host}\r\ncontent-length: {len(body)}\r\n{lines}\r\n"
        for last_try in (False, True):
            if self._streams is None:
                self._streams = await asyncio.open_connection(self._host, self._port)
            reader, writer = self._streams
            try:
                writer.write(head.encode() + body)
                return await self._answer(reader)
            except (ConnectionError, asyncio.IncompleteReadError):
                self.close()
                if last_try:
                    raise
        raise AssertionError("unreachable")

    async def _answer(self, reader: asyncio.StreamReader) -> int:
        answer = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        length = answer.partition("content-length: ")[2].partition("\r\n")[0]
        await reader.readexactly(int(length or 0))
        if "connection: close" in answer:
            self.close()
        return int(answer.split(" ", 2)[1])

    def close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None
