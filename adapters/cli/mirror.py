"""`mirror`: the master data of an ERP: read it now, see how old it is and what differs, list it."""

from __future__ import annotations

from collections.abc import Sequence

import click

from adapters.bootstrap import Application
from adapters.cli.commands import UNREACHABLE, Failed
from adapters.cli.connect import connected
from adapters.cli.output import json_option, print_json, print_table, say
from oppsync.domain.master_data.rows import KINDS_IN_WORDS, MasterKind, in_words
from oppsync.domain.values.actor import COMMAND_LINE
from oppsync.domain.work.mirror import MirrorRun
from oppsync.services.mirror.commands import AskForMirror, ReadMirror, Step
from oppsync.services.mirror.ended_in_use import EndedInUse
from oppsync.services.mirror.shown import ShownMirror, age_in_words, erp_connection, shown_mirror

CONNECTION = click.argument("connection_id", metavar="CONNECTION")
_KINDS = click.Choice([kind.value for kind in MasterKind])


@click.group()
def mirror() -> None:
    """The master data of an ERP as it was read last: customers, cost centres, taxes, payment terms and more."""


@mirror.command()
@CONNECTION
@click.option("--kind", "kinds", type=_KINDS, multiple=True, help="Only this; may be given several times.")
@json_option
def run(connection_id: str, kinds: Sequence[str], as_json: bool) -> None:
    """Read it now, and show what differs from the last time."""
    with connected() as application:
        wanted = [MasterKind(kind) for kind in kinds]
        begins = application.dispatch(AskForMirror(application.tenant_id, COMMAND_LINE, connection_id, wanted))
        step = _read(application, connection_id)
        if not begins and step is Step.DONE:  # that was the one under way
            step = _read(application, connection_id)
        shown = _shown(application, connection_id)
    if step is Step.FAILED:
        raise Failed(f"It was not read to the end: {shown.state.error or 'it is tried again'}", UNREACHABLE)
    latest = shown.state.runs[0] if shown.state.runs else None
    if step is Step.IDLE or latest is None:
        say("Another process reads it now: `mirror show` tells how far it is.")
    elif as_json:
        print_json(latest.model_dump(mode="json"))
    else:
        _print_run(latest)
        _print_ended(shown.ended)


@mirror.command()
@CONNECTION
@json_option
def show(connection_id: str, as_json: bool) -> None:
    """Show how much there is of each kind and how old it is, the last readings, and what ended while in use."""
    with connected() as application:
        shown, now = _shown(application, connection_id), application.clock.now()
    state = shown.state
    if as_json:
        print_json(
            {
                "kinds": [each._asdict() | {"seen_at": str(each.seen_at or "")} for each in state.kinds],
                "error": state.error,
                "runs": [each.model_dump(mode="json") for each in state.runs],
                "ended_in_use": [_as_json(each) for each in shown.ended],
            }
        )
        return
    if state.error:
        say(f"The last try failed: {state.error}")
    if not state.kinds:
        say("Nothing was read yet.")
        return
    rows = [
        (
            KINDS_IN_WORDS[each.kind][1],
            each.rows,
            each.ended,
            age_in_words(now - each.seen_at) if each.seen_at else "",
        )
        for each in state.kinds
    ]
    print_table(("kind", "there", "ended", "age"), rows)
    for each in state.runs[:1]:
        _print_run(each)
    _print_ended(shown.ended)


@mirror.command("list")
@CONNECTION
@click.option("--kind", type=_KINDS, required=True, help="Of what.")
@click.option("--search", default="", help="Only what has this in its code or name.")
@click.option("--limit", default=100, type=click.IntRange(1, 10_000), help="At most so many; 100 otherwise.")
@json_option
def list_(connection_id: str, kind: str, search: str, limit: int, as_json: bool) -> None:
    """List what there is of one kind."""
    with connected() as application, application.uow.reading() as uow:
        found = erp_connection(uow, application.tenant_id, connection_id)
        rows = uow.mirror.list(application.tenant_id, found.id, MasterKind(kind), search, limit)
    if as_json:
        print_json([row.model_dump(mode="json") for row in rows])
    else:
        print_table(("company", "code", "name"), [(row.company, row.code, row.name) for row in rows])


def _read(application: Application, connection_id: str) -> Step:
    step = Step.MORE
    while step is Step.MORE:
        step = application.dispatch(ReadMirror(connection_id))
    return step


def _shown(application: Application, connection_id: str) -> ShownMirror:
    with application.uow.reading() as uow:
        return shown_mirror(
            uow, application.tenant_id, connection_id, application.clock.now(), application.connectors
        )


def _print_run(run: MirrorRun) -> None:
    say(f"\nRead {run.started_at:%Y-%m-%d %H:%M} UTC{'' if run.finished_at else ', not to the end yet'}:")
    rows = [
        (KINDS_IN_WORDS[kind][1], each.read, each.added, each.changed, each.ended)
        for kind, each in run.counts.items()
    ]
    print_table(("kind", "read", "added", "changed", "ended"), rows)
    changes = [each for each in run.differences if each.change.value != "added"] or run.differences[:20]
    for each in changes:
        say(f"  {each.change}: {in_words(each.key)} {each.name}")


def _print_ended(ended: Sequence[EndedInUse]) -> None:
    for each in ended:
        deals, rows = ", ".join(deal.name for deal in each.deals), ", ".join(each.rows)
        what = "Ended" if each.gone_at else "Never seen there"
        say(f"{what} while in use: {in_words(each.key)}; deals: {deals or 'none'}; rows: {rows or 'none'}")


def _as_json(each: EndedInUse) -> dict[str, object]:
    return {
        **each.key._asdict(),
        "name": each.name,
        "gone_at": each.gone_at.isoformat() if each.gone_at else None,
        "deals": [{"id": str(deal.id), "name": deal.name} for deal in each.deals],
        "rows": list(each.rows),
    }
