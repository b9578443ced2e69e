"""From Postgres to Redis: nothing is lost when Redis is, and nothing storms."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from uuid import UUID, uuid4

import pytest
import redis

from actors.broker import NAMESPACE, make_broker
from actors.sending import BATCH, LONGEST_QUEUE, Sender
from actors.stages import declare_actors
from actors.waking import WakingBroker
from adapters.bootstrap import Application
from adapters.postgres.sending import PostgresSending
from oppsync.domain.work.states import State
from oppsync.kernel.settings import Settings
from oppsync.pipeline.table import PIPELINE
from tests.harness.builders import TENANT
from tests.integration import desk

LATER = "update opportunities set emit_at = clock_timestamp()"


@pytest.fixture
def broker(settings: Settings) -> Iterator[WakingBroker]:
    with closing(make_broker(settings.redis_address)) as broker:
        yield broker


@pytest.fixture
def sender(application: Application, broker: WakingBroker) -> Sender:
    desk.connect(application)
    return Sender(PostgresSending(application.engine), broker, declare_actors(broker, application))


def messages(broker: WakingBroker, stage: str = "validate") -> list[dict[str, object]]:
    ids = broker.client.lrange(f"{NAMESPACE}:{stage}", 0, -1)
    found = [broker.client.hget(f"{NAMESPACE}:{stage}.msgs", each) for each in ids]
    return [json.loads(each) for each in found if each is not None]


def queued(broker: WakingBroker, stage: str = "validate") -> list[UUID]:
    return [UUID(message["args"][0]) for message in messages(broker, stage)]  # type: ignore[index]


def order(application: Application, *ids: UUID, stage: str = "validate") -> None:
    """Write outbox rows, as intake, replays, decisions and handing on do."""
    with application.uow() as uow:
        for opportunity_id in ids:
            uow.outbox.add("default", opportunity_id, stage, "00-1-2-01")
        uow.commit()


def waiting(application: Application) -> int:
    return len(desk.run(application, "select 1 from outbox"))


def test_an_outbox_row_becomes_a_message_of_its_stage_and_is_gone(
    application: Application, sender: Sender, broker: WakingBroker
) -> None:
    (opportunity_id,) = desk.receive(application, "006A")
    order(application, opportunity_id, stage="create_projects")

    assert sender.relay() == 1

    (message,) = messages(broker, "create_projects")
    assert message["actor_name"] == "stage.create_projects"
    assert message["args"] == [str(opportunity_id)]
    assert message["options"]["traceparent"] == "00-1-2-01"  # type: ignore[index]
    assert waiting(application) == 0
    assert sender.relay() == 0


def test_while_redis_is_away_rows_stay(application: Application, sender: Sender, broker: WakingBroker) -> None:
    (opportunity_id,) = desk.receive(application, "006A")
    order(application, opportunity_id)
    desk.run(application, LATER)
    with closing(make_broker("redis://127.0.0.1:1/0")) as nowhere:
        cut_off = Sender(PostgresSending(application.engine), nowhere, declare_actors(nowhere, application))
        with pytest.raises(redis.RedisError):
            cut_off.relay()
        with pytest.raises(redis.RedisError):
            cut_off.sweep()

    assert waiting(application) == 1
    assert sender.relay() == 1  # the row came back
    assert sender.sweep() == 1


def test_what_a_flushed_redis_forgot_is_sent_again(
    application: Application, sender: Sender, broker: WakingBroker
) -> None:
    ids = desk.receive(application, "006A", "006B")
    order(application, *ids)
    sender.relay()
    broker.client.flushall()

    assert sender.sweep() == 0  # a message sent just now may still be on its way
    desk.run(application, LATER)
    assert sender.sweep() == 2
    assert sorted(queued(broker)) == sorted(ids)
    assert sender.sweep() == 0  # and not again at once


def test_two_relays_share_the_rows(
    application: Application,
    applications: Callable[[], Application],
    settings: Settings,
    sender: Sender,
    broker: WakingBroker,
) -> None:
    (opportunity_id,) = desk.receive(application, "006A")
    order(application, *[opportunity_id] * 500)
    other, of_other = applications(), make_broker(settings.redis_address)
    relays = [sender, Sender(PostgresSending(other.engine), of_other, declare_actors(of_other, other))]
    sent, start = [], threading.Barrier(2)

    def work(relay: Sender) -> None:
        start.wait()
        while waiting(application):
            sent.append(relay.relay())
            broker.client.delete(f"{NAMESPACE}:validate")  # worked

    threads = [threading.Thread(target=work, args=(relay,)) for relay in relays]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    of_other.close()

    assert sum(sent) == broker.client.hlen(f"{NAMESPACE}:validate.msgs") == 500
    assert waiting(application) == 0


def test_rows_of_a_relay_that_dies_before_its_commit_are_sent_by_another(
    application: Application, sender: Sender, broker: WakingBroker
) -> None:
    (opportunity_id,) = desk.receive(application, "006A")
    order(application, opportunity_id)
    with application.engine.connect() as dying:
        dying.exec_driver_sql("delete from outbox")
        assert sender.relay() == 0  # it does not wait for the other's rows

    assert sender.relay() == 1


def test_a_row_for_a_stage_of_another_release_does_not_stop_the_relay(
    application: Application, sender: Sender, broker: WakingBroker
) -> None:
    old, new = desk.receive(application, "006A", "006B")
    order(application, old, stage="stage_of_old")
    order(application, new)

    sender.relay()
    assert queued(broker) == [new]

    desk.run(application, LATER)
    sender.sweep()
    assert old in queued(broker)


@pytest.mark.parametrize("state", State)
def test_a_due_deal_is_sent_to_the_stage_of_its_state(
    application: Application, sender: Sender, broker: WakingBroker, state: State
) -> None:
    """A deal that rests is due only for a re-read, which runs on the first stage's queue."""
    (opportunity_id,) = desk.receive(application, "006A", state=state)
    desk.run(application, LATER)

    sender.sweep()

    starts = {start: stage.name for stage in PIPELINE for start in stage.starts}
    assert queued(broker, starts.get(state, "validate")) == [opportunity_id]


