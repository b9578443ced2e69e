"""The base of every canonical shape, and the small types they share."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PlainSerializer, StringConstraints

Value = TypeVar("Value")
Shape = TypeVar("Shape", bound=BaseModel)


class Frozen(BaseModel):
    """A value: immutable, no unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def _without_nul(text: str) -> str:
    if "\x00" in text:
        raise ValueError("contains a NUL character, which Postgres cannot store: remove it")
    return text


Text = Annotated[str, StringConstraints(strip_whitespace=True, max_length=2_000), AfterValidator(_without_nul)]
LONGEST_CODE = 200
Code = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_CODE),
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


def require(value: Value | None, name: str) -> Value:
    """`value`, which an earlier stage made sure of. Raises ValueError when it is None: a bug."""
    if value is None:
        raise ValueError(f"{name} is missing, though the deal was validated")
    return value


def changed(model: Shape, **fields: Any) -> Shape:
    """A copy with other values of these fields, validated as if it were made anew. A value that is a model
    itself is only checked for its class, so this is cheap.

    Raises ValueError for a name that is not a field and for a value that does not fit.
    """
    shape = type(model)
    if unknown := fields.keys() - shape.model_fields.keys():
        raise ValueError(f"{shape.__name__} has no field {', '.join(sorted(unknown))}")
    # A field that nobody set stays unset: it may be left out of the document.
    values = {name: getattr(model, name) for name in model.model_fields_set}
    return shape.model_validate(values | fields)
