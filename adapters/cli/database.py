"""`db`: the schema of the database."""

from __future__ import annotations

import click

from adapters.cli.commands import Failed
from adapters.cli.connect import connected
from adapters.cli.output import json_option, print_json
from adapters.postgres import schema
from adapters.postgres.engine import store_errors


@click.group("db", help="The schema of the database.")
def database() -> None:
    pass


@database.command()
def upgrade() -> None:
    """Bring the schema to this release; harmless to repeat."""
    with connected() as application, store_errors():
        before = schema.current(application.engine)
        schema.upgrade(application.engine)
    at = schema.head()
    click.echo(
        f"The schema is at {at}." if before == at else f"The schema went from {before or 'empty'} to {at}."
    )


@database.command()
@json_option
def status(as_json: bool) -> None:
    """Show the version of the database's schema; ends with 1 unless it is this release's."""
    with connected() as application, store_errors():
        at = schema.current(application.engine)
    wanted = schema.head()
    if as_json:
        print_json({"at": at, "wanted": wanted, "is_current": at == wanted})
    elif at == wanted:
        click.echo(f"The schema is at {at}, as this release wants it.")
    else:
        click.echo(f"The schema is {f'at {at}' if at else 'empty'}, this release wants {wanted}.")
    if at != wanted:
        raise Failed("Run `oppsync db upgrade`.")
