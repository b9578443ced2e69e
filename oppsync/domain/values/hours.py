"""Divide hours so that no fraction of an hour is lost."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from oppsync.domain.values.money import allocate

_UNIT = Decimal("0.01")


def shared_out(hours: Decimal, percents: Sequence[Decimal]) -> tuple[Decimal, ...]:
    """Divide `hours` by `percents`: largest remainder, in hundredths of an hour, or finer where `hours` is
    finer."""
    return allocate(hours, percents, finest(hours, _UNIT))


def finest(number: Decimal, usual: Decimal) -> Decimal:
    """The unit in which `number` is divided: `usual`, or the number's own last digit where that is finer."""
    exponent = number.normalize().as_tuple().exponent
    return min(usual, Decimal(1).scaleb(exponent)) if isinstance(exponent, int) else usual
