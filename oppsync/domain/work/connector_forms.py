"""What a connector wants to be told, as plain fields, and what is made of the text that people type into
them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any, NamedTuple

from oppsync.domain.values.model import Code, Frozen, Text
from oppsync.domain.work.connections import ConnectionRole
from oppsync.kernel.errors import InvalidInput


class FieldType(StrEnum):
    TEXT = "text"
    NUMBER = "number"
    YES_NO = "yes_no"
    CHOICE = "choice"
    PAIRS = "pairs"  # one `name = value` a line


class FormField(Frozen):
    """`default` is shown, and stands where nothing is given. `is_map`: the configuration may say it instead."""

    name: Code
    label: Text
    type: FieldType = FieldType.TEXT
    required: bool = False
    default: Text = ""
    choices: tuple[Text, ...] = ()
    help: Text = ""
    secret: bool = False
    is_map: bool = False


class ConnectorForm(Frozen):
    """`sends_webhooks`: the vendor reports changes to an address of ours, signed by a secret that we make."""

    role: ConnectionRole
    vendor: Code
    title: Text
    settings: tuple[FormField, ...]
    secrets: tuple[FormField, ...]
    signature_scheme: Code | None = None

    @property
    def maps(self) -> frozenset[str]:
        return frozenset(field.name for field in self.settings if field.is_map)

    @property
    def sends_webhooks(self) -> bool:
        return self.signature_scheme is not None


class Fault(NamedTuple):
    """The fault of one field; it never has the value."""

    field: str
    message: str


class WrongFields(InvalidInput):
    """Every field at fault."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__(
            "; ".join(f"{fault.field}: {fault.message}" for fault in faults), field=faults[0].field
        )
        self.faults = tuple(faults)


def typed(fields: Sequence[FormField], given: Mapping[str, str]) -> tuple[dict[str, Any], list[Fault]]:
    """The values that people typed. What is left empty is left out, so that its default stands."""
    values: dict[str, Any] = {}
    faults: list[Fault] = []
    for field in fields:
        text = given.get(field.name, "").strip()
        if not text:
            continue
        try:
            values[field.name] = _value(field, text)
        except ValueError as error:
            faults.append(Fault(field.name, str(error)))
    return values, faults


def _value(field: FormField, text: str) -> Any:
    match field.type:
        case FieldType.YES_NO:
            return _yes_or_no(text)
        case FieldType.PAIRS:
            return dict(_pairs(text))
        case _:
            return text


def _yes_or_no(text: str) -> bool:
    word = text.lower()
    if word not in ("yes", "no", "true", "false"):
        raise ValueError("say yes or no")
    return word in ("yes", "true")


def _pairs(text: str) -> Iterator[tuple[str, str | None]]:
    for line in filter(None, map(str.strip, text.replace(",", "\n").splitlines())):
        name, sign, value = (part.strip() for part in line.partition("="))
        if not sign or not name:
            raise ValueError(f"write each line as name = value; this one is not: {line}")
        yield name, value or None


def shown(field: FormField, value: Any) -> str:
    """A stored value as people type it."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case Mapping():
            return "\n".join(f"{name} = {'' if each is None else each}" for name, each in value.items())
        case _:
            return str(value)
