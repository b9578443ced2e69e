"""The name of a connection, by which rows of the configuration find it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from oppsync.domain.reference.book import ReferenceKind, ReferenceRow
from oppsync.domain.values.model import changed


class Named(Protocol):
    """A connection, as far as rows know it."""

    @property
    def role(self) -> str: ...

    @property
    def vendor(self) -> str: ...

    @property
    def name(self) -> str: ...


def leads_to(row: ReferenceRow, connection: Named) -> bool:
    """Whether the row leads deals to this system, by the name that it has."""
    is_route = row.kind is ReferenceKind.ROUTE and row.key.startswith(f"{connection.role}|")
    return is_route and row.value.get("connection") == connection.name


def maps(row: ReferenceRow, connection: Named) -> bool:
    """Whether the row says what this system maps, by the name that it has."""
    is_map = row.kind is ReferenceKind.CONNECTION_MAP and row.key == connection.name
    return is_map and row.value.get("vendor") == connection.vendor


def renamed(rows: Sequence[ReferenceRow], connection: Named, name: str) -> list[ReferenceRow]:
    """The rows with the connection's new name in place of its name. What the new name maps already stands as it
    is."""
    taken = any(row.kind is ReferenceKind.CONNECTION_MAP and row.key == name for row in rows)
    return [
        changed(row, value={**row.value, "connection": name})
        if leads_to(row, connection)
        else changed(row, key=name)
        if maps(row, connection) and not taken
        else row
        for row in rows
    ]
