"""Show each deal's way through the stages: a live table in a terminal, a line for each step elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager, nullcontext
from uuid import UUID

from rich import box
from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from adapters.cli.commands import Failed
from oppsync.domain.reading.readings import OpportunitySummary, TimelineEntry
from oppsync.domain.work.states import State
from oppsync.kernel.plain_text import escaped
from sandbox.demo.deals import Deals, WonDeal, all_in

POLL_SECONDS = 0.2
PATIENCE_SECONDS = 300.0
ROAD = (
    State.RECEIVED, State.VALIDATED, State.ENRICHED, State.PLANNED, State.APPROVED, State.CREATED, State.ACTIVE,
)  # fmt: skip
SHOWN_EVENTS = ("plan.made.v1", "plan.rejected.v1", "stage.deferred.v1", "exception.raised.v1")
DETAILED_EVENTS = (*SHOWN_EVENTS, "state.changed.v1", "plan.approved.v1")
DETAILED_EFFECTS = ("parent", "child", "crm", "psa")


class Progress:
    """Watches until the deals have reached some states. `details`: print each step on a line.

    `page` gives the link to a deal while the product runs.
    """

    def __init__(
        self,
        console: Console,
        deals: Deals,
        check: Callable[[], None],
        page: Callable[[UUID], str],
        *,
        details: bool,
    ) -> None:
        self._console = console
        self._deals = deals
        self._check = check
        self._page = page
        self._details = details
        self._printed: set[UUID] = set()

    def until(
        self, states: Collection[State], enough: Callable[[], bool] = lambda: False
    ) -> list[OpportunitySummary]:
        """Wait until all deals are in `states`, or `enough` returns true.

        Raises Failed when one is parked, and when nothing happens for minutes.
        """
        before: list[State | None] = []
        deadline = time.monotonic() + PATIENCE_SECONDS
        with self._view() as live:
            while True:
                self._check()
                now = self._deals.now()
                self._show(live, now)
                self._stop_at_parked(now)
                if all_in(now, states) or enough():
                    return [each for each in now if each is not None]
                after = [each.state if each else None for each in now]
                if after != before:
                    before, deadline = after, time.monotonic() + PATIENCE_SECONDS
                if time.monotonic() > deadline:
                    raise Failed(f"Nothing has happened for {PATIENCE_SECONDS:.0f} s: see .oppsync/log.")
                time.sleep(POLL_SECONDS)

    def print(self) -> None:
        """Print the present table permanently."""
        self._console.print(_table(self._deals.won, self._deals.now(), self._page), "")

    def _view(self) -> AbstractContextManager[Live | None]:
        if not self._console.is_terminal:
            return nullcontext()
        return Live(console=self._console, auto_refresh=False, transient=True)

    def _show(self, live: Live | None, now: Sequence[OpportunitySummary | None]) -> None:
        if live is not None:
            live.update(_table(self._deals.won, now, self._page), refresh=True)
            if not self._details:
                return
        for deal, opportunity in zip(self._deals.won, now, strict=True):
            for entry in self._deals.timeline(opportunity) if opportunity else ():
                if entry.id not in self._printed:
                    self._printed.add(entry.id)
                    if is_shown(entry, details=self._details):
                        self._console.print(
                            f"{entry.at.astimezone():%H:%M:%S}  {escaped(f'{deal.name}: {entry.summary}')}",
                            markup=False,
                        )

    def _stop_at_parked(self, now: Sequence[OpportunitySummary | None]) -> None:
        for opportunity in now:
            if opportunity is not None and opportunity.state is State.PARKED:
                items = "; ".join(
                    f"{item.code}: {item.message}" for item in self._deals.exceptions(opportunity)
                )
                raise Failed(f"{opportunity.name or opportunity.source_id} waits for a person: {items}")


def is_shown(entry: TimelineEntry, *, details: bool) -> bool:
    if not details:
        return entry.type in SHOWN_EVENTS
    return entry.type in DETAILED_EVENTS or entry.detail.get("kind") in DETAILED_EFFECTS


def _table(
    won: Sequence[WonDeal], now: Sequence[OpportunitySummary | None], page: Callable[[UUID], str]
) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    table.add_column("deal")
    table.add_column("billing")
    table.add_column("amount", justify="right")
    table.add_column("way", no_wrap=True)
    table.add_column("project", justify="right", no_wrap=True)
    for deal, opportunity in zip(won, now, strict=True):
        link = f"link {page(opportunity.id)}" if opportunity else ""
        number = Text((opportunity.project_number if opportunity else None) or "", f"bold green {link}")
        table.add_row(Text(escaped(deal.name), link), deal.billing, deal.amount, _way(opportunity), number)
    return table


def _way(opportunity: OpportunitySummary | None) -> Text:
    """Seven steps, the finished ones filled, and the state as text."""
    if opportunity is None:
        return Text("not reported yet", "dim")
    state = State.PLANNED if opportunity.state is State.AWAITING_APPROVAL else opportunity.state
    if state not in ROAD:
        return Text(state.value, "bold red")
    done = ROAD.index(state) + 1
    way = Text("■" * done, "green").append("□" * (len(ROAD) - done), "dim")
    return way.append(
        f" {opportunity.state.value.replace('_', ' ')}", "green" if done == len(ROAD) else "yellow"
    )
