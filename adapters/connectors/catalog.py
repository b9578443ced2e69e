"""The registry's connectors as forms to fill in, and what was typed judged by the connectors' own models."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any
from urllib.parse import urlsplit

from pydantic import BaseModel, SecretStr, ValidationError

from adapters.connectors.connector import AnyConnector
from adapters.connectors.maps import mapped, wrong_map
from adapters.connectors.registry import CONNECTORS, connector_of
from adapters.connectors.signatures.registry import SECRET_MAKERS
from adapters.connectors.traffic.limits import SETTING, Limits, limits_of, without_limits
from adapters.runtime.plugins import load
from oppsync.domain.configuration.map_checks import WrongMap
from oppsync.domain.master_data.rows import MasterKind
from oppsync.domain.reference.book import ReferenceBook
from oppsync.domain.work.connections import Connection, ConnectionRole
from oppsync.domain.work.connector_forms import ConnectorForm, Fault, FieldType, FormField
from oppsync.kernel.errors import InvalidInput, Misconfigured
from oppsync.ports.clock import Clock
from oppsync.ports.connectors import Checked

ADDRESS = "base_url"
DATABASE = "database"
LIMITS_FIELD = FormField(
    name=SETTING,
    label="Limits of calls",
    type=FieldType.PAIRS,
    help=f"Over those the vendor publishes, one a line: {', '.join(Limits.model_fields)}",
)
_TYPES = {
    "boolean": FieldType.YES_NO,
    "object": FieldType.PAIRS,
    "number": FieldType.NUMBER,
    "integer": FieldType.NUMBER,
}
_WORDS = {
    "string_pattern_mismatch": "It has another form than expected: see what it says beside the field.",
    "missing": "This is needed.",
    "extra_forbidden": "There is no such setting.",
}


class RegistryCatalog:
    """Implements `oppsync.ports.connectors.ConnectorCatalog`."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def forms(self) -> Sequence[ConnectorForm]:
        return [form_of(connector_of(role, vendor)) for role, rows in CONNECTORS.items() for vendor in rows]

    def form(self, role: ConnectionRole, vendor: str) -> ConnectorForm:
        if vendor not in CONNECTORS[role]:
            known = ", ".join(CONNECTORS[role])
            raise InvalidInput(f"Nothing called {vendor} is known in this role: use {known}.", field="vendor")
        return form_of(connector_of(role, vendor))

    def checked(self, connection: Connection, secrets: Mapping[str, Any]) -> Checked:
        connector = connector_of(connection.role, connection.vendor)
        plain = without_limits(connection).settings
        settings, faults = _judged(connector.settings, plain)
        opened, wrong_secrets = _judged(connector.secrets, secrets)
        faults += wrong_secrets
        limits = {name: value for name, value in connection.settings.items() if name == SETTING}
        try:
            known = limits_of(connection, connector.limits)
            if limits:
                settings[SETTING] = known.model_dump(mode="json", include=set(limits[SETTING]))
        except Misconfigured as error:
            faults.append(Fault(SETTING, error.message))
        if not faults:
            faults += self._unusable(connector, plain, secrets)
        return Checked(settings, opened, faults)

    def _unusable(
        self, connector: AnyConnector, settings: Mapping[str, Any], secrets: Mapping[str, Any]
    ) -> Iterator[Fault]:
        try:
            connector.connect(settings, secrets, self._clock)
        except Misconfigured as error:
            yield Fault(ADDRESS, error.message)

    def mapped(self, connection: Connection, book: ReferenceBook, day: date) -> Connection:
        return mapped(connection, book, day)

    def wrong_map(self, vendor: str, settings: Mapping[str, Any]) -> Sequence[WrongMap]:
        return wrong_map(vendor, settings)

    def named_by_maps(self, connection: Connection) -> Mapping[str, MasterKind]:
        is_known = connection.vendor in CONNECTORS[connection.role]
        return connector_of(connection.role, connection.vendor).names if is_known else {}

    def new_webhook_secret(self, scheme: str) -> str:
        made: str = load(SECRET_MAKERS, scheme)()
        return made

    def needs_secrets_anew(self, before: Connection, after: Connection) -> bool:
        return _place(before) != _place(after)

    def leads_elsewhere(self, before: Connection, after: Connection) -> bool:
        if (before.role, before.vendor) != (after.role, after.vendor):
            return True
        naming = connector_of(after.role, after.vendor).elsewhere
        names = {*before.settings, *after.settings} - {SETTING} if naming is None else naming
        return any(before.settings.get(name) != after.settings.get(name) for name in names)


def form_of(connector: AnyConnector) -> ConnectorForm:
    return ConnectorForm(
        role=connector.role,
        vendor=connector.vendor,
        title=connector.title,
        settings=(*_fields(connector.settings, connector.maps), LIMITS_FIELD),
        secrets=tuple(_fields(connector.secrets)),
        signature_scheme=connector.signature_scheme,
    )


def _fields(model: type[BaseModel], maps: Sequence[str] = ()) -> Iterator[FormField]:
    schema = model.model_json_schema()
    required = schema.get("required", ())
    for name, given in schema["properties"].items():
        shape = _one_of(given)
        yield FormField(
            name=name,
            label=given.get("title", name),
            type=FieldType.CHOICE if "enum" in shape else _TYPES.get(shape.get("type", ""), FieldType.TEXT),
            required=name in required,
            default=_default(given.get("default")),
            choices=tuple(map(str, shape.get("enum", ()))),
            help=given.get("description", ""),
            secret=bool(shape.get("writeOnly")),
            is_map=name in maps,
        )


def _one_of(shape: Mapping[str, Any]) -> Mapping[str, Any]:
    """The shape itself where nothing may stand instead of it."""
    options = [each for each in shape.get("anyOf", ()) if each.get("type") != "null"]
    return options[0] if options else shape


def _default(value: Any) -> str:
    match value:
        case None | {}:
            return ""
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:g}"
        case _:
            return str(value)


def _judged(model: type[BaseModel], values: Mapping[str, Any]) -> tuple[dict[str, Any], list[Fault]]:
    """Only what was given, in the model's own types; a later release may have other defaults."""
    try:
        known = model.model_validate(dict(values))
    except ValidationError as error:
        return {}, [_fault(each) for each in error.errors(include_url=False, include_input=False)]
    given = {name: getattr(known, name) for name in known.model_fields_set}
    return {name: _opened(value) for name, value in given.items()}, []


def _opened(value: Any) -> Any:
    return value.get_secret_value() if isinstance(value, SecretStr) else value


def _fault(error: Mapping[str, Any]) -> Fault:
    field, *inside = map(str, error["loc"])
    words = _WORDS.get(error["type"], error["msg"])
    return Fault(field, f"{', '.join(inside)}: {words}" if inside else words)


def _place(connection: Connection) -> tuple[str, str, str]:
    """What its secrets are for: a server, and the database on it where it has several."""
    parts = urlsplit(str(connection.settings.get(ADDRESS, "")))
    return parts.scheme, parts.netloc, str(connection.settings.get(DATABASE, ""))
