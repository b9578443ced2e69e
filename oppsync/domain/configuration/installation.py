"""What this installation says of a bundle's rows: which systems are connected, and what the ERP has."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date
from typing import NamedTuple

from oppsync.domain.configuration.bundle import content
from oppsync.domain.configuration.erp_names import ErpNames, still_holds, unknown_in_erp
from oppsync.domain.configuration.faults import Fault, Place, quoted
from oppsync.domain.configuration.files import FILES, key_in_words
from oppsync.domain.configuration.records import PlacedRow
from oppsync.domain.policy.route import RoutedRole
from oppsync.domain.reference.book import ReferenceKind, ReferenceRow


class Connected(NamedTuple):
    """`names`: of what is connected, by role. `rows`: the routes of now, which were judged when they were
    entered. `today`: what ended before it is not judged."""

    names: Mapping[RoutedRole, Collection[str]]
    rows: Sequence[ReferenceRow]
    today: date

    def with_one_more(self, role: RoutedRole, name: str) -> Connected:
        return self._replace(names={**self.names, role: {*self.names.get(role, ()), name}})

    @property
    def has_begun(self) -> bool:
        """A firm that has connected no ERP yet begins with its rules."""
        return bool(self.names.get(RoutedRole.ERP))

    def lacks(self, role: RoutedRole, name: str) -> str | None:
        """What to do about a name that no system of the role has; None where there is one."""
        names = sorted(self.names.get(role, ()))
        if name in names:
            return None
        known = f"Connected are {', '.join(names)}: use one of these, or connect" if names else "Connect"
        return f"{known} it under that name first"


class Installation(NamedTuple):
    """`erp` is None where nothing of its master data is known."""

    connected: Connected
    erp: ErpNames | None = None


def unfit(rows: Sequence[PlacedRow], here: Installation | None) -> Iterator[Fault]:
    """What is wrong with rows in this installation; nothing where they are checked by themselves."""
    if here is not None:
        yield from to_nobody(rows, here.connected)
        yield from unknown_in_erp(rows, here.erp) if here.erp else ()


def to_nobody(rows: Sequence[PlacedRow], connected: Connected) -> Iterator[Fault]:
    """Of the routes that are new or changed, those to a name that no system of the role has."""
    if not connected.has_begun:
        return
    known = [content(row) for row in connected.rows]
    for each in rows:
        if each.row.kind is ReferenceKind.ROUTE and content(each.row) not in known:
            yield from _to_nobody(each, connected)


def broken_routes(connected: Connected) -> Sequence[Fault]:
    """Of those of now, the routes to a name that no system of the role has."""
    placed = (PlacedRow(row, Place(FILES[row.kind].name, 0)) for row in connected.rows)
    return [fault for each in placed for fault in _to_nobody(each, connected)] if connected.has_begun else []


def unrouted(connected: Connected) -> Sequence[RoutedRole]:
    """The roles of which several systems are connected while no row of today says which a deal goes to."""
    routed = {
        row.key.partition("|")[0]
        for row in connected.rows
        if row.valid_from <= connected.today and still_holds(row, connected.today)
    }
    return [role for role, names in connected.names.items() if len(names) > 1 and role not in routed]


def _to_nobody(each: PlacedRow, connected: Connected) -> Iterator[Fault]:
    row, name = each.row, each.row.value.get("connection")
    role = row.key.partition("|")[0]
    if not name or role not in set(RoutedRole) or not still_holds(row, connected.today):
        return
    fix = connected.lacks(RoutedRole(role), name)
    if fix is not None:
        # A row that is stored already has no line by which people would find it.
        which = "" if each.place.line else f"{key_in_words(row.kind, row.key)}: "
        yield each.place.fault(["connection"], f"{which}no {role.upper()} is connected as {quoted(name)}", fix)
