"""To the application, for commands that start nothing: by the environment, or by what runs in `.oppsync/`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from pydantic import SecretStr

from adapters.bootstrap import Application, build
from adapters.cli.commands import UNREACHABLE, Failed
from adapters.cli.home import Home
from adapters.embedded import ServerAddresses, find_running
from adapters.environment import read_settings
from oppsync.settings import Settings

DATABASE, REDIS = ("DATABASE_URL",), ("REDIS_TLS_URL", "REDIS_URL")
CONNECTIONS = 2


@contextmanager
def connected() -> Iterator[Application]:
    """Raises Failed when nothing runs here and the environment names no servers."""
    application = build(find_settings(Home.here()), pool_size=CONNECTIONS)
    try:
        yield application
    finally:
        application.close()


def find_settings(home: Home) -> Settings:
    if names_servers():
        return read_settings()
    running = find_running(home.servers)
    if running is None:
        raise Failed(
            "Nothing runs here: start it with `make up`, or set DATABASE_URL and REDIS_URL "
            "to servers of your own.",
            UNREACHABLE,
        )
    known = home.addresses()
    return settings_for(home, running, **({"base_url": known.web} if known else {}))


def settings_for(home: Home, servers: ServerAddresses, **more: str) -> Settings:
    """Of the embedded default: keys and mail folder of this home."""
    return Settings(
        database_url=SecretStr(servers.database_url),
        redis_url=SecretStr(servers.redis_url),
        secret_keys=SecretStr(os.environ.get("OPPSYNC_SECRET_KEYS") or home.secret_keys()),
        outbox_folder=home.mail,
        **more,  # type: ignore[arg-type]
    )


def names_servers() -> bool:
    """Whether the environment says which servers to use. Raises Failed when it names only one of the two."""
    named = [any(os.environ.get(name) for name in names) for names in (DATABASE, REDIS)]
    if any(named) and not all(named):
        raise Failed("Set both DATABASE_URL and REDIS_URL, or neither: then servers of our own are used.")
    return all(named)
