"""Dead letters that Dramatiq makes by itself: kept in Postgres before Redis forgets them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from uuid import UUID

import dramatiq
import pytest
from dramatiq.brokers.redis import RedisBroker

from actors.broker import NAMESPACE, make_broker
from actors.dead_letters import mirror_dead_letters
from actors.stages import declare_actors
from adapters.bootstrap import Application
from oppsync.domain.work.exceptions import Disposition
from oppsync.kernel.settings import Settings
from tests.harness.builders import TENANT
from tests.harness.waiting import until
from tests.integration import desk

DEAD = f"{NAMESPACE}:validate.XQ"


@pytest.fixture
def broker(settings: Settings, application: Application) -> Iterator[RedisBroker]:
    with closing(make_broker(settings.redis_address)) as broker:
        declare_actors(broker, application)
        desk.connect(application)
        yield broker


def die(broker: RedisBroker, *messages: dramatiq.Message[None]) -> None:
    """A real worker takes the messages and dead-letters them."""
    for message in messages:
        broker.enqueue(message)
    worker = dramatiq.Worker(broker, worker_threads=1, worker_timeout=50)
    worker.start()
    try:
        until(lambda: broker.client.zcard(DEAD) >= len(messages), "the messages die")
    finally:
        worker.stop()


def message(actor: str, *args: object) -> dramatiq.Message[None]:
    return dramatiq.Message(queue_name="validate", actor_name=actor, args=args, kwargs={}, options={})


def kept(application: Application) -> list[tuple[object, ...]]:
    return desk.run(application, "select tenant_id, actor, opportunity_id from dead_messages order by found_at")


def test_a_message_no_worker_understands_becomes_an_exception_of_its_deal(
    application: Application, broker: RedisBroker
) -> None:
    (opportunity_id,) = desk.receive(application, "006A")
    die(broker, message("stage.of_another_release", str(opportunity_id)))

    assert mirror_dead_letters(application, broker) == 1

    (item,) = application.queries.exceptions(TENANT).rows
    assert (item.opportunity_id, item.code, item.disposition) == (
        opportunity_id,
        "BUG",
        Disposition.DEAD_LETTER,
    )
    assert "stage.of_another_release" in item.message
    assert item.payload_reference.startswith("message:")
    assert kept(application) == [(TENANT, "stage.of_another_release", opportunity_id)]
    assert [entry.type for entry in application.queries.timeline(TENANT, opportunity_id)] == [
        "exception.raised.v1"
    ]
    assert broker.client.zcard(DEAD) == 0
    assert mirror_dead_letters(application, broker) == 0


def test_dead_messages_of_one_deal_are_one_item(application: Application, broker: RedisBroker) -> None:
    (opportunity_id,) = desk.receive(application, "006A")
    die(broker, *(message("stage.of_another_release", str(opportunity_id)) for _ in range(3)))

    assert mirror_dead_letters(application, broker) == 3

    (item,) = application.queries.exceptions(TENANT).rows
    assert item.occurrences == 3
    assert len(kept(application)) == 3


@pytest.mark.parametrize("args", [(), ("nonsense",), (7,), (str(UUID(int=7)),)])
def test_a_message_about_no_deal_is_kept_all_the_same(
    application: Application, broker: RedisBroker, args: tuple[object, ...]
) -> None:
    die(broker, message("stage.of_another_release", *args))

    assert mirror_dead_letters(application, broker) == 1

    assert len(kept(application)) == 1
    assert application.queries.exceptions(TENANT).rows == ()


def test_what_a_stage_raises_for_a_malformed_message_dies_at_once(
    application: Application, broker: RedisBroker
) -> None:
    """Dramatiq retries nothing: Postgres decides what comes back."""
    die(broker, message("stage.validate", "nonsense"))

    mirror_dead_letters(application, broker)

    assert kept(application) == [("", "stage.validate", None)]
