"""Planned cost and margin: hours at their cost rate against what they are sold for."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import ROUND_HALF_EVEN, Decimal

from oppsync.domain.deal.opportunity import OpportunityLine
from oppsync.domain.reference.rates import CostRate
from oppsync.domain.values.money import TOO_LARGE, Money

_STEP = Decimal("0.01")


def cost_of(line: OpportunityLine, rate: CostRate | None, currency: str) -> Money | None:
    """Hours x cost rate, rounded once; None when hours or rate are unknown, or the cost is too large to be
    booked. A credit without hours costs nothing."""
    if line.net < 0 and not line.hours:
        return Money.zero(currency)
    if line.hours is None or rate is None or line.hours * rate.hourly >= TOO_LARGE:
        return None
    return Money.rounded(line.hours * rate.hourly, currency)


def total_cost(costs: Iterable[Money | None], currency: str) -> Money | None:
    """The sum of `costs`; None when one of them is unknown, because a part of the cost would show too good a
    margin."""
    known = list(costs)
    return None if None in known else Money.total((cost for cost in known if cost is not None), currency)


def margin_percent(revenue: Money, cost: Money | None) -> Decimal | None:
    """The margin in per cent of the revenue, to two decimals; None for a credit, or without cost or
    revenue."""
    if cost is None or revenue.amount <= 0:
        return None
    share = (revenue - cost).amount * 100 / revenue.amount
    return share.quantize(_STEP, ROUND_HALF_EVEN)
