"""The currencies a deal is read in: the entity's own, and the one that it reports in."""

from __future__ import annotations

from oppsync.domain.deal.opportunity import Opportunity
from oppsync.domain.enrichment.lookup import Lookup
from oppsync.domain.plan.conversion import CurrencyUse, Exchange
from oppsync.domain.reference.book import ReferenceKind
from oppsync.domain.reference.entities import LegalEntity
from oppsync.domain.reference.exchange import ExchangeRate


def exchanges_of(opportunity: Opportunity, entity: LegalEntity | None, lookup: Lookup) -> tuple[Exchange, ...]:
    """One for each currency that is not the deal's. An entity that reports needs all of the rates."""
    if entity is None or opportunity.currency is None:
        return ()
    uses = {CurrencyUse.FUNCTIONAL: entity.currency, CurrencyUse.REPORTING: entity.reporting_currency}
    found = []
    for use, currency in uses.items():
        if currency in (None, opportunity.currency):
            continue
        quote = _quote(opportunity.currency, currency, entity, lookup)
        if quote is not None:
            found.append(Exchange(use=use, currency=currency, quote=quote))
    return tuple(found)


def _quote(there: str, here: str, entity: LegalEntity, lookup: Lookup) -> ExchangeRate | None:
    if entity.reporting_currency is None:
        return lookup.first(ExchangeRate, ReferenceKind.EXCHANGE_RATE, (there, here))
    return lookup.find(ExchangeRate, ReferenceKind.EXCHANGE_RATE, "/currency", there, here)
