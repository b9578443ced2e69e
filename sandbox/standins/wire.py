"""A vendor call and its answer, independent of any web framework, and JSON with exact numbers."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, unquote

Json = Any
IDENTITY = "X-Stack-Identity"  # names the stack of the stand-in that answers, and of the order it gets


@dataclass(frozen=True)
class Call:
    """One request. `path` is still percent-encoded; header names are lower case.

    A fault sets `lag_seconds`: searches must not yet see records created within that time.
    """

    method: str
    path: str
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    lag_seconds: float = 0

    @property
    def segments(self) -> list[str]:
        return [unquote(part) for part in self.path.strip("/").split("/")]

    @property
    def args(self) -> dict[str, str]:
        return dict(parse_qsl(self.query, keep_blank_values=True))


@dataclass(frozen=True)
class Reply:
    """One answer. A `body` of None sends no content, or `raw`, whose Content-Type is among the headers."""

    status: int
    body: Json = None
    headers: Mapping[str, str] = field(default_factory=dict)
    raw: str = ""

    @property
    def content(self) -> str:
        return self.raw if self.body is None else to_json(self.body)


def from_json(text: str | bytes) -> Json:
    """Every number becomes a Decimal. ValueError for anything that is not JSON."""
    return json.loads(text, parse_float=Decimal, parse_int=Decimal, parse_constant=_no_constant)


def to_json(value: Json) -> str:
    """Decimals become JSON numbers with at least one decimal place (100000.0), digit for digit."""
    match value:
        case Decimal():
            return number_text(value)
        case dict():
            return "{" + ",".join(f"{json.dumps(key)}:{to_json(item)}" for key, item in value.items()) + "}"
        case list() | tuple():
            return "[" + ",".join(to_json(item) for item in value) + "]"
        case _:
            return json.dumps(value)


def number_text(value: Decimal) -> str:
    whole, _, fraction = f"{value:f}".partition(".")
    return f"{whole}.{fraction.rstrip('0') or '0'}"


def _no_constant(name: str) -> Json:
    raise ValueError(f"{name} is not JSON")
