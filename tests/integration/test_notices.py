"""New rows of the outbox wake the relay, and what no notice told of is found all the same."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from uuid import UUID

import pytest

from actors import relay
from actors.broker import NAMESPACE, make_broker
from actors.polling import Poller
from actors.relay import Bell, Outbox, keep_sending
from actors.sending import LONGEST_QUEUE, Sender
from actors.stages import declare_actors
from actors.waking import WakingBroker
from adapters.bootstrap import Application
from adapters.postgres import notices
from adapters.postgres.notices import Listener
from adapters.postgres.sending import PostgresSending
from oppsync.kernel.settings import Settings
from tests.harness.waiting import until
from tests.integration import desk
from tests.integration.test_relay import order, queued, waiting

NEVER = 1_000_000.0
LISTENING = "select pid from pg_stat_activity where query like 'listen%' and datname = current_database()"


@pytest.fixture
def broker(settings: Settings) -> Iterator[WakingBroker]:
    with closing(make_broker(settings.redis_address)) as broker:
        yield broker


@pytest.fixture
def outbox(application: Application, broker: WakingBroker) -> Outbox:
    desk.connect(application)
    return Outbox(Sender(PostgresSending(application.engine), broker, declare_actors(broker, application)))


@pytest.fixture
def unasked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Once it has looked, the relay looks again only when it is woken."""
    monkeypatch.setattr(relay, "POLL_SECONDS", NEVER)
    monkeypatch.setattr(relay, "AWAKE_SECONDS", 0.0)
    monkeypatch.setattr(notices, "NOTICE_SECONDS", 0.0)


def order_silently(application: Application, opportunity_id: UUID) -> None:
    """As an earlier release does, which gives no notice."""
    desk.run(
        application,
        """
        insert into outbox (tenant_id, id, opportunity_id, stage, traceparent, connection_id)
        select tenant_id, gen_random_uuid(), id, 'validate', traceparent, connection_id
          from opportunities where id = :id
        """,
        id=opportunity_id,
    )


@contextmanager
def running(outbox: Outbox, bell: Bell) -> Iterator[None]:
    stop = threading.Event()
    thread = threading.Thread(target=keep_sending, args=(outbox, (), bell, stop))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        bell.ring()
        thread.join()


@contextmanager
def listening(application: Application, bell: Bell) -> Iterator[None]:
    """A relay's listener, which is heard once before the block begins."""
    with closing(Listener(application.engine, bell.ring)) as listener:
        poller = Poller("listen", listener.step)
        poller.start()
        until(lambda: desk.run(application, LISTENING), "the relay listens")
        try:
            yield
        finally:
            poller.stop()


@pytest.mark.usefixtures("unasked")
def test_new_rows_wake_the_relay(application: Application, outbox: Outbox, broker: WakingBroker) -> None:
    bell = Bell()
    (first, second) = desk.receive(application, "006A", "006B")
    with listening(application, bell), running(outbox, bell):
        order(application, first)
        until(lambda: queued(broker) == [first], "the first row became a message")
        order(application, second)
        until(lambda: len(queued(broker)) == 2, "the second row became a message")


@pytest.mark.usefixtures("unasked")
def test_rows_of_a_transaction_that_is_rolled_back_wake_nobody(application: Application) -> None:
    heard: list[str] = []
    desk.connect(application)
    (opportunity_id,) = desk.receive(application, "006A")
    with closing(Listener(application.engine, lambda: heard.append("notice"))) as listener:
        listener.step()
        del heard[:]
        with application.uow() as uow:
            uow.outbox.add("default", opportunity_id, "validate", "00-1-2-01")
        order(application, *[opportunity_id] * 3)
        listener.step()

    assert heard == ["notice"]  # of all three rows, and of no other


def test_a_busy_process_gives_one_notice_and_the_relay_stays_awake(
    application: Application, outbox: Outbox, broker: WakingBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each notice makes commits wait for one another."""
    monkeypatch.setattr(relay, "POLL_SECONDS", NEVER)
    monkeypatch.setattr(relay, "AWAKE_SECONDS", NEVER)
    monkeypatch.setattr(notices, "NOTICE_SECONDS", NEVER)
    bell = Bell()
    ids = desk.receive(application, *(f"006A{number}" for number in range(5)))
    with listening(application, bell), running(outbox, bell):
        for number, opportunity_id in enumerate(ids, start=1):
            order(application, opportunity_id)
            until(lambda: len(queued(broker)) == number, f"row {number} became a message")  # noqa: B023


def test_without_notices_the_relay_finds_rows_all_the_same(
    application: Application, outbox: Outbox, broker: WakingBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An earlier release's process gives none, and a pooler loses them."""
    monkeypatch.setattr(relay, "AWAKE_SECONDS", 0.0)
    ids = desk.receive(application, "006A", "006B")
    with running(outbox, Bell()):
        for number, opportunity_id in enumerate(ids, start=1):
            order_silently(application, opportunity_id)
            until(lambda: len(queued(broker)) == number, f"row {number} became a message")  # noqa: B023


@pytest.mark.usefixtures("unasked")
def test_a_listener_whose_connection_dies_connects_anew_and_looks(
    application: Application, outbox: Outbox, broker: WakingBroker
) -> None:
    bell = Bell()
    first, meanwhile, later = desk.receive(application, "006A", "006B", "006C")
    with listening(application, bell), running(outbox, bell):
        order(application, first)
        until(lambda: queued(broker) == [first], "the first row became a message")
        order_silently(application, meanwhile)
        desk.run(application, f"select pg_terminate_backend(pid) from ({LISTENING}) as listener")
        until(lambda: meanwhile in queued(broker), "the row of the time when nobody listened became a message")
        order(application, later)
        until(lambda: later in queued(broker), "the last row became a message")


@pytest.mark.usefixtures("unasked")
def test_while_a_queue_is_full_the_relay_stays_awake(
    application: Application, outbox: Outbox, broker: WakingBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody wakes it when a worker takes a message."""
    outbox.chore.run_if_due(1.0)
    assert outbox.pause() == relay.POLL_SECONDS

    monkeypatch.setattr(relay, "AWAKE_SECONDS", NEVER)
    broker.client.rpush(f"{NAMESPACE}:validate", *map(str, range(LONGEST_QUEUE + 1)))
    order_silently(application, *desk.receive(application, "006A"))
    outbox.chore.next_at = 0.0
    outbox.chore.run_if_due(1.0)

    assert waiting(application) == 1
    assert outbox.pause() == relay.AWAKE_POLL_SECONDS
