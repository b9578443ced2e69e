"""Whether the connections that the configuration maps are those of this installation."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date

from oppsync.domain.configuration.bundle import content
from oppsync.domain.configuration.faults import Fault, Place, quoted
from oppsync.domain.configuration.files import FILES
from oppsync.domain.policy.connection_map import map_of
from oppsync.domain.reference.book import ReferenceBook, ReferenceKind, ReferenceRow
from oppsync.domain.work.connections import Connection
from oppsync.ports.storage.unit_of_work import UnitOfWork

_KIND = ReferenceKind.CONNECTION_MAP


def of_another_vendor(
    uow: UnitOfWork, tenant_id: str, before: Iterable[ReferenceRow], rows: Iterable[ReferenceRow], today: date
) -> Iterator[Fault]:
    """Of the rows that are new or changed, those whose connection is one to another vendor here."""
    entered = _entered(before, rows, today)
    connected = uow.connections.of_tenant(tenant_id) if entered else ()
    for row in entered:
        vendors = sorted({each.vendor for each in connected if each.name == row.key})
        if vendors and row.value["vendor"] not in vendors:
            problem = f"{row.key} is connected as {', '.join(vendors)}, not {quoted(row.value['vendor'])}"
            yield Place(FILES[_KIND].name, 0).fault(["vendor"], problem, "Correct the vendor, or the name")


def map_notes(
    uow: UnitOfWork, tenant_id: str, before: Sequence[ReferenceRow], rows: Sequence[ReferenceRow], today: date
) -> list[str]:
    """What is no fault of these rows, and may be a mistake, in words."""
    where = (uow, tenant_id, before, rows, today)
    return [*_not_connected_yet(*where), *_without_a_row(*where)]


def _without_a_row(
    uow: UnitOfWork, tenant_id: str, before: Sequence[ReferenceRow], rows: Sequence[ReferenceRow], today: date
) -> Iterator[str]:
    """The connections that lose their row: two people agree to that, and one alone says what they map then."""
    known = ReferenceBook(row for row in before if row.kind is _KIND)
    if not known.rows:
        return
    then = ReferenceBook(row for row in rows if row.kind is _KIND)
    turns = {day for row in (*known.rows, *then.rows) for day in (row.valid_from, row.valid_to) if day}
    days = [today, *sorted(day for day in turns if day > today)]
    for each in sorted(uow.connections.of_tenant(tenant_id), key=lambda each: each.name):
        lost = next((day for day in days if _has(known, each, day) and not _has(then, each, day)), None)
        if lost is not None:
            says = f"from {lost} on no row says what {each.name} maps"
            yield f"{FILES[_KIND].name}: {says}: its own settings do then, which one person edits."


def _has(book: ReferenceBook, connection: Connection, day: date) -> bool:
    return map_of(book, connection.name, connection.vendor, day) is not None


def _not_connected_yet(
    uow: UnitOfWork, tenant_id: str, before: Iterable[ReferenceRow], rows: Iterable[ReferenceRow], today: date
) -> Iterator[str]:
    """Of these rows, those that count for nothing here so far, in words: rules may come before connections."""
    entered = _entered(before, rows, today)
    names = sorted({each.name for each in uow.connections.of_tenant(tenant_id)}) if entered else []
    for row in entered:
        if row.key not in names:
            there = f"Connected are {', '.join(names)}." if names else "Nothing is connected yet."
            problem = f"nothing is connected as {quoted(row.key)}: the row counts once a system is"
            yield f"{FILES[_KIND].name}: {problem}. {there}"


def _entered(before: Iterable[ReferenceRow], rows: Iterable[ReferenceRow], today: date) -> list[ReferenceRow]:
    known = [content(row) for row in before if row.kind is _KIND]
    return [
        row
        for row in rows
        if row.kind is _KIND and content(row) not in known and (row.valid_to is None or row.valid_to > today)
    ]
