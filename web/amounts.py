"""How many digits of an amount the API and the pages show."""

from __future__ import annotations

from decimal import Decimal

from oppsync.domain.values.model import plain
from oppsync.domain.values.money import current_currencies, minor_digits, minor_unit


def digits_of(amount: Decimal, currency: str | None) -> int:
    """The currency's own digits; the amount's where a CRM stated more of them, or for an unknown currency."""
    written = len(plain(amount).partition(".")[2])
    if currency is None or currency not in current_currencies():
        return written
    if amount != amount.quantize(minor_unit(currency)):
        return written
    return minor_digits(currency)


def exact_text(amount: Decimal, currency: str | None) -> str:
    """For example `1250000.00`."""
    return f"{amount:.{digits_of(amount, currency)}f}"
