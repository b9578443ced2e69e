"""Limits, pauses and circuit breakers of a connection, shared by workers through a real Redis.

Two workers are two `VendorTraffic`s. No test waits: `later` moves the moments in the book into the past.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
import redis

from adapters.connectors.http.client import Answer, HttpClient, Sent
from adapters.connectors.traffic import gate
from adapters.connectors.traffic.book import NAMESPACE, Book
from adapters.connectors.traffic.limits import NO_LIMITS, Limits
from adapters.connectors.traffic.traffic import VendorTraffic
from oppsync.domain.reading.calls import VendorCall
from oppsync.domain.reading.traffic import Circuit, Traffic
from oppsync.domain.values.trace import new_traceparent
from oppsync.domain.work.connections import Connection, ConnectionRole
from oppsync.kernel.errors import (
    HeldBack,
    OppsyncError,
    RateLimited,
    RecordBusy,
    TransientError,
    VendorUnavailable,
)
from oppsync.kernel.send_deadline import send_deadline
from oppsync.kernel.stage_scope import stage_scope
from sandbox.embedded.servers import ServerAddresses
from tests.harness.builders import TENANT
from tests.harness.waiting import HANG_SECONDS
from tests.integration.test_http import Serve, says, server

NOWHERE = "redis://127.0.0.1:1/0"
# Slow, so that no token arrives while a test runs: one in a hundred seconds, one in 250.
OF_TWO = Limits(requests=12, per_seconds=1_000, burst=2)
SENT = Sent("GET", "/x")
ANSWER = Answer("erp: GET /x", 200, {}, b"{}")
OF_FOUR = Limits(requests=8, per_seconds=1_000, burst=4)


def forgotten(tenant_id: str, traceparent: str, calls: Sequence[VendorCall]) -> None:
    """A log that drops calls, which have tests of their own."""


def connection(name: str = "erp") -> Connection:
    return Connection(
        tenant_id=TENANT, id=name, role=ConnectionRole.ERP, vendor="tryton", name=name, settings={}
    )


@pytest.fixture
def books(servers: ServerAddresses) -> Iterator[redis.Redis]:
    with closing(redis.Redis.from_url(servers.redis_url, decode_responses=True)) as client:
        client.flushall()
        yield client


@pytest.fixture
def workers(servers: ServerAddresses, books: redis.Redis) -> Iterator[tuple[VendorTraffic, VendorTraffic]]:
    with closing(Book(servers.redis_url, 2)) as one, closing(Book(servers.redis_url, 2)) as other:
        yield VendorTraffic(one, 0, forgotten), VendorTraffic(other, 0, forgotten)


def later(books: redis.Redis, seconds: float, name: str = "erp") -> None:
    """Act as if so many seconds had passed for one connection."""
    book = f"{NAMESPACE}:{TENANT}:{name}"
    for field in ("at", "held", "open", "probing"):
        if float(books.hget(book, field) or 0):
            books.hincrbyfloat(book, field, -seconds)
    for part in ("places", "line"):
        for member in books.zrange(f"{book}:{part}", 0, -1):
            books.zincrby(f"{book}:{part}", -seconds, str(member))


@contextmanager
def working(opportunity_id: UUID | None = None) -> Iterator[None]:
    with stage_scope(TENANT, opportunity_id or uuid4(), "create_projects", new_traceparent()):
        yield


def call(
    worker: VendorTraffic,
    limits: Limits = NO_LIMITS,
    *,
    name: str = "erp",
    error: OppsyncError | None = None,
) -> None:
    """One call that ends well, or with `error`."""
    with worker.gate(connection(name), limits).call(f"{name}: GET /x", 5.0) as exchange:
        exchange.sent = SENT
        if error is not None:
            raise error
        exchange.answer = ANSWER


def fails(worker: VendorTraffic, times: int = 1, *, name: str = "erp") -> None:
    for _ in range(times):
        with pytest.raises(VendorUnavailable, match="away"):
            call(worker, name=name, error=VendorUnavailable("away"))


def refused(worker: VendorTraffic, limits: Limits = NO_LIMITS, name: str = "erp") -> TransientError:
    with pytest.raises(TransientError) as caught:
        call(worker, limits, name=name)
    return caught.value


def goes_through(worker: VendorTraffic, limits: Limits, at_most: int = 100) -> int:
    """How many calls outside a step get through, one after the other."""
    for number in range(at_most):
        try:
            call(worker, limits)
        except HeldBack:
            return number
    return at_most


def seen(worker: VendorTraffic, limits: Limits = NO_LIMITS) -> Traffic:
    return worker.look(connection(), limits)


# Tokens.


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


def holds_all(worker: VendorTraffic) -> None:
    """The vendor asks this worker to wait."""
    with working(), pytest.raises(RateLimited):
        call(worker, error=RateLimited("slow down", retry_after=timedelta(minutes=1)))


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


# The vendor's pauses.


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


def test_a_step_without_limits_goes_on_until_a_call_of_its_own_fails(
    workers: tuple[VendorTraffic, VendorTraffic], books: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It does not ask before each call, however the last one went, because nobody counts its calls."""
    monkeypatch.setattr(gate, "GOOD_FOR", 1_000)
    with working():
        call(workers[0])
        holds_all(workers[1])
        call(workers[0])
        fails(workers[0])
        assert isinstance(refused(workers[0]), HeldBack)


