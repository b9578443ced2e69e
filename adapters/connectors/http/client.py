"""One HTTP client for all vendors: time limits, a size limit, redaction, and the table that turns answers and
failures into our errors.

After a write, `VendorUnavailable` and `RateLimited` mean that it was certainly not carried out,
`AmbiguousAnswer` that its outcome is unknown.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Protocol
from urllib.parse import quote, urlencode, urlsplit

import httpcore2
import idna

from adapters.connectors.http.deadline import DeadlineBackend, deadline
from adapters.connectors.http.redact import redact
from adapters.connectors.http.signals import SILENT, Signal, read_limit_headers
from oppsync.kernel import canonical_json
from oppsync.kernel.crash_points import crash_point
from oppsync.kernel.errors import (
    AmbiguousAnswer,
    BusinessError,
    HeldBack,
    Misconfigured,
    OppsyncError,
    RateLimited,
    TransientError,
    VendorRejected,
    VendorUnavailable,
)
from oppsync.kernel.send_deadline import may_still_send

SUCCESS = 2  # the first digit
MAX_ANSWER_BYTES = 5 * 1024 * 1024
# After a wait for a turn that was too long.
AGAIN = timedelta(seconds=1)
LONGEST_RETRY_AFTER = timedelta(days=1)
QUOTED_CHARACTERS = 300
DEFAULT_PORTS = {"http": 80, "https": 443}
# These characters stay as they are in a path or query; `%` begins what is quoted already.
URL_SIGNS = "%/?:@!$&'()*+,;=[]"
# For these methods some servers demand a Content-Length even when the body is empty.
WITH_BODY = {"POST", "PUT", "PATCH"}
SECRET_HEADERS = {"authorization", "proxy-authorization", "cookie", "x-api-key", "x-api-token"}
# Every failure that ends a call before its answer is whole; the library has no common base class for them.
FAILURES = (httpcore2.TimeoutException, httpcore2.NetworkError, httpcore2.ProtocolError, UnicodeError)

ErrorClass = type[TransientError] | type[BusinessError]


@dataclass(frozen=True)
class Answer:
    """The vendor's answer to `call`; header names in lower case."""

    call: str
    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    after_write: bool = False
    secrets: frozenset[str] = field(default=frozenset(), repr=False)

    @property
    def is_success(self) -> bool:
        return self.status // 100 == SUCCESS

    def json(self) -> Any:
        """The body, fractions as `Decimal`. Raises the error of `unreadable`."""
        try:
            return canonical_json.loads(self.body)
        except canonical_json.UnreadableJson as error:
            raise self.unreadable(f"{self.status}, but no readable JSON: {error}") from None

    def unreadable(self, why: str) -> TransientError:
        """The error for an answer that is not as it should be: AmbiguousAnswer after a write, else
        VendorUnavailable. `why` may quote the answer."""
        words = redact(why, self.secrets)[:QUOTED_CHARACTERS]
        return unanswered(self.after_write)(f"{self.call}: {words}")

    @property
    def text(self) -> str:
        """The body for people, on one line."""
        return " ".join(self.body.decode("utf-8", "replace").replace("\x00", "").split()) or "no explanation"

    @property
    def retry_after(self) -> timedelta | None:
        return read_retry_after(self.headers.get("retry-after"), datetime.now(UTC))


# How a vendor's own table reads a refusal: our error class, and the vendor's text for people.
Judgement = tuple[ErrorClass, str]
Judge = Callable[[Answer], Judgement | None]
# Reads the vendor's limits out of an answer's headers (names in lower case).
ReadLimits = Callable[[Mapping[str, str], datetime], Signal]


@dataclass(frozen=True)
class Sent:
    """A request as it is sent. `target`: path and query. `secrets` are texts that may occur anywhere in it."""

    method: str
    target: str
    content: bytes | None = field(default=None, repr=False)
    secrets: frozenset[str] = field(default=frozenset(), repr=False)


@dataclass
class CallTrace:
    """One call and its outcome. `sent` is set once something may have left. `signal`: the limits that the
    answer stated."""

    sent: Sent | None = None
    answer: Answer | None = None
    error: OppsyncError | None = None
    signal: Signal = SILENT


class Gate(Protocol):
    """Decides before each call to a connection whether it may begin, and learns how it ended."""

    def call(self, name: str, seconds: float) -> AbstractContextManager[CallTrace]:
        """Wraps one call of at most `seconds`. Raises HeldBack or VendorUnavailable when it may not begin."""


class OpenGate:
    """Lets every call through: for checks and tests that talk to one vendor alone."""

    @contextmanager
    def call(self, name: str, seconds: float) -> Iterator[CallTrace]:
        yield CallTrace()


OPEN_GATE = OpenGate()


