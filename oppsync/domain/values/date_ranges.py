"""Date ranges with a first and a last day, and how they are divided."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from decimal import Decimal
from itertools import accumulate


def consecutive(begin: date, end: date, percents: Sequence[Decimal]) -> Iterator[tuple[date, date]]:
    """Divide the range into whole days by percent; a phase too short for a day of its own shares its
    neighbour's."""
    days = (end - begin).days + 1
    offset = 0
    for reached in accumulate(percents):
        until = int(days * reached / 100)
        first = begin + timedelta(days=min(offset, days - 1))
        yield first, max(first, begin + timedelta(days=until - 1))
        offset = until
