"""A worker that rests begins with a message as soon as it was sent."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

import dramatiq
import pytest

from actors import waking
from actors.broker import make_broker
from actors.polling import Poller
from actors.sending import Sender
from actors.waking import Bells, Ears, WakingBroker
from adapters.bootstrap import Application
from adapters.postgres.sending import PostgresSending
from oppsync.kernel.settings import Settings
from tests.harness.waiting import until
from tests.integration.desk import connect, receive
from tests.integration.test_relay import order

QUEUE = "validate"
NEVER = 1_000_000.0


class WatchedBells(Bells):
    """Tell whether somebody waits, or is about to."""

    def __init__(self) -> None:
        super().__init__()
        self.resting = threading.Event()

    def wait(self, queue: str, seconds: float) -> None:
        self.resting.set()
        super().wait(queue, seconds)
        self.resting.clear()


class Desk:
    """A worker whose one actor notes what it got."""

    def __init__(self, broker: WakingBroker) -> None:
        self.broker = broker
        self.bells = broker.bells = WatchedBells()
        self.got: list[str] = []
        self.actor = dramatiq.Actor(
            self.got.append, broker=broker, actor_name="note", queue_name=QUEUE, priority=0, options={}
        )

    def has(self, *words: str) -> Callable[[], bool]:
        return lambda: self.got == [*words]


@pytest.fixture
def desk(settings: Settings) -> Iterator[Desk]:
    with closing(make_broker(settings.redis_address)) as broker:
        yield Desk(broker)


@pytest.fixture
def unasked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who rests looks again only when the bell rings."""
    monkeypatch.setattr(waking, "REST_SECONDS", NEVER)


@contextmanager
def working(desk: Desk) -> Iterator[None]:
    worker = dramatiq.Worker(desk.broker, queues={QUEUE}, worker_threads=1)
    worker.start()
    try:
        yield
    finally:
        for consumer in worker.consumers.values():
            consumer.stop()
        desk.broker.bells.ring(QUEUE)
        worker.stop(timeout=5_000)


@contextmanager
def listening(desk: Desk, settings: Settings) -> Iterator[None]:
    """The block begins once Redis knows who listens."""
    ears = Poller("listen", Ears(desk.broker, settings.redis_address).step)
    ears.start()
    until(lambda: listeners(desk) == 1, "somebody listens")
    try:
        yield
    finally:
        ears.stop()


def listeners(desk: Desk) -> int:
    ((_channel, count),) = desk.broker.client.pubsub_numsub(desk.broker.channel)
    return int(count)


def send(desk: Desk, word: str) -> None:
    """As the relay does."""
    desk.actor.send(word)
    desk.broker.wake([QUEUE])


def test_a_worker_that_rests_is_woken(desk: Desk, settings: Settings, unasked: None) -> None:
    with listening(desk, settings), working(desk):
        until(desk.bells.resting.is_set, "the worker rests")
        send(desk, "one")
        until(desk.has("one"), "it got it")
        until(desk.bells.resting.is_set, "it rests again")
        send(desk, "two")
        until(desk.has("one", "two"), "it got that too")


def test_a_bell_that_rang_while_nobody_waited_is_heard(desk: Desk) -> None:
    desk.bells.ring(QUEUE)

    desk.bells.wait(QUEUE, NEVER)

    assert not desk.bells.resting.is_set()


def test_it_listens_again_after_its_connection_died(desk: Desk, settings: Settings, unasked: None) -> None:
    with listening(desk, settings), working(desk):
        until(desk.bells.resting.is_set, "the worker rests")
        desk.broker.client.client_kill_filter(_type="pubsub")
        until(lambda: listeners(desk) == 1, "it listens again")
        send(desk, "one")
        until(desk.has("one"), "it got it")


def test_what_nobody_rang_for_is_found_all_the_same(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The relay of an earlier release rings no bell."""
    monkeypatch.setattr(waking, "REST_SECONDS", 0.05)
    with working(desk):
        until(desk.bells.resting.is_set, "the worker rests")
        desk.actor.send("one")
        until(desk.has("one"), "it got it")


def test_the_relay_wakes_for_what_it_sends(
    desk: Desk, application: Application, settings: Settings, unasked: None
) -> None:
    connect(application)
    sender = Sender(PostgresSending(application.engine), desk.broker, {QUEUE: desk.actor})
    (deal,) = receive(application, "006A")
    with listening(desk, settings), working(desk):
        until(desk.bells.resting.is_set, "the worker rests")
        order(application, deal)
        sender.relay()
        until(desk.has(str(deal)), "it got it")
