"""Exception items."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Text, cast, func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from uuid_utils.compat import uuid7

from adapters.postgres.clock import clock
from adapters.postgres.rows import to_exception
from adapters.postgres.session import Session
from adapters.postgres.tables import audit
from adapters.postgres.tables import exception_items as table
from oppsync.domain.work.events import StateChanged
from oppsync.domain.work.exceptions import ExceptionItem, ExceptionStatus, NewException
from oppsync.domain.work.states import State
from oppsync.kernel.errors import NotFound

# As `NewException.subject`. Expression and predicate are those of the index `uq_exception_items_open`.
subject_of_row = func.coalesce(
    cast(table.c.opportunity_id, Text), cast(table.c.delivery_id, Text), table.c.payload_reference
)
_IS_OPEN = table.c.status == text("'open'")
_OF_THE_LATEST = ("stage", "disposition", "message", "owner", "findings", "payload_reference")

_OPEN = insert(table).values(status=ExceptionStatus.OPEN)
_RAISE = _OPEN.on_conflict_do_update(
    index_elements=[table.c.tenant_id, subject_of_row, table.c.code],
    index_where=_IS_OPEN,
    set_={
        **{name: _OPEN.excluded[name] for name in _OF_THE_LATEST},
        "last_seen": clock(),
        "occurrences": table.c.occurrences + 1,
    },
).returning(table.c.id)


class PostgresExceptions:
    def __init__(self, session: Session) -> None:
        self._session = session

    def raise_item(self, new: NewException) -> UUID:
        ids = {"id": uuid7(), "opportunity_id": new.opportunity_id, "delivery_id": new.delivery_id}
        item_id: UUID = self._session.execute(_RAISE, new.model_dump(mode="json") | ids).scalar_one()
        return item_id

    def last(self, new: NewException) -> ExceptionItem | None:
        which = [table.c.tenant_id == new.tenant_id, subject_of_row == new.subject, table.c.code == new.code]
        if new.opportunity_id is not None:  # has an index
            which.append(table.c.opportunity_id == new.opportunity_id)
        query = select(table).where(*which).order_by(table.c.last_seen.desc(), table.c.id.desc())
        row = self._session.execute(query.limit(1).with_for_update()).mappings().one_or_none()
        return None if row is None else to_exception(row)

    def went_on(self, item: ExceptionItem, states: Collection[State]) -> bool:
        moves = select(audit.c.id).where(
            audit.c.tenant_id == item.tenant_id,
            audit.c.opportunity_id == item.opportunity_id,
            audit.c.type == StateChanged.type,
            audit.c.at > item.closed_at,
            audit.c.before["state"].astext.in_(states),
            audit.c.after["state"].astext != State.PARKED,
        )
        return self._session.execute(moves.limit(1)).first() is not None

    def reopen(self, item_id: UUID, new: NewException) -> None:
        latest = new.model_dump(mode="json", include=set(_OF_THE_LATEST))
        again = {
            "status": ExceptionStatus.OPEN,
            "closed_by": None,
            "closed_at": None,
            "reason": "",
            "last_seen": clock(),
            "occurrences": table.c.occurrences + 1,
        }
        self._session.execute(update(table).where(*_item(new.tenant_id, item_id)).values(**latest, **again))

    def reported(self, tenant_id: str, opportunity_id: UUID) -> Sequence[ExceptionItem]:
        query = select(table).where(
            table.c.tenant_id == tenant_id,
            table.c.opportunity_id == opportunity_id,
            table.c.status.in_((ExceptionStatus.OPEN, ExceptionStatus.DISMISSED)),
        )
        return [to_exception(row) for row in self._session.execute(query).mappings()]

    def get(self, tenant_id: str, item_id: UUID) -> ExceptionItem:
        query = select(table).where(*_item(tenant_id, item_id)).with_for_update()
        row = self._session.execute(query).mappings().one_or_none()
        if row is None:
            raise NotFound("There is no such exception.")
        return to_exception(row)

    def close(self, tenant_id: str, item_id: UUID, status: ExceptionStatus, by: str, reason: str) -> None:
        self._close(_item(tenant_id, item_id), status, by, reason)

    def close_open(
        self,
        tenant_id: str,
        subject: UUID | str,
        by: str,
        reason: str,
        status: ExceptionStatus = ExceptionStatus.REPLAYED,
        *,
        codes: Collection[str] | None = None,
        but: Collection[str] = (),
    ) -> int:
        which = [table.c.tenant_id == tenant_id, subject_of_row == str(subject), _IS_OPEN]
        if codes is not None:
            which.append(table.c.code.in_(codes))
        if but:
            which.append(table.c.code.not_in(but))
        return self._close(tuple(which), status, by, reason)

    def _close(self, which: tuple[Any, ...], status: ExceptionStatus, by: str, reason: str) -> int:
        closed = {"status": status, "closed_by": by, "closed_at": clock(), "reason": reason}
        return self._session.execute(update(table).where(*which).values(**closed)).rowcount


def _item(tenant_id: str, item_id: UUID) -> tuple[Any, ...]:
    return table.c.tenant_id == tenant_id, table.c.id == item_id
