"""Slow senders and the real gunicorn: they hold connections, never the threads that answer others."""

from __future__ import annotations

import http.client
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from oppsync.kernel.settings import Settings
from tests.harness.programs import Program, reserved_ports
from tests.harness.slow_senders import Sender, slow_senders
from tests.harness.waiting import HANG_SECONDS, NotYet, until
from tests.web.office import Office
from tests.web.test_webhooks import ADDRESS, BODY, signed

Serve = Callable[[str], int]
MORE_THAN_THREADS = 17
HEAD = b"POST /webhooks/sf-demo HTTP/1.1\r\nHost: localhost\r\n"
KINDS = {
    "a head that never ends": (b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n", b"X-More: 1\r\n"),
    "an unsigned body that never ends": (HEAD + b"Content-Length: 100000\r\n\r\n{", b" "),
    "chunks that never end": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n", b"1\r\n \r\n"),
    "nothing at all": (b"", b""),
}


@pytest.fixture
def serve(settings: Settings, tmp_path: Path) -> Iterator[Serve]:
    """Start web as the Procfile does, with one process and another worker class; returns its port."""
    started: list[Program] = []

    def start(worker: str) -> int:
        environment = {
            "DATABASE_URL": settings.database_url.get_secret_value(),
            "REDIS_URL": settings.redis_url.get_secret_value(),
            "OPPSYNC_SECRET_KEYS": settings.secret_keys.get_secret_value(),
            "WEB_CONCURRENCY": "1",
            "PORT": str(port),
        }
        command = f"gunicorn --config web/gunicorn.py --worker-class {worker} web.wsgi:app"
        web = Program("web", command, environment, tmp_path / "web.log")
        started.append(web)
        web.start()
        until(lambda: answered(port, "GET", "/health/live") == 200, "web lives", web.last_words)
        return port

    with reserved_ports(1) as [port]:
        yield start
        for web in started:
            web.stop()


def answered(port: int, method: str, path: str, body: str | None = None, **headers: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=HANG_SECONDS)
    try:
        connection.request(method, path, body, headers)
        return connection.getresponse().status
    except ConnectionError as error:
        raise NotYet from error
    finally:
        connection.close()


def raw(port: int, request: bytes) -> bytes:
    sender = Sender(port, request, b"")
    with sender.connection:
        return sender.answer()


@pytest.mark.parametrize("kind", KINDS)
def test_while_many_send_slowly_others_are_answered(serve: Serve, office: Office, kind: str) -> None:
    port = serve("tests.harness.slow_senders.Patient")
    with slow_senders(port, MORE_THAN_THREADS, *KINDS[kind]) as senders:
        assert answered(port, "GET", "/health/ready") == 200
        for sender in senders:
            sender.drip()
        assert answered(port, "POST", ADDRESS, BODY, **signed()["headers"]) == 202
        assert all(sender.is_open for sender in senders)


def test_while_many_do_not_close_what_was_answered_others_are_answered(serve: Serve, office: Office) -> None:
    port = serve("tests.harness.slow_senders.Patient")
    request = b"GET /health/live HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    with slow_senders(port, MORE_THAN_THREADS, request, b"") as senders:
        for sender in senders:
            assert sender.answer().startswith(b"HTTP/1.1 200")
        assert answered(port, "GET", "/health/live") == 200
        for sender in senders:
            sender.drip()


@pytest.mark.parametrize("kind", ["a head that never ends", "an unsigned body that never ends"])
def test_a_request_that_does_not_arrive_in_time_is_given_up(serve: Serve, office: Office, kind: str) -> None:
    port = serve("tests.harness.slow_senders.Impatient")
    first, _ = KINDS[kind]
    assert raw(port, first).startswith(b"HTTP/1.1 408")


def test_more_slow_senders_than_there_is_room_for_push_out_the_oldest(serve: Serve, office: Office) -> None:
    port = serve("tests.harness.slow_senders.Patient")
    with slow_senders(port, 201, *KINDS["a head that never ends"]) as senders:
        assert senders[0].answer().startswith(b"HTTP/1.1 503")
        assert senders[-1].is_open
        assert answered(port, "GET", "/health/live") == 200


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"not a size\r\n", 400),
        (b"5\r\n{}{}{}too long\r\n0\r\n\r\n", 400),
        (b"-1\r\n", 400),
        (b"2\r\n{}\r\n0\r\n\r\n", 401),
    ],
)
def test_an_unsigned_chunk_that_is_none_is_a_bad_request(
    serve: Serve, office: Office, body: bytes, status: int
) -> None:
    port = serve("web.whole_requests.WholeRequests")
    request = HEAD + b"Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n" + body
    assert raw(port, request).startswith(f"HTTP/1.1 {status}".encode())


def test_a_body_over_the_limit_is_refused_without_being_read(serve: Serve, office: Office) -> None:
    port = serve("tests.harness.slow_senders.Patient")
    assert raw(port, HEAD + b"Content-Length: 10000000\r\n\r\n").startswith(b"HTTP/1.1 413")


def test_a_sender_that_asks_first_is_told_to_go_on(serve: Serve, office: Office) -> None:
    port = serve("tests.harness.slow_senders.Patient")
    head = HEAD + b"Connection: close\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"
    with Sender(port, head, b"{}").connection as connection:
        assert connection.recv(25, socket.MSG_WAITALL) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(b"{}")
        rest = b"".join(iter(lambda: connection.recv(65_536), b""))
        assert b"HTTP/1.1 401" in rest


def test_requests_follow_each_other_on_one_connection(serve: Serve, office: Office) -> None:
    port = serve("tests.harness.slow_senders.Patient")
    one = b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n"
    last = b"GET /health/live HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    assert raw(port, one + one + last).count(b"HTTP/1.1 200") == 3
