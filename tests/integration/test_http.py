"""The one HTTP client against real sockets: what each answer and each failure becomes, and what never leaks."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from adapters.http import MAX_ANSWER_BYTES, Answer, HttpClient, Judgement, read_retry_after
from oppsync.errors import (
    AmbiguousAnswer,
    Misconfigured,
    OppsyncError,
    RateLimited,
    RecordGone,
    VendorRejected,
    VendorUnavailable,
)
from oppsync.send_window import send_window

SECRET = "s3cr3t/with+signs"
Serve = Callable[[socket.socket], None]


@contextmanager
def server(serve: Serve) -> Iterator[str]:
    """Answers every connection with `serve`, which gets it after the request was read."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=_accept, args=(listener, serve), daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)


def _accept(listener: socket.socket, serve: Serve) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        threading.Thread(target=_converse, args=(connection, serve), daemon=True).start()


def _converse(connection: socket.socket, serve: Serve) -> None:
    with connection:
        try:
            connection.recv(65536)
            serve(connection)
        except OSError:
            return  # the client left


def says(status: str, body: bytes = b"{}", *headers: str) -> Serve:
    def serve(connection: socket.socket) -> None:
        lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers]
        connection.sendall("\r\n".join([*lines, "", ""]).encode() + body)

    return serve


def client(url: str, **options: object) -> HttpClient:
    settings: dict[str, object] = {"timeout": 1.0, "total": 5.0, "secrets": [SECRET]} | options
    return HttpClient("Acme", url, headers={"Authorization": f"Bearer {SECRET}"}, **settings)  # type: ignore[arg-type]


def ask(serve: Serve, write: bool, **options: object) -> Answer:
    with server(serve) as url:
        return client(url, **options).request("POST" if write else "GET", "/x", write=write)


def refused(serve: Serve, write: bool, **options: object) -> OppsyncError:
    with pytest.raises(OppsyncError) as caught:
        ask(serve, write, **options)
    return caught.value


def test_numbers_keep_every_digit() -> None:
    answer = ask(says("200 OK", b'{"amount": 12345678901234567.89}'), write=False)
    assert answer.json() == {"amount": Decimal("12345678901234567.89")}


@pytest.mark.parametrize(
    ("status", "on_read", "on_write"),
    [
        ("429 Slow", RateLimited, RateLimited),
        ("500 Broken", VendorUnavailable, AmbiguousAnswer),
        ("502 Gateway", VendorUnavailable, AmbiguousAnswer),
        ("503 Away", VendorUnavailable, AmbiguousAnswer),
        ("504 Late", VendorUnavailable, AmbiguousAnswer),
        ("408 Slow", VendorUnavailable, AmbiguousAnswer),
        ("401 Who", Misconfigured, Misconfigured),
        ("403 No", Misconfigured, Misconfigured),
        ("302 There", Misconfigured, Misconfigured),
        ("400 Bad", VendorRejected, VendorRejected),
        ("404 None", VendorRejected, VendorRejected),
        ("409 Conflict", VendorRejected, VendorRejected),
        ("422 Wrong", VendorRejected, VendorRejected),
    ],
)
def test_a_status_becomes_the_error_that_says_what_happens_next(
    status: str, on_read: type[OppsyncError], on_write: type[OppsyncError]
) -> None:
    assert type(refused(says(status), write=False)) is on_read
    assert type(refused(says(status), write=True)) is on_write


@pytest.mark.parametrize("status", ["429 Slow", "503 Away"])
def test_the_vendors_own_wish_when_to_come_back_is_kept(status: str) -> None:
    error = refused(says(status, b"{}", "Retry-After: 7"), write=True)
    assert isinstance(error, RateLimited | AmbiguousAnswer)
    assert error.retry_after == timedelta(seconds=7)


@pytest.mark.parametrize(
    ("value", "wait"),
    [
        ("120", timedelta(seconds=120)),
        ("Mon, 05 Jan 2026 10:01:00 GMT", timedelta(seconds=60)),
        ("Mon, 05 Jan 2026 09:00:00 GMT", timedelta(0)),
        ("9" * 400, timedelta(days=1)),
        ("9" * 5_000, None),
        ("soon", None),
        ("-5", None),
        ("", None),
        (None, None),
    ],
)
def test_retry_after_in_seconds_or_as_a_date(value: str | None, wait: timedelta | None) -> None:
    assert read_retry_after(value, datetime(2026, 1, 5, 10, 0, tzinfo=UTC)) == wait


def test_a_write_that_comes_too_late_for_its_window_is_not_sent() -> None:
    """Frozen, or kept waiting: by now another may have looked it up and sent it."""
    heard = threading.Event()

    def listening(connection: socket.socket) -> None:
        heard.set()
        says("200 OK")(connection)

    with server(listening) as url, send_window(timedelta(0)):
        with pytest.raises(VendorUnavailable, match="nothing was sent"):
            client(url).request("POST", "/thing", write=True)
        assert not heard.is_set()
        assert client(url).request("GET", "/thing", write=False).is_success
    with server(listening) as url, send_window(timedelta(minutes=1)):
        assert client(url).request("POST", "/thing", write=True).is_success


def test_nobody_there_means_certainly_not_sent() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        free = listener.getsockname()[1]
    with pytest.raises(VendorUnavailable, match="not reachable"):
        client(f"http://127.0.0.1:{free}").request("POST", "/x", write=True)


def test_an_unknown_host_means_certainly_not_sent() -> None:
    with pytest.raises(VendorUnavailable, match="not reachable"):
        client("http://nowhere.invalid").request("POST", "/x", write=True)


