"""Date ranges with a first and a last day, and how they are divided."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from decimal import Decimal
from itertools import accumulate

LONGEST_RUN_DAYS = 3_653  # ten years
# A later day is nobody's plan, but `9999-12-31` for "no end"; after it there are no days left to compute with.
LATEST_DAY = date(2999, 12, 31)


def is_too_long(begin: date, end: date) -> bool:
    """Whether nobody can mean this range: schedules are not made for it."""
    return (end - begin).days > LONGEST_RUN_DAYS or end > LATEST_DAY


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
