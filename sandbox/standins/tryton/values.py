"""Convert values between JSON, Tryton's `__class__` objects and the columns of the books."""

import json
from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from sandbox.standins.tryton.errors import ServerError
from sandbox.standins.tryton.schema import Field, Kind
from sandbox.standins.wire import Json

Stored = Any


def stored(field: Field, value: Json) -> Stored:
    """The stored form of a value. Raises ServerError for one of another type, as Tryton does."""
    if value is None:
        return None
    try:
        return _KEEP[field.kind](value)
    except (AttributeError, InvalidOperation, KeyError, TypeError, ValueError) as error:
        raise ServerError(f"{value!r} is no {field.kind.value}") from error


def shown(field: Field, value: Stored) -> Json:
    """The wire form of a stored value."""
    show = _SHOW.get(field.kind)
    return value if value is None or show is None else show(value)


def compared(field: Field, value: Json) -> Stored:
    """The operand of a domain's clause. Unlike a field's value it may be plain where the field has an
    object."""
    if isinstance(value, list):
        return [compared(field, each) for each in value]
    if isinstance(value, Mapping):
        return stored(field, value)
    return int(value) if isinstance(value, Decimal | bool) and value == int(value) else value


def _ids(commands: Json) -> str:
    return json.dumps([int(each) for command, ids in commands if command == "add" for each in ids])


def _shown_day(text: str) -> Json:
    day = date.fromisoformat(text)
    return {"__class__": "date", "year": day.year, "month": day.month, "day": day.day}


_KEEP: Mapping[Kind, Callable[[Json], Stored]] = {
    Kind.CHAR: lambda text: text.replace("\r\n", "\n"),
    Kind.NUMERIC: lambda value: format(Decimal(value["decimal"]), "f"),
    Kind.DATE: lambda day: date(int(day["year"]), int(day["month"]), int(day["day"])).isoformat(),
    Kind.TIMEDELTA: lambda value: float(value["seconds"]),
    Kind.FLOAT: float,
    Kind.BOOLEAN: lambda value: int(bool(value)),
    Kind.MANY2ONE: int,
    Kind.MANY2MANY: _ids,
}
_SHOW: Mapping[Kind, Callable[[Stored], Json]] = {
    Kind.NUMERIC: lambda text: {"__class__": "Decimal", "decimal": text},
    Kind.DATE: _shown_day,
    Kind.TIMEDELTA: lambda seconds: {"__class__": "timedelta", "seconds": seconds},
    Kind.BOOLEAN: bool,
    Kind.MANY2MANY: json.loads,
}
