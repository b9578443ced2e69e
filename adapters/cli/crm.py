"""`crm`: what no webhook told of: how polls of the CRM stand."""

from __future__ import annotations

import click

from adapters.bootstrap import TENANT
from adapters.cli.connect import connected
from adapters.cli.output import json_option, print_json, print_table


@click.group(help="What no webhook told of.")
def crm() -> None:
    pass


@crm.command()
@json_option
def polls(as_json: bool) -> None:
    """Show how far each CRM is polled, and what that brought."""
    with connected() as application:
        found = application.queries.polls(TENANT)
    if as_json:
        print_json([each.model_dump(mode="json") for each in found])
        return
    if not found:
        click.echo("No CRM was polled yet: a relay does it.")
        return
    headings = ("connection", "covered until", "next", "deals", "changes", "most seconds late", "error")
    print_table(
        headings,
        [
            (p.connection_id, p.covered_until, p.due_at, p.deals, p.changes, p.most_late_seconds, p.error)
            for p in found
        ],
    )
