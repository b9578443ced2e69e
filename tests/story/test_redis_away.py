"""Redis only wakes: whatever happens to it, no deal is lost."""

from __future__ import annotations

import shutil

import redis

from actors.broker import NAMESPACE
from tests.harness.world import World, spread


def test_what_was_queued_when_redis_was_flushed_is_worked_all_the_same(world: World) -> None:
    world.programs["worker"].stop()
    waiting = [world.win(deal) for deal in spread(3)]
    with redis.Redis.from_url(world.servers.redis_url) as client:
        world.until(lambda: client.llen(f"{NAMESPACE}:validate") == len(waiting), "the relay has sent them")
        client.flushall()
    world.programs["worker"].start()
    world.complete(*waiting)


def test_while_redis_is_away_deals_are_taken_in_and_wait_even_when_it_returns_empty(world: World) -> None:
    under_way = world.win(spread(1)[0])
    world.wait_for("awaiting_approval", under_way)
    running = [world.programs[name] for name in ("web", "worker", "relay")]
    world.redis.crash()
    world.approve(under_way)
    deal = world.win(spread(2)[1])
    assert world.until(lambda: world.delivery_of(deal), "the CRM is answered")["status"] == 202
    assert world.opportunity(deal)["state"] == "received"
    ready = world.ask("GET", "/health/ready")
    assert (ready.status, ready.json["status"], ready.json["dependencies"]["postgres"]) == (
        200,
        "degraded",
        "ok",
    )
    shutil.rmtree(world.redis.data / "appendonlydir")
    world.redis.start()
    world.complete(deal)
    world.check_active(under_way)
    assert all(program.is_running for program in running), world.last_words()
