"""Rate cards: what an hour of a role is sold at and what it costs, in a region and a currency.

A customer's own card comes before the region's, as in Certinia's and NetSuite's rate cards. The card in force
on the day the deal was won is the one it was sold by; a card that ends before the work does is a finding.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal

from oppsync.domain.deal.opportunity import Opportunity, OpportunityLine
from oppsync.domain.enrichment.lookup import Lookup
from oppsync.domain.reference.book import ANY, ReferenceKind
from oppsync.domain.reference.entities import LegalEntity
from oppsync.domain.reference.exchange import ExchangeRate
from oppsync.domain.reference.rates import CostRate, Rate
from oppsync.domain.values.findings.codes import finding
from oppsync.domain.values.findings.finding import Finding
from oppsync.domain.values.model import plain
from oppsync.domain.values.money import amount_text

# The precision of a converted cost: it is our own figure and is sent to no ERP.
_COST_STEP = Decimal("0.0001")


def rate_of(
    opportunity: Opportunity, line: OpportunityLine, path: str, region: str | None, lookup: Lookup
) -> Rate | None:
    """The rate card's price for the line's role. A price sold, before discount, that differs from it is a
    finding."""
    kind, general = ReferenceKind.RATE_CARD, (region, line.role, opportunity.currency)
    customer = opportunity.account.code if opportunity.account else None
    own = lookup.first(Rate, kind, (customer, *general))
    rate = own or lookup.find(Rate, kind, f"{path}/role", *general)
    start, end = opportunity.start_of(line), opportunity.end_of(line)
    if rate is not None:
        lookup.findings += _price_findings(opportunity, line, path, rate)
        if start is not None and end is not None:
            gap = lookup.uncovered(kind, (customer, *general) if own else general, start, end)
            lookup.findings += _gap_findings(line, path, rate, gap)
    return rate


def cost_rate_of(
    opportunity: Opportunity,
    line: OpportunityLine,
    region: str | None,
    entity: LegalEntity | None,
    lookup: Lookup,
) -> CostRate | None:
    """Find what an hour of the line costs: its role's rate, or else the region's for any role; in the deal's
    currency, or else converted from the contracting entity's."""
    currency = opportunity.currency
    cost = _cost_in(currency, line, region, lookup)
    if cost is not None or entity is None or entity.currency == currency:
        return cost
    own = _cost_in(entity.currency, line, region, lookup)
    quote = lookup.first(ExchangeRate, ReferenceKind.EXCHANGE_RATE, (entity.currency, currency))
    if own is None or quote is None:
        return None
    return CostRate(card=own.card, hourly=(own.hourly * quote.rate).quantize(_COST_STEP, ROUND_HALF_EVEN))


def _cost_in(
    currency: str | None, line: OpportunityLine, region: str | None, lookup: Lookup
) -> CostRate | None:
    keys = ((region, line.role, currency), (region, ANY, currency))
    return lookup.first(CostRate, ReferenceKind.COST_RATE, *keys)


def _price_findings(
    opportunity: Opportunity, line: OpportunityLine, path: str, rate: Rate
) -> Iterator[Finding]:
    if line.unit_price == rate.price:
        return
    currency = opportunity.currency
    less = f" less {plain(rate.discount_percent)} %" if rate.discount_percent else ""
    yield finding(
        "RATE_DIFFERS",
        f"{line.title}: {line.role} was sold at {amount_text(line.unit_price, currency)} an hour, the "
        f"rate card {rate.card} has {amount_text(rate.hourly, currency)}{less}",
        path=f"{path}/unit_price",
        value=amount_text(line.unit_price, currency),
    )


def _gap_findings(line: OpportunityLine, path: str, rate: Rate, gap: date | None) -> Iterator[Finding]:
    if gap is not None:
        yield finding(
            "RATE_GAP",
            f"{line.title}: the rate card {rate.card} has no rate for {line.role} on {gap}",
            path=f"{path}/role",
            value=gap,
        )
