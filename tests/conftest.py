"""Real servers for the tests: one Postgres and one Redis for each test process, one database for each test."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import hypothesis
import pytest
import redis
from cryptography.fernet import Fernet
from pydantic import SecretStr
from sqlalchemy import create_engine
from sqlalchemy.engine import make_url

from adapters.bootstrap import Application, build
from adapters.postgres import schema
from oppsync.kernel.settings import Settings
from sandbox.embedded.servers import EmbeddedServers, ServerAddresses
from tests.harness.world import running_world, world

__all__ = ["running_world", "world"]

# Failures of the contract suites show what was compared, as those of tests do.
pytest.register_assert_rewrite("sandbox.contracts")

# A busy machine is no failure.
hypothesis.settings.register_profile("oppsync", deadline=None)
hypothesis.settings.load_profile("oppsync")

TEMPLATE = "template_oppsync"
_numbers = itertools.count()


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerAddresses]:
    """Postgres with a migrated template database, and Redis."""
    with EmbeddedServers(tmp_path_factory.mktemp("servers"), durable=False) as addresses:
        _execute(addresses, f"create database {TEMPLATE}")
        engine = create_engine(database_url(addresses, TEMPLATE))
        schema.upgrade(engine)
        engine.dispose()
        yield addresses


def database_url(addresses: ServerAddresses, name: str) -> str:
    return make_url(addresses.database_url).set(database=name).render_as_string(hide_password=False)


def _execute(addresses: ServerAddresses, statement: str) -> None:
    engine = create_engine(addresses.database_url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(statement)
    engine.dispose()


@pytest.fixture
def settings(servers: ServerAddresses, tmp_path: Path) -> Iterator[Settings]:
    """Settings with a database of one's own and an empty Redis."""
    name = f"test_{next(_numbers)}"
    _execute(servers, f"create database {name} template {TEMPLATE}")
    with redis.Redis.from_url(servers.redis_url) as client:
        client.flushall()
    yield Settings(
        database_url=SecretStr(database_url(servers, name)),
        redis_url=SecretStr(servers.redis_url),
        secret_keys=SecretStr(Fernet.generate_key().decode()),
        outbox_folder=tmp_path / "mail",
    )
    _execute(servers, f"drop database {name} with (force)")


@dataclass
class Applications:
    """Builds applications on one database; closes their connections at the end."""

    settings: Settings
    built: list[Application]

    def __call__(self) -> Application:
        application = build(self.settings)
        self.built.append(application)
        return application


@pytest.fixture
def applications(settings: Settings) -> Iterator[Callable[[], Application]]:
    made = Applications(settings, [])
    yield made
    for application in made.built:
        application.close()


@pytest.fixture
def application(applications: Callable[[], Application]) -> Application:
    return applications()
