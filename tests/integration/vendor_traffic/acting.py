"""What a test of vendors' traffic does with a connection.

No test waits: `later` moves the moments in the book into the past.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
import redis

from adapters.connectors.http.client import Answer, Sent
from adapters.connectors.traffic.book import NAMESPACE
from adapters.connectors.traffic.limits import NO_LIMITS, Limits
from adapters.connectors.traffic.traffic import VendorTraffic
from oppsync.domain.reading.calls import VendorCall
from oppsync.domain.reading.traffic import Traffic
from oppsync.domain.values.trace import new_traceparent
from oppsync.domain.work.connections import Connection, ConnectionRole
from oppsync.kernel.errors import (
    HeldBack,
    OppsyncError,
    RateLimited,
    TransientError,
    VendorUnavailable,
)
from oppsync.kernel.stage_scope import stage_scope
from tests.harness.builders import TENANT

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


def holds_all(worker: VendorTraffic) -> None:
    """The vendor asks this worker to wait."""
    with working(), pytest.raises(RateLimited):
        call(worker, error=RateLimited("slow down", retry_after=timedelta(minutes=1)))
