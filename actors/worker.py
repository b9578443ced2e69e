"""`python -m actors.worker`: works all stages in the threads of one process; SIGTERM finishes what runs."""

from __future__ import annotations

import os
import signal
import threading

import dramatiq

from actors.broker import make_broker
from actors.stages import declare_actors
from adapters.bootstrap import build
from adapters.environment import read_settings
from adapters.logs import log
from adapters.sizes import worker_pool, worker_threads

# Heroku kills 30 s after SIGTERM.
SHUTDOWN_MILLISECONDS = 22_000


def main() -> None:
    settings = read_settings()
    threads = worker_threads(os.environ)
    application = build(settings, pool_size=worker_pool(threads))
    broker = make_broker(settings.redis_address)
    declare_actors(broker, application)
    worker = dramatiq.Worker(broker, worker_threads=threads)
    stop = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stop.set())
    worker.start()
    log.info("worker_started", threads=threads)
    stop.wait()
    application.stopping.set()
    worker.stop(timeout=SHUTDOWN_MILLISECONDS)
    broker.close()
    log.info("worker_stopped")


if __name__ == "__main__":
    main()
