"""`replay`: replay a selection of deals or deliveries, after a preview of what happens to each."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import click

from adapters.cli.connect import connected
from adapters.cli.output import json_option, print_json, print_table
from oppsync.domain.values.actor import COMMAND_LINE
from oppsync.domain.work.replays import (
    LONGEST_AGE,
    Previewed,
    ReplayAction,
    ReplayOf,
    ReplayPreview,
    ReplayReport,
    Selection,
)
from oppsync.domain.work.states import State
from oppsync.pipeline.table import PIPELINE
from oppsync.services.queue.commands import PreviewReplay, RunReplay

STAGES = [stage.name for stage in PIPELINE]
UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
TIME = click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"])


class Duration(click.ParamType[timedelta]):
    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        found = re.fullmatch(r"(\d{1,6})([smhd])", str(value))
        if found is None:
            self.fail(f"{value!r} is not a duration: write 90s, 30m, 2h or 3d", param, ctx)
        length = timedelta(**{UNITS[found[2]]: int(found[1])})
        if length > LONGEST_AGE:
            self.fail(f"{value!r} is too long: {LONGEST_AGE.days}d at most", param, ctx)
        return length


@click.command()
@click.option("--reason", help="Code of the open exception, such as VENDOR_REJECTED.")
@click.option("--older-than", type=Duration(), help="In its state for longer than this: 90s, 30m, 2h, 3d.")
@click.option("--since", type=TIME, help="In its state, or received, at this local time or later.")
@click.option("--until", type=TIME, help="In its state, or received, before this local time.")
@click.option("--connection", "connection_id", help="Id of the CRM connection.")
@click.option("--state", type=click.Choice([state.value for state in State]))
@click.option("--stage", type=click.Choice(STAGES), help="Waiting for this stage, or parked in it.")
@click.option(
    "--id", "ids", multiple=True, type=click.UUID, help="Id of a deal or of an inbox event; repeatable."
)
@click.option("--deliveries", is_flag=True, help="Read inbox events again, rather than work deals.")
@click.option("--from-stage", type=click.Choice(STAGES), help="Start again from this earlier stage.")
@click.option("--limit", type=click.IntRange(1, 1_000), default=500, show_default=True)
@click.option("--dry-run", is_flag=True, help="Only show what would be done with each.")
@json_option
def replay(*, deliveries: bool, from_stage: str | None, dry_run: bool, as_json: bool, **criteria: Any) -> None:
    """Work a selection again. Finished deals stay as they are; nothing is created twice."""
    of = ReplayOf.DELIVERIES if deliveries else ReplayOf.OPPORTUNITIES
    for name in ("since", "until"):
        if criteria[name]:
            criteria[name] = criteria[name].astimezone()
    selection = Selection(of=of, **criteria)
    with connected() as application:
        preview = application.dispatch(
            PreviewReplay(application.tenant_id, COMMAND_LINE, selection, from_stage)
        )
        runs = [Previewed(id=i.id, version=i.version) for i in preview.items if i.action is ReplayAction.RUN]
        report = None
        if runs and not dry_run:
            report = application.dispatch(RunReplay(application.tenant_id, COMMAND_LINE, of, runs, from_stage))
    if as_json:
        done = report.model_dump(mode="json") if report else None
        print_json({"preview": preview.model_dump(mode="json"), "report": done})
        return
    _print(preview, report)


def _print(preview: ReplayPreview, report: ReplayReport | None) -> None:
    if not preview.items:
        click.echo("No deals match this selection.")
        return
    done = {item.id: item.says for item in report.items} if report else {}
    rows = [(item.id, item.name, item.state, item.says, done.get(item.id)) for item in preview.items]
    print_table(("id", "name", "state", "a replay", "done"), rows)
    if preview.more:
        click.echo("More match; these are the oldest. Run it again for the rest.")
