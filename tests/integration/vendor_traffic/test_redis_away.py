"""What a process allows itself while Redis is away, and how many calls its threads make at once."""

from __future__ import annotations

import threading

import pytest
import redis

from adapters.connectors.traffic.book import Book
from adapters.connectors.traffic.limits import NO_LIMITS, Limits
from adapters.connectors.traffic.traffic import VendorTraffic
from oppsync.kernel.errors import (
    HeldBack,
)
from sandbox.embedded.servers import ServerAddresses
from tests.harness.waiting import HANG_SECONDS
from tests.integration.vendor_traffic.acting import NOWHERE, call, connection, forgotten, refused, working


def test_while_redis_is_away_a_process_has_a_tenth_and_starts_empty(books: redis.Redis) -> None:
    alone = VendorTraffic(Book(NOWHERE, 1), 0, forgotten)
    limits = Limits(requests=12, per_seconds=1_000, burst=2, concurrent=10)

    assert isinstance(refused(alone, limits), HeldBack)
    with working():
        call(alone, Limits(concurrent=10))
        with working():
            assert isinstance(refused(alone, Limits(concurrent=10)), HeldBack)
    call(alone, NO_LIMITS, name="unlimited")
    assert alone.look(connection(), limits).circuit is None


def test_a_slow_vendor_leaves_a_thread_to_others(books: redis.Redis, servers: ServerAddresses) -> None:
    """Of four threads the fourth never waits where three already do."""
    worker = VendorTraffic(Book(servers.redis_url, 2), 4, forgotten)
    there, leave = threading.Barrier(4, timeout=HANG_SECONDS), threading.Event()

    def hang() -> None:
        with worker.gate(connection("slow"), NO_LIMITS).call("x", 5.0):
            there.wait()
            leave.wait()

    threads = [threading.Thread(target=hang) for _ in range(3)]
    for thread in threads:
        thread.start()
    there.wait()

    with working():
        assert isinstance(refused(worker, name="slow"), HeldBack)
    call(worker, name="another")
    leave.set()
    for thread in threads:
        thread.join()
    call(worker, name="slow")
    worker.close()


def test_of_a_process_no_more_calls_are_under_way_than_the_connection_bears(
    workers: tuple[VendorTraffic, VendorTraffic],
) -> None:
    """An ERP on SQLite has one writer. A call that waits for longer than a call may take comes back later."""
    one, other = workers
    single = Limits(calls_at_once=1)
    with one.gate(connection(), single).call("erp: GET /first", 5.0):
        with pytest.raises(HeldBack, match="as many calls as it allows are under way"):
            one.gate(connection(), single).call("erp: GET /second", 0.01).__enter__()
        call(one, single, name="psa")
        call(other, single)
        call(one)

    call(one, single)
