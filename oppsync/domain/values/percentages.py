"""Parts of a whole, in per cent."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from oppsync.domain.values.model import plain

_WHOLE = Decimal(100)


def why_not_whole(percents: Sequence[Decimal]) -> str | None:
    """Why these percentages do not make a whole, in words; None when each is above zero and they sum to
    100."""
    total = sum(percents, start=Decimal(0))
    if total == _WHOLE and min(percents) > 0:
        return None
    stated = " + ".join(f"{plain(percent)} %" for percent in percents)
    return f"{stated}: {plain(total)} % in total; each has to be above 0 %, and together they have to be 100 %"
