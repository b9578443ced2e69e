"""Replaying a selection: what is to be worked again, what would become of each, what became of it."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, Field

from oppsync.domain.values.model import Code, Frozen, Text
from oppsync.domain.work.states import State

MOST = 1_000


class ReplayOf(StrEnum):
    """Deals are worked again from a stage; deliveries are read again, as if the CRM had sent them anew."""

    OPPORTUNITIES = "opportunities"
    DELIVERIES = "deliveries"


class Selection(Frozen):
    """All criteria that are given must hold, and one must be given.

    `reason` is the code of an open exception. Times are of deals since when they stand in their state, of
    deliveries when they came. `state` and `stage` are of deals; of a parked one the stage it stopped at counts.
    """

    of: ReplayOf = ReplayOf.OPPORTUNITIES
    ids: tuple[UUID, ...] = Field(default=(), max_length=MOST)
    reason: Code | None = None
    connection_id: Code | None = None
    stage: Code | None = None
    state: State | None = None
    older_than: timedelta | None = None
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
    """`version` is handed in again to run it: what moved on meanwhile is skipped."""

    id: UUID
    name: Text = ""
    state: State | None = None
    version: int = 0
    action: ReplayAction
    from_stage: Code | None = None
    says: Text


class ReplayPreview(Frozen):
    """`more`: the selection holds more than its limit; the oldest are here."""

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
