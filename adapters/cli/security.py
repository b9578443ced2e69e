"""`security`: who changed what about people, tokens, connections and rules, and who tried to come in."""

from __future__ import annotations

import click

from adapters.cli.connect import connected
from adapters.cli.output import json_option, print_json, print_table
from oppsync.domain.values.actor import actor_name
from oppsync.domain.work.attempts import KIND_TEXTS

_limit = click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True, help="Rows.")


@click.group(help="Who changed what about people and secrets, and who tried to come in.")
def security() -> None:
    pass


@security.command()
@_limit
@json_option
def changes(limit: int, as_json: bool) -> None:
    """List audit events that are about no deal, newest first."""
    with connected() as application:
        rows = application.queries.changes(application.tenant_id, limit=limit).rows
    if as_json:
        print_json([row.model_dump(mode="json") for row in rows])
    elif not rows:
        click.echo("Nothing was changed yet.")
    else:
        shown = [(row.at, actor_name(row.actor), row.type, row.summary) for row in rows]
        print_table(("when", "by", "event", "what"), shown)


@security.command()
@_limit
@json_option
def attempts(limit: int, as_json: bool) -> None:
    """List sign-ins, and what was refused, counted by the hour."""
    with connected() as application:
        rows = application.queries.attempts(application.tenant_id, limit=limit)
    if as_json:
        print_json([row.model_dump(mode="json") for row in rows])
    elif not rows:
        click.echo("Nobody tried yet.")
    else:
        shown = [
            (row.last_at, KIND_TEXTS[row.kind], row.subject, row.count, row.hour, row.last_address)
            for row in rows
        ]
        print_table(("last", "what", "whose", "how often", "hour from", "last from"), shown)
