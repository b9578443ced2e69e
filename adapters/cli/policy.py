"""`policy`: try the rules of a configuration on the examples that they give, and on deals of before."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

import click

from adapters.cli.configuration import files_in, read_folder, shown
from adapters.cli.connect import connected
from adapters.cli.output import json_option, print_json, print_table, say
from adapters.documents.bundle_files import read_rows
from oppsync.domain.configuration.faults import BadBundle
from oppsync.domain.configuration.rule_tests import Outcome, RuleTest, rule_tests
from oppsync.domain.reading.backtest import Backtest, Way
from oppsync.domain.reference.book import ReferenceRow
from oppsync.domain.values.actor import COMMAND_LINE
from oppsync.services.configuration.commands import BacktestConfiguration


@click.group("policy", help="Rules before they hold: try them on their examples, and on past deals.")
def policy() -> None:
    pass


@policy.command()
@click.argument("folder", metavar="[DIR]", required=False, type=click.Path(path_type=Path))
@click.option("--strict", is_flag=True, help="End with 1 also where a rule lacks examples.")
@json_option
def test(folder: Path | None, *, strict: bool, as_json: bool) -> None:
    """Try every rule that has a condition on its examples: those of the files in DIR, which needs no database,
    or without DIR those of the configuration. Ends with 1 when one comes out otherwise than it should. A rule
    that lacks examples is named."""
    found = list(rule_tests(_rows(folder)))
    failed = [each for each in found if each.outcome is Outcome.FAILED]
    untested = [each for each in found if each.outcome is Outcome.UNTESTED]
    if as_json:
        print_json({"tests": [_as_json(each) for each in found]})
    elif not found:
        say("No rule has a condition.")
    else:
        print_table(("file", "rule", "example", "expected", "came out", ""), [_shown(each) for each in found])
        say(f"{len(found) - len(untested)} examples: {len(failed) or 'none'} came out otherwise than expected.")
        if untested:
            rules = len({(each.file, each.row) for each in untested})
            say("1 rule lacks examples." if rules == 1 else f"{rules} rules lack examples.")
    if failed or (strict and untested):
        sys.exit(1)


def _as_json(each: RuleTest) -> dict[str, object]:
    told = {name: value for name, value in each._asdict().items() if name not in ("of", "given")}
    return {**told, "is_met": each.outcome is Outcome.MET}


def _rows(folder: Path | None) -> Sequence[ReferenceRow]:
    if folder is None:
        with connected() as application, application.uow.reading() as uow:
            return uow.configurations.rows(application.tenant_id)
    try:
        return read_rows(files_in(folder))
    except BadBundle as refused:
        raise shown(refused) from None


def _shown(each: RuleTest) -> tuple[object, ...]:
    words = {True: "holds", False: "does not hold", None: ""}
    said = {Outcome.MET: "as expected", Outcome.FAILED: "WRONG", Outcome.UNTESTED: "warning"}[each.outcome]
    outcome = f"{said}: {each.why}" if each.why else said
    return each.file, each.row, each.example or "", words[each.expected], words[each.came], outcome


@policy.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--last", default=100, show_default=True, type=click.IntRange(min=1), help="How many deals.")
@click.option(
    "--as-of",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="DATE",
    help="Try all deals by the rows that hold on this day, as though they had been won on it.",
)
@json_option
def backtest(folder: Path, last: int, as_of: datetime | None, as_json: bool) -> None:
    """Try the last won deals by the files in DIR and by the configuration of now.

    Each deal is tried as of its own day; a changed row that begins after the last of them counts as though it
    had begun by then. Shows which would be validated, enriched, split, priced, routed or approved otherwise. No
    deal changes. The report is kept, and shown with the proposal or version that has these rows.
    """
    rows, day = read_folder(folder).rows, as_of.date() if as_of else None
    with connected() as application:
        command = BacktestConfiguration(application.tenant_id, COMMAND_LINE, rows, last, day, _tell)
        found = application.dispatch(command)
    if as_json:
        print_json(found.model_dump(mode="json"))
    else:
        _print(found)


def _tell(tried: int, of: int) -> None:
    click.echo(f"{tried} of {of} deals tried", err=True)


def _print(found: Backtest) -> None:
    for line in _summary(found):
        say(line)
    if found.sums:
        click.echo()
        say(f"Of the {found.go_on} deals that go on by both:")
        print_table(
            ("in all", "now", "then", "difference"),
            [(each.what, each.before, each.after, each.after - each.before) for each in found.sums],
        )
    for title, rows in (("finding", found.findings), ("approved", found.approvals)):
        if rows:
            click.echo()
            print_table((title, "now", "then"), [(each.what, each.before, each.after) for each in rows])
    if found.rows:
        click.echo()
        print_table(
            ("deal", "id", "won on", "otherwise", "total now", "total then", "what"),
            [
                (
                    each.name,
                    each.source_id,
                    each.won_on,
                    ", ".join(each.ways),
                    each.total_before or "stopped",
                    each.total_after or "stopped",
                    each.what,
                )
                for each in found.rows
            ],
        )
    if found.more:
        say(f"And {found.more} more deals that differ.")


def _summary(found: Backtest) -> Iterator[str]:
    yield f"Compared with {found.before}, which holds now."
    if not found.tried:
        yield "No deal was tried."
    else:
        days = f"won from {found.first_won} to {found.last_won}"
        ways = ", ".join(f"{found.ways[way]} {way} otherwise" for way in Way if way in found.ways)
        counted = f"{found.differing} of {found.tried} deals {days} would differ"
        yield f"{counted}: {ways}." if ways else f"{counted}."
    if found.stopped:
        yield f"{found.stopped} would be stopped."
    if found.freed:
        yield f"{found.freed} that {'is' if found.freed == 1 else 'are'} stopped now would go on."
    if found.stopped_by_both:
        count = "All of them" if found.all_stopped else found.stopped_by_both
        yield f"Stopped by both, the rows of now and these: {count}. They do not show what would differ."
    if found.not_kept:
        yield f"{found.not_kept} more were planned by a release that did not keep what plans are made from."
    if found.as_of:
        yield f"All by the rows that hold on {found.as_of}, as though they had been won on that day."
    if found.begin_later:
        later = f"{found.begin_later} changed rows begin after the last of these deals was won"
        yield f"{later}: they count as though they had begun by then."
    if found.untouched:
        never = f"{found.untouched} changed rows hold on none of the days of these deals"
        yield f"{never}: no deal shows what they do."
    if found.maps_in_words:
        yield found.maps_in_words
