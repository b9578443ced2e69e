"""The one place JSON is read and written: numbers keep every digit, and equal documents have equal bytes.

The canonical form is RFC 8785. Decimals, dates and ids are strings in it, so only JSON-ready documents
(pydantic's `model_dump(mode="json")`) may be digested.
"""

from __future__ import annotations

import hashlib
import json
from decimal import Decimal
from typing import Any

import rfc8785


class UnreadableJson(ValueError):
    """The text is not JSON we accept; `offset` is the character where reading stopped."""

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(message)
        self.offset = offset


def loads(text: str | bytes) -> Any:
    """Read JSON; fractions become `Decimal`. Raises `UnreadableJson` for any text it cannot read."""
    try:
        decoded = text.decode("utf-8") if isinstance(text, bytes) else text
        return json.loads(decoded, parse_float=Decimal, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        raise UnreadableJson(f"{error.msg} at character {error.pos}", error.pos) from None
    except UnicodeDecodeError as error:
        raise UnreadableJson(f"not UTF-8 at byte {error.start}", error.start) from None
    except RecursionError:
        raise UnreadableJson("nested too deeply", 0) from None
    except ValueError as error:
        raise UnreadableJson(str(error), 0) from None
    except ArithmeticError:
        raise UnreadableJson("a number with an exponent beyond all measure", 0) from None


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a JSON number")


def dumps(document: Any) -> str:
    """Compact JSON text; a `Decimal` is written as a string."""
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False, default=_text)


def _text(value: object) -> str:
    if isinstance(value, Decimal):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


def canonical(document: Any) -> bytes:
    """RFC 8785 bytes of a JSON-ready document."""
    return rfc8785.dumps(document)


def digest(document: Any) -> str:
    """SHA-256 of the canonical form, in hex."""
    return hashlib.sha256(canonical(document)).hexdigest()
