"""When people who decide are at work: hours between moments, and moments after hours."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from oppsync.domain.approval.business_hours import after, calendar_of, hours_between
from oppsync.domain.configuration.checks import wrong_between
from oppsync.domain.configuration.faults import Place
from oppsync.domain.configuration.records import PlacedRow
from oppsync.domain.reference.book import ReferenceBook, ReferenceKind, ReferenceRow
from oppsync.domain.reference.calendars import Calendar, Weekday
from oppsync.domain.reference.entities import LegalEntity
from oppsync.domain.values.model import changed
from tests.harness.builders import legal_entity

BERLIN, CHICAGO = ZoneInfo("Europe/Berlin"), ZoneInfo("America/Chicago")
OFFICE = Calendar(code="BERLIN", country="DE", subdivision="BE", time_zone="Europe/Berlin")
NIGHTS = changed(OFFICE, hours={Weekday.SUNDAY: "00:00-06:00"})
HOUR = timedelta(hours=1)


def in_berlin(month: int, day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=BERLIN)


@pytest.mark.parametrize(
    ("begin", "hours", "moment"),
    [
        # Monday, within the day; to its last minute; over to the next.
        (in_berlin(3, 2, 10), 3, in_berlin(3, 2, 13)),
        (in_berlin(3, 2, 10), 7, in_berlin(3, 2, 17)),
        (in_berlin(3, 2, 10), 8, in_berlin(3, 3, 10)),
        # Before work, and after it.
        (in_berlin(3, 2, 6), 1, in_berlin(3, 2, 10)),
        (in_berlin(3, 2, 20), 1, in_berlin(3, 3, 10)),
        # Over a weekend; over Good Friday and Easter Monday.
        (in_berlin(3, 6, 16), 2, in_berlin(3, 9, 10)),
        (in_berlin(4, 2, 16), 2, in_berlin(4, 7, 10)),
        # A holiday of Berlin alone: 8 March is a Sunday in 2026, 3 October a Saturday; Epiphany is none there.
        (in_berlin(1, 5, 16), 2, in_berlin(1, 6, 10)),
    ],
)
def test_the_moment_after_so_many_business_hours(begin: datetime, hours: int, moment: datetime) -> None:
    assert after(begin, hours * HOUR, OFFICE) == moment
    assert hours_between(begin, moment, OFFICE) == hours * HOUR


def test_a_day_on_which_the_clocks_change_has_as_many_hours_as_it_has() -> None:
    """In the night of 29 March 2026 an hour is missing in Berlin; on 25 October there is one more."""
    assert hours_between(in_berlin(3, 28, 12), in_berlin(3, 30, 12), NIGHTS) == 5 * HOUR
    assert hours_between(in_berlin(10, 24, 12), in_berlin(10, 26, 12), NIGHTS) == 7 * HOUR
    assert hours_between(in_berlin(10, 17, 12), in_berlin(10, 19, 12), NIGHTS) == 6 * HOUR
    assert after(in_berlin(3, 28, 12), 5 * HOUR, NIGHTS) == in_berlin(3, 29, 6)


def test_a_closed_day_and_a_holiday_of_a_part_of_the_country_are_no_work() -> None:
    closed = changed(OFFICE, closed=(date(2026, 3, 3),))
    bavaria = changed(OFFICE, subdivision="BY")

    assert after(in_berlin(3, 2, 16), 2 * HOUR, closed) == in_berlin(3, 4, 10)
    assert after(in_berlin(1, 5, 16), 2 * HOUR, bavaria) == in_berlin(1, 7, 10)


def test_the_hours_may_differ_by_day() -> None:
    short_fridays = changed(OFFICE, hours={**OFFICE.hours, Weekday.FRIDAY: "09:00-13:00"})

    assert after(in_berlin(3, 6, 12), 2 * HOUR, short_fridays) == in_berlin(3, 9, 10)


moments = st.integers(0, 3 * 365 * 24 * 60).map(
    lambda minutes: datetime(2025, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
)


@given(moments, st.integers(1, 60 * 400), st.sampled_from([OFFICE, NIGHTS]))
def test_what_is_counted_forward_is_counted_back(begin: datetime, minutes: int, calendar: Calendar) -> None:
    wanted = timedelta(minutes=minutes)
    moment = after(begin, wanted, calendar)

    assert hours_between(begin, moment, calendar) == wanted
    assert hours_between(begin, moment - timedelta(microseconds=1), calendar) < wanted


def row_of(calendar: Calendar) -> ReferenceRow:
    value = calendar.model_dump(mode="json")
    return ReferenceRow(
        kind=ReferenceKind.CALENDAR, key=calendar.code, valid_from=date(2026, 1, 1), value=value
    )


def test_a_person_works_by_their_calendar_else_as_their_legal_entity() -> None:
    book, day = ReferenceBook([row_of(OFFICE)]), date(2026, 3, 2)
    entity: LegalEntity = changed(legal_entity(), country="US", time_zone="America/Chicago")

    assert calendar_of("BERLIN", entity, book, day) == OFFICE
    of_entity = calendar_of(None, entity, book, day)
    assert calendar_of("BERLIN", entity, book, date(2025, 12, 31)) == of_entity  # it does not hold yet
    noon = datetime(2026, 7, 2, 16, tzinfo=CHICAGO)  # the third is the day before a Saturday's Fourth of July
    assert after(noon, 2 * HOUR, of_entity) == datetime(2026, 7, 6, 10, tzinfo=CHICAGO)
    abroad = changed(entity, country="AE", time_zone="Asia/Dubai")
    assert Weekday.SATURDAY not in calendar_of(None, abroad, book, day).hours
    assert calendar_of(None, None, book, day).time_zone == "UTC"


@pytest.mark.parametrize(
    "hours", ["9-17", "09:00", "17:00-09:00", "09:00-09:00", "09:00-24:00", "\u06609:00-17:00"]
)
def test_hours_that_are_none_are_refused(hours: str) -> None:
    with pytest.raises(ValidationError):
        changed(OFFICE, hours={Weekday.MONDAY: hours})


def test_who_is_hardly_ever_at_work_waits_ten_years_at_the_longest() -> None:
    """A release before took such calendars; each look at what waits reads them."""
    minute = changed(OFFICE, hours={Weekday.MONDAY: "09:00-09:01"})
    begin = in_berlin(3, 2, 10)

    assert after(begin, 10_000 * HOUR, minute) == begin + timedelta(days=3_653)
    assert after(begin, timedelta(minutes=2), minute) == in_berlin(3, 16, 9, 1)


@pytest.mark.parametrize(("hours", "faults"), [("09:00-12:59", 1), ("09:00-13:00", 0)])
def test_a_calendar_that_is_entered_has_some_hours_a_week(hours: str, faults: int) -> None:
    row = row_of(changed(OFFICE, hours={Weekday.MONDAY: hours}))

    found = list(wrong_between([PlacedRow(row, Place("calendars.yaml", 1, {}))]))

    assert [each.problem for each in found] == ["are fewer than 4 hours a week"] * faults


def test_a_calendar_without_a_day_of_work_is_refused() -> None:
    with pytest.raises(ValidationError, match="name a weekday"):
        changed(OFFICE, hours={})


@pytest.mark.parametrize(
    ("field", "value", "problem"),
    [
        ("time_zone", "Berlin", "'Berlin' is no time zone"),
        ("country", "GER", "'GER' is no country"),
        ("subdivision", "XX", "no public holidays are known of 'XX' in DE"),
    ],
)
def test_where_a_calendar_is_must_exist(field: str, value: str, problem: str) -> None:
    row = row_of(changed(OFFICE, **{field: value}))

    (fault,) = wrong_between([PlacedRow(row, Place("calendars.yaml", 1, {}))])

    assert fault.problem == problem
