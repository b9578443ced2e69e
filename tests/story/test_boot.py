"""Started while Redis or Postgres is down, every process waits, reports it, and goes on by itself."""

from __future__ import annotations

import pytest

from adapters.operations.supervisor import PRODUCT
from tests.harness.ground import Answer
from tests.harness.world import World, spread


@pytest.fixture
def stopped(world: World) -> World:
    """A world whose product does not run yet."""
    for name in PRODUCT:
        world.programs[name].stop()
    return world


def start(world: World) -> Answer:
    """Start web, worker and relay; returns web's health."""
    for name in PRODUCT:
        world.programs[name].start()
    world.until(lambda: world.ask("GET", "/health/live").status == 200, "web lives")
    return world.ask("GET", "/health/ready")


def says(world: World, program: str, what: str) -> bool:
    return what in world.programs[program].last_words()


def all_run(world: World) -> bool:
    return all(world.programs[name].is_running for name in PRODUCT)


def test_started_without_redis_deals_are_taken_in_and_wait_for_it(stopped: World) -> None:
    world = stopped
    world.redis.crash()
    ready = start(world)
    assert (ready.status, ready.json["status"]) == (200, "degraded")
    assert "Redis cannot be reached" in ready.json["dependencies"]["redis"]
    world.until(lambda: says(world, "relay", "relay_waits"), "the relay says what it waits for")
    deal = world.win(spread(1)[0])
    assert world.until(lambda: world.delivery_of(deal), "the CRM is answered")["status"] == 202
    assert all_run(world), world.last_words()

    world.redis.start()

    world.until(lambda: world.ask("GET", "/health/ready").json["status"] == "ok", "web is ready")
    world.complete(deal)
    assert all_run(world), world.last_words()


def test_started_without_postgres_everything_waits_for_it(stopped: World) -> None:
    world = stopped
    world.postgres.crash()
    ready = start(world)
    assert (ready.status, ready.json["status"]) == (503, "away")
    assert "Postgres cannot be reached" in ready.json["dependencies"]["postgres"]
    world.until(lambda: says(world, "relay", "relay_waits"), "the relay says what it waits for")
    deal = world.win(spread(1)[0])
    assert world.until(lambda: world.delivery_of(deal), "the CRM is answered")["status"] == 503
    assert all_run(world), world.last_words()

    world.postgres.start()

    world.until(lambda: world.ask("GET", "/health/ready").json["status"] == "ok", "web is ready")
    world.complete(deal)
    assert all_run(world), world.last_words()
