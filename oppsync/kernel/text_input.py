"""Check a text that a person typed, so that it can be stored and shown."""

from __future__ import annotations

from oppsync.kernel.errors import InvalidInput

LONGEST = 2_000


def comment(text: str, field: str, *, required: str = "") -> str:
    """`text` without surrounding space. Raises InvalidInput, with the message `required` for an empty text."""
    return words(text, field, empty=required, code="REASON_MISSING")


def words(text: str, field: str, *, empty: str, longest: int = LONGEST, code: str = InvalidInput.code) -> str:
    """`text` without surrounding space. Raises InvalidInput, with `empty` and `code` for an empty text."""
    stripped = text.strip()
    if empty and not stripped:
        raise InvalidInput(empty, field=field, code=code)
    if len(stripped) > longest:
        raise InvalidInput(f"The {field} has {len(stripped)} characters: use {longest} at most.", field=field)
    if "\x00" in stripped:
        raise InvalidInput(f"The {field} contains a NUL character: remove it.", field=field)
    return stripped