def _close(connection: socket.socket) -> None:
    connection.shutdown(socket.SHUT_RDWR)


def _half_an_answer(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 201 Created\r\nContent-Length: 100\r\n\r\n{")


def _another_language(connection: socket.socket) -> None:
    connection.sendall(b"220 mail ready\r\n")


def _silence(connection: socket.socket) -> None:
    connection.recv(1)  # until the client gives up


@pytest.mark.parametrize("failure", [_close, _half_an_answer, _another_language, _silence])
def test_a_write_without_a_whole_answer_is_ambiguous_a_read_is_not(failure: Serve) -> None:
    assert type(refused(failure, write=True, timeout=0.2)) is AmbiguousAnswer
    assert type(refused(failure, write=False, timeout=0.2)) is VendorUnavailable


def _dripping(start: bytes) -> Serve:
    def serve(connection: socket.socket) -> None:
        connection.sendall(start)
        while not _has_left(connection):
            connection.sendall(b"x")

    return serve


def _has_left(connection: socket.socket) -> bool:
    """Waits a moment; True when the client closed its side."""
    connection.settimeout(0.05)
    try:
        return connection.recv(1) == b""
    except TimeoutError:
        return False


@pytest.mark.parametrize(
    "start",
    [b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n", b"HTTP/1.1 200 OK\r\nX-Endless: "],
    ids=["body", "headers"],
)
def test_an_answer_that_drips_ends_with_the_total_deadline(start: bytes) -> None:
    # Each byte comes within the time-out; only the total ends it.
    error = refused(_dripping(start), write=True, timeout=5.0, total=0.5)
    assert type(error) is AmbiguousAnswer
    assert "ReadTimeout" in error.message


def test_an_endless_answer_is_cut_off() -> None:
    huge = says("200 OK", b" " * (MAX_ANSWER_BYTES + 1))
    assert type(refused(huge, write=False)) is VendorRejected
    assert type(refused(huge, write=True)) is AmbiguousAnswer


def test_an_answer_that_is_not_json_after_a_write_is_ambiguous() -> None:
    with pytest.raises(AmbiguousAnswer):
        ask(says("201 Created", b"<html>"), write=True).json()
    with pytest.raises(VendorUnavailable):
        ask(says("200 OK", b'{"a": NaN}'), write=False).json()


def test_what_leaves_is_quoted_and_complete() -> None:
    heard: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

        def hear() -> None:
            for _ in range(3):
                connection, _ = listener.accept()
                with connection:
                    heard.append(connection.recv(65536).decode("utf-8"))
                    says("200 OK")(connection)

        threading.Thread(target=hear, daemon=True).start()
        acme = client(f"http://127.0.0.1:{port}/tenant a/")
        acme.request("GET", "/Köln 1%2F2.json?x=1", write=False, params={"q": "a&b=ü +"})
        acme.request("POST", "/things", write=True, json={"name": "ü"})
        acme.request("POST", "/touch\r\nEvil: 1", write=True)

    first, second, third = (request.partition("\r\n\r\n")[0].split("\r\n") for request in heard)
    assert first[0] == "GET /tenant%20a/K%C3%B6ln%201%2F2.json?x=1&q=a%26b%3D%C3%BC+%2B HTTP/1.1"
    assert f"host: 127.0.0.1:{port}" in first
    assert not [line for line in first if line.startswith("content-")]
    assert (second[0], "content-length: 13" in second) == ("POST /tenant%20a/things HTTP/1.1", True)
    assert "content-type: application/json" in second
    assert third[0] == "POST /tenant%20a/touch%0D%0AEvil:%201 HTTP/1.1"
    assert "content-length: 0" in third


def test_an_expected_status_is_an_answer() -> None:
    with server(says("404 None")) as url:
        assert client(url).request("GET", "/x", write=False, expect={404}).status == 404


def test_a_vendors_own_rows_come_first() -> None:
    def judge(answer: Answer) -> Judgement | None:
        return (RecordGone, f"gone {answer.text}") if answer.status == 404 else None

    assert type(refused(says("404 None"), write=False, judge=judge)) is RecordGone
    assert type(refused(says("429 Slow"), write=False, judge=judge)) is RateLimited


@pytest.mark.parametrize("filling", [0, 280, 295])
def test_no_secret_stands_in_an_error(filling: int) -> None:
    """Not even the beginning of one where the vendor's words are cut."""
    body = b"x" * filling + f"Bearer {SECRET} s3cr3t%2Fwith%2Bsigns".encode()
    with server(says("400 Bad", body)) as url, pytest.raises(VendorRejected) as caught:
        client(url).request("GET", "/x", write=False, params={"token": SECRET, "q": "private"})
    assert "s3cr" not in repr(caught.value)
    assert "private" not in repr(caught.value)


@pytest.mark.parametrize("secret", ["two\nlines", "höflich"])
def test_a_secret_that_no_header_can_carry_is_told_without_it(secret: str) -> None:
    with server(says("200 OK")) as url, pytest.raises(Misconfigured, match="could not be sent") as caught:
        client(url).request("GET", "/x", write=False, headers={"Authorization": secret})
    assert secret not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["", "ftp://x", "http://", "http://user:pass@x", "http://x?token=y", "http://[x", "http://x:99999"]
)
def test_an_unusable_address_is_told_without_repeating_it(url: str) -> None:
    with pytest.raises(Misconfigured, match="base_url") as caught:
        HttpClient("Acme", url)
    assert "pass" not in caught.value.message