def test_after_a_moment_a_step_without_limits_asks_again(
    workers: tuple[VendorTraffic, VendorTraffic], books: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate, "GOOD_FOR", 0)
    with working():
        call(workers[0])
        holds_all(workers[1])
        assert isinstance(refused(workers[0]), HeldBack)


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


# The circuit breaker.


def test_failures_of_all_workers_open_one_circuit(
    workers: tuple[VendorTraffic, VendorTraffic], books: redis.Redis
) -> None:
    fails(workers[0], 3)
    fails(workers[1], 2)

    for worker in workers:
        not_called = refused(worker)
        assert type(not_called) is VendorUnavailable
        assert not_called.retry_after is not None
        assert "not called" in not_called.message
    assert seen(workers[0]).circuit is Circuit.OPEN
    call(workers[0], name="another")


def test_one_good_answer_in_between_and_it_stays_closed(
    workers: tuple[VendorTraffic, VendorTraffic], books: redis.Redis
) -> None:
    for _ in range(3):
        fails(workers[0], 4)
        call(workers[1])
    assert seen(workers[0]).circuit is Circuit.CLOSED


@pytest.mark.parametrize("error", [RecordBusy("locked"), RateLimited("slow")])
def test_a_vendor_that_answers_is_not_away(
    workers: tuple[VendorTraffic, VendorTraffic], books: redis.Redis, error: OppsyncError
) -> None:
    for _ in range(10):
        with pytest.raises(type(error)):
            call(workers[0], error=error)
        later(books, 100)
    assert seen(workers[0]).circuit is Circuit.CLOSED


def test_one_probe_at_a_time_and_its_success_closes_the_circuit(
    workers: tuple[VendorTraffic, VendorTraffic], books: redis.Redis
) -> None:
    fails(workers[0], 5)
    later(books, 2)
    assert seen(workers[0]).circuit is Circuit.HALF_OPEN

    gate = workers[0].gate(connection(), NO_LIMITS)
    with gate.call("probe", 5.0) as probe:
        assert type(refused(workers[1])) is VendorUnavailable
        probe.sent, probe.answer = SENT, ANSWER

    call(workers[1])
    assert seen(workers[1]).circuit is Circuit.CLOSED


def test_a_failed_probe_opens_it_for_longer_up_to_half_a_minute(
    workers: tuple[VendorTraffic, VendorTraffic], books: redis.Redis
) -> None:
    fails(workers[0], 5)
    pauses = [round(seen(workers[0]).retry_in)]
    for _ in range(5):
        later(books, 30)
        fails(workers[1])
        pauses.append(round(seen(workers[0]).retry_in))
    assert pauses == [2, 4, 8, 16, 30, 30]


def test_the_probe_of_a_killed_worker_is_made_by_another(
    workers: tuple[VendorTraffic, VendorTraffic], books: redis.Redis
) -> None:
    fails(workers[0], 5)
    later(books, 2)
    with workers[0].gate(connection(), NO_LIMITS).call("probe", 5.0):  # it dies in there
        refused(workers[1])
        later(books, 5)
        call(workers[1])
        assert seen(workers[1]).circuit is Circuit.CLOSED


def test_only_one_of_many_at_once_is_the_probe(
    workers: tuple[VendorTraffic, VendorTraffic], books: redis.Redis
) -> None:
    fails(workers[0], 5)
    later(books, 2)
    start, through, leave = (
        threading.Barrier(8, timeout=HANG_SECONDS),
        [],
        threading.Barrier(8, timeout=HANG_SECONDS),
    )

    def work(worker: VendorTraffic) -> None:
        start.wait()
        try:
            with worker.gate(connection(), NO_LIMITS).call("x", 5.0):
                through.append(worker)
                leave.wait()
        except VendorUnavailable:
            leave.wait()

    threads = [threading.Thread(target=work, args=(workers[number % 2],)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(through) == 1


# Redis down, and threads.


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


def test_a_step_with_nothing_to_count_across_processes_goes_on_without_asking(
    workers: tuple[VendorTraffic, VendorTraffic], books: redis.Redis
) -> None:
    one, _ = workers
    single = Limits(calls_at_once=1)
    with working():
        call(one, single)
        asked = books.info("commandstats")["cmdstat_evalsha"]["calls"]
        call(one, single)
        assert books.info("commandstats")["cmdstat_evalsha"]["calls"] == asked
