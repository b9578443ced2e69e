"""Reference data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Date, bindparam, cast, delete, func, literal_column, or_, select
from sqlalchemy.dialects.postgresql import insert

from adapters.postgres.clock import clock
from adapters.postgres.rows import document, pick
from adapters.postgres.session import Session
from adapters.postgres.tables import reference_rows
from oppsync.domain.catalog import CATALOG
from oppsync.domain.reference.book import ReferenceBook, ReferenceKind, ReferenceRow
from oppsync.kernel.errors import InvalidInput

# Tenant -> a fingerprint of its rows, and the book made of them.
Books = dict[str, tuple[Any, ReferenceBook]]
_WRITERS: ColumnElement[int] = literal_column("sum(xmin::text::bigint)")

_LOOKS = select(func.count(), _WRITERS).where(reference_rows.c.tenant_id == bindparam("of_tenant"))

_OF_KIND = (
    select(reference_rows)
    .where(reference_rows.c.tenant_id == bindparam("of_tenant"), reference_rows.c.kind == bindparam("wanted"))
    .order_by(reference_rows.c.key, reference_rows.c.valid_from)
)
_TODAY = cast(func.timezone("UTC", clock()), Date)
_OF_TODAY = _OF_KIND.where(
    reference_rows.c.valid_from <= _TODAY,
    or_(reference_rows.c.valid_to.is_(None), reference_rows.c.valid_to > _TODAY),
)


class PostgresReferences:
    """The process keeps `books`. A book is made anew when the number of rows or the transactions that wrote
    them (`xmin`) changed, so a row that somebody changed by hand is noticed too."""

    def __init__(self, session: Session, books: Books) -> None:
        self._session = session
        self._books = books

    def book(self, tenant_id: str) -> ReferenceBook:
        looks = tuple(self._session.execute(_LOOKS, {"of_tenant": tenant_id}).one())
        known = self._books.get(tenant_id)
        if known is not None and known[0] == looks:
            return known[1]
        of_tenant = select(reference_rows).where(reference_rows.c.tenant_id == tenant_id)
        rows = self._session.execute(of_tenant).mappings()
        book = ReferenceBook(document(ReferenceRow, pick(row, ReferenceRow)) for row in rows)
        self._books[tenant_id] = looks, book
        return book

    def of_kind(self, tenant_id: str, kind: ReferenceKind) -> Sequence[ReferenceRow]:
        rows = self._session.execute(_OF_KIND, {"of_tenant": tenant_id, "wanted": kind}).mappings()
        return [document(ReferenceRow, pick(row, ReferenceRow)) for row in rows]

    def of_today(self, tenant_id: str, kind: ReferenceKind) -> Sequence[ReferenceRow]:
        asked = {"of_tenant": tenant_id, "wanted": kind}
        rows = self._session.execute(_OF_TODAY, asked).mappings()
        return [document(ReferenceRow, pick(row, ReferenceRow)) for row in rows]

    def remove(self, tenant_id: str, row: ReferenceRow) -> None:
        self._session.execute(
            delete(reference_rows).where(
                reference_rows.c.tenant_id == tenant_id,
                reference_rows.c.kind == row.kind,
                reference_rows.c.key == row.key,
                reference_rows.c.valid_from == row.valid_from,
            )
        )

    def put(self, tenant_id: str, row: ReferenceRow) -> None:
        CATALOG[row.kind].shape.model_validate(row.value)
        same_key = (
            reference_rows.c.tenant_id == tenant_id,
            reference_rows.c.kind == row.kind,
            reference_rows.c.key == row.key,
        )
        clash = select(reference_rows.c.valid_from).where(
            *same_key,
            reference_rows.c.valid_from != row.valid_from,
            or_(reference_rows.c.valid_to.is_(None), reference_rows.c.valid_to > row.valid_from),
        )
        if row.valid_to is not None:
            clash = clash.where(reference_rows.c.valid_from < row.valid_to)
        other = self._session.execute(clash.with_for_update()).scalars().first()
        if other is not None:
            raise InvalidInput(
                f"{row.kind} {row.key!r} from {row.valid_from} overlaps the row from {other}: "
                "end that one first.",
                field="valid_from",
            )
        values = row.model_dump(mode="json", exclude={"version", "valid_from", "valid_to"})
        days = {"valid_from": row.valid_from, "valid_to": row.valid_to}
        statement = insert(reference_rows).values(tenant_id=tenant_id, **values, **days)
        changed = reference_rows.c.value.is_distinct_from(statement.excluded.value) | (
            reference_rows.c.valid_to.is_distinct_from(statement.excluded.valid_to)
        )
        self._session.execute(
            statement.on_conflict_do_update(
                index_elements=["tenant_id", "kind", "key", "valid_from"],
                set_={
                    "value": statement.excluded.value,
                    "valid_to": row.valid_to,
                    "version": reference_rows.c.version + 1,
                    "updated_at": clock(),
                },
                where=changed,
            )
        )
