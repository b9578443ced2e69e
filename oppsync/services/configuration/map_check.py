"""Whether the connections that the configuration maps are those of this installation."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date

from oppsync.domain.configuration.bundle import content
from oppsync.domain.configuration.faults import Fault, Place, quoted
from oppsync.domain.configuration.files import FILES
from oppsync.domain.reference.book import ReferenceKind, ReferenceRow
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


def not_connected_yet(
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
