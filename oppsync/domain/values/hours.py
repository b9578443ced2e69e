"""Hours, and how finely numbers are shared out so that none is lost."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from oppsync.domain.values.money import allocate

_UNIT = Decimal("0.01")


def shared_out(hours: Decimal, percents: Sequence[Decimal]) -> tuple[Decimal, ...]:
    """By largest remainder, in hundredths of an hour, or finer where they were sold finer."""
    return allocate(hours, percents, finest(hours, _UNIT))


def finest(number: Decimal, usual: Decimal) -> Decimal:
    """The unit a number is spread in: the usual one, or finer where it is finer itself."""
    exponent = number.normalize().as_tuple().exponent
    return min(usual, Decimal(1).scaleb(exponent)) if isinstance(exponent, int) else usual
