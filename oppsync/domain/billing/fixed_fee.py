"""Fixed fee on dates: equal instalments over the run of the line.

Periods are calendar months, the partial first and last ones too, as in NetSuite's fixed bid, interval: each
is due on the last day of its last month, the final one on the day the line ends. A quarter is three months
counted from the first one.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from oppsync.domain.findings import Finding
from oppsync.domain.opportunity import BillingFrequency, BillingModelCode, Opportunity, OpportunityLine
from oppsync.domain.plan import BillingLine, LineKind
from oppsync.domain.workstream import Workstream

_MONTHS = {BillingFrequency.MONTHLY: 1, BillingFrequency.QUARTERLY: 3}
_DECEMBER = 12


class Instalment(NamedTuple):
    """`key` names it in the line's path: the month it is due in, or `once`."""

    key: str
    due_on: date


class FixedFee:
    code = BillingModelCode.FIXED_FEE
    kinds = frozenset({LineKind.DATED})

    def findings(self, opportunity: Opportunity, line: OpportunityLine, path: str) -> Iterable[Finding]:
        return ()

    def lines(self, workstream: Workstream) -> tuple[BillingLine, ...]:
        instalments = schedule(workstream.starts_on, workstream.ends_on, workstream.billing_frequency)
        amounts = workstream.amount.allocate([Decimal(1)] * len(instalments))
        return tuple(
            BillingLine(
                path=f"{workstream.key}/dated/{instalment.key}",
                kind=LineKind.DATED,
                description=f"{workstream.name}: instalment due {instalment.due_on.isoformat()}",
                amount=amount,
                due_on=instalment.due_on,
            )
            for instalment, amount in zip(instalments, amounts, strict=True)
        )


def schedule(starts_on: date, ends_on: date, frequency: BillingFrequency) -> tuple[Instalment, ...]:
    """The instalments of a run; at least one."""
    if frequency is BillingFrequency.ONCE:
        return (Instalment("once", ends_on),)
    months = _months(starts_on, ends_on)
    step = _MONTHS[frequency]
    closing = months[step - 1 :: step]
    if len(months) % step:
        closing.append(months[-1])
    return tuple(
        Instalment(f"{year:04}-{month:02}", min(date(year, month, monthrange(year, month)[1]), ends_on))
        for year, month in closing
    )


def _months(first: date, last: date) -> list[tuple[int, int]]:
    """Every calendar month of the run, as (year, month)."""
    begin, end = (day.year * _DECEMBER + day.month - 1 for day in (first, last))
    return [(index // _DECEMBER, index % _DECEMBER + 1) for index in range(begin, end + 1)]
