"""Limits of a connection, shared by all workers: tokens in a time, and places at once."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
import redis

from adapters.connectors.http.client import HttpClient
from adapters.connectors.traffic.book import NAMESPACE
from adapters.connectors.traffic.limits import Limits
from adapters.connectors.traffic.traffic import VendorTraffic
from oppsync.kernel.errors import (
    HeldBack,
)
from oppsync.kernel.send_deadline import send_deadline
from tests.harness.builders import TENANT
from tests.integration.test_http import server
from tests.integration.vendor_traffic.acting import (
    OF_FOUR,
    OF_TWO,
    call,
    connection,
    goes_through,
    later,
    refused,
    working,
)


def test_the_bucket_is_one_for_all_workers_and_starts_empty(
    workers: tuple[VendorTraffic, VendorTraffic], books: redis.Redis
) -> None:
    one, other = workers
    assert isinstance(refused(one, OF_TWO), HeldBack)

    later(books, 5_000)
    assert goes_through(one, OF_TWO) + goes_through(other, OF_TWO) == 2  # the burst, not what came in since
    later(books, 100)
    assert goes_through(other, OF_TWO) == 1


def test_after_a_loss_of_redis_nothing_is_known_to_be_left(
    workers: tuple[VendorTraffic, VendorTraffic], books: redis.Redis
) -> None:
    refused(workers[0], OF_TWO)
    later(books, 5_000)
    books.flushall()

    assert goes_through(workers[0], OF_TWO) == 0


@pytest.mark.parametrize("limits", [OF_TWO, OF_FOUR, Limits(requests=100, per_seconds=5_000)])
def test_no_window_holds_more_than_the_limit(
    workers: tuple[VendorTraffic, VendorTraffic], books: redis.Redis, limits: Limits
) -> None:
    """Wherever the window begins, also when it begins with a full bucket."""
    refused(workers[0], limits)
    later(books, 100_000)
    went = 0
    for _ in range(10):
        went += goes_through(workers[0], limits)
        later(books, limits.per_seconds / 10)
    assert limits.requests is not None
    assert limits.rate * limits.per_seconds <= went <= limits.requests


def test_a_held_back_call_says_when_it_may_be_made(
    workers: tuple[VendorTraffic, VendorTraffic], books: redis.Redis
) -> None:
    wait = refused(workers[0], OF_TWO).retry_after

    assert wait is not None
    later(books, wait.total_seconds() + 0.001)
    call(workers[0], OF_TWO)


def test_what_has_begun_ends_before_other_work_begins(
    workers: tuple[VendorTraffic, VendorTraffic], books: redis.Redis
) -> None:
    """Half of the bucket is kept for steps in the middle of their calls."""
    refused(workers[0], OF_FOUR)
    later(books, 5_000)
    with working():
        call(workers[0], OF_FOUR)
        call(workers[0], OF_FOUR)
        with working(), pytest.raises(HeldBack):
            call(workers[1], OF_FOUR)
        call(workers[0], OF_FOUR)
        call(workers[0], OF_FOUR)


def test_who_waits_is_served_in_order(workers: tuple[VendorTraffic, VendorTraffic], books: redis.Redis) -> None:
    """A newcomer does not overtake, and each waiter gets a moment of its own, so they do not all return at
    once."""
    limits = Limits(requests=11, per_seconds=1_000, burst=1)
    deals = [uuid4() for _ in range(5)]
    for deal in deals:
        with working(deal):
            refused(workers[0], limits)
    moments = [books.zscore(f"{NAMESPACE}:{TENANT}:erp:line", str(deal)) for deal in deals]
    assert moments == sorted({moment for moment in moments if moment is not None})

    later(books, 100)
    with working(), pytest.raises(HeldBack):
        call(workers[1], limits)
    with working(deals[0]):
        call(workers[0], limits)


def test_a_deal_that_never_comes_back_does_not_block_the_line(
    workers: tuple[VendorTraffic, VendorTraffic], books: redis.Redis
) -> None:
    with working():
        refused(workers[0], OF_TWO)
    later(books, 220)  # two tokens, and within a minute of the promised moment
    newcomer = uuid4()
    with working(newcomer):
        refused(workers[0], OF_TWO)
    with working(newcomer):
        call(workers[0], OF_TWO)
    later(books, 5_000)
    with working():
        call(workers[0], OF_TWO)


def test_a_write_for_want_of_a_token_was_certainly_not_sent(
    workers: tuple[VendorTraffic, VendorTraffic], books: redis.Redis
) -> None:
    reached: list[object] = []

    def serve(connection: object) -> None:
        reached.append(connection)

    with server(serve) as url:
        client = HttpClient("Acme", url, gate=workers[0].gate(connection(), OF_TWO))
        with send_deadline(timedelta(seconds=2)), pytest.raises(HeldBack):
            client.request("POST", "/x", write=True)
    assert not reached


# Places.


def test_no_more_steps_than_places_whatever_they_call(
    workers: tuple[VendorTraffic, VendorTraffic], books: redis.Redis
) -> None:
    limits = Limits(concurrent=2)
    with working():
        call(workers[0], limits)
        with working():
            call(workers[1], limits)
            with working():
                assert isinstance(refused(workers[0], limits), HeldBack)
            call(workers[1], limits)
        with working():
            call(workers[0], limits)


def test_places_of_a_killed_worker_come_back_by_themselves(
    workers: tuple[VendorTraffic, VendorTraffic], books: redis.Redis
) -> None:
    limits = Limits(concurrent=1)
    with workers[0].gate(connection(), limits).call("x", 5.0):  # it dies in there: nobody leaves
        assert isinstance(refused(workers[1], limits), HeldBack)
        later(books, 11)  # twice the longest call
        call(workers[1], limits)