@pytest.mark.parametrize(
    ("change", "sent"),
    [
        ("due_at = null", 0),
        ("due_at = clock_timestamp() + interval '1 minute'", 0),
        ("lease_holder = 'worker', lease_until = clock_timestamp() + interval '9 seconds'", 0),
        ("lease_holder = 'dead', lease_until = clock_timestamp() - interval '1 second'", 1),
    ],
    ids=["rests", "backs off", "leased", "left by a dead worker"],
)
def test_only_what_is_due_and_not_leased_is_swept(
    application: Application, sender: Sender, change: str, sent: int
) -> None:
    desk.receive(application, "006A")
    desk.run(application, LATER)
    desk.run(application, f"update opportunities set {change}")

    assert sender.sweep() == sent


def test_a_long_queue_is_not_fed_and_others_are(
    application: Application, sender: Sender, broker: WakingBroker
) -> None:
    """Whatever waits for the full queue, and for however long."""
    desk.receive(application, *(f"006A{number}" for number in range(250)))
    desk.run(application, "update opportunities set emit_at = clock_timestamp() - interval '1 hour'")
    (approved,) = desk.receive(application, "006B", state=State.APPROVED)
    desk.run(application, LATER + " where state = 'approved'")
    junk = [str(uuid4()) for _ in range(LONGEST_QUEUE + 1)]
    broker.client.rpush(f"{NAMESPACE}:validate", *junk)

    assert sender.sweep() == 1
    assert queued(broker, "create_projects") == [approved]

    broker.client.delete(f"{NAMESPACE}:validate")
    assert sender.sweep() == BATCH
    assert sender.sweep() == BATCH
    assert sender.sweep() == 0
    broker.client.delete(f"{NAMESPACE}:validate")
    assert sender.sweep() == BATCH


