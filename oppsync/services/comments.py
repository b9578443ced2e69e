"""A person's own words, fit to be kept and shown."""

from __future__ import annotations

from oppsync.errors import InvalidInput

LONGEST = 2_000


def comment(text: str, field: str, *, required: str = "") -> str:
    """`text` without the space around it. Raises InvalidInput; `required` is what to say of an empty one."""
    words = text.strip()
    if required and not words:
        raise InvalidInput(required, field=field, code="REASON_MISSING")
    if len(words) > LONGEST:
        raise InvalidInput(f"That is {len(words)} characters: use {LONGEST} at most.", field=field)
    if "\x00" in words:
        raise InvalidInput("It contains a NUL character: remove it.", field=field)
    return words
