"""The one HTTP client against real sockets: the result of each answer and each failure, and that nothing
leaks."""

from __future__ import annotations

import ipaddress
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from adapters.connectors.http.client import (
    MAX_ANSWER_BYTES,
    Answer,
    CallTrace,
    HttpClient,
    Judgement,
    read_retry_after,
)
from adapters.connectors.http.deadline import DeadlineBackend
from oppsync.kernel.errors import (
    AmbiguousAnswer,
    HeldBack,
    Misconfigured,
    OppsyncError,
    RateLimited,
    RecordGone,
    VendorRejected,
    VendorUnavailable,
)
from oppsync.kernel.send_deadline import send_deadline

SECRET = "s3cr3t/with+signs"
Serve = Callable[[socket.socket], None]


@contextmanager
def server(serve: Serve, heard: list[bytes] | None = None, tls: ssl.SSLContext | None = None) -> Iterator[str]:
    """Answers every connection with `serve`, which gets it after the request was read and put into `heard`."""
    plain = socket.create_server(("127.0.0.1", 0))
    with tls.wrap_socket(plain, server_side=True) if tls else plain as listener:
        arguments = (listener, serve, [] if heard is None else heard)
        threading.Thread(target=_accept, args=arguments, daemon=True).start()
        yield f"{'https' if tls else 'http'}://127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)


def _accept(listener: socket.socket, serve: Serve, heard: list[bytes]) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        threading.Thread(target=_converse, args=(connection, serve, heard), daemon=True).start()


def _converse(connection: socket.socket, serve: Serve, heard: list[bytes]) -> None:
    with connection:
        try:
            heard.append(connection.recv(65536))
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


def test_a_write_that_comes_after_its_deadline_is_not_sent() -> None:
    """It was paused or delayed: by now another worker may have looked the effect up and sent it again."""
    heard = threading.Event()

    def listening(connection: socket.socket) -> None:
        heard.set()
        says("200 OK")(connection)

    with server(listening) as url, send_deadline(timedelta(0)):
        with pytest.raises(HeldBack, match="nothing was sent"):
            client(url).request("POST", "/thing", write=True)
        assert not heard.is_set()
        assert client(url).request("GET", "/thing", write=False).is_success
    with server(listening) as url, send_deadline(timedelta(minutes=1)):
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
    """Wait a moment; True when the client closed its side."""
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
    # Each byte comes within the time-out; only the total ends the call.
    error = refused(_dripping(start), write=True, timeout=5.0, total=2.0)
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
    """Not even the beginning of a secret where the vendor's text is cut."""
    body = b"x" * filling + f"Bearer {SECRET} s3cr3t%2Fwith%2Bsigns s3cr3t\\/with&#43;signs".encode()
    with server(says("400 Bad", body)) as url, pytest.raises(VendorRejected) as caught:
        client(url).request("GET", "/x", write=False, params={"token": SECRET, "q": "private"})
    assert "s3cr" not in repr(caught.value)
    assert "private" not in repr(caught.value)


@pytest.mark.parametrize("write", [False, True])
def test_what_cannot_be_read_is_quoted_without_secrets(write: bool) -> None:
    twice = f'"{SECRET}": 1'.replace("/", "\\/")
    with pytest.raises((VendorUnavailable, AmbiguousAnswer), match="is there twice") as caught:
        ask(says("200 OK", f"{{{twice}, {twice}}}".encode()), write=write).json()
    assert "s3cr" not in caught.value.message


@pytest.mark.parametrize("secret", ["two\nlines", "höflich"])
def test_a_secret_that_no_header_can_carry_is_told_without_it(secret: str) -> None:
    with server(says("200 OK")) as url, pytest.raises(Misconfigured, match="could not be sent") as caught:
        client(url).request("GET", "/x", write=False, headers={"Authorization": secret})
    assert secret not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "ftp://x",
        "http://",
        "http://user:pass@x",
        "http://x?token=y",
        "http://[x",
        "http://x:99999",
        "http://x\n/",
        "http://ü..x",
    ],
)
def test_an_unusable_address_is_told_without_repeating_it(url: str) -> None:
    with pytest.raises(Misconfigured, match="the address must be") as caught:
        HttpClient("Acme", url)
    assert "pass" not in caught.value.message


class Noting:
    """A gate that lets every call through and records it."""

    def __init__(self) -> None:
        self.exchanges: list[CallTrace] = []

    @contextmanager
    def call(self, name: str, seconds: float) -> Iterator[CallTrace]:
        self.exchanges.append(CallTrace())
        yield self.exchanges[-1]

    @property
    def targets(self) -> list[str]:
        return [exchange.sent.target for exchange in self.exchanges if exchange.sent]


def _head(request: bytes) -> tuple[str, set[str]]:
    line, *fields = request.partition(b"\r\n\r\n")[0].decode("ascii").split("\r\n")
    return line, {field.lower() for field in fields}


