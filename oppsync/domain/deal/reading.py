"""A record -> the canonical opportunity, even where somebody typed what a field does not take.

Such a value becomes an `UnreadField`, and a default stands in its place, so that validation finds everything
else that is wrong with the deal too. What no person types, an id or a moment of change, is not forgiven.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from oppsync.domain.deal.opportunity import Opportunity
from oppsync.domain.deal.unread import UnreadField, unread
from oppsync.kernel.json_pointer import pointer

Location = tuple[int | str, ...]
# What people type is a scalar; adapters may mark one with a class of their own.
_STRUCTURES = (Mapping, list, tuple, set)
_OF_THE_SYSTEM = {"schema_version", "system", "id", "version", "modified_at", "is_won", "url", "unread"}
_OF_THE_SHAPE = {"missing", "extra_forbidden", "model_type", "model_attributes_type", "dict_type", "tuple_type"}
_KEY = "[key]"
# What stands for a field that is always there. A text is stood for by as much of it as there is room for.
_STAND_INS: dict[str, Any] = {"quantity": "1", "unit_price": "0", "net": "0", "percent": "0"}
_NEEDED_TEXTS = {"name", "stage"}
_ROOM = 200
_MOST_CHOICES = 8

_ALLOWED = {
    "string_pattern_mismatch": "a country's name, or its code of two letters such as DE",
    "string_type": "text",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
}
_ALLOWED_OF_KIND = {"decimal": "a number", "date": "a date such as 2026-12-31", "int": "a whole number"}


class FieldOfCrm(NamedTuple):
    """The name that people have for a field, and the choices it offers where it is a list of them."""

    label: str
    choices: Sequence[str] = ()


def read_typed(
    document: dict[str, Any],
    read: Callable[[dict[str, Any]], Opportunity],
    field_at: Callable[[Location], FieldOfCrm],
    found: Sequence[UnreadField] = (),
) -> Opportunity:
    """`read` makes the opportunity of a document; `found`: what the adapter itself could not take.

    Raises pydantic's ValidationError for what is no typing, with every such fault and only those.
    """
    held, fields = document, {each.pointer: each for each in found}
    while True:
        unread_fields = {"unread": [each.model_dump(mode="json") for each in fields.values()]} if fields else {}
        try:
            return read(held | unread_fields)
        except ValidationError as error:
            faults = error.errors(include_url=False)
            typed = [fault for fault in faults if _is_typed(held, fault["loc"], fault["type"])]
            if len(typed) < len(faults):
                raise
            held = copy.deepcopy(held)
            for fault in typed:
                place = _place(fault["loc"])
                where = pointer(place)
                if where in fields:
                    raise
                fields[where] = _unread(where, fault, _value(held, place), field_at(place))
                _stand_in(held, place)


def _is_typed(document: Any, location: Location, kind: str) -> bool:
    if not location or kind in _OF_THE_SHAPE or location[-1] in _OF_THE_SYSTEM or location[0] in _OF_THE_SYSTEM:
        return False
    try:
        return not isinstance(_value(document, _place(location)), _STRUCTURES)
    except (KeyError, IndexError, TypeError):
        return False


def _place(location: Location) -> Location:
    return location[:-1] if location[-1] == _KEY else location


def _value(document: Any, location: Location) -> Any:
    for step in location:
        document = document[step]
    return document


def _stand_in(document: Any, location: Location) -> None:
    holder, name = _value(document, location[:-1]), location[-1]
    if name in _STAND_INS and location[-2:-1] != ("deposit",):
        holder[name] = _STAND_INS[name]
    elif name in _NEEDED_TEXTS and holder[name] is not None and str(holder[name]).strip():
        holder[name] = str(holder[name])[:_ROOM].replace("\x00", "")
    elif name in _NEEDED_TEXTS:
        holder[name] = "?"
    else:
        del holder[name]


def _unread(where: str, fault: ErrorDetails, value: Any, field: FieldOfCrm) -> UnreadField:
    return unread(where, field.label, _shown(value), _allowed(fault, field))


def _shown(value: Any) -> object:
    match value:
        case bool():
            return str(value).lower()
        case Decimal():
            return format(value, "f") if abs(value.adjusted()) < _ROOM else str(value)
        case date() | datetime():
            return value.isoformat()
        case _:
            return value


def _allowed(fault: ErrorDetails, field: FieldOfCrm) -> str:
    """Say what the field takes, to follow "allowed is"."""
    kind, context = fault["type"], fault.get("ctx", {})
    match kind:
        case "enum" | "literal_error":
            return either(field.choices) if field.choices else str(context["expected"])
        case "string_too_long":
            return f"text of at most {context['max_length']} characters"
        case "decimal_max_places":
            return f"a number with at most {context['decimal_places']} decimals"
        case "decimal_max_digits" | "decimal_whole_digits":
            return "a number with at most 18 digits before the point and 10 after it"
        case "value_error":
            return f"text, but this {fault['msg'].removeprefix('Value error, ')}"
        case _:
            return _ALLOWED.get(kind) or _ALLOWED_OF_KIND.get(kind.partition("_")[0], fault["msg"])


def takes(field: FieldOfCrm, choices: Sequence[str]) -> str:
    """`; Region can be DACH, UK or Nordics`, to end a message: the first, and how many more."""
    if not choices:
        return f"; the field is {field.label}"
    return f"; {field.label} can be {some_of(choices, either)}"


def some_of(choices: Sequence[str], joined: Callable[[Sequence[str]], str] = ", ".join) -> str:
    """Name the first of them and count the others; all are `joined` where they are few enough."""
    more = len(choices) - _MOST_CHOICES
    return f"{', '.join(choices[:_MOST_CHOICES])} and {more} more" if more > 0 else joined(choices)


def either(choices: Sequence[str]) -> str:
    """Such as `Hour, Day or Unit`."""
    return _joined(choices, "or")


def all_of(things: Sequence[str]) -> str:
    """Such as `Ceuta and Melilla`."""
    return _joined(things, "and")


def _joined(words: Sequence[str], last: str) -> str:
    return f"{', '.join(words[:-1])} {last} {words[-1]}" if len(words) > 1 else "".join(words)
