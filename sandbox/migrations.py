"""`check-migrations`: check that the migrations produce the tables of the code."""

from __future__ import annotations

import tempfile
from pathlib import Path

import click

from adapters.cli.commands import Failed
from adapters.postgres import schema
from adapters.postgres.engine import make_engine
from sandbox.embedded import EmbeddedServers


@click.command("check-migrations")
def check_migrations() -> None:
    """Compare what the migrations make, in a scratch database, with the tables of the code."""
    with (
        tempfile.TemporaryDirectory(prefix="oppsync-check-") as folder,
        EmbeddedServers(Path(folder), durable=False) as servers,
    ):
        engine = make_engine(servers.database_url, pool_size=1)
        try:
            schema.upgrade(engine)
            found = schema.differences(engine)
        finally:
            engine.dispose()
    for difference in found:
        click.echo(difference)
    if found:
        raise Failed("The migrations do not make the tables of adapters/postgres/tables: write one that does.")
    click.echo("The migrations make the tables of the code.")
