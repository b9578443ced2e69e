"""Business hours of a calendar: how many lie between two moments, and which moment comes after so many.

Each day's hours are moments of the time zone, so that a day on which its clocks change is counted as long as
it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from oppsync.domain.reference.book import ReferenceBook, ReferenceKind
from oppsync.domain.reference.calendars import USUAL_HOURS, Calendar, Weekday, opening_of
from oppsync.domain.reference.entities import LegalEntity
from oppsync.domain.reference.public_holidays import is_holiday, weekend

_DAY, _NOTHING = timedelta(days=1), timedelta(0)
_WEEKDAYS = tuple(Weekday)
# Nobody waits for longer, and each day of it is looked at.
_LATEST = 3_653 * _DAY


class Shift(NamedTuple):
    """The hours of one day."""

    begins: datetime
    ends: datetime


def calendar_of(code: str | None, entity: LegalEntity | None, book: ReferenceBook, day: date) -> Calendar:
    """The calendar of this code that holds on `day`; else 9 to 17 o'clock where the legal entity is, or in UTC
    where that is not known either."""
    found = book.find(Calendar, ReferenceKind.CALENDAR, code, day) if code else None
    if found is not None:
        return found[0]
    if entity is None:
        return _NOWHERE
    return Calendar(
        code=entity.code,
        country=entity.country,
        subdivision=entity.subdivision,
        time_zone=entity.time_zone,
        hours=_outside_the_weekend(entity),
    )


def _outside_the_weekend(entity: LegalEntity) -> dict[Weekday, str]:
    rests = weekend(entity.country, entity.subdivision)
    return {each: USUAL_HOURS for at, each in enumerate(_WEEKDAYS) if at not in rests}


def hours_between(begin: datetime, end: datetime, calendar: Calendar) -> timedelta:
    """How much business time lies between two moments; none where the second is not after the first."""
    passed = _NOTHING
    for shift in _shifts(begin, calendar):
        if shift.begins >= end:
            return passed
        passed += max(min(shift.ends, end) - max(shift.begins, begin), _NOTHING)
    return passed


def after(begin: datetime, hours: timedelta, calendar: Calendar) -> datetime:
    """The moment at which so much business time has passed; at the latest ten years on, for a calendar that has
    little of it."""
    left, latest = hours, begin + _LATEST
    for shift in _shifts(begin, calendar):
        if shift.begins >= latest:
            break
        starts = max(shift.begins, begin)
        if (available := shift.ends - starts) >= left:
            return starts + left
        left -= max(available, _NOTHING)
    return latest


def _shifts(begin: datetime, calendar: Calendar) -> Iterator[Shift]:
    """The days' hours of the calendar that are not over at `begin`, in their order, of ten years and a bit."""
    zone, closed = ZoneInfo(calendar.time_zone), frozenset(calendar.closed)
    day = begin.astimezone(zone).date()
    last = day + _LATEST + 7 * _DAY
    while day < last:
        hours = calendar.hours.get(_WEEKDAYS[day.weekday()])
        if hours is not None and day not in closed and not _is_holiday(day, calendar):
            shift = _shift(day, hours, zone)
            if shift.ends > begin:
                yield shift
        day += _DAY


def _is_holiday(day: date, calendar: Calendar) -> bool:
    return is_holiday(day, calendar.country, calendar.subdivision)


@lru_cache(maxsize=4096)
def _shift(day: date, hours: str, zone: ZoneInfo) -> Shift:
    opening = opening_of(hours)
    begins, ends = (datetime.combine(day, each, zone).astimezone(UTC) for each in opening)
    return Shift(begins, ends)


# ZZ is no country, so it has no public holidays.
_NOWHERE = Calendar(code="nowhere", country="ZZ", time_zone="UTC")
