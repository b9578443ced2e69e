"""Revenue schedules of a deal: one performance obligation for each workstream, each at its share of the price.

A discount is spread by relative stand-alone selling price (ASC 606-10-32-31, IFRS 15.76): the list price. An
obligation that is recognised as invoiced has a price of its own, for the hours that are really worked
(606-10-32-40), and gets no share of the discount.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from oppsync.domain.plan.plan import BillingLine, RevenueLine, RevenueSchedule
from oppsync.domain.plan.workstream import Workstream
from oppsync.domain.reference.billing_policy import RevenueMethod
from oppsync.domain.revenue.recognition import Obligation
from oppsync.domain.revenue.table import RECOGNITIONS, method_of
from oppsync.domain.values.money import Money


def revenue_schedules(
    workstreams: Sequence[Workstream], billing: Mapping[str, tuple[BillingLine, ...]]
) -> dict[str, RevenueSchedule]:
    """Schedules by workstream key, for workstreams with an amount whose seller's policy asks for a schedule.

    `billing` has the lines of each workstream. The prices sum exactly to the workstreams' amounts.
    """
    earning = [
        each for each in workstreams if each.seller.billing_policy.recognises_revenue and each.amount.amount
    ]
    prices = allocated_prices(earning)
    return {each.key: _schedule(each, prices[each.key], billing[each.key]) for each in earning}


def allocated_prices(workstreams: Sequence[Workstream]) -> dict[str, Money]:
    """Each workstream's share of the deal's price, by its key. Charges and credits are shared out
    separately."""
    prices = {each.key: each.amount for each in workstreams}
    bundled = [each for each in workstreams if _shares_a_discount(each)]
    for is_credit in (False, True):
        prices |= _shared([each for each in bundled if each.is_credit is is_credit])
    return prices


def _shared(bundled: Sequence[Workstream]) -> dict[str, Money]:
    """Shares of the amount by list price; empty when none of the workstreams is sold at a discount."""
    if not any(each.is_discounted for each in bundled):
        return {}
    total = Money.total((each.amount for each in bundled), bundled[0].amount.currency)
    shares = total.allocate([abs(each.list_price) for each in bundled])
    return {each.key: share for each, share in zip(bundled, shares, strict=True)}


def _shares_a_discount(workstream: Workstream) -> bool:
    is_own = _method(workstream) is RevenueMethod.AS_INVOICED
    return not is_own and workstream.amount.amount * workstream.list_price > 0


def _method(workstream: Workstream) -> RevenueMethod:
    return method_of(workstream.billing_model, workstream.seller.billing_policy)


def _schedule(workstream: Workstream, price: Money, billing: tuple[BillingLine, ...]) -> RevenueSchedule:
    method = _method(workstream)
    months = sorted(RECOGNITIONS[method].months(Obligation(workstream, billing)).items())
    earned = [(month, weight) for month, weight in months if weight]
    amounts = price.allocate([weight for _, weight in earned])
    return RevenueSchedule(
        obligation=workstream.key,
        method=method,
        price=price,
        lines=tuple(
            RevenueLine(period=month, amount=amount) for (month, _), amount in zip(earned, amounts, strict=True)
        ),
    )
