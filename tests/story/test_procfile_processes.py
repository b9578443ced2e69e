"""The Procfile's commands on a Postgres and a Redis started elsewhere, given by two variables."""

from __future__ import annotations

import signal

import psycopg
import pytest
import redis
from sqlalchemy.engine import make_url

from adapters.operations.supervisor import PRODUCT
from tests.harness.world import World, spread

# Connections of Postgres (essential plans: 20) and of Redis (the smallest plan), less some for people.
SMALLEST_PLAN = 18


@pytest.fixture
def stopped(world: World) -> World:
    """A world whose product does not run yet."""
    for name in PRODUCT:
        world.programs[name].stop()
    return world


def test_each_by_itself_does_a_deal_and_keeps_within_the_smallest_plans(stopped: World) -> None:
    world = stopped
    world.run("release")
    world.start_product()
    many = [world.win(deal) for deal in spread(6)]
    world.wait_for("awaiting_approval", *many)
    for deal in many:
        world.approve(deal)
    most = [0, 0]

    def all_are_active() -> bool:
        for index, now in enumerate((postgres_connections(world), redis_clients(world))):
            most[index] = max(most[index], now)
        return all(world.opportunity(deal)["state"] == "active" for deal in many)

    world.until(all_are_active, "all deals are active")
    world.check_active(*many)
    assert all(0 < number <= SMALLEST_PLAN for number in most), most
    assert not list(world.untouched.rglob("*")), "servers of our own were touched"


def test_all_of_them_in_one_dyno_do_a_deal_and_end_together(stopped: World) -> None:
    world = stopped
    together = world.add("all", "all")
    together.start()
    world.complete(world.win())
    assert 0 < postgres_connections(world) <= SMALLEST_PLAN
    assert 0 < redis_clients(world) <= SMALLEST_PLAN
    together.signal(signal.SIGTERM)
    assert together.ended() == 0, together.last_words()
    assert redis_clients(world) == 0
    assert not list(world.untouched.rglob("*")), "servers of our own were touched"


def postgres_connections(world: World) -> int:
    world.application.close()  # the story's own
    with psycopg.connect(
        make_url(world.servers.database_url).set(drivername="postgresql").render_as_string()
    ) as ours:
        query = """select count(*) from pg_stat_activity
                   where backend_type = 'client backend' and pid <> pg_backend_pid()"""
        row = ours.execute(query).fetchone()
    assert row
    return int(row[0])


def redis_clients(world: World) -> int:
    with redis.Redis.from_url(world.servers.redis_url) as ours:
        return len(ours.client_list()) - 1