class HttpClient:
    """Talks to one base URL. Thread-safe; build it after the process forked.

    `timeout` (seconds) is for each connect, read or write, `total` for the whole call. `secrets` are texts that
    must never occur in an error; the values of authorization headers are added automatically. `judge` holds the
    vendor's own rows: it is asked first about every answer that is neither 2xx nor expected, and returns None
    to leave the answer to the table here. `read_limits` reads the vendor's limit headers. Every call goes
    through `gate`. Raises Misconfigured for an unusable `base_url`.
    """

    def __init__(
        self,
        vendor: str,
        base_url: str,
        *,
        headers: Mapping[str, str] | None = None,
        timeout: float = 10.0,
        total: float = 20.0,
        secrets: Collection[str] = (),
        judge: Judge | None = None,
        read_limits: ReadLimits = read_limit_headers,
        gate: Gate = OPEN_GATE,
    ) -> None:
        self.vendor = vendor
        self._url = _checked(vendor, base_url)
        self.base_url = base_url.rstrip("/")
        self._headers = {
            "host": _host_header(self._url),
            "user-agent": "oppsync",
            "accept": "application/json",
            "accept-encoding": "identity",
        } | _lowered(headers)
        self._timeouts = dict.fromkeys(("pool", "connect", "read", "write"), timeout)
        self._total = total
        self._secrets = frozenset(secrets)
        self._judge = judge
        self._read_limits = read_limits
        self._gate = gate
        self._pool = httpcore2.ConnectionPool(
            ssl_context=_trusted_roots(self._url.scheme),
            max_connections=8,
            max_keepalive_connections=2,
            keepalive_expiry=4,
            network_backend=DeadlineBackend(),
        )

    def close(self) -> None:
        self._pool.close()

    def request(
        self,
        method: str,
        path: str,
        *,
        write: bool,
        params: Mapping[str, str] | None = None,
        json: Any = None,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        expect: Collection[int] = (),
    ) -> Answer:
        """Return the answer when its status is 2xx or expected.

        `write`: whether the call may change something at the vendor; after its `send_deadline` it is not sent.
        `json` and `content` exclude each other. Raises VendorUnavailable, AmbiguousAnswer, RateLimited,
        Misconfigured, VendorRejected, an error of the vendor's `judge`, or HeldBack when the gate refuses: then
        nothing was sent.
        """
        all_headers = self._headers | _lowered(headers)
        if json is not None:
            content = canonical_json.dumps(json).encode()
            all_headers.setdefault("content-type", "application/json")
        secrets = self._secrets | _secrets_in(all_headers)
        call = redact(f"{self.vendor}: {method} {urlsplit(path).path}", secrets)
        try:
            request = self._request(method, path, params, content, all_headers)
        except UnicodeError as error:
            raise _error(_judge_failure(error, False), call, secrets) from None
        with self._gate.call(call, self._total) as exchange:
            if write and not may_still_send():
                raise HeldBack(f"{call}: it waited too long for its turn; nothing was sent", retry_after=AGAIN)
            exchange.sent = Sent(method, request.url.target.decode(), content, secrets)
            answer = exchange.answer = self._answer(request, call, write, secrets)
            exchange.signal = self._signal(answer)
            if answer.is_success or answer.status in expect:
                return answer
            raise self.refusal(answer)

    def _request(
        self,
        method: str,
        path: str,
        params: Mapping[str, str] | None,
        content: bytes | None,
        headers: dict[str, str],
    ) -> httpcore2.Request:
        """Raises UnicodeError for characters that no address or header can carry."""
        query = f"?{urlencode(params, quote_via=quote)}" if params else ""
        target = self._url.target + quote(path + query, safe=URL_SIGNS).encode()
        length = {"content-length": str(len(content or b""))} if content or method in WITH_BODY else {}
        return httpcore2.Request(
            method,
            self._url,
            headers=[
                (name.encode("ascii"), value.encode("ascii")) for name, value in (headers | length).items()
            ],
            content=content,
            extensions={"target": target, "timeout": self._timeouts},
        )

    def _answer(self, request: httpcore2.Request, call: str, write: bool, secrets: frozenset[str]) -> Answer:
        try:
            with deadline(self._total):
                return replace(self._exchange(request, call, write), secrets=secrets)
        except FAILURES as error:
            # `from None`: the library's texts may quote the address, its query and header values.
            raise _error(_judge_failure(error, write), call, secrets) from None

    def _signal(self, answer: Answer) -> Signal:
        """The limits that the answer states; the Retry-After of a refusal holds the whole connection back."""
        signal = self._read_limits(answer.headers, datetime.now(UTC))
        if answer.is_success or answer.retry_after is None:
            return signal
        return replace(signal, hold=max(answer.retry_after, signal.hold or timedelta(0)))

    def refusal(self, answer: Answer) -> TransientError | BusinessError:
        """The error for an answer that is no success; also for one part of an answer that has several."""
        judgement = (self._judge(answer) if self._judge else None) or judge_status(answer)
        return _error(judgement, f"{answer.call}: {answer.status}", answer.secrets, answer.retry_after)

    def _exchange(self, request: httpcore2.Request, call: str, write: bool) -> Answer:
        what = f"{self.vendor} {request.method.decode()}"
        crash_point("request.leaves", what)
        with closing(self._pool.handle_request(request)) as response:
            body = bytearray()
            for chunk in response.iter_stream():
                body += chunk
                if len(body) > MAX_ANSWER_BYTES:
                    kind = AmbiguousAnswer if write else VendorRejected
                    raise kind(f"{call}: the answer is larger than {MAX_ANSWER_BYTES} bytes")
            crash_point("request.answered", what)
            return Answer(call, response.status, _read_headers(response.headers), bytes(body), write)


