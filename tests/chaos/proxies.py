"""Proxies between the product and what it talks to: they cut connections, and lose the reply to a COMMIT."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

COMMIT = b"Q\x00\x00\x00\x0bCOMMIT\x00"
CHUNK = 65_536
Dial = Callable[[], Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]]]


class Proxy:
    """One way to one server. `broken` counts connections that ended or were refused because it was cut."""

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
        """Of the next `count` commits the server does the work, and the client never hears of it."""
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
        muted = asyncio.Event()
        ways = [
            asyncio.create_task(self._up(reader, far_writer, muted)),
            asyncio.create_task(self._down(far_reader, writer, muted)),
        ]
        _, pending = await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for way in pending:
            way.cancel()
        self._open -= both
        for one in both:
            one.transport.abort()

    async def _up(self, reader: asyncio.StreamReader, far: asyncio.StreamWriter, muted: asyncio.Event) -> None:
        with suppress(OSError):
            while chunk := await reader.read(CHUNK):
                if self._commits_to_lose > 0 and chunk.endswith(COMMIT):
                    self._commits_to_lose -= 1
                    muted.set()
                far.write(chunk)
                await far.drain()

    async def _down(
        self, far: asyncio.StreamReader, writer: asyncio.StreamWriter, muted: asyncio.Event
    ) -> None:
        with suppress(OSError):
            while chunk := await far.read(CHUNK):
                if muted.is_set():  # the server has committed; nobody will hear of it
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
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=5)

    def _run(self, starting: Awaitable[asyncio.Server]) -> asyncio.Server:
        async def start() -> asyncio.Server:
            return await starting

        return asyncio.run_coroutine_threadsafe(start(), self._loop).result(timeout=10)
