"""One Postgres and one Redis per test process; each test has a database of its own, which holds what a template
holds."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
import redis
from cryptography.fernet import Fernet
from pydantic import SecretStr
from sqlalchemy import Engine, create_engine
from sqlalchemy.engine import make_url

from adapters.bootstrap import Application, build
from adapters.postgres import schema
from oppsync.kernel.settings import Settings
from sandbox.embedded.servers import EmbeddedServers, ServerAddresses
from tests.harness.copies import Copies, execute

_numbers = itertools.count()


@dataclass(frozen=True)
class Template:
    """A database that is copied for each test, and the key of the secrets in it."""

    database: str
    secret_key: str


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerAddresses]:
    with EmbeddedServers(tmp_path_factory.mktemp("servers"), durable=False) as addresses:
        yield addresses


@pytest.fixture(scope="session")
def template(servers: ServerAddresses) -> Template:
    """The schema of this release, without rows. A folder of tests may override it with a fuller template."""
    template = Template("template_schema", Fernet.generate_key().decode())
    execute(servers, f"create database {template.database}")
    engine = create_engine(database_url(servers, template.database))
    schema.upgrade(engine)
    engine.dispose()
    return template


@pytest.fixture(scope="session")
def copies(servers: ServerAddresses) -> Callable[[Template], Copies]:
    """The copies of a template: the same ones for all tests that use it."""
    return cache(lambda template: Copies(servers, template.database))


@pytest.fixture
def settings(
    servers: ServerAddresses, template: Template, copies: Callable[[Template], Copies], tmp_path: Path
) -> Settings:
    """Settings for a test's own database and an empty Redis."""
    name = copies(template).next()
    with redis.Redis.from_url(servers.redis_url) as client:
        client.flushall()
    return settings_of(servers, name, template.secret_key, tmp_path)


@pytest.fixture
def empty(servers: ServerAddresses) -> Iterator[Engine]:
    """A test's own database, without any table."""
    name = f"empty_{next(_numbers)}"
    execute(servers, f"create database {name}")
    engine = create_engine(database_url(servers, name))
    yield engine
    engine.dispose()
    execute(servers, f"drop database {name} with (force)")


@pytest.fixture
def applications(settings: Settings) -> Iterator[Callable[[], Application]]:
    """Builds applications on one database; closes their connections at the end."""
    built: list[Application] = []

    def one_more() -> Application:
        built.append(build(settings))
        return built[-1]

    yield one_more
    for application in built:
        application.close()


@pytest.fixture
def application(applications: Callable[[], Application]) -> Application:
    return applications()


def settings_of(servers: ServerAddresses, database: str, secret_key: str, folder: Path) -> Settings:
    return Settings(
        database_url=SecretStr(database_url(servers, database)),
        redis_url=SecretStr(servers.redis_url),
        secret_keys=SecretStr(secret_key),
        outbox_folder=folder / "mail",
    )


def database_url(servers: ServerAddresses, name: str) -> str:
    return make_url(servers.database_url).set(database=name).render_as_string(hide_password=False)
