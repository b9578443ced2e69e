"""What a contract is worth in other currencies. The contract's own figures never depend on it."""

from __future__ import annotations

from datetime import date
from enum import StrEnum

from oppsync.domain.reference.exchange import ExchangeRate
from oppsync.domain.values.model import Frozen, Quantity, Text
from oppsync.domain.values.money import Currency, Money


class CurrencyUse(StrEnum):
    FUNCTIONAL = "functional"  # the currency that the contracting entity keeps its books in
    REPORTING = "reporting"  # the currency that the group reports in


class ConversionRate(Frozen):
    """The rate from the deal's currency to another currency in which the deal is shown too."""

    use: CurrencyUse
    currency: Currency
    quote: ExchangeRate


class Conversion(Frozen):
    """A total of the plan in another currency, with the rate it was made by."""

    use: CurrencyUse
    rate: Quantity
    source: Text
    quoted_on: date
    total: Money
    cost: Money | None = None


def converted(exchange: ConversionRate, total: Money, cost: Money | None) -> Conversion:
    return Conversion(
        use=exchange.use,
        rate=exchange.quote.rate,
        source=exchange.quote.source,
        quoted_on=exchange.quote.quoted_on,
        total=_at(exchange, total),
        cost=None if cost is None else _at(exchange, cost),
    )


def _at(exchange: ConversionRate, amount: Money) -> Money:
    return Money.rounded(amount.amount * exchange.quote.rate, exchange.currency)
