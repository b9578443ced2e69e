"""Faults at the borders of a process: at a transaction, at a call to a vendor."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

# What the vendors here guarantee: their quarantine is the sum, no second more.
PATIENCE = timedelta(seconds=5)
LATE_COMMIT = timedelta(seconds=8)
SEARCH_LAG = timedelta(seconds=4)
QUARANTINE = PATIENCE + LATE_COMMIT + SEARCH_LAG


class Died(BaseException):
    """The process is gone with everything in memory; its lease and its rows stay."""


class Point(StrEnum):
    """Places where a process touches the outside."""

    BEGIN = "begin"  # before a transaction
    COMMIT = "commit"  # within it, before its commit
    COMMITTED = "committed"  # after the commit, before the process knows
    ENDED = "ended"  # after the transaction
    CALL = "call"  # before any call to a vendor
    WRITE = "write"  # within a write to a vendor


class Kind(StrEnum):
    KILLED_BEFORE_COMMIT = "killed before a commit"
    KILLED_AFTER_COMMIT = "killed after a commit"
    PAUSED = "paused after a transaction"
    STORE_AWAY = "Postgres away"
    STORE_AWAY_AT_COMMIT = "Postgres away at the commit"
    COMMIT_ANSWER_LOST = "the answer to COMMIT lost"
    KILLED_BEFORE_CALL = "killed before a call"
    VENDOR_AWAY = "a vendor away"
    LIMITED = "429"
    HELD_BACK = "no token for a call"
    BUG = "an adapter's bug"
    REJECTED = "a write refused"
    LOST_BEFORE = "a request lost"
    LOST_AFTER = "an answer lost"
    LATE = "a write committed late"
    KILLED_AFTER_WRITE = "killed after a write"
    PAUSED_AFTER_WRITE = "paused after a write"
    SLOW = "a slow answer"
    STOPPED = "SIGTERM during a write"


AT: dict[Kind, Point] = {
    Kind.KILLED_BEFORE_COMMIT: Point.COMMIT,
    Kind.KILLED_AFTER_COMMIT: Point.COMMITTED,
    Kind.PAUSED: Point.ENDED,
    Kind.STORE_AWAY: Point.BEGIN,
    Kind.STORE_AWAY_AT_COMMIT: Point.COMMIT,
    Kind.COMMIT_ANSWER_LOST: Point.COMMITTED,
    Kind.KILLED_BEFORE_CALL: Point.CALL,
    Kind.VENDOR_AWAY: Point.CALL,
    Kind.LIMITED: Point.CALL,
    Kind.HELD_BACK: Point.CALL,
    Kind.BUG: Point.CALL,
    Kind.REJECTED: Point.WRITE,
    Kind.LOST_BEFORE: Point.WRITE,
    Kind.LOST_AFTER: Point.WRITE,
    Kind.LATE: Point.WRITE,
    Kind.KILLED_AFTER_WRITE: Point.WRITE,
    Kind.PAUSED_AFTER_WRITE: Point.WRITE,
    Kind.SLOW: Point.WRITE,
    Kind.STOPPED: Point.WRITE,
}


@dataclass(frozen=True)
class Trouble:
    """`kind` happens when the run reaches its point for the `nth` time, counted from zero.

    `meanwhile`: what others do while a paused process stands still, each a name in `simulation.MEANWHILE`.
    """

    kind: Kind
    nth: int = 0
    meanwhile: tuple[str, ...] = ()


@dataclass
class Script:
    """The troubles of one run; each happens once."""

    troubles: Sequence[Trouble] = ()
    counts: Counter[Point] = field(default_factory=Counter)
    came: bool = False

    def at(self, point: Point) -> Trouble | None:
        reached, self.counts[point] = self.counts[point], self.counts[point] + 1
        for trouble in self.troubles:
            if AT[trouble.kind] is point and trouble.nth == reached:
                self.came = True
                return trouble
        return None
