"""Opportunities and their leases. Leases and due times are measured by the database's clock."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Boolean,
    ColumnElement,
    DateTime,
    Interval,
    Select,
    and_,
    bindparam,
    case,
    cast,
    exists,
    func,
    literal,
    literal_column,
    null,
    or_,
    select,
    union_all,
    update,
)
from sqlalchemy.dialects.postgresql import Insert, insert
from sqlalchemy.sql.dml import ReturningInsert
from uuid_utils.compat import uuid7

from adapters.postgres.clock import clock
from adapters.postgres.rows import from_tracked, to_other_deal, to_tracked
from adapters.postgres.selection import selected
from adapters.postgres.session import Session, Write, bound, to_be_set, write
from adapters.postgres.tables import effects
from adapters.postgres.tables import opportunities as table
from adapters.postgres.tables.work import PURCHASE_ORDER, PURCHASE_ORDER_KEY
from oppsync.domain.deal.opportunity import Opportunity, OpportunityRef
from oppsync.domain.effects.effects import EffectState
from oppsync.domain.validation.other_deals import OtherDeal
from oppsync.domain.values.identifiers import words_key
from oppsync.domain.values.keys import EffectKind
from oppsync.domain.work.replays import Selection
from oppsync.domain.work.states import State
from oppsync.domain.work.tracked import Lease, TrackedOpportunity
from oppsync.kernel.errors import NotFound
from oppsync.ports.storage.opportunities import Due

LEASE = timedelta(seconds=10)
# How long a sent message may stay unworked before the sweeper sends another.
EMIT_AGAIN = timedelta(seconds=10)
# Between two readings of a parked deal: as long as it is parked, within these.
RECHECK_FIRST, RECHECK_LAST = timedelta(minutes=15), timedelta(hours=6)


# The column that `TrackedOpportunity.stands_at` returns.
stands_at = case(
    (table.c.state == State.PARKED, func.coalesce(table.c.resume_state, State.RECEIVED)), else_=table.c.state
)


# Other deals to judge one together with: those that were approved, and those that may still be.
MOST_COMPARED = 200
CAME_TO_NOTHING = (State.REJECTED, State.REFUSED, State.WITHDRAWN, State.COMPENSATING)
COMMITTED = (State.APPROVED, State.CREATED, State.ACTIVE)
# So many words of a name are asked for.
MOST_WORDS = 6
_parent = effects.alias("parent")
_COMPARED = select(
    table.c.id,
    table.c.record,
    table.c.amount,
    table.c.customer["code"].astext.label("customer"),
    _parent.c.number.label("project"),
    stands_at.in_(COMMITTED).label("is_committed"),
).select_from(
    table.outerjoin(
        _parent,
        and_(
            _parent.c.tenant_id == table.c.tenant_id,
            _parent.c.opportunity_id == table.c.id,
            _parent.c.kind == EffectKind.PARENT,
            _parent.c.state != EffectState.CANCELLED,
        ),
    )
)
# Judged last: it opens the record, which is large.
_IS_WON = (
    table.c.record.is_not(None),
    stands_at.not_in(CAME_TO_NOTHING),
    or_(table.c.record["is_won"].astext == "true", stands_at.in_(COMMITTED)),
)


class PostgresOpportunities:
    def __init__(self, session: Session) -> None:
        self._session = session

    def receive(
        self, tenant_id: str, connection_id: str, ref: OpportunityRef, traceparent: str
    ) -> tuple[UUID, bool]:
        new = {
            "tenant_id": tenant_id,
            "id": uuid7(),
            "connection_id": connection_id,
            "source_id": ref.id,
            "told_until": ref.modified_at,
            "traceparent": traceparent,
        }
        row = self._session.execute(_RECEIVE, new).one()
        return row.id, row.is_new

    def last_seen(
        self, tenant_id: str, connection_id: str, source_ids: Collection[str]
    ) -> Mapping[str, datetime | None]:
        read = cast(table.c.record["modified_at"].astext, DateTime(timezone=True))
        query = select(table.c.source_id, func.greatest(table.c.told_until, read).label("until")).where(
            table.c.tenant_id == tenant_id,
            table.c.connection_id == connection_id,
            table.c.source_id.in_(source_ids),
        )
        return {row.source_id: row.until for row in self._session.execute(query)}

    def get(self, tenant_id: str, opportunity_id: UUID) -> TrackedOpportunity:
        return self._one(select(table).where(table.c.tenant_id == tenant_id, table.c.id == opportunity_id))

    def find(self, tenant_id: str, connection_id: str, source_id: str) -> UUID | None:
        query = select(table.c.id).where(
            table.c.tenant_id == tenant_id,
            table.c.connection_id == connection_id,
            table.c.source_id == source_id,
        )
        found: UUID | None = self._session.execute(query).scalar_one_or_none()
        return found

    def matching(self, tenant_id: str, selection: Selection, states: Collection[State]) -> Sequence[UUID]:
        also: list[ColumnElement[bool]] = []
        if states:
            also.append(stands_at.in_(states))
        if selection.state is not None:
            also.append(table.c.state == selection.state)
        return selected(
            self._session,
            tenant_id,
            selection,
            table,
            *also,
            since=table.c.state_since,
            referred_as="opportunity_id",
        )

    def comparable(self, tenant_id: str, record: Opportunity, but: UUID | None) -> Sequence[OtherDeal]:
        conditions = []
        if record.contract.po_number:
            conditions.append(and_(literal_column(f"({PURCHASE_ORDER})").is_not(None), _po_key(record)))
        if record.amount is not None:
            priced = (table.c.amount == record.amount, table.c.currency == record.currency)
            conditions.append(and_(*priced, *_may_be_named(record.name)))
        if not conditions:
            return []
        of_tenant = (table.c.tenant_id == tenant_id, *([table.c.id != but] if but else []))
        newest = (
            _COMPARED.where(*of_tenant, condition, *_IS_WON).order_by(table.c.id.desc()).limit(MOST_COMPARED)
            for condition in conditions
        )
        # Each condition has an index of its own; together in one `or` the planner would read every deal.
        query = union_all(*newest)
        rows = {row["id"]: row for row in self._session.execute(query).mappings()}
        others = map(to_other_deal, rows.values())
        return [other for other in others if other is not None]

    def newest(
        self, tenant_id: str, standing_at: Collection[State], limit: int
    ) -> tuple[Sequence[TrackedOpportunity], int]:
        which = (
            table.c.tenant_id == tenant_id,
            table.c.record["is_won"].astext == "true",
            stands_at.in_(standing_at),
        )
        count = self._session.execute(select(func.count()).select_from(table).where(*which)).scalar_one()
        query = select(table).where(*which).order_by(table.c.id.desc()).limit(limit)
        return [to_tracked(row) for row in self._session.execute(query).mappings()], int(count)

    def knows_customer(self, tenant_id: str, code: str, by: datetime | None = None) -> bool:
        query = select(table.c.id).where(
            table.c.tenant_id == tenant_id,
            or_(table.c.customer["code"].astext == code, table.c.record["account"]["code"].astext == code),
            table.c.activated_at.is_not(None) if by is None else table.c.activated_at <= by,
        )
        return self._session.execute(query.limit(1)).one_or_none() is not None

    def count_at_work(self, tenant_id: str) -> int:
        waits = table.c.waits_for.is_not(None)
        query = select(func.count()).where(table.c.tenant_id == tenant_id, table.c.due_at.is_not(None), ~waits)
        return int(self._session.execute(query).scalar_one())

    def recheck(self, tenant_id: str, connection_id: str, limit: int) -> Sequence[tuple[UUID, str]]:
        which = {"of_tenant": tenant_id, "of_connection": connection_id, "most": limit}
        return [(row.id, row.traceparent) for row in self._session.execute(_RECHECK, which)]

    def without_projects(self, tenant_id: str) -> Sequence[UUID]:
        parent = exists().where(
            effects.c.tenant_id == table.c.tenant_id,
            effects.c.opportunity_id == table.c.id,
            effects.c.kind == EffectKind.PARENT,
        )
        query = select(table.c.id).where(table.c.tenant_id == tenant_id, stands_at != State.APPROVED, ~parent)
        return self._session.execute(query.order_by(table.c.id)).scalars().all()

    def lock(self, tenant_id: str, opportunity_id: UUID) -> TrackedOpportunity:
        query = select(table).where(table.c.tenant_id == tenant_id, table.c.id == opportunity_id)
        return self._one(query.with_for_update())

    def look_again(self, tenant_id: str) -> None:
        waiting = (table.c.tenant_id == tenant_id, table.c.state == State.AWAITING_APPROVAL)
        # Whoever works on one now reads it again before anything is recorded.
        due = {"due_at": clock(), "emit_at": clock(), "version": table.c.version + 1}
        self._session.execute(update(table).where(*waiting).values(due))

    def is_leased(self, tenant_id: str, opportunity_id: UUID) -> bool:
        query = select(~_FREE).where(table.c.tenant_id == tenant_id, table.c.id == opportunity_id)
        return bool(self._session.execute(query).scalar_one())

    def _one(self, query: Any) -> TrackedOpportunity:
        row = self._session.execute(query).mappings().one_or_none()
        if row is None:
            raise NotFound("There is no such opportunity.")
        return to_tracked(row)

    def take_lease(self, opportunity_id: UUID, holder: str) -> tuple[TrackedOpportunity, Lease] | None:
        taker = {"wanted": opportunity_id, "holder": holder}
        row = self._session.execute(_TAKE_LEASE, taker).mappings().one_or_none()
        if row is None:
            return None
        lease = Lease(opportunity_id=opportunity_id, token=row["lease_token"], until=row["lease_until"])
        return to_tracked(row), lease

    def renew_lease(self, lease: Lease) -> bool:
        return self._session.execute(_RENEW_LEASE, lease_params(lease)).rowcount == 1

    def commit_outcome(
        self, before: TrackedOpportunity, after: TrackedOpportunity, due: Due, lease: Lease
    ) -> int | None:
        """As `UnitOfWork.commit_outcome`."""
        changed = from_tracked(before, after)
        wanted = _saving(tuple(changed), keep_lease=due.keep_lease)
        which = {**lease_params(lease), "version_seen": before.version}
        values = {**bound(changed), **_outcome(before, after, due), **which}
        row = self._session.commit_with(wanted, values)
        return None if row is None else int(row.reread_requested)

    def change(self, before: TrackedOpportunity, after: TrackedOpportunity, due: Due) -> None:
        which = {"of_tenant": before.tenant_id, "of_id": before.id}
        changed = from_tracked(before, after) | {"reread_requested": after.reread_requested}
        self._session.execute(_CHANGE, {**changed, **_outcome(before, after, due), **which})


def _may_be_named(name: str) -> Sequence[ColumnElement[bool]]:
    """Leaves out deals of the same amount whose name lacks a word of this one: no clones. Names with letters
    beyond ASCII are left to `is_clone`, since Postgres writes some of them small in another way."""
    words = [word for word in words_key(name).split() if word.isascii()]
    if not words:
        return ()
    beyond_ascii = table.c.name.op("~")("[^[:ascii:]]")
    has_words = and_(*(func.strpos(func.lower(table.c.name), word) > 0 for word in words[:MOST_WORDS]))
    return (or_(table.c.name.is_(None), beyond_ascii, has_words),)


def _po_key(record: Opportunity) -> ColumnElement[bool]:
    """As Postgres has it: of the number as it is written, and of its normal form."""
    written = record.contract.po_number or ""
    spellings = (written, unicodedata.normalize("NFKC", written))
    keys = {re.sub("[^a-z0-9]", "", each.lower()).removeprefix("po") for each in spellings}
    return literal_column(PURCHASE_ORDER_KEY).in_(sorted(keys))


# Statements that run in every step are built once: building one takes longer than Postgres needs to run it.

# None while it waits for its day: a change in the CRM may be another day.
_OWN_PAUSE = case((table.c.waits_for.is_(None), table.c.due_at))


def _received(new: Insert) -> ReturningInsert[Any]:
    return new.on_conflict_do_update(
        index_elements=["tenant_id", "connection_id", "source_id"],
        set_={
            "reread_requested": table.c.reread_requested + 1,
            # A transient backoff keeps its own due time; a deal that rests, or waits for its day, becomes due
            # now.
            "due_at": func.coalesce(_OWN_PAUSE, clock()),
            "emit_at": clock() + EMIT_AGAIN,
            # Deliveries may arrive in any order.
            "told_until": func.greatest(table.c.told_until, new.excluded.told_until),
        },
    ).returning(table.c.id, table.c.source_id, (table.c.reread_requested == 0).label("is_new"))


def receiving(named: Select[Any]) -> ReturningInsert[Any]:
    """Insert the deals of the rows `named` (tenant, id, connection, source id, told until, traceparent), or
    request a re-read of those that are known."""
    columns = ["tenant_id", "id", "connection_id", "source_id", "told_until", "traceparent"]
    received = named.add_columns(literal(State.RECEIVED.value), clock(), clock() + EMIT_AGAIN)
    return _received(insert(table).from_select([*columns, "state", "due_at", "emit_at"], received))


_RECEIVE = _received(insert(table).values(state=State.RECEIVED, due_at=clock(), emit_at=clock() + EMIT_AGAIN))

# A deal that was parked a moment ago was read a moment ago.
_RECHECK_DUE = func.greatest(table.c.recheck_at, table.c.state_since + RECHECK_FIRST)
_RECHECKED = (
    select(table.c.id)
    .where(
        table.c.tenant_id == bindparam("of_tenant"),
        table.c.connection_id == bindparam("of_connection"),
        table.c.state == State.PARKED,
        table.c.due_at.is_(None),
        clock() >= _RECHECK_DUE,
    )
    .order_by(_RECHECK_DUE)
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True)
    .cte("rechecked")
)
_RECHECK = (
    update(table)
    .where(table.c.tenant_id == bindparam("of_tenant"), table.c.id == _RECHECKED.c.id)
    .values(
        reread_requested=table.c.reread_requested + 1,
        due_at=clock(),
        emit_at=clock() + EMIT_AGAIN,
        recheck_at=clock()
        + func.least(func.greatest(clock() - table.c.state_since, RECHECK_FIRST), RECHECK_LAST),
    )
    .returning(table.c.id, table.c.traceparent)
)

_HELD = (
    table.c.id == bindparam("lease_of"),
    table.c.lease_token == bindparam("token_held"),
    table.c.lease_holder.is_not(None),
)
# Finds the opportunity's row, share-locked, while the lease is held and has not run out.
HELD_LEASE = select(table.c.id).where(*_HELD, table.c.lease_until > clock()).with_for_update(read=True)


def lease_params(lease: Lease) -> dict[str, Any]:
    """The parameters of `_HELD`."""
    return {"lease_of": lease.opportunity_id, "token_held": lease.token}


_FREE = or_(table.c.lease_until.is_(None), table.c.lease_until < clock())
_HOLDER = bindparam("holder", type_=table.c.lease_holder.type)
_TAKE_LEASE = (
    update(table)
    .where(table.c.id == bindparam("wanted"), _FREE, table.c.due_at <= clock())
    .values(
        lease_token=table.c.lease_token + 1,
        lease_until=clock() + LEASE,
        lease_holder=_HOLDER,
        # A holder other than us that left its lease behind died: a crash. Our own lease ran out while Postgres
        # was away.
        crashes=table.c.crashes + case((table.c.lease_holder != _HOLDER, 1), else_=0),
    )
    .returning(table)
)
_RENEW_LEASE = update(table).where(*_HELD).values(lease_until=clock() + LEASE)

# A re-read that was requested during the run is due at once, whatever this outcome set.
_ASKED = table.c.reread_requested > bindparam("known_rereads")
_DUE_AFTER, _EMIT_AFTER = bindparam("due_after", type_=Interval), bindparam("emit_after", type_=Interval)
_OUTCOME = update(table).values(
    state_since=case((table.c.state != bindparam("moved_to"), clock()), else_=table.c.state_since),
    due_at=case((_ASKED, clock()), else_=clock() + _DUE_AFTER),
    # First comes the outbox row or the worker that keeps the lease, only then the sweeper; and never before the
    # deal is due.
    emit_at=clock() + case((and_(_ASKED, ~bindparam("sent", type_=Boolean)), timedelta(0)), else_=_EMIT_AFTER),
    version=table.c.version + 1,
)
_SAVE = _OUTCOME.where(*_HELD, table.c.version == bindparam("version_seen")).returning(table.c.reread_requested)
_CHANGE = _OUTCOME.where(table.c.tenant_id == bindparam("of_tenant"), table.c.id == bindparam("of_id"))


@cache
def _saving(columns: tuple[str, ...], *, keep_lease: bool) -> Write:
    lease = {"lease_until": clock() + LEASE} if keep_lease else {"lease_until": null(), "lease_holder": null()}
    return write(_SAVE.values(**to_be_set(table, columns), **lease))


def _outcome(before: TrackedOpportunity, after: TrackedOpportunity, due: Due) -> dict[str, Any]:
    """The parameters of `_OUTCOME`."""
    return {
        "moved_to": after.state,
        "known_rereads": before.reread_requested,
        "due_after": due.after,
        "sent": due.sent,
        "emit_after": EMIT_AGAIN if due.sent else due.after or timedelta(0),
    }
