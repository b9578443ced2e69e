"""Proxies between the product and its servers and vendors: they cut connections, and lose the reply to a
commit."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.harness.waiting import HANG_SECONDS

COMMIT = b"Q\x00\x00\x00\x0bCOMMIT\x00"
WRITES = re.compile(rb"\b(insert into|update|delete from) ", re.IGNORECASE)
# The server's message that it is ready for the next query, with no transaction open.
IDLE = b"Z\x00\x00\x00\x05I"
READY = IDLE[:-1]
CHUNK = 65_536
Dial = Callable[[], Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]]]


@dataclass
class Conversation:
    """One connection, parsed as far as needed to know which messages of Postgres's protocol (version 3)
    commit."""

    muted: asyncio.Event = field(default_factory=asyncio.Event)
    is_idle: bool = False
    _prepared: dict[bytes, bytes] = field(default_factory=dict)

    def commits(self, chunk: bytes) -> bool:
        """Whether this message of the client commits: a COMMIT, or a statement that writes outside a
        transaction."""
        asked = list(self._asked(chunk))
        return chunk.endswith(COMMIT) or (self.is_idle and any(map(WRITES.search, asked)))

    def hear(self, chunk: bytes) -> None:
        """Read a message of the server."""
        if chunk[-len(IDLE) : -1] == READY:
            self.is_idle = chunk.endswith(IDLE)

    def _asked(self, chunk: bytes) -> Iterator[bytes]:
        """The statements that are executed: Parse has name and text, Bind portal and name."""
        at = 0
        while at + 5 <= len(chunk):
            kind, length = chunk[at : at + 1], int.from_bytes(chunk[at + 1 : at + 5])
            body = chunk[at + 5 : at + 1 + length]
            if kind == b"P":
                name, _, rest = body.partition(b"\0")
                self._prepared[name] = rest.partition(b"\0")[0]
            if kind == b"B":
                name = body.partition(b"\0")[2].partition(b"\0")[0]
                yield self._prepared.get(name, b"")
            at += 1 + max(length, 4)


class Proxy:
    """A proxy for one server. `broken` counts connections that ended or were refused because it was cut."""

    def __init__(self, dial: Dial, loop: asyncio.AbstractEventLoop) -> None:
        self._dial = dial
        self._loop = loop
        self._open: set[asyncio.StreamWriter] = set()
        self._is_cut = False
        self._commits_to_lose = 0
        self.broken = 0
        self.lost_commits = 0

    def cut(self) -> None:
        self._is_cut = True
        self._loop.call_soon_threadsafe(self._break_all)

    def mend(self) -> None:
        self._is_cut = False

    def lose_commits(self, count: int) -> None:
        """For the next `count` commits the server does the work, and the client never gets the reply."""
        self._commits_to_lose = count

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._is_cut:
            self.broken += 1
            writer.transport.abort()
            return
        try:
            far_reader, far_writer = await self._dial()
        except OSError:
            writer.transport.abort()
            return
        both = {writer, far_writer}
        self._open |= both
        talk = Conversation()
        ways = [
            asyncio.create_task(self._up(reader, far_writer, talk)),
            asyncio.create_task(self._down(far_reader, writer, talk)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            self._open -= both
            for one in both:
                one.transport.abort()

    async def _up(self, reader: asyncio.StreamReader, far: asyncio.StreamWriter, talk: Conversation) -> None:
        with suppress(OSError):
            while chunk := await reader.read(CHUNK):
                if talk.commits(chunk) and self._commits_to_lose > 0:
                    self._commits_to_lose -= 1
                    talk.muted.set()
                far.write(chunk)
                await far.drain()

    async def _down(self, far: asyncio.StreamReader, writer: asyncio.StreamWriter, talk: Conversation) -> None:
        with suppress(OSError):
            while chunk := await far.read(CHUNK):
                talk.hear(chunk)
                if talk.muted.is_set():  # the server has committed; the reply is dropped
                    self.lost_commits += 1
                    return
                writer.write(chunk)
                await writer.drain()

    def _break_all(self) -> None:
        self.broken += len(self._open) // 2
        for writer in self._open:
            writer.transport.abort()


class Proxies:
    """All proxies, in one thread of their own."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._servers: list[asyncio.Server] = []
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxies", daemon=True)
        self._thread.start()

    def tcp(self, port: int) -> tuple[Proxy, int]:
        """A proxy for a loopback port, and its own port."""
        proxy = Proxy(lambda: asyncio.open_connection("127.0.0.1", port), self._loop)
        server = self._run(asyncio.start_server(proxy.serve, "127.0.0.1", 0))
        return proxy, server.sockets[0].getsockname()[1]

    def unix(self, target: Path, here: Path) -> Proxy:
        proxy = Proxy(lambda: asyncio.open_unix_connection(str(target)), self._loop)
        self._run(asyncio.start_unix_server(proxy.serve, str(here)))
        here.chmod(0o777)
        return proxy

    def stop(self) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(timeout=HANG_SECONDS)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=HANG_SECONDS)
        self._loop.close()

    async def _end(self) -> None:
        for server in self._servers:
            server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for other in others:
            other.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    def _run(self, starting: Awaitable[asyncio.Server]) -> asyncio.Server:
        async def start() -> asyncio.Server:
            return await starting

        server = asyncio.run_coroutine_threadsafe(start(), self._loop).result(timeout=HANG_SECONDS)
        self._servers.append(server)
        return server
