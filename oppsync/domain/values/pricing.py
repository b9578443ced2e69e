"""Prices before they are money: exact products, not rounded here."""

from __future__ import annotations

from decimal import Decimal, localcontext

# Three factors of up to 28 digits each are exact in this many.
_EXACT = 100


def net_of(quantity: Decimal, unit_price: Decimal, discount_percent: Decimal) -> Decimal:
    """Quantity x price less discount, to the last digit; a discount of 10 is ten per cent."""
    with localcontext() as context:
        context.prec = _EXACT
        return quantity * unit_price * (100 - discount_percent) / 100
