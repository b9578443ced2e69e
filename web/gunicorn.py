"""How gunicorn serves the pages, the API and the webhooks; sizes come from the platform's variables."""

import gc
import os
import signal
from typing import Any

bind = f"0.0.0.0:{os.environ.get('PORT', '8000')}"
worker_class = "web.whole_requests.WholeRequests"
workers = int(os.environ.get("WEB_CONCURRENCY", "2"))
threads = 8
preload_app = True  # shared memory; connections are opened after the fork only
graceful_timeout = 20
control_socket_disable = True
accesslog = None


def when_ready(_server: Any) -> None:
    """Exempt the objects that exist before the fork from garbage collection, so that the workers go on sharing
    them."""
    gc.collect()
    gc.freeze()


def on_exit(_server: Any) -> None:
    """Ignore further signals. As Python ends, signals get their deadly meaning back, and platforms send SIGTERM
    twice."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
