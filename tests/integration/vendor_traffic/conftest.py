"""Two workers, that is two `VendorTraffic`s, with one book in a real Redis."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest
import redis

from adapters.connectors.traffic.book import Book
from adapters.connectors.traffic.traffic import VendorTraffic
from sandbox.embedded.servers import ServerAddresses
from tests.integration.vendor_traffic.acting import forgotten


@pytest.fixture
def books(servers: ServerAddresses) -> Iterator[redis.Redis]:
    with closing(redis.Redis.from_url(servers.redis_url, decode_responses=True)) as client:
        client.flushall()
        yield client


@pytest.fixture
def workers(servers: ServerAddresses, books: redis.Redis) -> Iterator[tuple[VendorTraffic, VendorTraffic]]:
    with closing(Book(servers.redis_url, 2)) as one, closing(Book(servers.redis_url, 2)) as other:
        yield VendorTraffic(one, 0, forgotten), VendorTraffic(other, 0, forgotten)
