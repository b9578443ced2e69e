"""People's absences and calendars."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from pydantic import AwareDatetime, Field

from oppsync.domain.values.model import Code, Frozen, Text


class AbsenceRequest(Frozen):
    """From the first day to the last, where the firm is. `delegate`: address of an approver who decides
    meanwhile. `email`: whose absence; one's own without it. `confirmed`: although the delegate may not decide
    deals that wait."""

    first: date = Field(alias="from")
    last: date = Field(alias="until")
    delegate: Code | None = None
    email: Text = ""
    confirmed: bool = False


class CalendarRequest(Frozen):
    """The code of the calendar; null: that of the legal entity. `email`: whose; one's own without it."""

    calendar: Code | None
    email: Text = ""


class AbsenceView(Frozen):
    """`until`: when it ends or was ended. `is_current`: now."""

    id: UUID
    email: Code
    name: Text
    begins_at: AwareDatetime
    until: AwareDatetime
    delegate: Code | None
    made_by: Code
    is_current: bool


class AbsenceList(Frozen):
    """In the order in which they begin."""

    rows: tuple[AbsenceView, ...]


class PersonCalendar(Frozen):
    email: Code
    calendar: Code | None
