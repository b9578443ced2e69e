"""Failures of all workers open one circuit, and one probe closes it."""

from __future__ import annotations

import threading

import pytest
import redis

from adapters.connectors.traffic.limits import NO_LIMITS
from adapters.connectors.traffic.traffic import VendorTraffic
from oppsync.domain.reading.traffic import Circuit
from oppsync.kernel.errors import (
    OppsyncError,
    RateLimited,
    RecordBusy,
    VendorUnavailable,
)
from tests.harness.waiting import HANG_SECONDS
from tests.integration.vendor_traffic.acting import ANSWER, SENT, call, connection, fails, later, refused, seen


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
