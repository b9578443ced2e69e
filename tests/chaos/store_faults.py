"""Faults of Postgres and Redis: down, emptied, full, read-only, silent, cut off."""

from __future__ import annotations

import time
from random import Random

import redis

from oppsync.pipeline.table import PIPELINE
from tests.chaos.fault import Fault, Injection, until
from tests.chaos.house import House

AWAY_SECONDS = 3.0
NAMESPACE = "oppsync"
PAUSE_MILLISECONDS = 4_000
COMMITS = 6


def messages(house: House) -> int:
    """How many messages Redis holds, also those being worked on."""
    with house.servers.redis() as client:
        return sum(client.hlen(f"{NAMESPACE}:{stage.queue}.msgs") for stage in PIPELINE)


def _refused(house: House, kind: str) -> int:
    """How many commands Redis has refused for this reason."""
    with house.servers.redis() as client:
        stats = client.info("errorstats")
    found = stats.get(f"errorstat_{kind}", {"count": 0})
    return int(found["count"])


def restart_empty(house: House, chance: Random) -> Injection:
    before = house.processes.count_in_log("relay_waits")
    house.servers.kill_redis()
    yield AWAY_SECONDS
    house.servers.empty_redis()
    house.servers.start_redis()
    yield from until(lambda: house.processes.count_in_log("relay_waits") > before, 3)
    return house.processes.count_in_log("relay_waits") - before


def out_of_memory(house: House, chance: Random) -> Injection:
    before = _refused(house, "OOM")
    with house.servers.redis() as client:
        client.config_set("maxmemory", 1)
    yield AWAY_SECONDS
    refused = _refused(house, "OOM") - before
    with house.servers.redis() as client:
        client.config_set("maxmemory", 0)
    return refused


def read_only(house: House, chance: Random) -> Injection:
    before = _refused(house, "READONLY")
    with house.servers.redis() as client:
        client.replicaof("127.0.0.1", "1")
    yield AWAY_SECONDS
    refused = _refused(house, "READONLY") - before
    with house.servers.redis() as client:
        client.replicaof("NO", "ONE")
    return refused


def pause_redis(house: House, chance: Random) -> Injection:
    with house.servers.redis() as client:
        client.client_pause(PAUSE_MILLISECONDS, all=True)
    began = time.monotonic()

    def answers() -> bool:
        client = redis.Redis.from_url(house.servers.redis_url, socket_timeout=0.05)
        try:
            return bool(client.ping())
        except redis.RedisError:
            return False
        finally:
            client.close()

    yield 0.5
    was_mute = not answers()
    yield max(0.0, PAUSE_MILLISECONDS / 1000 - (time.monotonic() - began)) + 0.2
    return int(was_mute)


def crash_postgres(house: House, chance: Random) -> Injection:
    before = _noticed(house)
    house.servers.crash_postgres()
    yield chance.uniform(0.5, 2 * AWAY_SECONDS)
    house.servers.start_postgres()
    yield from until(lambda: _noticed(house) > before, 3)
    return _noticed(house) - before


def _noticed(house: House) -> int:
    """How often the product logged that it waits for Postgres, or answered a delivery without a 2xx."""
    return (
        house.processes.count_in_log("relay_waits")
        + house.processes.count_in_log("store_unavailable")
        + house.crm.unheard
    )


def terminate_connections(house: House, chance: Random) -> Injection:
    terminated = house.servers.terminate_connections()
    yield 0.5
    return terminated


def lose_commit_replies(house: House, chance: Random) -> Injection:
    before = house.postgres.lost_commits
    house.postgres.lose_commits(COMMITS)
    yield from until(lambda: house.postgres.lost_commits >= before + COMMITS, 5)
    house.postgres.lose_commits(0)
    yield 0.2
    return house.postgres.lost_commits - before


def fill_disk(house: House, chance: Random) -> Injection:
    before = _disk_refusals(house)
    house.servers.fill_disk()
    yield from until(lambda: _disk_refusals(house) > before, 2 * AWAY_SECONDS)
    yield 1.0
    house.servers.free_disk()
    yield 0.5
    if not house.servers.postgres_is_up():
        house.servers.start_postgres()
    return _disk_refusals(house) - before


def _disk_refusals(house: House) -> int:
    return house.servers.log.read_bytes().count(b"No space left on device")


POSTGRES, REDIS = frozenset({"postgres"}), frozenset({"redis"})
STORE_FAULTS = (
    Fault("Redis killed, back empty", REDIS, "the relay waited", restart_empty),
    Fault("Redis out of memory", REDIS, "commands refused", out_of_memory),
    Fault("Redis read-only", REDIS, "commands refused", read_only),
    Fault("Redis paused", REDIS, "it did not answer", pause_redis),
    Fault("Postgres crashed", POSTGRES, "the product waited", crash_postgres),
    Fault("connections terminated", POSTGRES, "connections", terminate_connections),
    Fault("reply to COMMIT lost", POSTGRES, "commits nobody heard of", lose_commit_replies),
    Fault(
        "disk full",
        POSTGRES,
        "writes refused",
        fill_disk,
        lambda house: None if house.servers.disk_is_small else "needs a user namespace with a tmpfs",
    ),
)
