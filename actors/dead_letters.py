"""Mirror dead letters that Dramatiq made by itself (an unknown actor, a bug outside a stage) to Postgres."""

from __future__ import annotations

from typing import Any, cast
from uuid import UUID

from dramatiq.brokers.redis import RedisBroker

from adapters.bootstrap import Application
from oppsync.domain.work.dead_letters import DeadLetter
from oppsync.kernel import canonical_json
from oppsync.pipeline.table import PIPELINE
from oppsync.services.queue.commands import KeepDeadLetters

BATCH = 200


def mirror_dead_letters(application: Application, broker: RedisBroker) -> int:
    """Copy them to Postgres, commit, then delete them from Redis, where they would expire. Returns how many."""
    return sum(_mirror(application, broker, stage.queue) for stage in PIPELINE)


def _mirror(application: Application, broker: RedisBroker, queue: str) -> int:
    key = f"{broker.namespace}:{queue}.XQ"
    ids = cast("list[bytes]", broker.client.zrange(key, 0, BATCH - 1))
    if not ids:
        return 0
    found = broker.client.hmget(f"{key}.msgs", ids)
    letters = [_letter(canonical_json.loads(message)) for message in found if message is not None]
    application.dispatch(KeepDeadLetters(letters))
    pipe = broker.client.pipeline(transaction=True)
    pipe.zrem(key, *ids)
    pipe.hdel(f"{key}.msgs", *ids)
    pipe.execute()
    return len(letters)


def _letter(message: dict[str, Any]) -> DeadLetter:
    return DeadLetter(
        message_id=message["message_id"],
        queue=message["queue_name"],
        actor=message["actor_name"],
        opportunity_id=_opportunity_id(message),
        message=message,
    )


def _opportunity_id(message: dict[str, Any]) -> UUID | None:
    try:
        return UUID(str(message["args"][0]))
    except (IndexError, ValueError):
        return None
