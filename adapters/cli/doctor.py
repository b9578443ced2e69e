"""`doctor`: check whether an installation has everything it needs, and whether it is set up correctly."""

from __future__ import annotations

import os

import click

from adapters.bootstrap import build
from adapters.cli.commands import Failed
from adapters.cli.connect import CONNECTIONS, find_settings
from adapters.cli.output import json_option, print_json, print_table
from adapters.operations.doctor import Check, Verdict, examine, failed, ok
from oppsync.kernel.errors import Misconfigured


@click.command()
@json_option
def doctor(as_json: bool) -> None:
    """Check settings, schema, servers and connections; ends with 1 when a check failed."""
    checks = _checks()
    wrong = [check for check in checks if check.verdict is Verdict.FAILED]
    if as_json:
        print_json({"ok": not wrong, "checks": [check._asdict() for check in checks]})
    else:
        print_table(("", "check", "found"), [(check.verdict, check.name, check.says) for check in checks])
    if wrong:
        raise Failed(f"{len(wrong)} of {len(checks)} checks failed.")


def _checks() -> list[Check]:
    try:
        settings = find_settings()
        application = build(settings, pool_size=CONNECTIONS)
    except SystemExit as refused:  # one sentence on what is not set
        return [failed("settings", str(refused.code))]
    except Misconfigured as error:
        return [failed("settings", error.message)]
    try:
        return [ok("settings", "All that is needed is set."), *examine(application, os.environ)]
    finally:
        application.close()
