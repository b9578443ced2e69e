"""What a form says about its own fields."""

from __future__ import annotations

from typing import NamedTuple

from flask import request

LONGEST_TEXT = 2_000


class FormError(NamedTuple):
    """`field` is the id of the input at fault: the error summary links to it."""

    field: str
    message: str


def posted(name: str) -> str:
    """A field as it was meant: line ends as one character, no NUL (Postgres keeps none), no space around."""
    return request.form.get(name, "").replace("\r\n", "\n").replace("\x00", "").strip()


def too_long(field: str, text: str) -> list[FormError]:
    """What to say about a text that is longer than the record keeps; nothing when it fits."""
    over = len(text) - LONGEST_TEXT
    return [FormError(field, f"Shorten this by {over} characters.")] if over > 0 else []
