"""Date ranges with a first and a last day: which can be planned, and how they are divided."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import MAXYEAR, MINYEAR, date, timedelta
from decimal import Decimal
from itertools import accumulate

LONGEST_RUN_DAYS = 3_653  # ten years


def is_workable(first: date | None, last: date | None) -> bool:
    """Whether this is a run that can be divided into periods: in order, not too long, and with room in the
    calendar for the days around it. `9999-12-31` is the last day there is."""
    if first is None or last is None or last < first:
        return False
    return (last - first).days <= LONGEST_RUN_DAYS and first.year > MINYEAR and last.year < MAXYEAR


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
