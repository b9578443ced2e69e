"""Caps for each month after people moved a workstream: other days then fall into each month."""

from __future__ import annotations

from oppsync.domain.billing.caps import billable_by_month, is_usable
from oppsync.domain.deal.billing_terms import CapScope
from oppsync.domain.plan.workstream import Workstream
from oppsync.domain.values.model import changed
from oppsync.domain.values.money import Money


def with_months_capped(workstream: Workstream) -> Workstream:
    """The workstream with what may be invoiced of it between the days that it now has."""
    if not workstream.parts:
        return _capped(workstream)
    parts = tuple(_capped(part) for part in workstream.parts)
    currency = workstream.amount.currency
    return _billing(changed(workstream, parts=parts), Money.total((part.amount for part in parts), currency))


def _capped(workstream: Workstream) -> Workstream:
    cap, sold = workstream.terms.cap, workstream.sold
    if cap is None or cap.scope is not CapScope.PERIOD or not is_usable(cap, sold.currency) or sold.amount <= 0:
        return workstream
    months = billable_by_month(cap, sold, workstream.starts_on, workstream.ends_on, workstream.period_basis)
    return _billing(workstream, Money.total(months.values(), sold.currency))


def _billing(workstream: Workstream, amount: Money) -> Workstream:
    sold = workstream.sold
    return changed(workstream, amount=amount, estimate=sold if sold != amount else None)
