"""A person's own words, fit to be kept and shown."""

from __future__ import annotations

from oppsync.kernel.errors import InvalidInput

LONGEST = 2_000


def comment(text: str, field: str, *, required: str = "") -> str:
    """`text` without the space around it. Raises InvalidInput; `required` is what to say of an empty one."""
    return words(text, field, empty=required, code="REASON_MISSING")


def words(text: str, field: str, *, empty: str, longest: int = LONGEST, code: str = InvalidInput.code) -> str:
    """`text` without the space around it. Raises InvalidInput; of an empty one with `empty` and `code`."""
    said = text.strip()
    if empty and not said:
        raise InvalidInput(empty, field=field, code=code)
    if len(said) > longest:
        raise InvalidInput(f"The {field} has {len(said)} characters: use {longest} at most.", field=field)
    if "\x00" in said:
        raise InvalidInput(f"The {field} contains a NUL character: remove it.", field=field)
    return said
