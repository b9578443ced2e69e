"""Whether what routes name is connected here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date

from oppsync.domain.configuration.bundle import content
from oppsync.domain.configuration.faults import Fault, Place, quoted
from oppsync.domain.configuration.files import FILES, key_in_words
from oppsync.domain.policy.route import RoutedRole
from oppsync.domain.reference.book import ReferenceKind, ReferenceRow
from oppsync.domain.work.connections import ConnectionRole
from oppsync.ports.storage.unit_of_work import UnitOfWork

_ROLES = {RoutedRole.ERP: ConnectionRole.ERP, RoutedRole.PSA: ConnectionRole.PSA}


def not_connected(
    uow: UnitOfWork, tenant_id: str, before: Iterable[ReferenceRow], rows: Iterable[ReferenceRow], today: date
) -> Iterator[Fault]:
    """Of the routes that are new or changed, those to a name that no system of the role has. A firm that has
    connected none of the role yet begins with its rules."""
    kind = ReferenceKind.ROUTE
    known = [content(row) for row in before if row.kind is kind]
    entered = [row for row in rows if row.kind is kind and content(row) not in known]
    connected = uow.connections.of_tenant(tenant_id) if entered else ()
    for row in entered:
        role = RoutedRole(row.key.split("|")[0])
        names = sorted(each.name for each in connected if each.role is _ROLES[role])
        name = row.value["connection"]
        if name is None or not names or name in names or (row.valid_to is not None and row.valid_to <= today):
            continue
        problem = f"{key_in_words(kind, row.key)}: no {role.upper()} is connected as {quoted(name)}"
        fix = f"Connected are {', '.join(names)}: use one of these, or connect it under that name first"
        yield Place(FILES[kind].name, 0).fault(["connection"], problem, fix)
