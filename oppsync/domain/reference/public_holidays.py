"""Business days of a country: no weekends, no public holidays (library `holidays`)."""

from __future__ import annotations

from datetime import date
from functools import lru_cache

from holidays import country_holidays

_SATURDAY_AND_SUNDAY = frozenset({5, 6})
_ANY_YEAR = 2026


@lru_cache(maxsize=512)
def is_known(country: str, subdivision: str | None) -> bool:
    """Whether the library has the calendar of this country and subdivision (ISO 3166)."""
    try:
        country_holidays(country, subdiv=subdivision)
    except NotImplementedError:
        return False
    return True


def is_business_day(day: date, country: str, subdivision: str | None = None) -> bool:
    weekend, closed = _year(country, subdivision, day.year)
    return day.weekday() not in weekend and day not in closed


def is_holiday(day: date, country: str, subdivision: str | None = None) -> bool:
    """Whether it is a public holiday there. A country that the library does not have has none."""
    return is_known(country, subdivision) and day in _year(country, subdivision, day.year)[1]


def weekend(country: str, subdivision: str | None = None) -> frozenset[int]:
    """Weekdays (Monday is 0) without work there. A country that the library does not have rests on Saturday and
    Sunday."""
    return _year(country, subdivision, _ANY_YEAR)[0] if is_known(country, subdivision) else _SATURDAY_AND_SUNDAY


@lru_cache(maxsize=512)
def _year(country: str, subdivision: str | None, year: int) -> tuple[frozenset[int], frozenset[date]]:
    """Weekdays (Monday is 0) that are no business days, and the year's holidays.

    Raises NotImplementedError for a calendar that is not known.
    """
    calendar = country_holidays(country, subdiv=subdivision, years=year)
    return frozenset(calendar.weekend), frozenset(calendar)
