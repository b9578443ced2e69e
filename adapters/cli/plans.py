"""`plan`: preview the plan of a deal, and explain where the values of a stored plan came from."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

import click

from adapters.cli.commands import Failed
from adapters.cli.connect import connected
from adapters.cli.opportunities import find_id, print_plan
from adapters.cli.output import json_option, print_json, print_table, say
from adapters.documents.canonical_document import read_opportunity
from oppsync.domain.deal.opportunity import Opportunity
from oppsync.domain.plan.overrides import OverrideUse
from oppsync.domain.plan.plan import short_hash
from oppsync.domain.reading.preview import PlanPreview
from oppsync.domain.reading.why import row_in_words
from oppsync.domain.reading.why import why as explain
from oppsync.domain.reference.book import ReferenceKind
from oppsync.domain.values.actor import COMMAND_LINE
from oppsync.domain.values.model import plain
from oppsync.services.insight.commands import PreviewPlan, RecomputePlan

DOCUMENTS = (".json", ".yaml", ".yml")
STANDARD_INPUT = "-"


@click.group("plan", help="Plans: what a deal would become, and why.")
def plan() -> None:
    pass


@plan.command()
@click.argument("of", metavar="FILE|ID|CRM-ID")
@json_option
def preview(of: str, as_json: bool) -> None:
    """Show what a deal would become if it went through now, open or won. Nothing is written anywhere.

    FILE is a canonical opportunity as JSON or YAML, `-` reads it from standard input; an id names a deal, which
    is read from the CRM anew.
    """
    deal = _named(of)
    with connected() as application:
        shown = application.dispatch(PreviewPlan(application.tenant_id, COMMAND_LINE, deal))
    if as_json:
        print_json(shown.model_dump(mode="json", by_alias=True))
    else:
        print_preview(shown)


@plan.command()
@click.argument("identifier", metavar="ID|CRM-ID")
@click.argument("place", metavar="PATH")
@click.option("--plan", "plan_hash", help="Full hash of an earlier plan; without it the current one.")
@json_option
def why(identifier: str, place: str, plan_hash: str | None, as_json: bool) -> None:
    """Show where a value of a stored plan came from.

    PATH is a JSON pointer into the plan's content, such as /nodes/0/cost_centre; a place that holds other
    values explains each below it, "" explains all.
    """
    with connected() as application:
        reading = application.queries.plan(application.tenant_id, find_id(application, identifier), plan_hash)
    answer = explain(reading.plan, place)
    if as_json:
        print_json(answer.model_dump(mode="json"))
        return
    if answer.note:
        say(f"{answer.note}\n")
    if answer.configuration:
        say(f"made by the configuration's {answer.configuration}\n")
    for row in answer.reference:
        if row.kind is ReferenceKind.ROUTE:
            say(f"its systems were chosen by {row_in_words(row)}\n")
    print_table(("path", "value", "why"), [(each.place, each.value, each.says) for each in answer.reasons])
    if answer.note:
        click.echo("\nrows used")
        print_table(("",), [(row_in_words(row),) for row in answer.reference])


@plan.command()
@click.argument("identifier", metavar="ID|CRM-ID")
@click.option("--plan", "plan_hash", help="Full hash of an earlier plan; without it the current one.")
@json_option
def recompute(identifier: str, plan_hash: str | None, as_json: bool) -> None:
    """Make a stored plan again from what was kept of it, by the configuration that made it.

    Says whether it is the same bit for bit, or what this release computes otherwise. Nothing is written.
    """
    with connected() as application:
        of = find_id(application, identifier)
        shown = application.dispatch(RecomputePlan(application.tenant_id, COMMAND_LINE, of, plan_hash))
    if as_json:
        print_json(shown.model_dump(mode="json"))
        return
    say(shown.in_words)
    if shown.changes:
        rows = [(each.part, each.field or each.in_words, each.before, each.after) for each in shown.changes]
        print_table(("at", "what", "plan", "made again"), rows)
    if shown.findings:
        print_table(("code", "what"), [(found.code, found.message) for found in shown.findings])


def _named(of: str) -> Opportunity | UUID | str:
    """Read the file. Raises UnreadableDocument; Failed for a file that cannot be read."""
    if of == STANDARD_INPUT:
        return read_opportunity(sys.stdin.read())
    if of.lower().endswith(DOCUMENTS):
        try:
            return read_opportunity(Path(of).read_text(encoding="utf-8-sig"))
        except (OSError, UnicodeDecodeError) as error:
            raise Failed(f"{of} cannot be read: {error}") from None
    try:
        return UUID(of)
    except ValueError:
        return of


def _print_overrides(overrides: Sequence[OverrideUse]) -> None:
    if overrides:
        click.echo("\nchanged by people")
        print_table(
            ("workstream", "field", "value", "before", "who", "when", "why"),
            [
                (use.workstream, use.field, use.value, use.before, use.author, use.made_at, use.reason)
                for use in overrides
            ],
        )


def print_preview(shown: PlanPreview) -> None:
    won = f"won on {shown.as_of}" if shown.is_won else f"open; as if it were won on {shown.as_of}"
    say(f"{shown.name} ({shown.record_id}): {won}")
    if shown.configuration is not None:
        say(f"By the configuration: {shown.configuration}.")
    if shown.waits_until is not None:
        say(
            f"Its close date begins at the entity at {shown.waits_until:%Y-%m-%d %H:%M} UTC: it waits for that."
        )
    if shown.findings:
        click.echo(f"\n{'stopped by' if shown.is_blocked else 'with warnings'}")
        rows = [
            (found.severity, found.code, found.path, f"{found.message}. {found.fix}", found.owner)
            for found in shown.findings
        ]
        print_table(("", "code", "at", "what", "owner"), rows)
    if shown.plan is None:
        click.echo("\nNo plan can be made before this is fixed.")
    else:
        print_plan(shown.plan, f"plan {short_hash(shown.plan.hash)}")
        _print_overrides(shown.plan.provenance.overrides)
    if shown.margin_percent is not None:
        click.echo(f"\nmargin {plain(shown.margin_percent)} %, cost {shown.cost}")
    click.echo("\napprovals needed")
    people = [
        (
            needed.role,
            needed.name,
            needed.order,
            needed.count,
            needed.rule or ", ".join(f"{who.name} <{who.email}>" for who in needed.candidates) or "nobody",
        )
        for needed in shown.approvals
    ]
    print_table(("step", "name", "order", "people", "may be approved by"), people)
