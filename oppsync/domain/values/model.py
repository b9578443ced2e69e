"""The base of every canonical shape, and the small types they share."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PlainSerializer, StringConstraints

Value = TypeVar("Value")


class Frozen(BaseModel):
    """A value: immutable, no unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def _without_nul(text: str) -> str:
    if "\x00" in text:
        raise ValueError("contains a NUL character, which Postgres cannot store: remove it")
    return text


Text = Annotated[str, StringConstraints(strip_whitespace=True, max_length=2_000), AfterValidator(_without_nul)]
Code = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=200),
    AfterValidator(_without_nul),
]


def omitted_at(default: Any) -> Any:
    """A field that is left out of the document while it has its default.

    A document that does not use it keeps its digest, and the release before this one can still read it.
    """
    return Field(default=default, exclude_if=lambda value: bool(value == default))


def plain(number: Decimal) -> str:
    """A quantity or rate as text: no exponent, no trailing zeros."""
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


# numeric(28,10) in Postgres holds every one of these.
Quantity = Annotated[
    Decimal,
    Field(max_digits=28, decimal_places=10, allow_inf_nan=False),
    PlainSerializer(plain, return_type=str, when_used="json"),
]


def given(value: Value | None, what: str) -> Value:
    """`value`, which an earlier stage has seen to be there. Raises ValueError when it is not: a bug."""
    if value is None:
        raise ValueError(f"{what} is missing, though the deal was validated")
    return value
