"""Reading an ERP's master data into the mirror: how far a reading is, and what one brought."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from pydantic import AwareDatetime

from oppsync.domain.master_data.rows import MasterKey, MasterKind, MasterRow
from oppsync.domain.values.model import Code, Frozen, Text

# Of more differences, a run keeps so many of each kind; its counts have all.
MOST_KEPT = 50


class MirrorChange(StrEnum):
    ADDED = "added"
    CHANGED = "changed"
    ENDED = "ended"


class MirrorDifference(Frozen):
    kind: MasterKind
    company: Text = ""
    code: Code
    name: Text = ""
    change: MirrorChange

    @property
    def key(self) -> MasterKey:
        return MasterKey(self.kind, self.company, self.code)


class KindCount(Frozen):
    """Of one kind in one reading. `ended`: how many rows it did not find any more."""

    read: int = 0
    added: int = 0
    changed: int = 0
    ended: int = 0


class MirrorRun(Frozen):
    """One reading. `counts` has the kinds it has begun. `error`: why it did not go on last."""

    id: UUID
    connection_id: Code
    started_at: AwareDatetime
    finished_at: AwareDatetime | None = None
    asked_by: Code | None = None
    kinds: tuple[MasterKind, ...] = ()
    counts: dict[MasterKind, KindCount] = {}
    differences: tuple[MirrorDifference, ...] = ()
    error: Text | None = None

    @property
    def differing(self) -> int:
        return sum(each.added + each.changed + each.ended for each in self.counts.values())


class MirrorLease(Frozen):
    """The right to read one ERP's master data for a while, and how far the reading is that is under way.

    `run_id` None: none is. `kinds`: those that are still to be read, the first of them from `after` on. `token`
    is the lease's. `asked_by`, `asked_kinds`: of the next reading.
    """

    tenant_id: Code
    connection_id: Code
    token: int
    tries: int = 0
    error: Text | None = None
    run_id: UUID | None = None
    kinds: tuple[MasterKind, ...] = ()
    after: Text | None = None
    asked_by: Code | None = None
    asked_kinds: tuple[MasterKind, ...] = ()


class KindState(NamedTuple):
    """What the mirror has of a kind. `seen_at`: since when all of it is as old at most; `ended`: rows that are
    there no more."""

    kind: MasterKind
    rows: int
    ended: int
    seen_at: datetime | None


class MirrorState(NamedTuple):
    """`runs`: the latest, newest first. `error`: why the last try to read failed, `due_at`: when the next
    is."""

    kinds: Sequence[KindState]
    runs: Sequence[MirrorRun]
    error: str | None
    due_at: datetime | None
    is_running: bool


class GoneRow(NamedTuple):
    """A row that ended, and since when."""

    key: MasterKey
    row: MasterRow
    gone_at: datetime


class Stored(NamedTuple):
    """What a page brought."""

    counted: KindCount
    differences: Sequence[MirrorDifference]


def added_up(before: KindCount, more: KindCount) -> KindCount:
    return KindCount(
        read=before.read + more.read,
        added=before.added + more.added,
        changed=before.changed + more.changed,
        ended=before.ended + more.ended,
    )
