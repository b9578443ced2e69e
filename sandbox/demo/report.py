"""The comparison as people read it: a table of every thing and every field, and one sentence at the end."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from sandbox.demo.comparison import Compared, DealComparison


def print_comparison(console: Console, comparisons: Sequence[DealComparison]) -> None:
    for comparison in comparisons:
        console.print(_table(comparison), "")


def print_verdict(console: Console, comparisons: Sequence[DealComparison]) -> int:
    """Returns how many fields differ."""
    rows = [row for comparison in comparisons for row in comparison.rows]
    fields = sum(len(row.wanted) for row in rows)
    wrong = sum(len(row.differences()) for row in rows)
    verdict = f"{len(rows)} things with {fields} fields compared: "
    if wrong:
        console.print(verdict + f"{wrong} not as planned.", style="bold red")
    else:
        console.print(verdict + "all as planned, nothing missing, nothing twice.", style="bold green")
    return wrong


def _table(comparison: DealComparison) -> Table:
    table = Table(
        title=Text(comparison.deal, "bold"),
        title_justify="left",
        box=box.SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
        expand=True,
    )
    table.add_column("", width=2)
    table.add_column("planned", ratio=3)
    table.add_column("found", ratio=2, overflow="fold")
    table.add_column("field by field", ratio=7)
    for row in comparison.rows:
        table.add_row(_mark(row), Text(row.what), Text(row.where or "nothing"), _fields(row))
    return table


def _mark(row: Compared) -> Text:
    return Text("!!", "bold red") if row.differences() else Text("ok", "green")


def _fields(row: Compared) -> Text:
    """Differences first."""
    text = Text()
    for name, (wanted, found) in row.differences().items():
        text.append(f"{name}: planned {wanted or 'nothing'}, found {found or 'nothing'}; ", "bold red")
    equal = [f"{name} {value}" for name, value in row.wanted.items() if value and name not in row.differences()]
    text.append("; ".join(equal) if row.where else "", "dim")
    return text
