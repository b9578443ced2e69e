"""Choose what to send in fair shares: first between tenants, then between the connections of each.

A lane is one connection of a tenant. In a batch each lane with waiting rows gets its share, oldest first,
however many rows wait in another: a flood of ten thousand does not delay a quiet lane. An unused share stays
unused.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import TextClause, text

from oppsync.domain.work.states import State

_LANES = """
with ready as materialized (
    select c.tenant_id, c.id as connection_id from connections c
     where exists (
        select from {table} r where r.tenant_id = c.tenant_id and r.connection_id = c.id and {wanted})
), lanes as (
    select *, greatest(1, :room / (select count(distinct tenant_id) from ready)
                                / count(*) over (partition by tenant_id)) as share
      from ready
)
"""
_OUTBOX = "r.stage <> all(cast(:full as text[]))"
# Rows written by an earlier release have no lane.
_TAKE = f"""
{_LANES.format(table="outbox", wanted=_OUTBOX)}, batch as (
    select o.tenant_id, o.id from lanes cross join lateral (
        select r.tenant_id, r.id from outbox r
         where r.tenant_id = lanes.tenant_id and r.connection_id = lanes.connection_id and {_OUTBOX}
         order by r.id limit lanes.share for update skip locked) o
), unnamed as (
    select r.tenant_id, r.id from outbox r
     where r.connection_id is null and {_OUTBOX} order by r.id limit :room for update skip locked
)
delete from outbox
 where (tenant_id, id) in (select tenant_id, id from batch union all select tenant_id, id from unnamed)
returning tenant_id, connection_id, id, opportunity_id, stage, traceparent
"""
# While a deal has a row in the outbox, that row sends its message.
_DUE = """r.due_at is not null and r.emit_at <= (select clock_timestamp()) and r.due_at <= clock_timestamp()
    and r.state <> all(cast(:without as text[]))
    and (r.lease_until is null or r.lease_until < clock_timestamp())
    and not exists (
        select from outbox x where x.tenant_id = r.tenant_id and x.opportunity_id = r.id)"""
_SWEEP = f"""
{_LANES.format(table="opportunities", wanted=_DUE)}
select o.* from lanes cross join lateral (
    select r.tenant_id, r.connection_id, r.id, r.state, r.traceparent from opportunities r
     where r.tenant_id = lanes.tenant_id and r.connection_id = lanes.connection_id and {_DUE}
     order by r.emit_at limit lanes.share for update skip locked) o
"""


def taken_rows(room: int, full: Collection[str] = ()) -> TextClause:
    """Delete and return rows of the outbox, except those of the stages `full` and those that others have
    locked."""
    return text(_TAKE).bindparams(room=room, full=sorted(full))


def due_rows(room: int, without: Collection[State] = ()) -> TextClause:
    """Lock and return the deals for the sweeper to send: due and not leased, except those in the states
    `without` and those that others have locked."""
    return text(_SWEEP).bindparams(room=room, without=[state.value for state in without])


def interleaved(rows: Sequence[Any]) -> list[Any]:
    """Take one row of each lane in turn, and keep the order inside each lane."""
    seen: Counter[tuple[str, str | None]] = Counter()
    turns = []
    for row in rows:
        lane = (row.tenant_id, row.connection_id)
        turns.append((seen[lane], row))
        seen[lane] += 1
    return [row for _, row in sorted(turns, key=lambda turn: turn[0])]
