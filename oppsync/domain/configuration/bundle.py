"""The rows of a configuration as pure values, in one canonical order and form, and their fingerprint."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from pydantic import ValidationError

from oppsync.domain.catalog import CATALOG
from oppsync.domain.configuration.files import FILES, UNGOVERNED, Form
from oppsync.domain.reference.book import ReferenceBook, ReferenceRow
from oppsync.domain.values.model import Frozen, changed
from oppsync.kernel import canonical_json


def governed(rows: Iterable[ReferenceRow]) -> tuple[ReferenceRow, ...]:
    """The rows that a bundle holds, in its order, each in its canonical form."""
    wanted = (canonical(row) for row in rows if row.kind not in UNGOVERNED)
    return tuple(sorted(wanted, key=lambda row: (list(FILES).index(row.kind), row.key, row.valid_from)))


def canonical(row: ReferenceRow) -> ReferenceRow:
    """The row as this release would write it. One whose value this release cannot read stays as it is: it can
    be compared, though not exported."""
    value = read_value(row)
    file = FILES[row.kind]
    parts = file.parts_of(row.key)
    return changed(
        row,
        key=file.key_of(parts) if parts else row.key,
        value=row.value if value is None else value.model_dump(mode="json"),
    )


def read_value(row: ReferenceRow) -> Frozen | None:
    """The row's value in its shape; None when it does not fit."""
    try:
        return CATALOG[row.kind].shape.model_validate(in_order(_filled(row)))
    except ValidationError:
        return None


def _filled(row: ReferenceRow) -> dict[str, Any]:
    """A cell of a table that is empty is one that nobody filled in."""
    if FILES[row.kind].form is not Form.CSV:
        return row.value
    fields = CATALOG[row.kind].shape.model_fields
    return {
        name: value
        for name, value in row.value.items()
        if value != "" or name not in fields or fields[name].is_required()
    }


def in_order(value: Any) -> Any:
    """The names of each object by the alphabet; a shape writes its own fields in its own order."""
    if isinstance(value, dict):
        return {name: in_order(value[name]) for name in sorted(value)}
    if isinstance(value, list | tuple):
        return [in_order(each) for each in value]
    return value


def content(row: ReferenceRow) -> dict[str, Any]:
    """The row without the counter of its edits, JSON-ready."""
    return row.model_dump(mode="json", exclude={"version"})


def fingerprint(rows: Iterable[ReferenceRow]) -> str:
    """SHA-256 of the RFC 8785 form of the governed rows: equal wherever the same rules hold."""
    return canonical_json.digest([content(row) for row in governed(rows)])


@lru_cache(maxsize=4)
def fingerprint_of(book: ReferenceBook) -> str:
    """Return the fingerprint of the rows that a deal is planned by. A book is kept until rows change, so this
    is computed once."""
    return fingerprint(book.rows)


def short_fingerprint(full: str) -> str:
    """As people compare it by eye."""
    return f"{full[:4]} {full[4:8]}".upper()
