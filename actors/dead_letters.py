"""Dead letters that Dramatiq made by itself (an unknown actor, a bug outside a stage) are kept in Postgres."""

from __future__ import annotations

from typing import Any, cast
from uuid import UUID

from dramatiq.brokers.redis import RedisBroker
from sqlalchemy import Connection, Engine, select
from sqlalchemy.dialects.postgresql import insert

from adapters.postgres.engine import store_errors
from adapters.postgres.repositories.audit import PostgresAudit
from adapters.postgres.repositories.exceptions import PostgresExceptions
from adapters.postgres.session import Session
from adapters.postgres.tables import dead_messages, opportunities
from oppsync.domain.values.findings.codes import finding
from oppsync.domain.work.events import ExceptionRaised
from oppsync.domain.work.exceptions import Disposition, NewException
from oppsync.kernel import canonical_json
from oppsync.pipeline.table import PIPELINE

BATCH = 200


def mirror_dead_letters(engine: Engine, broker: RedisBroker) -> int:
    """Copy to Postgres, commit, then delete from Redis. Returns how many."""
    return sum(_mirror(engine, broker, stage.queue) for stage in PIPELINE)


def _mirror(engine: Engine, broker: RedisBroker, queue: str) -> int:
    key = f"{broker.namespace}:{queue}.XQ"
    ids = cast("list[bytes]", broker.client.zrange(key, 0, BATCH - 1))
    if not ids:
        return 0
    found = broker.client.hmget(f"{key}.msgs", ids)
    messages = [canonical_json.loads(message) for message in found if message is not None]
    with store_errors(), engine.begin() as connection:
        for message in messages:
            _keep(connection, message)
    pipe = broker.client.pipeline(transaction=True)
    pipe.zrem(key, *ids)
    pipe.hdel(f"{key}.msgs", *ids)
    pipe.execute()
    return len(messages)


def _keep(connection: Connection, message: dict[str, Any]) -> None:
    opportunity_id = _opportunity_id(message)
    query = select(opportunities.c.tenant_id, opportunities.c.traceparent)
    known = connection.execute(query.where(opportunities.c.id == opportunity_id)).one_or_none()
    statement = insert(dead_messages).values(
        tenant_id=known.tenant_id if known else "",
        message_id=message["message_id"],
        queue=message["queue_name"],
        actor=message["actor_name"],
        opportunity_id=opportunity_id,
        message=message,
    )
    connection.execute(statement.on_conflict_do_nothing())
    if known and opportunity_id:
        item = _item(known.tenant_id, opportunity_id, message)
        session = Session(connection)
        item_id = PostgresExceptions(session).raise_item(item)
        raised = ExceptionRaised(
            opportunity_id=opportunity_id,
            actor="relay",
            detail={"exception": str(item_id), "codes": [item.code]},
            summary=f"{item.code}: {item.message}",
        )
        PostgresAudit(session).append(known.tenant_id, raised, known.traceparent)
        session.flush()


def _item(tenant_id: str, opportunity_id: UUID, message: dict[str, Any]) -> NewException:
    found = finding("BUG", f"{message['actor_name']} failed outside its stage")
    return NewException(
        tenant_id=tenant_id,
        opportunity_id=opportunity_id,
        disposition=Disposition.DEAD_LETTER,
        code=found.code,
        message=found.message,
        owner=found.owner,
        findings=(found,),
        payload_reference=f"message:{message['message_id']}",
    )


def _opportunity_id(message: dict[str, Any]) -> UUID | None:
    try:
        return UUID(str(message["args"][0]))
    except (IndexError, ValueError):
        return None
