"""Form fields: their values and their errors."""

from __future__ import annotations

import re
from datetime import date
from typing import NamedTuple

from flask import request

from oppsync.domain.values.limits import Limits, RoleLimit, is_limitable
from oppsync.domain.values.model import LONGEST_CODE
from oppsync.domain.values.roles import Role, roles_in_order
from oppsync.kernel.errors import InvalidInput

LONGEST_TEXT = 2_000
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


class FormError(NamedTuple):
    """`field` is the id of the input at fault: the error summary links to it."""

    field: str
    message: str


def posted(name: str) -> str:
    """A field's value, normalised: line ends as one character, no NUL (Postgres accepts none), no space around
    it."""
    return request.form.get(name, "").replace("\r\n", "\n").replace("\x00", "").strip()


def day_of(text: str) -> date:
    """Of a field for a day, written as 2026-01-31: the standard has other forms, which nobody means. Raises
    ValueError."""
    if not _DAY.fullmatch(text):
        raise ValueError(text)
    return date.fromisoformat(text)


def posted_roles() -> frozenset[Role]:
    """The roles that were ticked; one that does not exist is nobody's. Whether the configuration has a further
    approver's role, the handler checks."""
    return frozenset(roles_in_order(request.form.getlist("role")))


def posted_limits() -> Limits:
    """Of the ticked approvers' roles: comma-separated codes. A role that is not ticked has none."""
    limits = []
    for role in sorted(filter(is_limitable, posted_roles())):
        entities, regions = _codes(f"entities-{role}"), _codes(f"regions-{role}")
        if entities or regions:
            limits.append(RoleLimit(role=role, entities=entities, regions=regions))
    return tuple(limits)


def limit_error(error: InvalidInput, limits: Limits) -> FormError:
    """At the input of the limit at fault, where the fault is in one."""
    match error.field.split("/"):
        case ["limits", index, kind]:
            return FormError(f"{kind}-{limits[int(index)].role}", error.message)
    return FormError(error.field, error.message)


def _codes(name: str) -> tuple[str, ...]:
    return tuple(code for code in (part.strip()[:LONGEST_CODE] for part in posted(name).split(",")) if code)


def too_long(field: str, text: str) -> list[FormError]:
    """The error for a text that is longer than we store; none when it fits."""
    over = len(text) - LONGEST_TEXT
    return [FormError(field, f"Shorten this by {over} characters.")] if over > 0 else []