def flood(application: Application, connection_id: str, count: int, tenant: str = TENANT) -> None:
    """Make deals of a connection, each with its outbox row, as intake does."""
    desk.run(
        application,
        """
        with deals as (
            insert into opportunities
                   (tenant_id, id, connection_id, source_id, state, due_at, emit_at, traceparent)
            select :tenant, gen_random_uuid(), :connection, :connection || number, 'received',
                   clock_timestamp(), clock_timestamp(), '00-1-2-01'
              from generate_series(1, :count) number
            returning tenant_id, id, connection_id
        )
        insert into outbox (tenant_id, id, opportunity_id, stage, traceparent, connection_id)
        select tenant_id, gen_random_uuid(), id, 'validate', '00-1-2-01', connection_id from deals
        """,
        tenant=tenant,
        connection=connection_id,
        count=count,
    )


def lanes(application: Application, *lanes: tuple[str, str]) -> None:
    for tenant, connection_id in lanes:
        desk.run(application, "insert into tenants values (:id, :id) on conflict do nothing", id=tenant)
        desk.connect(application, connection_id, tenant)


def connection_of(application: Application, opportunity_id: UUID) -> str:
    (row,) = desk.run(application, "select connection_id from opportunities where id = :id", id=opportunity_id)
    return str(row[0])


def queued_connections(application: Application, broker: WakingBroker) -> list[str]:
    """The connections of the queue's messages, in order: the last pushed is worked last."""
    ids = queued(broker)
    return [connection_of(application, opportunity_id) for opportunity_id in ids]


def test_a_flood_of_one_connection_lets_another_pass(
    application: Application, sender: Sender, broker: WakingBroker
) -> None:
    """One deal that arrives after hundreds is sent among the first."""
    lanes(application, (TENANT, "loud"), (TENANT, "quiet"))
    flood(application, "loud", 600)
    sender.relay()  # the flood is being worked
    flood(application, "quiet", 1)
    broker.client.delete(f"{NAMESPACE}:validate")

    sender.relay()

    assert "quiet" in queued_connections(application, broker)[:2]
    assert len(queued(broker)) <= BATCH


def test_what_comes_back_from_a_flood_lets_others_pass_too(
    application: Application, sender: Sender, broker: WakingBroker
) -> None:
    """As after an outage: all deals of one connection are due again at once."""
    lanes(application, (TENANT, "loud"), (TENANT, "quiet"))
    flood(application, "loud", 600)
    flood(application, "quiet", 1)
    desk.run(application, "delete from outbox")

    sender.sweep()

    assert "quiet" in queued_connections(application, broker)[:2]


def test_one_tenants_flood_leaves_others_their_share(
    application: Application, sender: Sender, broker: WakingBroker
) -> None:
    """Tenants share first: a tenant with many connections gets no more."""
    lanes(application, ("big", "a"), ("big", "b"), ("big", "c"), ("small", "d"))
    for connection_id in "abc":
        flood(application, connection_id, 200, "big")
    flood(application, "d", 200, "small")

    sender.relay()

    shares = Counter(queued_connections(application, broker))
    assert shares == {"a": 8, "b": 8, "c": 8, "d": 25}


def test_rows_that_an_older_release_wrote_are_sent(
    application: Application, sender: Sender, broker: WakingBroker
) -> None:
    flood(application, desk.CRM, 3)
    desk.run(application, "update outbox set connection_id = null")

    assert sender.relay() == 3


def test_what_waits_in_the_outbox_is_not_swept_as_well(
    application: Application, sender: Sender, broker: WakingBroker
) -> None:
    flood(application, desk.CRM, 3)

    assert sender.sweep() == 0
    assert sender.relay() == 3
    assert sender.sweep() == 3
