"""Form fields: their values and their errors."""

from __future__ import annotations

from typing import NamedTuple

from flask import request

from oppsync.domain.values.roles import PersonRole

LONGEST_TEXT = 2_000


class FormError(NamedTuple):
    """`field` is the id of the input at fault: the error summary links to it."""

    field: str
    message: str


def posted(name: str) -> str:
    """A field's value, normalised: line ends as one character, no NUL (Postgres accepts none), no space around
    it."""
    return request.form.get(name, "").replace("\r\n", "\n").replace("\x00", "").strip()


def posted_roles() -> frozenset[PersonRole]:
    """The roles that were ticked; one that does not exist is nobody's."""
    ticked = request.form.getlist("role")
    return frozenset(role for role in PersonRole if role in ticked)


def too_long(field: str, text: str) -> list[FormError]:
    """The error for a text that is longer than we store; none when it fits."""
    over = len(text) - LONGEST_TEXT
    return [FormError(field, f"Shorten this by {over} characters.")] if over > 0 else []
