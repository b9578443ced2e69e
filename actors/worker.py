"""`python -m actors.worker`: run all stages in the threads of one process; on SIGTERM finish the running
ones."""

from __future__ import annotations

import os

import dramatiq

from actors.broker import make_broker
from actors.polling import Poller
from actors.stages import declare_actors
from actors.stopping import stop_event, stop_listening
from actors.waking import Ears
from adapters.bootstrap import build
from adapters.runtime.connection_budget import worker_pool, worker_threads
from adapters.runtime.environment import read_settings
from adapters.runtime.logs import log

# Heroku kills 30 s after SIGTERM.
SHUTDOWN_MILLISECONDS = 22_000
# Where they share a machine, webhooks and pages, for which somebody waits, go before the work of the stages.
NICENESS = 5


def main() -> None:
    os.nice(NICENESS)
    settings = read_settings()
    threads = worker_threads(os.environ)
    application = build(settings, pool_size=worker_pool(threads), threads=threads)
    broker = make_broker(settings.redis_address)
    declare_actors(broker, application)
    worker = dramatiq.Worker(broker, worker_threads=threads)
    stop = stop_event()
    ears = Poller("listen", Ears(broker, settings.redis_address).step)
    ears.start()
    worker.start()
    log.info("worker_started", threads=threads)
    stop.wait()
    application.stopping.set()
    worker.stop(timeout=SHUTDOWN_MILLISECONDS)
    ears.stop()
    broker.close()
    stop_listening()
    log.info("worker_stopped")


if __name__ == "__main__":
    main()