def judge_status(answer: Answer) -> Judgement:
    """The table that all vendors share."""
    match answer.status, answer.status // 100:
        case 429, _:
            return RateLimited, "too many requests"
        case 401, _:
            return Misconfigured, "the credentials were refused: check the connection's secrets"
        case 403, _:
            return Misconfigured, "the credentials lack a permission: check what this user may do there"
        case _, 3:
            return Misconfigured, "it points elsewhere: check the connection's base URL"
        case (408 | 425, _) | (_, 5):
            return unanswered(answer.after_write), answer.text
        case _:
            return VendorRejected, answer.text


def _judge_failure(error: Exception, write: bool) -> Judgement:
    """The error for a call that got no answer."""
    name = type(error).__name__
    match error:
        case httpcore2.ConnectError() | httpcore2.ConnectTimeout() | httpcore2.PoolTimeout():
            return VendorUnavailable, f"not reachable ({name})"
        case httpcore2.LocalProtocolError() | UnicodeError():
            return Misconfigured, f"could not be sent ({name}): check the connection's base URL and secrets"
        case _:
            return unanswered(write), f"no whole answer ({name})"


def unanswered(write: bool) -> type[AmbiguousAnswer] | type[VendorUnavailable]:
    return AmbiguousAnswer if write else VendorUnavailable


def _error(
    judgement: Judgement, call: str, secrets: Collection[str], retry_after: timedelta | None = None
) -> TransientError | BusinessError:
    kind, words = judgement
    # Redacted before it is cut: half a secret is a secret too.
    message = f"{call}: {redact(words, secrets)[:QUOTED_CHARACTERS]}"
    return kind(message, retry_after=retry_after) if issubclass(kind, TransientError) else kind(message)


def read_retry_after(value: str | None, now: datetime) -> timedelta | None:
    """Seconds or an HTTP date (RFC 9110), limited to a day; None when absent or unreadable."""
    if not value:
        return None
    try:
        if value.isascii() and value.isdigit():
            return min(timedelta(seconds=min(int(value), 10**9)), LONGEST_RETRY_AFTER)
        moment = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    wait = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - now
    return min(max(wait, timedelta(0)), LONGEST_RETRY_AFTER)


def _secrets_in(headers: Mapping[str, str]) -> frozenset[str]:
    """The values of secret headers, and what follows their scheme (`Bearer …`)."""
    values = [value for name, value in headers.items() if name in SECRET_HEADERS]
    return frozenset(values) | {value.rpartition(" ")[2] for value in values}


def _lowered(headers: Mapping[str, str] | None) -> dict[str, str]:
    return {name.lower(): value for name, value in (headers or {}).items()}


def _read_headers(fields: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Headers by name in lower case; the values of a repeated name are joined into one list (RFC 9110, 5.3)."""
    headers: dict[str, str] = {}
    for raw_name, raw_value in fields:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


def _checked(vendor: str, base_url: str) -> httpcore2.URL:
    """The base URL in wire form; its target is the prefix of every call's path."""
    try:
        parts = urlsplit(base_url)
        port = parts.port
        host = _host(parts.hostname or "")
        target = quote(parts.path.rstrip("/"), safe=URL_SIGNS)
        # `urlsplit` drops line ends silently, but in an address they are a mistake.
        usable = parts.scheme in DEFAULT_PORTS and host and base_url.isprintable()
    except (ValueError, AttributeError, TypeError):
        usable = False
    if not usable:
        raise Misconfigured(f"{vendor}: the address must be one of http or https")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise Misconfigured(f"{vendor}: the address must be nothing else: put credentials into the secrets")
    return httpcore2.URL(scheme=parts.scheme, host=host, port=port, target=target)


def _trusted_roots(scheme: bytes) -> ssl.SSLContext | None:
    """The machine's root certificates, which take long to read: once for each client, since a pool without them
    reads them for each connection, and never for a server that shows no certificate."""
    return httpcore2.default_ssl_context() if scheme == b"https" else None


def _host(name: str) -> str:
    return name if name.isascii() else idna.encode(name).decode()


def _host_header(url: httpcore2.URL) -> str:
    host = url.host.decode()
    host = f"[{host}]" if ":" in host else host
    return host if url.port in (None, DEFAULT_PORTS[url.scheme.decode()]) else f"{host}:{url.port}"
