"""The name of a connection, by which rows of the configuration find it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from oppsync.domain.policy.route import RoutedRole
from oppsync.domain.reference.book import ReferenceKind, ReferenceRow
from oppsync.domain.values.model import changed


class Called(NamedTuple):
    """A connection, as rows know it; `role` is None where no route leads to its kind of system."""

    role: RoutedRole | None
    vendor: str
    name: str


def leads_to(row: ReferenceRow, connection: Called) -> bool:
    """Whether the row leads deals to this system, by the name that it has."""
    if row.kind is not ReferenceKind.ROUTE or connection.role is None:
        return False
    return row.key.startswith(f"{connection.role}|") and row.value.get("connection") == connection.name


def maps(row: ReferenceRow, connection: Called) -> bool:
    """Whether the row says what this system maps, by the name that it has."""
    is_map = row.kind is ReferenceKind.CONNECTION_MAP and row.key == connection.name
    return is_map and row.value.get("vendor") == connection.vendor


def renamed(rows: Sequence[ReferenceRow], connection: Called, name: str) -> list[ReferenceRow]:
    """The rows with the connection's new name in place of its name. What the new name maps already stands as it
    is."""
    taken = any(row.kind is ReferenceKind.CONNECTION_MAP and row.key == name for row in rows)

    def follow(row: ReferenceRow) -> ReferenceRow:
        if leads_to(row, connection):
            return changed(row, value={**row.value, "connection": name})
        return changed(row, key=name) if maps(row, connection) and not taken else row

    return [follow(row) for row in rows]
