"""By the rows of which days a backtest tries deals. By those of its own day alone, no deal would show what a
row does that begins next month."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import NamedTuple

from oppsync.domain.configuration.differences import Difference, differences
from oppsync.domain.reference.book import ReferenceKind, ReferenceRow, compared_key
from oppsync.domain.values.model import changed

# Read on the day on which a deal was planned, all others on the day on which it was won.
OF_PLANNING = frozenset({ReferenceKind.APPROVAL_RULE, ReferenceKind.APPROVAL_STEP})

_Key = tuple[ReferenceKind, str]


class ChangedDays(NamedTuple):
    """On which days a changed row makes a difference: from `first` until before `end`."""

    key: _Key
    first: date
    end: date


class Days(NamedTuple):
    """`as_of`: the one day whose rows all deals are tried by; None for those of each deal's own. `early`: what
    begins after the last deal and counts as though it had begun by then, by key the day on which it begins."""

    changes: Sequence[ChangedDays]
    as_of: date | None
    early: Mapping[_Key, date]

    @property
    def begin_later(self) -> int:
        """How many changed rows count before they begin."""
        return sum(1 for each in self.changes if self.early.get(each.key) == each.first)

    def of(self, rows: Iterable[ReferenceRow]) -> list[ReferenceRow]:
        """The rows as they are read."""
        read = []
        for row in rows:
            day = self.as_of or self.early.get(compared_key(row.kind, row.key))
            if day is None or (self.as_of is None and row.valid_from > day):
                read.append(row)
            elif row.covers(day):
                until = None if self.as_of else row.valid_to
                read.append(changed(row, valid_from=date.min, valid_to=until))
        return read

    def untouched(self, won: Iterable[date], planned: Iterable[date]) -> int:
        """How many changed rows hold on no day whose rows were read. `won` and `planned`: the days of the deals
        that were tried."""
        of_all, of_planning = sorted(won), sorted(planned)
        count = 0
        for each in self.changes:
            days = of_planning if each.key[0] in OF_PLANNING else of_all
            early = self.early.get(each.key)
            if self.as_of:
                days = [self.as_of] if days else []
            elif early:
                days = [*days, early]
            at = bisect_left(days, each.first)
            count += at == len(days) or days[at] >= each.end
        return count


def days_of(
    before: Sequence[ReferenceRow],
    after: Sequence[ReferenceRow],
    last_won: date | None,
    as_of: date | None,
) -> Days:
    """`last_won`: when the last of the deals was won, None where there is none."""
    was, now = _by_place(before), _by_place(after)
    found = [_changed_days(each, was, now) for each in differences(before, after)]
    early: dict[_Key, date] = {}
    if last_won and not as_of:
        for each in found:
            if each.first > last_won:
                early[each.key] = max(each.first, early.get(each.key, each.first))
    return Days(found, as_of, early)


_Place = tuple[ReferenceKind, str, date]


def _by_place(rows: Iterable[ReferenceRow]) -> Mapping[_Place, ReferenceRow]:
    return {(row.kind, row.key, row.valid_from): row for row in rows}


def _changed_days(
    change: Difference, before: Mapping[_Place, ReferenceRow], after: Mapping[_Place, ReferenceRow]
) -> ChangedDays:
    place = (change.kind, change.key, change.valid_from)
    was, now = before.get(place), after.get(place)
    ends = sorted(row.valid_to or date.max for row in (was, now) if row is not None)
    only_its_end = was is not None and now is not None and was.value == now.value
    first = ends[0] if only_its_end else change.valid_from
    return ChangedDays(compared_key(change.kind, change.key), first, ends[-1])
