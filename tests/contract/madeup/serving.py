"""Serve a made-up vendor from a thread of the test, with the control surface of the stand-ins."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from werkzeug.serving import make_server

from sandbox.standins.surface import Vendor, build_app


@contextmanager
def serving(vendor: Vendor) -> Iterator[str]:
    """The vendor's address, as long as the block."""
    server = make_server("127.0.0.1", 0, build_app(vendor), threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
