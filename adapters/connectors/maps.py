"""Connections with what the configuration maps laid over their settings, and maps judged by the connectors' own
models."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from difflib import get_close_matches
from typing import Any

from pydantic import ValidationError

from adapters.connectors.connector import AnyConnector
from adapters.connectors.registry import CONNECTORS, connector_of
from adapters.connectors.traffic.limits import SETTING
from oppsync.domain.configuration.faults import quoted
from oppsync.domain.configuration.map_checks import WrongMap
from oppsync.domain.policy.connection_map import laid_over, map_of
from oppsync.domain.reference.book import ReferenceBook
from oppsync.domain.values.model import changed
from oppsync.domain.work.connections import Connection


def mapped(connection: Connection, book: ReferenceBook, day: date) -> Connection:
    """The connection as its adapter reads it on this day. Raises Misconfigured for a vendor without a row."""
    row = map_of(book, connection.name, connection.vendor, day)
    if row is None:
        return connection
    maps = connector_of(connection.role, connection.vendor).maps
    return changed(connection, settings=laid_over(connection.settings, maps, row))


def wrong_map(vendor: str, settings: Mapping[str, Any]) -> Sequence[WrongMap]:
    """Everything that is wrong with the maps of a connection to this vendor, whichever role it has."""
    connectors = [connector_of(role, vendor) for role, rows in CONNECTORS.items() if vendor in rows]
    if not connectors:
        known = sorted(each for rows in CONNECTORS.values() for each in rows)
        problem = f"{quoted(vendor)} is no vendor that can be connected"
        return [WrongMap(("vendor",), problem, f"Known are {', '.join(known)}")]
    return min(([*_wrong(each, settings)] for each in connectors), key=len)


def _wrong(connector: AnyConnector, settings: Mapping[str, Any]) -> Iterator[WrongMap]:
    known = {name: value for name, value in settings.items() if name in connector.maps}
    for name in settings:
        if name not in known:
            yield _no_map(connector, name)
    try:
        connector.settings.model_validate(known)
    except ValidationError as error:
        for each in error.errors(include_url=False, include_context=False):
            if each["loc"] and each["loc"][0] in connector.maps:
                yield _in_words(each)


def _no_map(connector: AnyConnector, name: str) -> WrongMap:
    at, its = ("settings", name), ", ".join(connector.maps)
    if name in connector.settings.model_fields or name == SETTING:
        problem = f"belongs to the connection, and is no map of {connector.title}"
        return WrongMap(at, problem, "Set it there, and remove it here")
    near = get_close_matches(name, connector.maps, n=1)
    fix = f"Did you mean {near[0]}?" if near else f"Maps of {connector.title} are {its or 'none'}"
    return WrongMap(at, "is not known here", fix)


def _in_words(error: Any) -> WrongMap:
    at = ("settings", *error["loc"])
    if error["type"] == "missing":
        return WrongMap(at, "is missing")
    message = str(error["msg"]).removeprefix("Value error, ")
    message = f"{message[0].lower()}{message[1:]}"
    given = error["input"]
    return WrongMap(at, message if isinstance(given, dict) else f"{quoted(given)}: {message}")