def test_what_stands_on_the_wire() -> None:
    heard: list[bytes] = []
    gate = Noting()
    with server(says("200 OK"), heard) as url:
        acme = client(f"{url}/books/", gate=gate)
        acme.request("GET", "/x", write=False, params={"name": "Müller & Co/1", "mail": "a@b.example"})
        acme.request("POST", "/x", write=True, json={"a": "ü"})
        acme.request("POST", "/x", write=True)

    own = {
        f"host: {url.removeprefix('http://')}",
        f"authorization: bearer {SECRET}",
        "accept: application/json",
        "accept-encoding: identity",
        "user-agent: oppsync",
    }
    asked = "/books/x?name=M%C3%BCller%20%26%20Co%2F1&mail=a%40b.example"
    assert [_head(request) for request in heard] == [
        (f"GET {asked} HTTP/1.1", own),
        ("POST /books/x HTTP/1.1", own | {"content-type: application/json", "content-length: 10"}),
        ("POST /books/x HTTP/1.1", own | {"content-length: 0"}),
    ]
    assert gate.targets == [asked, "/books/x", "/books/x"]


@pytest.mark.parametrize(
    ("path", "sent"),
    [
        ("/a%20b/c+d?q=%25x&r=a+b", "/a%20b/c+d?q=%25x&r=a+b"),
        ("/ü b?q=<ß>", "/%C3%BC%20b?q=%3C%C3%9F%3E"),
        ("/a\r\nX-Evil: 1", "/a%0D%0AX-Evil:%201"),
    ],
    ids=["quoted already", "not quoted", "line ends"],
)
def test_a_path_is_quoted_where_it_is_not_yet(path: str, sent: str) -> None:
    heard: list[bytes] = []
    with server(says("200 OK"), heard) as url:
        client(url).request("GET", path, write=False)
    assert _head(heard[0])[0] == f"GET {sent} HTTP/1.1"


def test_a_text_that_no_address_can_carry_is_not_sent() -> None:
    gate = Noting()
    half = "\ud800"
    for asked in ({"path": f"/{half}"}, {"path": "/x", "params": {"q": half}}):
        with pytest.raises(Misconfigured, match="could not be sent"):
            client("http://127.0.0.1:1", gate=gate).request("GET", write=False, **asked)
    assert not gate.exchanges


@pytest.mark.parametrize(
    ("base_url", "host", "port", "header"),
    [
        ("http://acme.example", "acme.example", 80, "acme.example"),
        ("HTTP://Acme.Example:80/", "acme.example", 80, "acme.example"),
        ("http://acme.example:443", "acme.example", 443, "acme.example:443"),
        ("http://straße.example:81", "xn--strae-oqa.example", 81, "xn--strae-oqa.example:81"),
        ("http://[::1]:82", "::1", 82, "[::1]:82"),
    ],
)
def test_whom_it_calls_and_by_which_name(
    base_url: str, host: str, port: int, header: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[bytes] = []
    called: list[tuple[str, int]] = []
    connect = DeadlineBackend.connect_tcp

    with server(says("200 OK"), heard) as url:

        def here(
            self: DeadlineBackend, host: str, port: int, timeout: float | None, **options: object
        ) -> object:
            called.append((host, port))
            return connect(self, "127.0.0.1", int(url.rpartition(":")[2]), timeout)

        monkeypatch.setattr(DeadlineBackend, "connect_tcp", here)
        client(base_url).request("GET", "/x", write=False)
    assert called == [(host, port)]
    assert f"host: {header}" in _head(heard[0])[1]


def test_nothing_is_taken_from_the_environment_or_from_the_call_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("all_proxy", "http://127.0.0.1:1")
    heard: list[bytes] = []
    with server(says("200 OK", b"{}", "Set-Cookie: a=b; Path=/"), heard) as url:
        acme = client(url)
        for _ in range(2):
            acme.request("GET", "/x", write=False)
    assert len(heard) == 2
    assert _head(heard[0]) == _head(heard[1])


def test_a_connection_is_used_again() -> None:
    heard: list[bytes] = []

    def stays(connection: socket.socket) -> None:
        while True:
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
            if not connection.recv(65536):
                return

    with server(stays, heard) as url:
        acme = client(url)
        for _ in range(3):
            acme.request("GET", "/x", write=False)
        acme.close()
    assert len(heard) == 1


def test_headers_of_an_answer_in_lower_case_and_several_of_a_name_as_one() -> None:
    answer = ask(says("200 OK", b"{}", "X-Limit: 1", "x-limit: 2", "X-Name: M\xfcller"), write=False)
    assert answer.headers["x-limit"] == "1, 2"
    assert "x-name" in answer.headers


def _certificate(folder: Path) -> Path:
    """A self-signed certificate for 127.0.0.1, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    here = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    valid = builder.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    signed = valid.add_extension(here, critical=False).sign(key, hashes.SHA256())
    file = folder / "certificate.pem"
    plain = serialization.NoEncryption()
    file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
        + signed.public_bytes(serialization.Encoding.PEM)
    )
    return file


def test_a_server_is_believed_only_with_a_certificate_that_this_machine_trusts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = _certificate(tmp_path)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    heard: list[bytes] = []
    with server(says("200 OK"), heard, tls) as url, pytest.raises(VendorUnavailable, match="not reachable"):
        client(url).request("POST", "/x", write=True)
    assert not heard

    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with server(says("200 OK"), heard, tls) as url:
        assert client(url).request("POST", "/x", write=True).is_success
