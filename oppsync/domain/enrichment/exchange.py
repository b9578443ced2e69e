"""The currencies that a deal is shown in: the entity's own, and the one that it reports in."""

from __future__ import annotations

from oppsync.domain.deal.opportunity import Opportunity
from oppsync.domain.enrichment.lookup import Lookup
from oppsync.domain.plan.conversion import ConversionRate, CurrencyUse
from oppsync.domain.reference.book import ReferenceKind
from oppsync.domain.reference.entities import LegalEntity
from oppsync.domain.reference.exchange import ExchangeRate


def exchanges_of(
    opportunity: Opportunity, entity: LegalEntity | None, lookup: Lookup
) -> tuple[ConversionRate, ...]:
    """One for each such currency that is not the deal's own. With a reporting currency, a missing rate is a
    finding."""
    if entity is None or opportunity.currency is None:
        return ()
    uses = {CurrencyUse.FUNCTIONAL: entity.currency, CurrencyUse.REPORTING: entity.reporting_currency}
    exchanges = []
    for use, currency in uses.items():
        if currency in (None, opportunity.currency):
            continue
        quote = _quote(opportunity.currency, currency, entity, lookup)
        if quote is not None:
            exchanges.append(ConversionRate(use=use, currency=currency, quote=quote))
    return tuple(exchanges)


def _quote(deal: str, other: str, entity: LegalEntity, lookup: Lookup) -> ExchangeRate | None:
    if entity.reporting_currency is None:
        return lookup.first(ExchangeRate, ReferenceKind.EXCHANGE_RATE, (deal, other))
    return lookup.find(ExchangeRate, ReferenceKind.EXCHANGE_RATE, "/currency", deal, other)
