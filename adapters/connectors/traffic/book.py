"""The book of a connection's limits in Redis, shared by all workers. While Redis is away each process has its
share."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import redis

from adapters.connectors.traffic.limits import Limits
from adapters.connectors.traffic.share import Share
from adapters.runtime.redis_pool import impatient_pool

SCRIPT = (Path(__file__).parent / "book.lua").read_text()
NAMESPACE = "oppsync:vendor"
# Seconds.
ASK_AGAIN = 2.0


@dataclass(frozen=True)
class TurnReply:
    """The book's answer. `blocked_by`: empty when the call may begin, else `held`, `open`, `places` or
    `tokens`. `must_report`: the end of the call must be reported, even when all went well. `is_calm`: nothing
    failed lately and nobody waits in line; known only while Redis is there."""

    blocked_by: str
    wait_seconds: float = 0.0
    must_report: bool = False
    is_calm: bool = False


@dataclass(frozen=True)
class Who:
    """Who asks for a turn. `holder`: a step of a worker. `ticket`: its deal; empty for work that does not
    queue.

    `first`: the step's first call. `full`: the process has no thread for it, so it only queues.
    """

    holder: str
    ticket: str
    first: bool
    full: bool = False


class Book:
    """One per process; thread-safe. Opens no connection before its first use.

    While Redis is away each process uses a tenth of each limit (`Share`), so ten processes together do not
    exceed a vendor's.
    """

    def __init__(self, redis_url: str, connections: int) -> None:
        self.pool = impatient_pool(redis_url, connections)
        self._client = redis.Redis.from_pool(self.pool)
        self._script = self._client.register_script(SCRIPT)
        self._share = Share()
        self._away_until = 0.0
        self._lock = threading.Lock()

    def close(self) -> None:
        self._client.close()

    def turn(self, connection: str, who: Who, limits: Limits, patience: float) -> TurnReply:
        """Ask whether a call may begin now; `patience` (seconds) is how long the call may take."""
        reply = self._ask(
            connection,
            "turn",
            who.holder,
            who.ticket,
            int(who.first),
            limits.rate,
            limits.capacity,
            limits.reserve,
            limits.concurrent or 0,
            patience * 2,
            patience,
            int(who.full),
        )
        if reply is None and who.full:
            return TurnReply("full", ASK_AGAIN)
        if reply is None:
            wait = self._share.turn(connection, who.holder, limits, time.monotonic())
            return TurnReply("tokens" if wait else "", wait)
        blocked_by, wait_text, must_report, is_calm = reply
        return TurnReply(blocked_by.decode(), float(wait_text), bool(must_report), bool(is_calm))

    def report(
        self, connection: str, holder: str, outcome: str, hold: float | None, remaining: int | None
    ) -> None:
        """Report a call's end. `outcome`: ok, failed, refused. `hold` (seconds) and the calls left, as the
        vendor stated."""
        no_word = -1
        self._ask(
            connection,
            "report",
            holder,
            outcome,
            no_word if hold is None else hold,
            no_word if remaining is None else remaining,
        )

    def leave(self, connection: str, holder: str, calls: int, seconds: float) -> None:
        self._share.leave(connection, holder)
        self._ask(connection, "leave", holder, calls, seconds)

    def look(self, connection: str, limits: Limits) -> list[float] | None:
        """Tokens, seconds held, seconds open, failures, times opened, in use, waiting. None while Redis is
        away."""
        reply = self._ask(connection, "look", "", limits.rate, limits.capacity)
        return None if reply is None else [float(value) for value in reply]

    def _ask(self, connection: str, *arguments: Any) -> Any:
        """Run the script; None while Redis is away."""
        with self._lock:
            if time.monotonic() < self._away_until:
                return None
        root = f"{NAMESPACE}:{connection}"
        try:
            return cast("Any", self._script(keys=[root, f"{root}:places", f"{root}:line"], args=arguments))
        except redis.RedisError:
            with self._lock:
                self._away_until = time.monotonic() + ASK_AGAIN
            return None
