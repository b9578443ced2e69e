"""How many connections each process of the Procfile holds at most, with the platform's variables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

WEB_POOL = 3  # for each web process
RELAY_POOL = 2
LISTENER = 1  # a relay hears of new rows on it, and a worker of new messages
# Shared by the consumers of all queues and the threads that acknowledge; Heroku's small plans allow 18 in all.
BROKER_POOL = 5
# Used to ask for turns at vendors, and to count sign-ins; each question takes a fraction of a millisecond.
TRAFFIC_POOL = 1
HEALTH_CHECK = 1  # a web process asks Redis while somebody looks at its health
# A thread waits for vendors most of its time, and holds a connection for a few milliseconds of each wave.
_WEB_PROCESSES, _WORKER_THREADS = "2", "8"
MOST_SHARED = 4


class Need(NamedTuple):
    process: str
    postgres: int
    redis: int


def web_processes(environ: Mapping[str, str]) -> int:
    return int(environ.get("WEB_CONCURRENCY", _WEB_PROCESSES))


def worker_threads(environ: Mapping[str, str]) -> int:
    return int(environ.get("WORKER_THREADS", _WORKER_THREADS))


def worker_pool(threads: int) -> int:
    """Those that the threads share, and one for the thread that renews their leases."""
    return min(threads, MOST_SHARED) + 1


def needs(environ: Mapping[str, str]) -> tuple[Need, ...]:
    """For one web, one worker and one relay process of the Procfile. Raises ValueError for a bad variable."""
    web = web_processes(environ)
    return (
        Need("web", web * WEB_POOL, web * (HEALTH_CHECK + TRAFFIC_POOL)),
        Need("worker", worker_pool(worker_threads(environ)), BROKER_POOL + TRAFFIC_POOL + LISTENER),
        Need("relay", RELAY_POOL + LISTENER, BROKER_POOL + TRAFFIC_POOL),
    )
