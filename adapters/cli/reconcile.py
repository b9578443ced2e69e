"""`reconcile`: compare our rows with the external records."""

from __future__ import annotations

import click

from adapters.cli.connect import connected
from adapters.cli.output import json_option, print_json, print_table
from oppsync.domain.values.actor import COMMAND_LINE
from oppsync.services.reconcile.commands import ReconcileRestore


@click.group(help="Compare what is known here with what exists outside.")
def reconcile() -> None:
    pass


@reconcile.command()
@json_option
def restore(as_json: bool) -> None:
    """After a restored backup: find deals whose projects exist in the ERP but are not recorded here."""
    with connected() as application:
        lost = application.dispatch(ReconcileRestore(application.tenant_id, COMMAND_LINE))
        deals = [application.queries.opportunity(application.tenant_id, each) for each in lost]
    if as_json:
        print_json([{"id": str(deal.id), "name": deal.name, "state": deal.state} for deal in deals])
    elif not deals:
        click.echo("Every project is recorded here.")
    else:
        print_table(("id", "state", "name"), [(deal.id, deal.state, deal.name) for deal in deals])
        click.echo("Each has an exception with what to decide.")
