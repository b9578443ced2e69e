"""What a connection maps: by which names of a connected system what rules the work is read and written."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date
from typing import Annotated, Any, NamedTuple

from pydantic import AfterValidator, WithJsonSchema

from oppsync.domain.reference.book import ReferenceBook, ReferenceKind, ReferenceUse
from oppsync.domain.values.model import Code, Frozen, Text

# What stands for "this system has none".
NOTHING_THERE = ""
_LONGEST = 2_000
_WORDS = "text of one line, a whole number, true or false"


def _is_plain(value: Any) -> bool:
    if isinstance(value, str):
        return len(value) <= _LONGEST and (value == "" or value.isprintable())
    return value is None or isinstance(value, int)


def _plain(value: Any) -> Any:
    """As it is stored: without None, which is no other than an empty text."""
    if isinstance(value, dict):
        wrong = [name for name, each in value.items() if not (_is_plain(name) and _is_plain(each))]
        if wrong:
            raise ValueError(f"write {_WORDS} for {', '.join(map(str, wrong))[:200]}")
        return {name.strip(): _stored(each) for name, each in value.items()}
    if not _is_plain(value):
        raise ValueError(f"write {_WORDS}, or a list of names with such values")
    return _stored(value)


def _stored(value: Any) -> Any:
    return NOTHING_THERE if value is None else value.strip() if isinstance(value, str) else value


_ONE = [{"type": "string", "maxLength": _LONGEST}, {"type": "integer"}, {"type": "boolean"}, {"type": "null"}]
Setting = Annotated[
    Any,
    AfterValidator(_plain),
    WithJsonSchema({"anyOf": [*_ONE, {"type": "object", "additionalProperties": {"anyOf": _ONE}}]}),
]


class ConnectionMap(Frozen):
    """Key: the name under which the system is connected, which another installation gives its own system too.

    `settings`: those of the connection that its vendor's connector declares as maps. The row says all of them:
    one that it leaves out has its default. An empty value says that this system has none.
    """

    vendor: Code
    settings: dict[Text, Setting]

    @property
    def given(self) -> dict[str, Any]:
        """As the connector's own model reads them."""
        return {
            name: {inner: _read(each) for inner, each in value.items()} if isinstance(value, dict) else value
            for name, value in self.settings.items()
            if value != NOTHING_THERE
        }


def _read(value: Any) -> Any:
    return None if value == NOTHING_THERE else value


class MapInForce(NamedTuple):
    """The map of a connection, and the first day of its row."""

    settings: Mapping[str, Any]
    connection: str
    since: date

    @property
    def where(self) -> str:
        return f"The configuration (connection_maps.yaml, row {self.connection})"


def map_of(book: ReferenceBook, name: str, vendor: str, day: date) -> MapInForce | None:
    """What the configuration says of a connection on this day; None where its own settings count."""
    found = book.find(ConnectionMap, ReferenceKind.CONNECTION_MAP, name, day)
    if found is None or found[0].vendor != vendor:
        return None
    return MapInForce(found[0].given, name, found[1].valid_from)


def map_used(book: ReferenceBook, name: str, vendor: str, day: date) -> ReferenceUse | None:
    """The row of `map_of`, as a plan names it."""
    found = book.find(ConnectionMap, ReferenceKind.CONNECTION_MAP, name, day)
    return found[1] if found is not None and found[0].vendor == vendor else None


def vendors_mapped(book: ReferenceBook, day: date) -> frozenset[str]:
    """The vendors of whose connections the configuration maps some."""
    rows = (
        book.row(ReferenceKind.CONNECTION_MAP, key, day) for key in book.keys(ReferenceKind.CONNECTION_MAP, day)
    )
    return frozenset(str(row.value["vendor"]) for row in rows if row is not None)


def laid_over(settings: Mapping[str, Any], maps: Collection[str], row: MapInForce | None) -> dict[str, Any]:
    """A connection's settings with the map in place of its own."""
    if row is None:
        return dict(settings)
    return {name: value for name, value in settings.items() if name not in maps} | dict(row.settings)
