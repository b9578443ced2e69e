"""Who is out of office, and who decides for them meanwhile."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from pydantic import AwareDatetime

from oppsync.domain.approval.tasks import ApprovalTask
from oppsync.domain.values.model import Code, Frozen

# A working day: whoever stood in for less decided nothing for the other that matters afterwards.
LEAST = timedelta(hours=8)


class NewAbsence(NamedTuple):
    person_id: UUID
    begins_at: datetime
    ends_at: datetime
    delegate_id: UUID | None = None


class Absence(Frozen):
    """From `begins_at` until `ends_at`, or until `ended_at` where it was ended before. `delegate_id`: who may
    decide what the person may, meanwhile. `made_by`: an actor."""

    id: UUID
    person_id: UUID
    begins_at: AwareDatetime
    ends_at: AwareDatetime
    delegate_id: UUID | None = None
    made_by: Code
    made_at: AwareDatetime
    ended_at: AwareDatetime | None = None

    @property
    def until(self) -> datetime:
        return min(self.ends_at, self.ended_at) if self.ended_at else self.ends_at

    def covers(self, moment: datetime) -> bool:
        return self.begins_at <= moment < self.until

    def overlaps(self, begin: datetime, end: datetime) -> bool:
        return self.begins_at < end and begin < self.until

    @property
    def counts_from(self) -> datetime:
        """Nobody stood in before it was entered, though it may begin with that day."""
        return max(self.begins_at, self.made_at)

    def lasted_while_open(self, tasks: Iterable[ApprovalTask], now: datetime) -> bool:
        """Whether it lasted a working day by now, and any of these tasks waited for a decision meanwhile."""
        begin, end = self.counts_from, min(self.until, now)
        return end - begin >= LEAST and any(
            task.opened_at < end and not (task.decided_at and task.decided_at <= begin) for task in tasks
        )


class Absences(NamedTuple):
    """All that there are, as of `now`."""

    now: datetime
    rows: Sequence[Absence]

    def current(self) -> Sequence[Absence]:
        return [each for each in self.rows if each.covers(self.now)]

    def coming(self) -> Sequence[Absence]:
        """Those that are not over."""
        return [each for each in self.rows if each.begins_at < each.until and each.until > self.now]

    def next_change(self) -> datetime | None:
        """When the next one begins or ends."""
        moments = [moment for each in self.coming() for moment in (each.begins_at, each.until)]
        return min((moment for moment in moments if moment > self.now), default=None)


NO_ABSENCES = Absences(datetime.min.replace(tzinfo=UTC), ())
