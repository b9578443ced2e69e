"""Money is an amount with its ISO 4217 currency; rounding and allocation live here and nowhere else."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from enum import StrEnum
from fractions import Fraction
from functools import cache
from math import lcm
from typing import Annotated

from babel.core import get_global
from babel.numbers import get_currency_precision
from pydantic import AfterValidator, Field, model_serializer, model_validator

from oppsync.domain.values.model import Frozen


@cache
def current_currencies() -> frozenset[str]:
    """Codes that are legal tender somewhere today (CLDR territory data); historic ones are not among them."""
    tender: set[str] = set()
    for uses in get_global("territory_currencies").values():
        tender.update(code for code, _from, until, legal in uses if legal and until is None)
    return frozenset(tender)


def _known_currency(code: str) -> str:
    if code not in current_currencies():
        raise ValueError(f"{code!r} is not a current ISO 4217 currency code")
    return code


# What can be booked has at most sixteen digits before the point.
TOO_LARGE = Decimal(10) ** 16

Currency = Annotated[str, AfterValidator(_known_currency)]


def minor_digits(currency: str) -> int:
    """Decimal places of the currency's minor unit: JPY 0, EUR 2, KWD 3."""
    return get_currency_precision(currency)


def minor_unit(currency: str) -> Decimal:
    return Decimal(1).scaleb(-minor_digits(currency))


class Rounding(StrEnum):
    """What happens to half a minor unit."""

    HALF_EVEN = "half_even"
    HALF_UP = "half_up"

    @property
    def mode(self) -> str:
        """As `decimal` calls it."""
        return ROUND_HALF_UP if self is Rounding.HALF_UP else ROUND_HALF_EVEN


class Money(Frozen):
    """An exact amount. In JSON the amount is text with exactly the currency's digits.

    Raises a validation error for an amount finer than the minor unit: use `Money.rounded` to round once,
    half to even unless told otherwise, where a rule says so.
    """

    amount: Annotated[Decimal, Field(max_digits=20, allow_inf_nan=False)]
    currency: Currency

    @model_validator(mode="after")
    def _fits_minor_unit(self) -> Money:
        if self.amount != self.amount.quantize(minor_unit(self.currency)):
            raise ValueError(f"{self.amount} is finer than the minor unit of {self.currency}")
        return self

    @model_serializer
    def _as_text(self) -> dict[str, str]:
        return {"amount": self.text, "currency": self.currency}

    @classmethod
    def rounded(cls, amount: Decimal, currency: str, rounding: Rounding = Rounding.HALF_EVEN) -> Money:
        rounded = amount.quantize(minor_unit(currency), rounding.mode)
        # A little less than nothing would be minus zero.
        return cls(amount=rounded or abs(rounded), currency=currency)

    @classmethod
    def zero(cls, currency: str) -> Money:
        return cls(amount=Decimal(0), currency=currency)

    @classmethod
    def total(cls, parts: Iterable[Money], currency: str) -> Money:
        """Sum of `parts`; zero of `currency` when there are none."""
        return sum(parts, start=cls.zero(currency))

    @property
    def text(self) -> str:
        return format(self.amount.quantize(minor_unit(self.currency)), "f")

    def __str__(self) -> str:
        return f"{self.currency} {self.text}"

    def __add__(self, other: Money) -> Money:
        self._same_currency(other)
        return Money(amount=self.amount + other.amount, currency=self.currency)

    def __sub__(self, other: Money) -> Money:
        self._same_currency(other)
        return Money(amount=self.amount - other.amount, currency=self.currency)

    def __neg__(self) -> Money:
        return Money(amount=-self.amount, currency=self.currency)

    def _same_currency(self, other: Money) -> None:
        if self.currency != other.currency:
            raise ValueError(f"cannot mix {self.currency} and {other.currency}")

    def allocate(self, weights: Sequence[Decimal | Fraction]) -> tuple[Money, ...]:
        """Split by `weights` without losing a cent: largest remainder, ties to the earlier part.

        A negative amount (a credit) mirrors the positive one. Raises ValueError when the weights are empty,
        negative or sum to zero.
        """
        parts = allocate(self.amount, weights, minor_unit(self.currency))
        return tuple(Money(amount=part, currency=self.currency) for part in parts)


def allocate(total: Decimal, weights: Sequence[Decimal | Fraction], unit: Decimal) -> tuple[Decimal, ...]:
    """Split `total`, a multiple of `unit`, into multiples of it, as `Money.allocate`: hours, for example."""
    exact = [Fraction(weight) for weight in weights]
    if sum(exact) <= 0 or min(exact) < 0:
        raise ValueError("weights must not be negative and must sum to more than zero")
    if total < 0:
        return tuple(-part for part in allocate(-total, exact, unit))
    units = int(total / unit)
    # Integers from here on: Decimal division would round thirds differently at each size.
    scale = lcm(*(weight.denominator for weight in exact))
    shares = [int(weight * scale) for weight in exact]
    parts = [units * share // sum(shares) for share in shares]
    remainders = [units * share % sum(shares) for share in shares]
    order = sorted(range(len(shares)), key=lambda index: (-remainders[index], index))
    for index in order[: units - sum(parts)]:
        parts[index] += 1
    return tuple(part * unit for part in parts)
