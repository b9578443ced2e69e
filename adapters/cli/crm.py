"""`crm`: how far each CRM is polled, and the backfill of deals won before oppsync was switched on."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import datetime

import click

from adapters.bootstrap import Application
from adapters.cli.connect import connected
from adapters.cli.output import json_option, print_json, print_table
from oppsync.domain.values.actor import COMMAND_LINE
from oppsync.domain.values.money import amount_text
from oppsync.domain.work.backfill import BackfillItem
from oppsync.services.intake.commands import PreviewBackfill, RunBackfill

DAY = click.DateTime(["%Y-%m-%d"])
BATCH = 100
PAUSE_SECONDS = 1.0


@click.group(help="Changes that arrived without a webhook: polling and backfill.")
def crm() -> None:
    pass


@crm.command()
@json_option
def polls(as_json: bool) -> None:
    """Show up to when each CRM has been polled, and what polling found."""
    with connected() as application:
        found = application.queries.polls(application.tenant_id)
    if as_json:
        print_json([each.model_dump(mode="json") for each in found])
        return
    if not found:
        click.echo("No CRM has been polled yet: start a relay, which polls.")
        return
    headings = ("connection", "covered until", "next", "deals", "changes", "most seconds late", "error")
    print_table(
        headings,
        [
            (p.connection_id, p.covered_until, p.due_at, p.deals, p.changes, p.most_late_seconds, p.error)
            for p in found
        ],
    )


@crm.command()
@click.option("--since", type=DAY, required=True, help="Won on this day or later: YYYY-MM-DD.")
@click.option("--until", type=DAY, help="Won before this day: YYYY-MM-DD.")
@click.option(
    "--id", "ids", multiple=True, help="Only the opportunity with this CRM id; repeatable. [default: all]"
)
@click.option("--connection", "connection_id", help="Id of the CRM connection, where there are several.")
@click.option("--dry-run", is_flag=True, help="Only list the deals; take none in.")
@json_option
def backfill(
    *,
    since: datetime,
    until: datetime | None,
    ids: Sequence[str],
    connection_id: str | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Take in deals that were won before oppsync was connected.

    They enter a few at a time, beside deals that webhooks report. Known deals stay as they are: the
    command may be stopped and repeated.
    """
    with connected() as application:
        preview = application.dispatch(
            PreviewBackfill(
                application.tenant_id, COMMAND_LINE, since.date(), until and until.date(), connection_id, ids
            )
        )
        chosen = preview.items
        if not as_json:
            _print(chosen)
        taken = None if dry_run else _work(application, preview.connection_id, chosen, quiet=as_json)
    if as_json:
        print_json(
            {
                "connection_id": preview.connection_id,
                "deals": [item.model_dump(mode="json") for item in chosen],
                "taken": taken,
            }
        )
    elif taken is not None:
        click.echo(f"Accepted: {len(taken)} of {len(chosen)}; the others were known.")


def _work(
    application: Application, connection_id: str, chosen: Sequence[BackfillItem], *, quiet: bool
) -> Sequence[str]:
    """Take in deal after deal until all are in. While the pipeline is full it waits, however long that
    takes."""
    waiting = [item for item in chosen if not item.is_known]
    taken: list[str] = []
    while waiting:
        step = application.dispatch(
            RunBackfill(application.tenant_id, COMMAND_LINE, connection_id, waiting[:BATCH])
        )
        done = {*step.taken, *step.known}
        waiting = [item for item in waiting if item.id not in done]
        taken += step.taken
        if waiting and not step.taken:
            time.sleep(PAUSE_SECONDS)
        elif waiting and not quiet:
            click.echo(f"{len(taken)} accepted, {len(waiting)} wait for their turn.", err=True)
    return taken


def _print(items: Sequence[BackfillItem]) -> None:
    if not items:
        click.echo("No deals were won in this period.")
        return
    rows = [
        (item.id, item.won_on, item.account, _amount(item), "known" if item.is_known else "new", item.name)
        for item in items
    ]
    print_table(("record", "won on", "account", "amount", "here", "name"), rows)


def _amount(item: BackfillItem) -> str | None:
    return None if item.amount is None else amount_text(item.amount, item.currency)
