"""The figures of the dashboard: shapes only. `dashboard_sums` makes them of what the store counted."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from pydantic import AwareDatetime

from oppsync.domain.values.model import Code, Frozen, Quantity
from oppsync.domain.values.money import Currency, Money
from oppsync.domain.work.states import State

# Of fewer deals no median is shown: it would say more about each of them than about the firm.
ENOUGH = 5


class Figure(StrEnum):
    CYCLE = "cycle"
    WAITING = "waiting"
    REVENUE = "revenue"
    MARGIN = "margin"


class DashboardWanted(Frozen):
    """`since` and `until`: the first and the last day on which the deals were won. `entity` None: all."""

    since: date
    until: date
    currency: Currency
    entity: Code | None = None


class CycleFact(NamedTuple):
    """Of the deals won in a month, or (None) in the whole period: how long the active ones took."""

    month: str | None
    active: int
    under_way: int
    median_seconds: int | None
    p90_seconds: int | None


class WaitingFact(NamedTuple):
    """Of this and the facts below, `won_on` is the close date, which decides the exchange rate; None where the
    amount is in the currency of the sums already, or the record names no date.

    Deals of one currency and close date that stand at one state for one cause. `amount` is the sum of those
    that have one."""

    state: State
    cause: str | None
    currency: str | None
    won_on: date | None
    deals: int
    amount: Decimal | None
    without_amount: int
    oldest: datetime


class RevenueFact(NamedTuple):
    """Planned revenue of a month. `month` None: deals without planned revenue, by their amounts. `whole_deals`
    counts each deal in one of its months only."""

    month: str | None
    currency: str | None
    won_on: date | None
    deals: int
    whole_deals: int
    amount: Decimal | None


class MarginFact(NamedTuple):
    """Plans of the deals won in a month. `total` and `cost` are of those whose cost is known."""

    month: str
    currency: str
    won_on: date | None
    deals: int
    total: Decimal | None
    cost: Decimal | None
    without_cost: int


class DashboardFacts(NamedTuple):
    cycle: Sequence[CycleFact]
    waiting: Sequence[WaitingFact]
    revenue: Sequence[RevenueFact]
    margin: Sequence[MarginFact]


class CycleRow(Frozen):
    """Deals won in `month` (None: in the whole period). The time is from when a deal was first received here,
    or the beginning of its close date where that is later, until its projects stood and could be billed. None
    where fewer than five are active. `under_way`: those that are not active yet, whose time is not in it."""

    month: Code | None
    active: int
    under_way: int
    median_seconds: int | None = None
    p90_seconds: int | None = None


class WaitingRow(Frozen):
    """`cause`: the code of the open exception of deals that are parked. `value` is of the deals that could be
    converted; `without_amount` have none."""

    state: State
    cause: Code | None = None
    deals: int
    value: Money
    without_amount: int
    oldest: AwareDatetime


class RevenueRow(Frozen):
    """Planned revenue of a month, of deals that are not active. `has_begun`: the month has, so that it is at
    risk."""

    month: Code
    deals: int
    revenue: Money
    has_begun: bool


class MarginRow(Frozen):
    """Plans of the deals won in `month` (None: in the whole period). `revenue`, `cost` and `margin_percent` are
    of the plans whose cost is known; of `without_cost` it is not."""

    month: Code | None
    deals: int
    without_cost: int
    revenue: Money
    cost: Money
    margin_percent: Quantity | None = None


class Unconverted(Frozen):
    """Amounts that are in no sum of this figure, since the configuration has no exchange rate of the day on
    which the deals were won. `currency` None: the record names none."""

    figure: Figure
    currency: Code | None
    deals: int
    amount: Quantity


class Dashboard(Frozen):
    """`at_risk` is the planned revenue of months that have begun, of deals that are not active. `unplanned`
    deals are under way and have no planned revenue yet. `entities`, `currencies`: what may be chosen."""

    as_of: AwareDatetime
    wanted: DashboardWanted
    cycle: tuple[CycleRow, ...]
    waiting: tuple[WaitingRow, ...]
    waiting_deals: int
    waiting_value: Money
    revenue: tuple[RevenueRow, ...]
    at_risk: Money
    unplanned: int
    margin: tuple[MarginRow, ...]
    unconverted: tuple[Unconverted, ...]
    entities: tuple[Code, ...]
    currencies: tuple[Code, ...]
