"""Rules across deals: one purchase order under several, its limit used up by all, a deal entered twice."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal

from oppsync.domain.billing.caps import beyond_caps
from oppsync.domain.deal.opportunity import Opportunity
from oppsync.domain.validation.facts import ValidationFacts
from oppsync.domain.validation.other_deals import OtherDeal, is_clone, is_same_customer, shares_purchase_order
from oppsync.domain.values.findings.codes import finding
from oppsync.domain.values.findings.finding import Finding, Severity
from oppsync.domain.values.money import amount_text

# The value of these findings is the id of the other deal.
OF_OTHER_DEALS = frozenset({"PO_SHARED", "DEAL_CLONED"})
ACROSS_DEALS = OF_OTHER_DEALS | {"PO_USED_UP"}
# So many other deals are named one by one.
_NAMED = 5


def other_deals_agree(opportunity: Opportunity, facts: ValidationFacts) -> Iterator[Finding]:
    customer = facts.customer.customer
    return findings_across(facts.with_periods(opportunity), customer.code if customer else None, facts.others)


def findings_across(
    opportunity: Opportunity, customer: str | None, others: Sequence[OtherDeal]
) -> Iterator[Finding]:
    """Judge the deal beside `others`. `customer`: its code in the ERP, where known."""
    of_customer = [each for each in others if is_same_customer(opportunity, customer, each)]
    sharing = [each for each in of_customer if shares_purchase_order(opportunity, each)]
    yield from _shared_order(opportunity, sharing)
    yield from _used_up_order(opportunity, sharing)
    for other in [each for each in of_customer if is_clone(opportunity, each)][:_NAMED]:
        yield finding(
            "DEAL_CLONED",
            f"{other.in_words} has the same customer, name, amount, lines and time",
            path="/name",
            value=other.id,
        )


def _shared_order(opportunity: Opportunity, sharing: Sequence[OtherDeal]) -> Iterator[Finding]:
    more = f", one of {len(sharing)} deals" if len(sharing) > _NAMED else ""
    for other in sharing[:_NAMED]:
        yield finding(
            "PO_SHARED",
            f"The purchase order {opportunity.contract.po_number} is also that of {other.in_words}{more}",
            path="/contract/po_number",
            value=other.id,
        )


def _used_up_order(opportunity: Opportunity, sharing: Sequence[OtherDeal]) -> Iterator[Finding]:
    """Where the deal exceeds the limit alone, or together with what was approved, it blocks; where only
    together with deals that nobody approved yet, it warns."""
    currency, stated, own = opportunity.currency, opportunity.amount, opportunity.contract.po_limit
    others = [each for each in sharing if each.record.currency == currency]
    limits = [each.record.contract.po_limit for each in others if each.record.contract.po_limit is not None]
    limit = own or max(limits, default=None)
    if stated is None or limit is None or not others:
        return
    amount = stated - beyond_caps(opportunity)
    if own is not None and amount > own:
        return  # PO_TOO_SMALL
    committed = [each for each in others if each.is_committed]
    blocks = amount + _sum(committed) > limit
    counted = committed if blocks else others
    together = amount + _sum(counted)
    if together > limit:
        allowed, comes_to = amount_text(limit, currency), amount_text(together, currency)
        if counted:
            exceeds = f"allows {allowed}, but this deal comes to {comes_to} together with {_in_words(counted)}"
        else:
            stating = [each for each in others if each.record.contract.po_limit == limit]
            exceeds = f"allows {allowed} by {_in_words(stating)}, but this deal alone comes to {comes_to}"
        yield finding(
            "PO_USED_UP",
            f"The purchase order {opportunity.contract.po_number} {exceeds}",
            path="/contract/po_limit",
            value=allowed,
            severity=Severity.BLOCKS if blocks else Severity.WARNS,
        )


def _in_words(deals: Sequence[OtherDeal]) -> str:
    return "; ".join(each.in_words for each in deals[:_NAMED])


def _sum(deals: Sequence[OtherDeal]) -> Decimal:
    return sum((each.billable for each in deals), start=Decimal(0))
