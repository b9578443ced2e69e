"""Money is an amount with its ISO 4217 currency; rounding and allocation live here and nowhere else."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from enum import StrEnum
from fractions import Fraction
from functools import cache
from math import lcm
from typing import Annotated

import iso4217
from pydantic import AfterValidator, Field, model_serializer, model_validator

from oppsync.domain.values.model import Frozen, plain
from oppsync.domain.values.withdrawn_currencies import WITHDRAWN


@cache
def _minor_digits() -> Mapping[str, int]:
    """Decimal places by currency code, for the currencies of ISO 4217's list one that deals are made in:
    without codes of funds, and without units of account, metals and tests, which have no minor unit."""
    digits: dict[str, int] = {}
    for entry in iso4217.raw_xml.iterfind("CcyTbl/CcyNtry"):
        name, code, unit = entry.find("CcyNm"), entry.findtext("Ccy"), entry.findtext("CcyMnrUnts") or ""
        if code and unit.isdigit() and name is not None and name.get("IsFund") is None:
            digits[code] = int(unit)
    return digits


def current_currencies() -> Collection[str]:
    """Codes of ISO 4217's list one; withdrawn ones are not among them."""
    return _minor_digits().keys()


def why_not_current(code: str) -> str:
    """Why `code` is not a current currency: the end of a sentence that begins with the code."""
    if code in WITHDRAWN:
        return f"was withdrawn in {WITHDRAWN[code]} (ISO 4217, list three)"
    if (written := code.strip().upper()) in current_currencies():
        return f"is not the code of a current currency (ISO 4217), which is written {written}"
    return "is not the code of a current currency (ISO 4217)"


def _known_currency(code: str) -> str:
    if code not in current_currencies():
        raise ValueError(f"{code!r} {why_not_current(code)}")
    return code


# An amount that can be booked has at most sixteen digits before the point.
TOO_LARGE = Decimal(10) ** 16

Currency = Annotated[str, AfterValidator(_known_currency)]


def minor_digits(currency: str) -> int:
    """Decimal places of the currency's minor unit by ISO 4217: JPY 0, EUR 2, KWD 3."""
    return _minor_digits()[currency]


def minor_unit(currency: str) -> Decimal:
    return Decimal(1).scaleb(-minor_digits(currency))


def digits_of(amount: Decimal, currency: str | None) -> int:
    """The currency's own; the amount's where a CRM stated a finer one, or a currency nobody knows."""
    written = len(plain(amount).partition(".")[2])
    if currency is None or currency not in current_currencies():
        return written
    return max(written, minor_digits(currency))


def exact_text(amount: Decimal, currency: str | None) -> str:
    """As programs read it: `1234.50`, never rounded."""
    return f"{amount:.{digits_of(amount, currency)}f}"


def amount_text(amount: Decimal, currency: str | None) -> str:
    """As people read it, also in the ERP's comments: `EUR 1,234.50`, never rounded."""
    text = f"{amount:,.{digits_of(amount, currency)}f}"
    return f"{currency} {text}" if currency else text


class Rounding(StrEnum):
    """The rule for half a minor unit."""

    HALF_EVEN = "half_even"
    HALF_UP = "half_up"

    @property
    def mode(self) -> str:
        """The name of this rounding in the module `decimal`."""
        return ROUND_HALF_UP if self is Rounding.HALF_UP else ROUND_HALF_EVEN


class Money(Frozen):
    """An exact amount. In JSON the amount is text with exactly the currency's digits.

    Raises a validation error for an amount finer than the minor unit: where a rule says so, round once with
    `Money.rounded`, half to even by default.
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
        # A small negative amount would be rounded to minus zero.
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
        return amount_text(self.amount, self.currency)

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
    """Split `total`, a multiple of `unit`, into multiples of it, as `Money.allocate` does; hours are split so
    too."""
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
