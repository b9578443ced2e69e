"""Print the comparison for people: a line for each deal, the differences, and one sentence at the end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from uuid import UUID

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from oppsync.kernel.plain_text import escaped
from sandbox.demo.comparison import Compared, DealComparison

Page = Callable[[UUID], str]


def print_comparison(
    console: Console, comparisons: Sequence[DealComparison], page: Page | None, *, details: bool
) -> None:
    """`page` gives the link to a deal, if links will still open. With `details` every record and every
    field."""
    console.print(_deals(comparisons, page, with_urls=not console.is_terminal), "")
    for comparison in comparisons:
        if details:
            console.print(_table(comparison), "")
        else:
            _print_differences(console, comparison)


def print_verdict(console: Console, comparisons: Sequence[DealComparison]) -> int:
    """Returns how many fields differ."""
    rows = [row for comparison in comparisons for row in comparison.rows]
    fields = sum(len(row.wanted) for row in rows)
    wrong = sum(len(row.differences()) for row in rows)
    verdict = f"{len(rows)} external records with {fields} fields compared: "
    if wrong:
        console.print(verdict + f"{wrong} not as planned.", style="bold red")
    else:
        console.print(verdict + "all as planned, nothing missing, nothing twice.", style="bold green")
    return wrong


def _deals(comparisons: Sequence[DealComparison], page: Page | None, *, with_urls: bool) -> Table:
    """Project numbers link to the deal's page: hyperlinks in a terminal, elsewhere with the address beside
    them."""
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(no_wrap=True)
    table.add_column()
    for _ in ("project", "compared", *(["page"] if with_urls else [])):
        table.add_column(no_wrap=True)
    for comparison in comparisons:
        url = page(comparison.opportunity_id) if page else ""
        number = Text(
            f"project {comparison.project}" if comparison.project else "", f"link {url}" if url else ""
        )
        cells = [_mark(comparison.rows), Text(comparison.deal), number, _summary(comparison)]
        table.add_row(*cells, *([Text(url)] if with_urls else []))
    return table


def _summary(comparison: DealComparison) -> Text:
    fields = sum(len(row.wanted) for row in comparison.rows)
    wrong = sum(len(row.differences()) for row in comparison.rows)
    compared = f"{_counted(len(comparison.rows), 'external record')}, {_counted(fields, 'field')}"
    return Text(f"{compared}: {wrong} not as planned" if wrong else f"{compared} as planned")


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _print_differences(console: Console, comparison: DealComparison) -> None:
    for row in comparison.rows:
        if row.differences():
            where = f" ({row.where})" if row.where else ""
            console.print(f"[bold]{escape(f'{comparison.deal}: {row.what}{where}')}[/]", _differences(row))


def _table(comparison: DealComparison) -> Table:
    table = Table(
        title=Text(escaped(comparison.deal), "bold"),
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
        table.add_row(
            _mark([row]), Text(escaped(row.what)), Text(escaped(row.where or "nothing")), _fields(row)
        )
    return table


def _mark(rows: Sequence[Compared]) -> Text:
    return Text("!!", "bold red") if any(row.differences() for row in rows) else Text("ok", "green")


def _differences(row: Compared) -> Text:
    text = Text()
    for name, (wanted, found) in row.differences().items():
        text.append(escaped(f"{name}: planned {wanted or 'nothing'}, found {found or 'nothing'}; "), "bold red")
    return text


def _fields(row: Compared) -> Text:
    """Differences first."""
    text = _differences(row)
    equal = [f"{name} {value}" for name, value in row.wanted.items() if value and name not in row.differences()]
    text.append(escaped("; ".join(equal)) if row.where else "", "dim")
    return text
