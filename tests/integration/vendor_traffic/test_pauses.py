"""What the vendor asks for by its answers holds all workers."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta

import pytest
import redis

from adapters.connectors.http.client import HttpClient
from adapters.connectors.traffic.limits import NO_LIMITS
from adapters.connectors.traffic.traffic import VendorTraffic
from oppsync.kernel.errors import (
    HeldBack,
    RateLimited,
    VendorUnavailable,
)
from tests.integration.test_http import Serve, says, server
from tests.integration.vendor_traffic.acting import (
    OF_FOUR,
    call,
    connection,
    goes_through,
    later,
    refused,
    seen,
)


@pytest.mark.parametrize(
    ("answer", "seconds"),
    [
        (says("429 Slow", b"{}", "Retry-After: 7"), 7),
        (says("503 Away", b"{}", "Retry-After: 7"), 7),
        (says("429 Slow", b"{}", "X-RateLimit-Remaining: 0", "X-RateLimit-Reset: 9"), 9),
        (says("200 OK", b"{}", "RateLimit-Remaining: 0", "RateLimit-Reset: 5"), 5),
        (says("200 OK", b"{}", 'RateLimit: "default";r=0;t=4'), 4),
        (says("429 Slow"), 1),
    ],
    ids=[
        "seconds",
        "of an outage",
        "x-ratelimit",
        "used up with a good answer",
        "structured",
        "without a word",
    ],
)
def test_one_workers_answer_holds_all_workers(
    workers: tuple[VendorTraffic, VendorTraffic], books: redis.Redis, answer: Serve, seconds: int
) -> None:
    with server(answer) as url:
        client = HttpClient("Acme", url, gate=workers[0].gate(connection(), NO_LIMITS))
        with suppress(RateLimited, VendorUnavailable):
            client.request("GET", "/x", write=False)

    held = refused(workers[1])
    assert isinstance(held, HeldBack)
    assert held.retry_after is not None
    assert held.retry_after <= timedelta(seconds=seconds)
    later(books, seconds - 1)
    assert seen(workers[1]).held_for <= 1
    call(workers[1], name="another")  # of that vendor alone
    later(books, seconds)
    call(workers[1])


def test_a_vendor_that_goes_on_refusing_is_asked_ever_less(
    workers: tuple[VendorTraffic, VendorTraffic], books: redis.Redis
) -> None:
    holds = []
    for _ in range(8):
        with pytest.raises(RateLimited, match="slow"):
            call(workers[0], error=RateLimited("slow"))
        holds.append(round(seen(workers[1]).held_for))
        later(books, 3600)
    assert holds == [1, 2, 4, 8, 16, 32, 60, 60]
    call(workers[0])
    with pytest.raises(RateLimited, match="slow"):
        call(workers[0], error=RateLimited("slow"))
    assert round(seen(workers[1]).held_for) == 1


def test_what_the_vendor_says_is_left_is_not_exceeded(
    workers: tuple[VendorTraffic, VendorTraffic], books: redis.Redis
) -> None:
    """Others use the same allowance, so the bucket follows the vendor's count."""
    refused(workers[0], OF_FOUR)
    later(books, 5_000)
    with server(says("200 OK", b"{}", "RateLimit-Remaining: 1", "RateLimit-Reset: 1")) as url:
        HttpClient("Acme", url, gate=workers[0].gate(connection(), OF_FOUR)).request("GET", "/x", write=False)
    assert goes_through(workers[1], OF_FOUR) == 1
