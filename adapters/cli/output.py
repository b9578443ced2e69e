"""Print JSON for programs and aligned columns for people, without cutting anything off."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, TypeVar

import click

from oppsync.kernel import canonical_json
from oppsync.kernel.plain_text import escaped

Function = TypeVar("Function", bound=Callable[..., Any])


def json_option(command: Function) -> Function:
    return click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")(command)


def print_json(document: object) -> None:
    """In JSON too a sign that does not print is its escape, which means the same."""
    click.echo(escaped(canonical_json.dumps(document)))


def say(text: str) -> None:
    """Lines of ours that quote what others wrote."""
    click.echo(printable(text))


def printable(text: str) -> str:
    return "\n".join(map(escaped, text.split("\n")))


def print_table(headings: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print columns as wide as their widest cell; the last one is not padded."""
    cells = [[_text(cell) for cell in row] for row in (headings, *rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(headings))]
    for row in cells:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _text(cell: object) -> str:
    if isinstance(cell, datetime):
        return f"{cell.astimezone():%Y-%m-%d %H:%M:%S}"
    return "" if cell is None else escaped(" ".join(str(cell).split()))
