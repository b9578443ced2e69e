"""Keep the demo firm out of a database that the environment names, unless two options confirm it."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable
from typing import Any

import click
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from adapters.cli.commands import Failed
from adapters.cli.connect import names_servers


def only_if_meant(command: Callable[..., None]) -> Callable[..., None]:
    """Add two options; without them the command installs the demo firm in no database that it did not make."""

    @click.option(
        "--into-this-database",
        is_flag=True,
        help="Install the demo firm into the database that DATABASE_URL names. Asks for that name.",
    )
    @click.option("--database-name", help="The name that --into-this-database asks for; for scripts.")
    @functools.wraps(command)
    def asked_first(*, into_this_database: bool, database_name: str | None, **options: Any) -> None:
        if names_servers():
            _refuse_unless_meant(into_this_database, database_name)
        command(**options)

    return asked_first


def _refuse_unless_meant(is_meant: bool, name: str | None) -> None:
    # Before anything else is asked for: settings that are missing are no reason to set them and come back.
    try:
        url = make_url(os.environ["DATABASE_URL"])
    except ArgumentError:
        raise Failed("DATABASE_URL is not the address of a database.") from None
    database, host = url.database or url.username or "", url.host or "this machine"
    if not is_meant:
        raise Failed(
            f"DATABASE_URL and REDIS_URL name servers, the database {database} on {host}: the demo firm with "
            "its people, passwords, connections and reference data would be installed there. Unset both, and "
            "servers made for the demo are used; or say --into-this-database if that is what you want."
        )
    if name is None:
        if not sys.stdin.isatty():
            raise Failed(
                "--into-this-database asks for the name of the database, and this is not a terminal: add "
                f"--database-name {database} to install the demo firm on {host}."
            )
        name = click.prompt(f"This installs the demo firm on {host}. To go on, type the database's name")
    if name != database:
        raise Failed(f"DATABASE_URL names the database {database}, not {name}: nothing was changed.")
