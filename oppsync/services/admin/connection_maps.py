"""Keep apart what a connection says of itself and what the configuration maps of it, which takes two people."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import date
from typing import Any, NamedTuple

from oppsync.domain.configuration.connection_names import Called, renamed
from oppsync.domain.policy.connection_map import (
    ConnectionMap,
    MapInForce,
    laid_over,
    map_of,
    vendors_mapped,
)
from oppsync.domain.reference.book import ReferenceBook, ReferenceKind, ReferenceRow
from oppsync.domain.values.model import changed
from oppsync.domain.work.connections import Connection
from oppsync.domain.work.connector_forms import Fault, FormField, shown
from oppsync.ports.connectors import ConnectorCatalog


class Governed(NamedTuple):
    """What the configuration maps of a connection before a change of it, and after. `needs_row`: it is new, and
    other connections to its vendor are mapped there. `otherwise`: by its new name another row would say what it
    maps, now or later, and says something else. `is_live`: the firm is, so that two people say what is
    mapped."""

    before: MapInForce | None
    after: MapInForce | None
    needs_row: bool
    otherwise: bool
    is_live: bool

    @property
    def any(self) -> bool:
        return self.before is not None or self.after is not None


def governed(
    catalog: ConnectorCatalog,
    book: ReferenceBook,
    before: Connection | None,
    after: Connection,
    today: date,
    *,
    is_live: bool,
) -> Governed:
    """`book`: the rows of now."""
    own = map_of(book, before.name, before.vendor, today) if before else None
    row = map_of(as_renamed(book, before, after), after.name, after.vendor, today)
    needs_row = before is None and row is None and after.vendor in vendors_mapped(book, today)
    return Governed(own, row, needs_row, _mapped_otherwise(catalog, book, before, after, today), is_live)


def _mapped_otherwise(
    catalog: ConnectorCatalog, book: ReferenceBook, before: Connection | None, after: Connection, today: date
) -> bool:
    if before is None or before.name == after.name:
        return False
    if (before.role, before.vendor) != (after.role, after.vendor):
        return False  # another system: it goes by its row from the start, as one that is connected anew
    maps = catalog.form(before.role, before.vendor).maps
    then, renamed_only = as_renamed(book, before, after), changed(before, name=after.name)
    return any(
        _maps_on(day, book, before, maps) != _maps_on(day, then, renamed_only, maps)
        for day in _days(book, {before.name, after.name}, today)
    )


def _maps_on(
    day: date, book: ReferenceBook, connection: Connection, maps: Collection[str]
) -> Mapping[str, Any]:
    row = map_of(book, connection.name, connection.vendor, day)
    return {name: value for name, value in laid_over(connection.settings, maps, row).items() if name in maps}


def _days(book: ReferenceBook, names: Collection[str], today: date) -> Collection[date]:
    """Today, and each later day on which a row of these names begins or ends."""
    rows = [row for row in book.rows if row.kind is ReferenceKind.CONNECTION_MAP and row.key in names]
    turns = {day for row in rows for day in (row.valid_from, row.valid_to) if day is not None}
    return {today, *(day for day in turns if day > today)}


def as_renamed(book: ReferenceBook, before: Connection | None, after: Connection) -> ReferenceBook:
    """The rows as they are once they follow a connection's new name."""
    if before is None or before.name == after.name:
        return book
    return ReferenceBook(renamed(book.rows, Called(None, before.vendor, before.name), after.name))


def with_own_maps(
    catalog: ConnectorCatalog, found: Governed, before: Connection | None, after: Connection
) -> Connection:
    """The changed connection with the maps that it has of its own: they count again once no row does."""
    if not found.any:
        return after
    maps = catalog.form(after.role, after.vendor).maps
    own = before.settings if before and (before.role, before.vendor) == (after.role, after.vendor) else {}
    settings = {name: value for name, value in after.settings.items() if name not in maps}
    return changed(after, settings=settings | {name: own[name] for name in own if name in maps})


def said_elsewhere(
    catalog: ConnectorCatalog,
    found: Governed,
    before: Connection | None,
    after: Connection,
    given: Mapping[str, Any],
) -> Iterator[Fault]:
    """Settings that one person would change though the configuration says them. `given`: what they gave; what
    is as before changes nothing."""
    if found.otherwise:
        words = (
            "maps otherwise than this connection is mapped: use another name, or have two people change the row"
        )
        yield Fault("name", f"The configuration (connection_maps.yaml, row {after.name}) {words}.")
        return
    if found.needs_row:
        # Else one person could connect the same system once more, and map it as they like.
        words = "maps other connections to this vendor by their names: give it a row of this name first"
        yield Fault("name", f"The configuration (connection_maps.yaml) {words}.")
    if found.after is None:
        if found.before is not None:
            yield Fault("vendor", f"{found.before.where} maps this connection, to the vendor that it has.")
        elif found.is_live:
            yield from _mapped_alone(catalog, before, after)
        return
    where = f"{found.after.where} says this: edit it there, which takes two people once the firm is live."
    own = before.settings if before else {}
    for field in catalog.form(after.role, after.vendor).settings:
        if field.is_map and field.name in given and _differs(field, given[field.name], own, found):
            yield Fault(field.name, where)


def _mapped_alone(catalog: ConnectorCatalog, before: Connection | None, after: Connection) -> Iterator[Fault]:
    """What one person would map of a live firm's connection, of which no row says it."""
    is_same = before is not None and (before.role, before.vendor) == (after.role, after.vendor)
    own = before.settings if before is not None and is_same else {}
    for field in catalog.form(after.role, after.vendor).settings:
        given, known = (each.get(field.name) for each in (after.settings, own))
        if field.is_map and _shown(field, given) != _shown(field, known):
            words = (
                "Once the firm is live, two people say what is mapped: give the connection a row of"
                " connection_maps.yaml, and say it there."
            )
            yield Fault(field.name, words)


def _shown(field: FormField, value: Any) -> str:
    return field.default if value is None else shown(field, value)


def as_row(catalog: ConnectorCatalog, connection: Connection, since: date) -> ReferenceRow:
    """What a connection maps by its own settings, as a row of the configuration."""
    maps = catalog.form(connection.role, connection.vendor).maps
    settings = {name: value for name, value in connection.settings.items() if name in maps}
    value = ConnectionMap(vendor=connection.vendor, settings=settings).model_dump(mode="json")
    kind = ReferenceKind.CONNECTION_MAP
    return ReferenceRow(kind=kind, key=connection.name, valid_from=since, value=value)


def _differs(field: FormField, value: Any, own: Mapping[str, Any], found: Governed) -> bool:
    if value is None:
        return field.name in own
    same = [
        each[field.name] for each in (own, found.after.settings if found.after else {}) if field.name in each
    ]
    texts = {shown(field, each) for each in same}
    if found.before is None:
        texts.add(field.default)  # a form that was opened before sends every field
    return shown(field, value) not in texts
