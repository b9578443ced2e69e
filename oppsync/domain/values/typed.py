"""What people typed into a record of the CRM, and the noise that arithmetic in floats leaves on numbers.

The canonical opportunity is made of these: it is the one place where such text and numbers come in.
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Annotated, Any

from pydantic import BeforeValidator

from oppsync.domain.values.model import Quantity, Text
from oppsync.kernel.plain_text import cleaned

_FLOAT_DIGITS = 15  # of a decimal number that a float returns as it was
_DECIMALS = 10
# A number that is this short without its last digits had noise there, and nobody's fraction.
_SHORT = 12
_FEW_DECIMALS = 6
_LOUDEST = Decimal("0.00001")


def without_noise(number: Decimal) -> Decimal:
    """`28` for 28.000000000000004 and `864` for 863.9999999999999; every other number as it is.

    Only what is no more than noise goes: digits beyond those a float keeps, or beyond ten decimals, where the
    number is a short one without them. A real fraction of a cent stays.
    """
    if not number.is_finite() or not number:
        return number
    _, digits, exponent = number.as_tuple()
    decimals = -int(exponent)
    if decimals > _DECIMALS:
        short = _rounded(number, _DECIMALS)
        if _decimals(short) <= _FEW_DECIMALS:
            return short
    if decimals > 0 and len(digits) > _FLOAT_DIGITS:
        short = _rounded(number, _FLOAT_DIGITS - 1 - number.adjusted())
        if len(short.as_tuple().digits) <= _SHORT and abs(number - short) < _LOUDEST:
            return short
    return number


def _rounded(number: Decimal, decimals: int) -> Decimal:
    rounded = round(number, decimals).normalize()
    return rounded if rounded else Decimal(0)


def _decimals(number: Decimal) -> int:
    return max(0, -int(number.as_tuple().exponent))


def _quiet(value: Any) -> Any:
    """A `Decimal` of all that is a number: what is none is left to be refused."""
    if isinstance(value, bool) or not isinstance(value, (Decimal, str, float, int)):
        return value
    try:
        number = Decimal(str(value))
        quiet = without_noise(number)
    except (InvalidOperation, ValueError):
        return value
    return number if quiet == number else quiet


def _clean(value: Any) -> Any:
    return cleaned(value) if isinstance(value, str) else value


TypedText = Annotated[Text, BeforeValidator(_clean)]
TypedNumber = Annotated[Quantity, BeforeValidator(_quiet)]
