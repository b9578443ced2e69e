"""The bench loses the reply to everything that commits: a COMMIT, or a statement outside a transaction."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url

from oppsync.kernel.settings import Settings
from tests.chaos.proxies import Proxies, Proxy

INSERT = "insert into numbers values (%s)"
Through = tuple[Proxy, str]


@pytest.fixture
def through(settings: Settings) -> Iterator[Through]:
    """A proxy before Postgres, and the address of the server behind it."""
    url = make_url(settings.database_url.get_secret_value()).set(drivername="postgresql")
    with psycopg.connect(url.render_as_string(False), autocommit=True) as direct:
        direct.execute("create table numbers (number int)")
    # Not in the test's own folder: a socket's path may have a hundred characters.
    with tempfile.TemporaryDirectory() as near:
        proxies = Proxies()
        proxy = proxies.unix(Path(str(url.query["host"])) / ".s.PGSQL.5432", Path(near) / ".s.PGSQL.5432")
        yield proxy, url.update_query_dict({"host": near}).render_as_string(False)
        proxies.stop()


def _stored(address: str) -> int:
    with psycopg.connect(address, autocommit=True) as later:
        row = later.execute("select count(*) from numbers").fetchone()
    return int(row[0]) if row else 0


def test_a_write_alone_is_carried_out_and_nobody_hears_of_it(through: Through) -> None:
    proxy, address = through
    with psycopg.connect(address, autocommit=True, prepare_threshold=0) as client:
        client.execute(INSERT, [1])
        client.execute("select 1 where %s = 1", [1])
        proxy.lose_commits(1)
        client.execute("select 1 where %s = 1", [1])  # a query that changes nothing
        with pytest.raises(psycopg.OperationalError):
            client.execute(INSERT, [2])
    assert (proxy.lost_commits, _stored(address)) == (1, 2)


def test_within_a_transaction_only_its_commit_is_lost(through: Through) -> None:
    proxy, address = through
    with psycopg.connect(address, autocommit=True) as client:
        proxy.lose_commits(1)
        client.execute("begin")
        client.execute(INSERT, [1])
        client.execute(INSERT, [2])
        with pytest.raises(psycopg.OperationalError):
            client.execute("COMMIT")
    assert (proxy.lost_commits, _stored(address)) == (1, 2)
