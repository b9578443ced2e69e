"""The load: signed webhooks of 3 KB, as fast as they are answered or at a fixed rate of arrival."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from standardwebhooks import Webhook

from benchmarks.lean_http import Poster
from benchmarks.vendors import record_id

BODY_BYTES = 3_000


@dataclass
class Answers:
    """`seconds`: from the moment a webhook was due to its answer; `statuses`: how many of each."""

    seconds: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)

    def percentile(self, percent: float) -> float:
        """In milliseconds."""
        ordered = sorted(self.seconds)
        return 1000 * ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))] if ordered else 0.0


def body_of(number: int) -> bytes:
    """The notification of one won deal, padded to a CRM's usual size."""
    now = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.000Z}"
    notification = {
        "type": "opportunity.changed",
        "organization_id": "00D000000000001AAA"[:15],
        "sent_at": now,
        "opportunities": [{"id": record_id(number), "system_modstamp": now, "is_won": True}],
    }
    rest = BODY_BYTES - len(json.dumps(notification)) - len(', "note": ""')
    return json.dumps({**notification, "note": "x" * rest}).encode()


class Sender:
    def __init__(self, port: int, path: str, secret: str) -> None:
        self._port, self._path, self._hook = port, path, Webhook(secret)
        self.bytes = 0

    async def all_at_once(self, numbers: Iterable[int], connections: int = 16) -> Answers:
        """Closed loop: each connection sends its next webhook when the last was answered."""
        waiting, answers = list(numbers)[::-1], Answers()

        async def work() -> None:
            poster = Poster("127.0.0.1", self._port)
            while waiting:
                await self._send(poster, waiting.pop(), time.perf_counter(), answers)
            poster.close()

        await asyncio.gather(*(work() for _ in range(connections)))
        return answers

    async def at_rate(self, numbers: Sequence[int], rate: float, connections: int = 64) -> Answers:
        """Open loop: each webhook is sent when it is due, whatever happened to the earlier ones, and timed from
        then."""
        answers, due = Answers(), asyncio.Queue[tuple[int, float] | None]()

        async def work() -> None:
            poster = Poster("127.0.0.1", self._port)
            while (one := await due.get()) is not None:
                await self._send(poster, *one, answers)
            poster.close()

        working = [asyncio.create_task(work()) for _ in range(connections)]
        began = time.perf_counter()
        for place, number in enumerate(numbers):
            at = began + place / rate
            if (pause := at - time.perf_counter()) > 0:
                await asyncio.sleep(pause)
            due.put_nowait((number, at))
        for _ in working:
            due.put_nowait(None)
        await asyncio.gather(*working)
        return answers

    async def _send(self, poster: Poster, number: int, since: float, answers: Answers) -> None:
        body, at, delivery = body_of(number), datetime.now(UTC), f"bench-{number}"
        headers = {
            "content-type": "application/json",
            "webhook-id": delivery,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": self._hook.sign(delivery, at, body.decode()),
        }
        status = await poster.post(self._path, headers, body)
        answers.seconds.append(time.perf_counter() - since)
        answers.statuses[status] += 1
        self.bytes += len(body)
