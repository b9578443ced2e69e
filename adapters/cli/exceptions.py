"""`exceptions`: list what waits for a person, and settle it."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

import click

from adapters.bootstrap import Application
from adapters.cli.connect import connected
from adapters.cli.opportunities import print_effects
from adapters.cli.output import json_option, print_json, print_table, say
from oppsync.domain.validation.confirmations import confirmable
from oppsync.domain.values.actor import COMMAND_LINE
from oppsync.domain.work.exceptions import ExceptionItem, ExceptionStatus
from oppsync.services.queue.commands import ConfirmFindings, DismissException, LinkCustomer, ReplayException

PAGE = 100
ITEM_IDS = click.argument("item_ids", metavar="ID...", nargs=-1, required=True, type=click.UUID)


@click.group("exceptions", help="What waits for a person: business exceptions and dead letters.")
def exceptions() -> None:
    pass


@exceptions.command("list")
@click.option(
    "--status",
    type=click.Choice([*(status.value for status in ExceptionStatus), "all"]),
    default=ExceptionStatus.OPEN.value,
    show_default=True,
)
@click.option("--code", help="Only items of this code, such as ACCOUNT_UNKNOWN.")
@json_option
def list_items(status: str, code: str | None, as_json: bool) -> None:
    """List items, newest first."""
    wanted = None if status == "all" else ExceptionStatus(status)
    with connected() as application:
        items = list(_items(application, wanted, code))
    if as_json:
        print_json([item.model_dump(mode="json") for item in items])
    elif not items:
        click.echo("No exception matches.")
    else:
        print_table(
            ("id", "first seen", "times", "code", "owner", "status", "deal", "message"),
            [
                (
                    item.id,
                    item.first_seen,
                    item.occurrences,
                    item.code,
                    item.owner,
                    item.status,
                    item.about,
                    item.message,
                )
                for item in items
            ],
        )


@exceptions.command()
@click.argument("item_id", metavar="ID", type=click.UUID)
@json_option
def show(item_id: UUID, as_json: bool) -> None:
    """Show one item: what is wrong, what to do, and which external records its deal has."""
    with connected() as application:
        item = application.queries.exception(application.tenant_id, item_id)
        of = item.opportunity_id
        effects = application.queries.effects(application.tenant_id, of) if of else ()
    if as_json:
        shown = [row.model_dump(mode="json") for row in effects]
        print_json({"exception": item.model_dump(mode="json"), "effects": shown})
        return
    say(f"{item.code}, {item.status}, for {item.owner}: {item.message}")
    say(f"{item.about}\n")
    print_table(
        ("field", "found", "what is wrong", "what to do"),
        [(each.path, each.value, each.message, each.fix) for each in item.findings],
    )
    print_effects(effects)
    if confirmable(item.findings):
        click.echo(f"\nIf it is right, `exceptions confirm {item.id} --reason ...`.")
    if of:
        click.echo(
            f"\nFix it and `exceptions replay {item.id}`, or `opportunity plan-anew {of} --reason ...`, or"
            f" `opportunity compensate {of} --reason ...`."
        )


@exceptions.command()
@ITEM_IDS
def replay(item_ids: tuple[UUID, ...]) -> None:
    """Work items again from the stage they stopped at."""
    with connected() as application:
        for item_id in item_ids:
            application.dispatch(ReplayException(application.tenant_id, item_id, COMMAND_LINE))
            click.echo(f"{item_id}: replayed")


@exceptions.command()
@ITEM_IDS
@click.option("--reason", required=True, help="Kept on the item and on the timeline.")
def dismiss(item_ids: tuple[UUID, ...], reason: str) -> None:
    """Close items without working them again."""
    with connected() as application:
        for item_id in item_ids:
            application.dispatch(DismissException(application.tenant_id, item_id, COMMAND_LINE, reason))
            click.echo(f"{item_id}: dismissed")


@exceptions.command()
@ITEM_IDS
@click.option("--reason", required=True, help="Why it is right: kept on the deal and shown to the approvers.")
def confirm(item_ids: tuple[UUID, ...], reason: str) -> None:
    """Confirm what looks wrong and is right, such as an early start; the deals go on."""
    with connected() as application:
        for item_id in item_ids:
            application.dispatch(ConfirmFindings(application.tenant_id, item_id, COMMAND_LINE, reason))
            click.echo(f"{item_id}: confirmed")


@exceptions.command()
@click.argument("item_id", metavar="ID", type=click.UUID)
@click.argument("customer")
def link(item_id: UUID, customer: str) -> None:
    """Link an item's account to CUSTOMER, a customer code of the ERP, and replay the item."""
    with connected() as application:
        application.dispatch(LinkCustomer(application.tenant_id, item_id, COMMAND_LINE, customer))
    click.echo(f"{item_id}: linked to {customer} and replayed")


def _items(
    application: Application, status: ExceptionStatus | None, code: str | None
) -> Iterator[ExceptionItem]:
    after: str | None = None
    while True:
        page = application.queries.exceptions(
            application.tenant_id, status=status, code=code, after=after, limit=PAGE
        )
        yield from page.rows
        if page.next_cursor is None:
            return
        after = page.next_cursor
