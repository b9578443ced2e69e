"""The book of a connection in Redis, shared by all workers. While Redis is away each process has its share."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from adapters.connectors.traffic.limits import Limits
from adapters.connectors.traffic.share import Share

SCRIPT = (Path(__file__).parent / "book.lua").read_text()
NAMESPACE = "oppsync:vendor"
# Seconds. A write begins within two seconds of its mark: the book is asked in between.
PATIENCE = 0.5
ASK_AGAIN = 2.0


@dataclass(frozen=True)
class TurnReply:
    """`blocked_by`: '' when the call may begin, else `held`, `open`, `places` or `tokens`.
    `must_report`: the end of the call must be reported, even when all went well."""

    blocked_by: str
    wait_seconds: float = 0.0
    must_report: bool = False


@dataclass(frozen=True)
class Who:
    """`holder`: a step of a worker. `ticket`: whom it is for; empty for work that waits in no line.

    `first`: the step begins here with this call. `full`: the process has no thread for it, it only waits.
    """

    holder: str
    ticket: str
    first: bool
    full: bool = False


class Book:
    """One a process; thread-safe. Opens nothing before it is first asked.

    While Redis is away each process goes on with a tenth of each limit (`Share`): ten processes together do not
    overrun a vendor.
    """

    def __init__(self, redis_url: str, connections: int) -> None:
        pool = redis.BlockingConnectionPool.from_url(
            redis_url,
            max_connections=connections,
            timeout=PATIENCE,
            socket_timeout=PATIENCE,
            socket_connect_timeout=PATIENCE,
            retry=Retry(NoBackoff(), 0),
        )
        self._client = redis.Redis.from_pool(pool)
        self._script = self._client.register_script(SCRIPT)
        self._share = Share()
        self._away_until = 0.0
        self._lock = threading.Lock()

    def close(self) -> None:
        self._client.close()

    def turn(self, connection: str, who: Who, limits: Limits, patience: float) -> TurnReply:
        """Whether a call may begin now; `patience` (seconds) is how long it may take."""
        said = self._ask(
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
        if said is None and who.full:
            return TurnReply("full", ASK_AGAIN)
        if said is None:
            wait = self._share.turn(connection, who.holder, limits, time.monotonic())
            return TurnReply("tokens" if wait else "", wait)
        blocked_by, wait_text, must_report = said
        return TurnReply(blocked_by.decode(), float(wait_text), bool(must_report))

    def report(
        self, connection: str, holder: str, outcome: str, hold: float | None, remaining: int | None
    ) -> None:
        """`outcome`: ok, failed, refused. `hold` in seconds, and the calls that remain, as the vendor said."""
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
        """Tokens, seconds held, seconds open, failures, times opened, in use, waiting. None: Redis is away."""
        said = self._ask(connection, "look", "", limits.rate, limits.capacity)
        return None if said is None else [float(value) for value in said]

    def _ask(self, connection: str, *arguments: Any) -> Any:
        """None while Redis is away."""
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
