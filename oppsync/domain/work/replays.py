"""Replaying a selection: what to replay, what a replay would do to each item, and what it did."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, Field

from oppsync.domain.values.model import Code, Frozen, Text
from oppsync.domain.work.states import State

MOST = 1_000
# Postgres cannot compute with any length of time that ISO 8601 can write.
LONGEST_AGE = timedelta(days=36_500)


class ReplayOf(StrEnum):
    """Deals are worked again from a stage; deliveries are read again, as if the CRM had sent them anew."""

    OPPORTUNITIES = "opportunities"
    DELIVERIES = "deliveries"


class Selection(Frozen):
    """All criteria that are given must hold, and one must be given.

    `reason` is the code of an open exception. Times are when a deal entered its state, or when a delivery
    came. `state` and `stage` select deals; a parked deal counts as at the stage where it stopped.
    """

    of: ReplayOf = ReplayOf.OPPORTUNITIES
    ids: tuple[UUID, ...] = Field(default=(), max_length=MOST)
    reason: Code | None = None
    connection_id: Code | None = None
    stage: Code | None = None
    state: State | None = None
    older_than: Annotated[timedelta, Field(ge=timedelta(0), le=LONGEST_AGE)] | None = None
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None
    limit: Annotated[int, Field(ge=1, le=MOST)] = 500

    @property
    def is_empty(self) -> bool:
        return not self.model_dump(exclude={"of", "limit"}, exclude_defaults=True)


class ReplayAction(StrEnum):
    RUN = "run"
    NOTHING = "nothing"  # finished, under way by itself, or asked for what its state does not allow
    BLOCKED = "blocked"  # what stopped it is still there


class ReplayItem(Frozen):
    """`version` is handed in again to run the item: one that changed in the meantime is skipped."""

    id: UUID
    name: Text = ""
    state: State | None = None
    version: int = 0
    action: ReplayAction
    from_stage: Code | None = None
    says: Text


class ReplayPreview(Frozen):
    """`more`: the selection holds more than its limit; `items` are the oldest."""

    items: tuple[ReplayItem, ...]
    more: bool


class Previewed(Frozen):
    """An item of a preview, to be run."""

    id: UUID
    version: int = 0


class ReplayedItem(Frozen):
    id: UUID
    replayed: bool
    says: Text


class ReplayReport(Frozen):
    items: tuple[ReplayedItem, ...]
