"""Routes: which of the connected systems a deal goes to, where there is more than one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from enum import StrEnum
from itertools import product
from typing import NamedTuple

from oppsync.domain.reference.book import (
    ANY,
    ReferenceBook,
    ReferenceKind,
    ReferenceRow,
    ReferenceUse,
    reference_key,
)
from oppsync.domain.values.model import Frozen, Text


class RoutedRole(StrEnum):
    ERP = "erp"
    PSA = "psa"


class Route(Frozen):
    """Key: `<role>|<entity code>|<region>|<service line code>`, where `*` stands for every other.

    `connection` is the name under which the system is connected, which another installation gives its own
    system too. Left out of a PSA's row: none takes part.
    """

    connection: Text | None = None


class NamedPlace(NamedTuple):
    """What a deal is of, as the CRM calls it."""

    entity: str | None
    region: str | None
    service_line: str | None


_KINDS = (ReferenceKind.LEGAL_ENTITY, ReferenceKind.REGION, ReferenceKind.SERVICE_LINE)


def route_of(
    book: ReferenceBook, role: RoutedRole, place: NamedPlace, day: date
) -> tuple[Route, ReferenceUse] | None:
    """The route of a deal on this day, and the row that says so; None when no row is about such a deal. A row
    that names the entity comes before one that names the region, and that before one that names the service
    line alone."""
    for key in _keys(book, role, place, day):
        found = book.find(Route, ReferenceKind.ROUTE, key, day)
        if found is not None:
            return found
    return None


def routes_of(book: ReferenceBook, place: NamedPlace, day: date) -> tuple[tuple[Route, ReferenceUse], ...]:
    """The routes of a deal, of each role that has one for it."""
    found = (route_of(book, role, place, day) for role in RoutedRole)
    return tuple(each for each in found if each is not None)


def erps_of(routes: Iterable[ReferenceRow], entity: str) -> frozenset[str]:
    """The names of the ERPs that routes lead deals of an entity to; none where no row is about them."""
    every, own, whole = set[str](), set[str](), False
    for row in routes:
        role, of, *further = row.key.split("|")
        if role == RoutedRole.ERP and of in (entity, ANY):
            (own if of == entity else every).add(str(row.value["connection"]))
            whole = whole or (of == entity and set(further) == {ANY})
    return frozenset(own if whole else own | every)


def _keys(book: ReferenceBook, role: RoutedRole, place: NamedPlace, day: date) -> Iterator[str]:
    codes = [_code(book, kind, name, day) for kind, name in zip(_KINDS, place, strict=True)]
    for parts in product(*([code, ANY] if code else [ANY] for code in codes)):
        yield reference_key(role, *parts)


def _code(book: ReferenceBook, kind: ReferenceKind, name: str | None, day: date) -> str | None:
    row = book.row(kind, name, day) if name else None
    return None if row is None else str(row.value["code"])
