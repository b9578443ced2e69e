"""What people typed into a record and no field of the canonical opportunity takes."""

from __future__ import annotations

from oppsync.domain.values.model import Frozen
from oppsync.domain.values.typed import TypedText

_LONGEST_VALUE, _LONGEST_PLACE = 200, 1_000


class UnreadField(Frozen):
    """`pointer`: where it belongs in the canonical opportunity. `label`: the field as the CRM calls it.

    `value` is what somebody typed, empty where a needed field is empty; `allowed`: what the field takes.
    """

    pointer: TypedText
    label: TypedText
    value: TypedText
    allowed: TypedText


def unread(pointer: str, label: str, value: object, allowed: str) -> UnreadField:
    text = "" if value is None else str(value)
    if len(text) > _LONGEST_VALUE:
        text = f"{text[:_LONGEST_VALUE]}… ({len(text)} characters)"
    return UnreadField(
        pointer=pointer[:_LONGEST_PLACE], label=label[:_LONGEST_VALUE], value=text, allowed=allowed
    )
