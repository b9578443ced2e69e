"""One row written anew, added or ended among the rows of now."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

from oppsync.domain.configuration.bundle import content, governed
from oppsync.domain.configuration.checks import wrong_between
from oppsync.domain.configuration.faults import BadBundle, Fault, Place
from oppsync.domain.configuration.files import FILES, VALID_FROM, VALID_TO, key_in_words
from oppsync.domain.configuration.imports import put_among
from oppsync.domain.configuration.installation import Installation
from oppsync.domain.configuration.map_checks import MapJudge
from oppsync.domain.configuration.records import PlacedRow, Record, columns, read_records
from oppsync.domain.reference.book import ReferenceKind, ReferenceRow, compared_key
from oppsync.domain.values.model import changed

# Stands for the file in the faults of a row that no file has: those of others name theirs.
OF_THE_ROW = ""


def row_of(rows: Sequence[ReferenceRow], kind: ReferenceKind, key: str, since: date) -> ReferenceRow | None:
    """One of governed rows."""
    return next((row for row in rows if (row.kind, row.key, row.valid_from) == (kind, key, since)), None)


def written(
    now: Sequence[ReferenceRow],
    kind: ReferenceKind,
    record: Record,
    instead_of: ReferenceRow | None = None,
    here: Installation | None = None,
    *,
    judge: MapJudge | None = None,
) -> list[ReferenceRow]:
    """The governed rows with this one instead of another, or besides. Where it has no end it ends where the
    next of its key begins, and the one before ends where it begins. Raises BadBundle with every fault."""
    found = read_records(kind, [record])
    if found.faults:
        raise BadBundle(found.faults)
    others, faults = [row for row in now if row is not instead_of], list[Fault]()
    for each in found.rows:
        at = (compared_key(kind, each.row.key), each.row.valid_from)
        if any((compared_key(row.kind, row.key), row.valid_from) == at for row in others):
            problem = f"{key_in_words(kind, each.row.key)} has another row from this day on"
            faults.append(each.place.fault([VALID_FROM], problem, "Edit that one, or choose another day"))
    if faults:
        raise BadBundle(faults)
    return put_among(others, kind, found, columns(kind), faults, here=here, judge=judge)


def ended(now: Sequence[ReferenceRow], row: ReferenceRow, until: date) -> list[ReferenceRow]:
    """The governed rows with this one holding until the day before. Raises BadBundle."""
    place = Place(OF_THE_ROW, 0)
    if until <= row.valid_from:
        fix = f"It is the first day on which the row no longer holds: after {row.valid_from}"
        raise BadBundle([place.fault([VALID_TO], f"{until} is not after the row's first day", fix)])
    if row.valid_to is not None and row.valid_to <= until:
        problem = f"the row ends on {row.valid_to} already"
        raise BadBundle([place.fault([VALID_TO], problem, "Give an earlier day, or edit the row")])
    after = [changed(row, valid_to=until) if each is row else each for each in now]
    if faults := list(wrong_between([PlacedRow(each, Place(FILES[each.kind].name, 0)) for each in after])):
        raise BadBundle(faults)
    return after


def carried_over(
    proposed: Iterable[ReferenceRow], base: Iterable[ReferenceRow], now: Iterable[ReferenceRow]
) -> list[ReferenceRow]:
    """The rows of now with what the proposed ones change of those they were made from: what others changed
    meanwhile stays, unless it is the same row. Whether they fit together is for the reader to see."""
    wanted, before, found = (_by_place(rows) for rows in (proposed, base, now))
    for at in wanted.keys() | before.keys():
        row = wanted.get(at)
        if _written(row) == _written(before.get(at)):
            continue
        if row is None:
            found.pop(at, None)
        else:
            found[at] = row
    return [*governed(found.values())]


_At = tuple[ReferenceKind, str, date]


def _by_place(rows: Iterable[ReferenceRow]) -> dict[_At, ReferenceRow]:
    return {(row.kind, row.key, row.valid_from): row for row in governed(rows)}


def _written(row: ReferenceRow | None) -> object:
    return row and content(row)
