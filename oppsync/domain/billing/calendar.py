"""Business days where a legal entity is: no weekends, no public holidays (library `holidays`)."""

from __future__ import annotations

from datetime import date, timedelta
from functools import lru_cache

from holidays import country_holidays

from oppsync.domain.reference.entities import LegalEntity

_DAY = timedelta(days=1)


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


def due_day(day: date, entity: LegalEntity) -> date:
    """`day`, or the next business day of the entity where its policy rolls due dates."""
    if entity.billing_policy.rolls_to_business_day:
        while not is_business_day(day, entity.country, entity.subdivision):
            day += _DAY
    return day


@lru_cache(maxsize=512)
def _year(country: str, subdivision: str | None, year: int) -> tuple[frozenset[int], frozenset[date]]:
    """Weekdays (Monday is 0) that are no business days, and the year's holidays.

    Raises NotImplementedError for a calendar that is not known.
    """
    calendar = country_holidays(country, subdiv=subdivision, years=year)
    return frozenset(calendar.weekend), frozenset(calendar)
