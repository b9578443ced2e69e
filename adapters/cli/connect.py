"""Connect to the application, for commands that start no server: by the environment, or to the set that runs
here."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from adapters.bootstrap import Application, build
from adapters.cli.commands import UNREACHABLE, Failed
from adapters.runtime import local_set
from adapters.runtime.environment import read_settings
from oppsync.kernel.settings import Settings

DATABASE, REDIS = ("DATABASE_URL",), ("REDIS_TLS_URL", "REDIS_URL")
CONNECTIONS = 2


@contextmanager
def connected() -> Iterator[Application]:
    """Raises Failed when no set runs here and the environment names no servers."""
    application = build(find_settings(), pool_size=CONNECTIONS)
    try:
        yield application
    finally:
        application.close()


def find_settings() -> Settings:
    if names_servers():
        return read_settings()
    running = local_set.find(local_set.home_folder())
    if running is None:
        raise Failed(
            "No servers run here: start them with `make up`, or set DATABASE_URL and REDIS_URL to servers of "
            "your own.",
            UNREACHABLE,
        )
    return running


def names_servers() -> bool:
    """Whether the environment says which servers to use. Raises Failed when it names only one of the two."""
    named = [any(os.environ.get(name) for name in names) for names in (DATABASE, REDIS)]
    if any(named) and not all(named):
        raise Failed(
            "Set both DATABASE_URL and REDIS_URL, or neither: without them oppsync uses its own servers."
        )
    return all(named)
