"""Time and materials, not to exceed: hours at the role's rate up to a cap; nothing beyond it is billable.

The cap holds for the contract, for each calendar month or for the workstream (the not-to-exceed limit of
Dynamics 365 Project Operations). What was sold is the estimate, so it has to fit under the cap; people are
warned when the planned hours come near to it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import ROUND_FLOOR, Decimal
from functools import partial
from typing import NamedTuple

from oppsync.domain.billing.periods import months_of
from oppsync.domain.billing.terms import pointer
from oppsync.domain.billing.time_and_materials import TimeAndMaterials
from oppsync.domain.deal.billing_terms import Cap, CapScope
from oppsync.domain.deal.opportunity import BillingModelCode, Opportunity, OpportunityLine
from oppsync.domain.plan.plan import BillingLine, LineKind
from oppsync.domain.plan.workstream import Workstream
from oppsync.domain.reference.billing_policy import RevenueMethod
from oppsync.domain.values.findings.codes import finding
from oppsync.domain.values.findings.finding import Finding
from oppsync.domain.values.model import plain
from oppsync.domain.values.money import amount_text
from oppsync.domain.values.pricing import net_of

_WHOLE = Decimal(100)
_SHOWN = Decimal("0.01")


class Charge(NamedTuple):
    """The parts of an amount that may and may not be invoiced, and whether people have to be warned by now."""

    billable: Decimal
    beyond: Decimal
    warns: bool


def charge(limit: Decimal, warning_percent: Decimal, before: Decimal, amount: Decimal) -> Charge:
    """`amount`, after `before` was invoiced under the same `limit`. A credit gives room back."""
    billable = min(amount, max(limit - before, Decimal(0)))
    used = before + billable
    return Charge(billable, amount - billable, used * 100 >= limit * warning_percent)


class TimeAndMaterialsCapped:
    code = BillingModelCode.TIME_AND_MATERIALS_CAPPED
    title = "Time and materials, capped"
    revenue_method = RevenueMethod.AS_INVOICED
    kinds = frozenset({LineKind.TIME})
    uses = frozenset({"cap"})
    _time = TimeAndMaterials()

    def findings(self, opportunity: Opportunity, line: OpportunityLine, path: str) -> Iterator[Finding]:
        yield from self._time.findings(opportunity, line, path)
        cap = opportunity.billing_of(line).cap
        here = pointer(opportunity, line, path, "cap")
        if cap is None or cap.amount is None:
            yield finding(
                "CAP_MISSING",
                f"{line.title} is time and materials with a cap, but has no cap amount",
                path=f"{here}/amount",
            )
        elif cap.amount <= 0 or not 0 < cap.warning_percent <= _WHOLE:
            yield finding(
                "CAP_INVALID",
                f"{line.title} has a cap of {amount_text(cap.amount, opportunity.currency)}, with a warning at "
                f"{plain(cap.warning_percent)} % of it",
                path=here,
                value=amount_text(cap.amount, opportunity.currency),
            )
        else:
            yield from _use_of(opportunity, line, cap, cap.amount, f"{here}/amount")

    def lines(self, workstream: Workstream) -> tuple[BillingLine, ...]:
        """The same lines as time and materials; the cap is one of the workstream's terms."""
        return self._time.lines(workstream)


def _use_of(
    opportunity: Opportunity, line: OpportunityLine, cap: Cap, amount: Decimal, path: str
) -> Iterator[Finding]:
    """Selling more than the cap blocks; planned hours that reach its warning level, or exceed the cap,
    warn."""
    shown = partial(amount_text, currency=opportunity.currency)
    limit, lines, title = amount, [line], line.title
    if cap.scope is CapScope.CONTRACT:
        lines, title = list(_capped_together(opportunity)), "The contract"
    elif cap.scope is CapScope.PERIOD:
        start, end = opportunity.start_of(line), opportunity.end_of(line)
        if start is None or end is None or end < start:
            return  # has a finding of its own
        limit = amount * sum(1 for _ in months_of(start, end))
    sold = sum((each.net for each in lines), start=Decimal(0))
    planned = sum((_planned(each) for each in lines), start=Decimal(0))
    beyond = charge(limit, cap.warning_percent, Decimal(0), sold).beyond
    if beyond > 0:
        yield finding(
            "CAP_BELOW_AMOUNT",
            f"{title}: {shown(sold)} was sold under a cap of {shown(limit)}; {shown(beyond)} could never be "
            "invoiced",
            path=path,
            value=shown(amount),
        )
        return
    use = charge(limit, cap.warning_percent, Decimal(0), planned)
    if use.warns:
        yield finding(
            "CAP_NEARLY_REACHED",
            f"{title}: {shown(planned)} is planned under a cap of {shown(limit)}, "
            f"{_in_words(use, limit, cap, shown)}",
            path=path,
            value=shown(amount),
        )


def _planned(line: OpportunityLine) -> Decimal:
    """The price of the hours sold, or of the hours planned where they are more."""
    hours = max(line.quantity, line.planned_hours or Decimal(0))
    return line.net if hours == line.quantity else net_of(hours, line.unit_price, line.discount_percent)


def _in_words(use: Charge, limit: Decimal, cap: Cap, shown: Callable[[Decimal], str]) -> str:
    if use.beyond > 0:
        return f"so {shown(use.beyond)} is not billable"
    percent = (use.billable * 100 / limit).quantize(_SHOWN, ROUND_FLOOR)
    return f"which is {plain(percent)} % of it; the warning starts at {plain(cap.warning_percent)} %"


def _capped_together(opportunity: Opportunity) -> Iterator[OpportunityLine]:
    """The lines that share one cap for the contract."""
    for line in opportunity.lines:
        cap = opportunity.billing_of(line).cap
        is_capped = opportunity.billing_model_of(line) == BillingModelCode.TIME_AND_MATERIALS_CAPPED
        if is_capped and cap is not None and cap.scope is CapScope.CONTRACT:
            yield line
