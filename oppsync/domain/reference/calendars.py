"""Calendars: when people who decide are at work."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Annotated, NamedTuple

from pydantic import AfterValidator, model_validator

from oppsync.domain.values.model import Code, Frozen, omitted_at

_HOURS = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)", re.ASCII)


class Weekday(StrEnum):
    MONDAY = "monday"
    TUESDAY = "tuesday"
    WEDNESDAY = "wednesday"
    THURSDAY = "thursday"
    FRIDAY = "friday"
    SATURDAY = "saturday"
    SUNDAY = "sunday"


class Opening(NamedTuple):
    """From when until when people are at work on a day, by the clock there."""

    begins: time
    ends: time


def opening_of(hours: str) -> Opening:
    """Raises ValueError for what is not written as `09:00-17:30`."""
    found = _HOURS.fullmatch(hours)
    if found is None:
        raise ValueError("write hours as 09:00-17:30")
    begin_hour, begin_minute, end_hour, end_minute = map(int, found.groups())
    opening = Opening(time(begin_hour, begin_minute), time(end_hour, end_minute))
    if opening.ends <= opening.begins:
        raise ValueError("the hours end before they begin")
    return opening


def open_a_week(hours: Iterable[str]) -> timedelta:
    """`hours`: of each weekday."""
    openings = [opening_of(each) for each in hours]
    return sum(
        (datetime.combine(date.min, each.ends) - datetime.combine(date.min, each.begins) for each in openings),
        start=timedelta(0),
    )


def _written_rightly(hours: str) -> str:
    opening_of(hours)
    return hours


Hours = Annotated[Code, AfterValidator(_written_rightly)]
WORKWEEK = (Weekday.MONDAY, Weekday.TUESDAY, Weekday.WEDNESDAY, Weekday.THURSDAY, Weekday.FRIDAY)
USUAL_HOURS = "09:00-17:00"
# Of a calendar that is entered now; those of a release before stay readable.
LEAST_A_WEEK = timedelta(hours=4)


class Calendar(Frozen):
    """Key: its code. `hours`: of each weekday on which people work, such as `09:00-17:30`, by the clock of
    `time_zone`. Public holidays are those of `country` and `subdivision` (ISO 3166-2 without the country);
    `closed` are further days without work."""

    code: Code
    country: Code
    subdivision: Code | None = omitted_at(None)
    time_zone: Code
    hours: dict[Weekday, Hours] = dict.fromkeys(WORKWEEK, USUAL_HOURS)
    closed: tuple[date, ...] = omitted_at(())

    @model_validator(mode="after")
    def _works(self) -> Calendar:
        if not self.hours:
            raise ValueError("hours: name a weekday on which people work")
        return self
