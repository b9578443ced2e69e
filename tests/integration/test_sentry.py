"""Dead letters reach Sentry where it is configured, with no local variable and no secret in them."""

from __future__ import annotations

import gzip
import threading
import uuid
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
import sentry_sdk

from adapters.runtime.logs import LogReporter, configure_sentry

SECRET = "s3cr3t-of-a-connection"


class Sentry(HTTPServer):
    """Accepts envelopes as Sentry's ingest does, and keeps their text."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Ingest)
        self.envelopes: list[str] = []

    @property
    def dsn(self) -> str:
        return f"http://public@127.0.0.1:{self.server_port}/1"


class _Ingest(BaseHTTPRequestHandler):
    server: Sentry

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        text = gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body
        self.server.envelopes.append(text.decode())
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Quiet."""


@pytest.fixture
def sentry() -> Iterator[Sentry]:
    server = Sentry()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    configure_sentry(server.dsn)
    yield server
    sentry_sdk.get_client().close()
    sentry_sdk.get_global_scope().set_client(None)
    server.shutdown()
    thread.join()
    server.server_close()


def fail(secret: str) -> None:
    assert secret
    raise KeyError("nodes")


def test_a_bug_is_reported_with_its_deal_and_without_local_variables(sentry: Sentry) -> None:
    opportunity_id = uuid.uuid4()
    try:
        fail(SECRET)
    except KeyError as error:
        LogReporter().dead_letter(opportunity_id, "BUG", "KeyError in stage enrich", error)
    sentry_sdk.flush()

    (envelope,) = [text for text in sentry.envelopes if "KeyError" in text]
    assert str(opportunity_id) in envelope
    assert SECRET not in envelope


def test_retries_used_up_are_reported_too(sentry: Sentry) -> None:
    opportunity_id = uuid.uuid4()
    LogReporter().dead_letter(opportunity_id, "RETRIES_EXHAUSTED", "Tryton: not reachable", None)
    sentry_sdk.flush()

    (envelope,) = [text for text in sentry.envelopes if "RETRIES_EXHAUSTED" in text]
    assert str(opportunity_id) in envelope
