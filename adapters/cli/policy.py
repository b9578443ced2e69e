"""`policy`: try the rules of a configuration on the examples that they give."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from adapters.cli.configuration import files_in, shown
from adapters.cli.connect import connected
from adapters.cli.output import json_option, print_json, print_table, say
from adapters.documents.bundle_files import read_rows
from oppsync.domain.configuration.faults import BadBundle
from oppsync.domain.configuration.rule_tests import RuleTest, rule_tests
from oppsync.domain.reference.book import ReferenceRow


@click.group("policy", help="The firm's own rules: try them on their examples.")
def policy() -> None:
    pass


@policy.command()
@click.argument("folder", metavar="[DIR]", required=False, type=click.Path(path_type=Path))
@json_option
def test(folder: Path | None, as_json: bool) -> None:
    """Try every rule that has a condition on its examples: those of the files in DIR, which needs no database,
    or without DIR those of the configuration. Ends with 1 when one comes out otherwise than it should."""
    found = list(rule_tests(_rows(folder)))
    failed = [each for each in found if not each.is_met]
    if as_json:
        print_json({"tests": [each._asdict() | {"is_met": each.is_met} for each in found]})
    elif not found:
        say("No rule has a condition.")
    else:
        print_table(("file", "rule", "example", "expected", "came out", ""), [_shown(each) for each in found])
        say(f"{len(found)} examples: {len(failed) or 'none'} came out otherwise than expected.")
    if failed:
        sys.exit(1)


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
    outcome = "as expected" if each.is_met else f"WRONG{': ' if each.why else ''}{each.why}"
    return each.file, each.row, each.example or "", words[each.expected], words[each.came], outcome
