"""A connection without limits costs no question while all goes well; each sign of trouble ends that."""

from __future__ import annotations

import threading
from contextlib import closing, suppress
from datetime import timedelta
from uuid import UUID

import pytest
import redis

from adapters.connectors.traffic import gate
from adapters.connectors.traffic.book import NAMESPACE, Book, TurnReply, Who
from adapters.connectors.traffic.limits import Limits
from adapters.connectors.traffic.traffic import VendorTraffic
from oppsync.domain.reading.traffic import Circuit
from oppsync.kernel.errors import HeldBack, RateLimited, VendorUnavailable
from sandbox.embedded.servers import ServerAddresses
from tests.harness.builders import TENANT
from tests.harness.waiting import HANG_SECONDS
from tests.integration.vendor_traffic.acting import (
    call,
    fails,
    forgotten,
    holds_all,
    later,
    refused,
    seen,
    working,
)

Workers = tuple[VendorTraffic, VendorTraffic]


@pytest.fixture(autouse=True)
def long(monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer holds for as long as a test runs."""
    monkeypatch.setattr(gate, "GOOD_FOR", 1_000)


def asked(books: redis.Redis) -> int:
    """How often the book was asked or told something."""
    return int(books.info("commandstats")["cmdstat_evalsha"]["calls"])


def test_the_steps_of_a_process_share_one_question(workers: Workers, books: redis.Redis) -> None:
    with working():
        call(workers[0])
    before = asked(books)

    for _ in range(3):
        with working():
            call(workers[0])
            call(workers[0], Limits(calls_at_once=1))
    call(workers[0])

    assert asked(books) == before
    call(workers[1])
    assert asked(books) == before + 2  # another process asks, and leaves


def test_a_process_without_limits_goes_on_until_a_call_of_its_own_fails(
    workers: Workers, books: redis.Redis
) -> None:
    """It does not ask before each call, however calls went elsewhere, because nobody counts its calls."""
    with working():
        call(workers[0])
        holds_all(workers[1])
        call(workers[0])
    with working():
        call(workers[0])
        fails(workers[0])
    assert isinstance(refused(workers[0]), HeldBack)


def test_one_that_is_asked_to_wait_asks_before_each_call(workers: Workers, books: redis.Redis) -> None:
    call(workers[0])
    with pytest.raises(RateLimited):
        call(workers[0], error=RateLimited("slow down", retry_after=timedelta(minutes=1)))
    assert isinstance(refused(workers[0]), HeldBack)


def test_after_a_moment_a_process_without_limits_asks_again(
    workers: Workers, books: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate, "GOOD_FOR", 0)
    with working():
        call(workers[0])
        holds_all(workers[1])
        assert isinstance(refused(workers[0]), HeldBack)


def test_failures_are_counted_and_a_good_answer_ends_the_count(workers: Workers, books: redis.Redis) -> None:
    call(workers[0])
    for _ in range(3):
        fails(workers[0], 4)
        call(workers[0])
    assert seen(workers[0]).circuit is Circuit.CLOSED
    fails(workers[0], 5)
    assert type(refused(workers[0])) is VendorUnavailable


class HeldUp:
    """A call in a thread of its own that is held up before or after it asks the book."""

    def __init__(
        self, worker: VendorTraffic, book: Book, monkeypatch: pytest.MonkeyPatch, *, after: bool
    ) -> None:
        self._reached, self._go_on = threading.Event(), threading.Event()
        self._turn, self._after = book.turn, after
        self._thread = threading.Thread(target=lambda: suppressed(worker))
        monkeypatch.setattr(book, "turn", self._ask)
        self._thread.start()
        assert self._reached.wait(HANG_SECONDS)

    def _ask(self, connection: str, who: Who, limits: Limits, patience: float) -> TurnReply:
        mine = threading.current_thread() is self._thread
        if mine and not self._after:
            self._wait()
        reply = self._turn(connection, who, limits, patience)
        if mine and self._after:
            self._wait()
        return reply

    def _wait(self) -> None:
        self._reached.set()
        assert self._go_on.wait(HANG_SECONDS)

    def goes_on(self) -> None:
        self._go_on.set()
        self._thread.join()


def suppressed(worker: VendorTraffic) -> None:
    with suppress(HeldBack):
        call(worker)


def test_an_answer_from_before_a_failure_begins_no_calm(
    servers: ServerAddresses, books: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(Book(servers.redis_url, 2)) as book:
        worker = VendorTraffic(book, 0, forgotten)
        held_up = HeldUp(worker, book, monkeypatch, after=True)
        holds_all(worker)
        held_up.goes_on()

        assert isinstance(refused(worker), HeldBack)


def test_what_one_thread_learns_ends_the_calm_of_all(
    workers: Workers, servers: ServerAddresses, books: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(Book(servers.redis_url, 2)) as book:
        worker = VendorTraffic(book, 0, forgotten)
        held_up = HeldUp(worker, book, monkeypatch, after=False)
        call(worker)
        holds_all(workers[1])
        held_up.goes_on()

        assert isinstance(refused(worker), HeldBack)


def test_while_a_deal_waits_each_call_asks_so_that_it_leaves_the_line(
    workers: Workers, books: redis.Redis
) -> None:
    holds_all(workers[0])
    waiting = f"{NAMESPACE}:{TENANT}:erp:line"
    with working():
        refused(workers[1])
    (deal,) = books.zrange(waiting, 0, -1)
    later(books, 2)

    call(workers[0])  # reported, since the vendor had refused one before it
    call(workers[0])
    before = asked(books)
    call(workers[0])
    assert asked(books) > before
    with working(UUID(str(deal))):
        call(workers[0])
    assert not books.exists(waiting)


def test_one_that_never_comes_back_is_waited_for_for_seconds(workers: Workers, books: redis.Redis) -> None:
    holds_all(workers[0])
    with working():
        refused(workers[1])
    later(books, 10)

    call(workers[0])  # reported, since the vendor had refused one before it
    call(workers[0])
    before = asked(books)
    call(workers[0])
    assert asked(books) == before


def test_a_deal_without_a_thread_asks_when_it_comes_back(servers: ServerAddresses, books: redis.Redis) -> None:
    with closing(Book(servers.redis_url, 2)) as book:
        worker = VendorTraffic(book, 2, forgotten)
        with working():
            call(worker)
            with working(), pytest.raises(HeldBack, match="other vendors' work needs a thread too"):
                call(worker)
        (deal,) = books.zrange(f"{NAMESPACE}:{TENANT}:erp:line", 0, -1)

        with working(UUID(str(deal))):
            call(worker)

        assert not books.exists(f"{NAMESPACE}:{TENANT}:erp:line")
