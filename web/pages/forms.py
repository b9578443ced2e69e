"""What a form says about its own fields."""

from __future__ import annotations

from typing import NamedTuple


class FormError(NamedTuple):
    """`field` is the id of the input at fault: the error summary links to it."""

    field: str
    message: str
