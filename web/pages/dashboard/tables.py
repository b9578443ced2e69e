"""The dashboard's tables as programs read them: plain numbers, times in seconds, codes as they are."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC
from decimal import Decimal

from oppsync.domain.reading.dashboard import Dashboard
from oppsync.domain.values.money import Money

Cell = str | int | Decimal | None
Lines = Sequence[Sequence[Cell]]


def _cycle(shown: Dashboard) -> Lines:
    return [
        ("won_in", "active", "median_seconds", "p90_seconds", "not_yet_active"),
        *(
            (row.month or "all", row.active, row.median_seconds, row.p90_seconds, row.under_way)
            for row in shown.cycle
        ),
    ]


def _waiting(shown: Dashboard) -> Lines:
    return [
        ("state", "cause", "deals", "currency", "value", "without_amount", "oldest"),
        *(
            (
                row.state.value,
                row.cause,
                row.deals,
                *_money(row.value),
                row.without_amount,
                row.oldest.astimezone(UTC).isoformat(timespec="seconds"),
            )
            for row in shown.waiting
        ),
    ]


def _revenue(shown: Dashboard) -> Lines:
    return [
        ("month", "deals", "currency", "revenue", "at_risk"),
        *(
            (row.month, row.deals, *_money(row.revenue), "yes" if row.has_begun else "no")
            for row in shown.revenue
        ),
    ]


def _margin(shown: Dashboard) -> Lines:
    return [
        ("won_in", "plans", "currency", "revenue", "cost", "margin_percent", "cost_not_known"),
        *(
            (
                row.month or "all",
                row.deals,
                *_money(row.revenue),
                Decimal(row.cost.text),
                row.margin_percent,
                row.without_cost,
            )
            for row in shown.margin
        ),
    ]


def _unconverted(shown: Dashboard) -> Lines:
    return [
        ("figure", "currency", "deals", "amount"),
        *((each.figure.value, each.currency, each.deals, each.amount) for each in shown.unconverted),
    ]


def _money(value: Money) -> tuple[str, Decimal]:
    return value.currency, Decimal(value.text)


TABLES: Mapping[str, Callable[[Dashboard], Lines]] = {
    "cycle": _cycle,
    "waiting": _waiting,
    "revenue": _revenue,
    "margin": _margin,
    "unconverted": _unconverted,
}
