"""Conditions of rules in CEL as text, and the examples by which people see what one means."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, StringConstraints, field_validator

from oppsync.domain.values.model import Code, Frozen

LONGEST_CONDITION = 2_000
# Variable, line of a list, fact, text of a list.
_DEEPEST = 4
_LARGEST = 10**15


def _storable(text: str) -> str:
    if "\x00" in text:
        raise ValueError("contains a NUL character: remove it")
    return text


Condition = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_CONDITION),
    AfterValidator(_storable),
]


class Example(Frozen):
    """`given`: some of the facts, such as `deal: {amount: 120000}`; what is left out is missing. `expect`:
    whether the condition holds for them."""

    given: dict[Code, Any] = {}
    expect: bool

    @field_validator("given")
    @classmethod
    def _plain(cls, given: dict[str, Any]) -> dict[str, Any]:
        _refuse_what_is_not_plain(given, _DEEPEST)
        return given


def _refuse_what_is_not_plain(value: Any, depth: int) -> None:
    """An example is stored and digested: text, truth values and whole numbers in lists and objects can be."""
    if depth < 0:
        raise ValueError("is nested too deeply")
    if isinstance(value, float) or (isinstance(value, int) and abs(value) > _LARGEST):
        raise ValueError(f"{value} is too large or too fine a number: write it as text")
    for name in value if isinstance(value, dict) else ():
        _storable(name)
    for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        _refuse_what_is_not_plain(each, depth - 1)
    if isinstance(value, str):
        _storable(value)
