"""Salesforce's REST API as far as we use it: sign-in, queries in one composite call, fields of one record."""

from __future__ import annotations

import base64
import threading
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, TypeVar
from urllib.parse import urlencode, urlsplit

from pydantic import TypeAdapter, ValidationError

from adapters.connectors.http.client import DEFAULT_PORTS, OPEN_GATE, Answer, Gate, HttpClient
from adapters.connectors.http.paging import Paging
from adapters.crm.salesforce import wire
from adapters.crm.salesforce.errors import FORGOTTEN, GONE, errors_of, judge, judge_sign_in
from adapters.crm.salesforce.limits import read_limit_info
from oppsync.kernel import canonical_json
from oppsync.kernel.errors import Misconfigured, RecordGone, VendorUnavailable

VENDOR = "Salesforce"
TOKEN_PATH = "/services/oauth2/token"  # noqa: S105
# Orgs are below these: everywhere, for US authorities, and in China (*My Domain*, Salesforce Help).
VENDORS_OWN = ("salesforce.com", "salesforce.mil", "sfcrmproducts.cn")

Shape = TypeVar("Shape")
Records = list[dict[str, Any]]


@dataclass(frozen=True)
class Found:
    """Records that queries found; `at` is Salesforce's own clock at its answer, None when it did not state
    it."""

    org_url: str
    at: datetime | None
    records: Mapping[str, Records]


@dataclass(frozen=True)
class OrgSession:
    """An access token, and the host it is for."""

    http: HttpClient
    token: str = field(repr=False)

    def send(self, method: str, path: str, **options: Any) -> Answer:
        headers = {"authorization": f"Bearer {self.token}"}
        return self.http.request(method, path, headers=headers, **options)


class SalesforceClient:
    """One org as one user. Thread-safe. Raises what `HttpClient.request` raises, by the table of `errors`.

    The token is fetched on first use, and once again when Salesforce no longer accepts it.
    """

    def __init__(
        self,
        base_url: str,
        api_version: str,
        client_id: str,
        client_secret: str,
        *,
        timeout: float,
        gate: Gate = OPEN_GATE,
    ) -> None:
        basic = base64.b64encode(f"{client_id}:{client_secret}".encode()).decode()
        self._secrets = [client_id, client_secret]
        self._timeout = timeout
        self._gate = gate
        self._login = HttpClient(
            VENDOR,
            base_url,
            headers={"authorization": f"Basic {basic}", "content-type": "application/x-www-form-urlencoded"},
            secrets=self._secrets,
            timeout=timeout,
            total=timeout,
            judge=judge_sign_in,
            gate=gate,
        )
        self._data = f"/services/data/v{api_version}"
        self._lock = threading.Lock()
        self._session: OrgSession | None = None

    def query(self, queries: Mapping[str, str]) -> Found:
        """The records of each query (name -> SOQL, at most five): one call, and one for each further page."""
        parts = [
            {"method": "GET", "url": f"{self._data}/query?{urlencode({'q': soql})}", "referenceId": name}
            for name, soql in queries.items()
        ]
        path = f"{self._data}/composite"
        session, answer = self._call("POST", path, write=False, json={"compositeRequest": parts})
        replies = {part.name: part for part in _read(wire.CompositeReply, answer, answer.json()).parts}
        if missing := queries.keys() - replies.keys():
            raise VendorUnavailable(f"{answer.call}: the answer lacks the parts {sorted(missing)}")
        records = {name: self._all_pages(session, answer, replies[name]) for name in queries}
        return Found(session.http.base_url, _clock_of(answer), records)

    def _all_pages(self, session: OrgSession, answer: Answer, part: wire.CompositePart) -> Records:
        # The outer status is 200 even when parts failed.
        own = replace(answer, status=part.status, body=canonical_json.dumps(part.body).encode())
        if not own.is_success:
            raise session.http.refusal(own)
        page = _read(wire.QueryPage, answer, part.body)
        records = list(page.records)
        paging = Paging(f"{answer.call}: {part.name}")
        while page.next_page is not None:
            paging.turn(page.next_page)
            _, answer = self._call("GET", page.next_page, write=False)
            page = _read(wire.QueryPage, answer, answer.json())
            records += page.records
        return records

    def deleted(self, sobject: str, start: datetime, end: datetime) -> wire.DeletedReply | None:
        """List what was deleted from the minute of `start` to that of `end`; None where Salesforce no longer
        knows that so far back."""
        params = {"start": start.isoformat(timespec="seconds"), "end": end.isoformat(timespec="seconds")}
        path = f"{self._data}/sobjects/{sobject}/deleted/"
        expect = {HTTPStatus.BAD_REQUEST}
        session, answer = self._call("GET", path, write=False, expect=expect, params=params)
        if answer.is_success:
            return _read(wire.DeletedReply, answer, answer.json())
        if any(code in FORGOTTEN for code, _ in errors_of(answer)):
            return None
        raise session.http.refusal(answer)

    def describe(self, sobject: str) -> wire.Described | None:
        """The object as this user may see it; None when it is not there for them."""
        expect = {HTTPStatus.NOT_FOUND}
        session, answer = self._call(
            "GET", f"{self._data}/sobjects/{sobject}/describe", write=False, expect=expect
        )
        if answer.is_success:
            return _read(wire.Described, answer, answer.json())
        if any(code in GONE for code, _ in errors_of(answer)):
            return None
        raise session.http.refusal(answer)

    def daily_calls(self) -> wire.Allocation:
        """How many calls the org may get in 24 hours, and how many are left."""
        _, answer = self._call("GET", f"{self._data}/limits", write=False)
        return _read(wire.LimitsReply, answer, answer.json()).daily_calls

    def fields(self, sobject: str, record_id: str, names: Iterable[str]) -> dict[str, Any]:
        """Read fields of a record. Raises RecordGone."""
        params = {"fields": ",".join(names)}
        answer = self._record_call("GET", sobject, record_id, write=False, params=params)
        return _read(TypeAdapter(dict[str, Any]), answer, answer.json())

    def set_fields(self, sobject: str, record_id: str, values: Mapping[str, Any]) -> None:
        """Write fields of a record. Raises RecordGone."""
        self._record_call("PATCH", sobject, record_id, write=True, json=values)

    def _record_call(self, method: str, sobject: str, record_id: str, *, write: bool, **content: Any) -> Answer:
        path = f"{self._data}/sobjects/{sobject}/{record_id}"
        session, answer = self._call(method, path, write=write, expect={HTTPStatus.NOT_FOUND}, **content)
        if answer.is_success:
            return answer
        if any(code in GONE for code, _ in errors_of(answer)):
            raise RecordGone(f"{VENDOR}: the record {record_id} does not exist")
        raise session.http.refusal(answer)

    def _call(
        self, method: str, path: str, *, write: bool, expect: Collection[int] = (), **content: Any
    ) -> tuple[OrgSession, Answer]:
        """Repeat once with a new token when Salesforce no longer accepts ours (the first call was not carried
        out)."""
        session = self._signed_in(None)
        expected = {HTTPStatus.UNAUTHORIZED, *expect}
        answer = session.send(method, path, write=write, expect=expected, **content)
        if answer.status == HTTPStatus.UNAUTHORIZED:
            session = self._signed_in(session)
            answer = session.send(method, path, write=write, expect=expect, **content)
        return session, answer

    def _signed_in(self, refused: OrgSession | None) -> OrgSession:
        """A session other than the `refused` one; the first thread to notice fetches it for all."""
        with self._lock:
            if self._session is None or self._session is refused:
                self._session = self._sign_in()
            return self._session

    def _sign_in(self) -> OrgSession:
        answer = self._login.request("POST", TOKEN_PATH, write=False, content=b"grant_type=client_credentials")
        reply = _read(wire.TokenReply, answer, answer.json())
        # An answer must not make us send the token, and customers' data, unencrypted or to somebody else.
        if not is_of_the_org(reply.instance_url, self._login.base_url):
            raise Misconfigured(
                f"{VENDOR}: the answer's instance_url is no host of {VENDOR} and not that of base_url, or it "
                "differs in http and https: check the connection's address"
            )
        http = HttpClient(
            VENDOR,
            reply.instance_url,
            secrets=self._secrets,
            timeout=self._timeout,
            total=self._timeout,
            judge=judge,
            read_limits=read_limit_info,
            gate=self._gate,
        )
        return OrgSession(http, reply.access_token)


def is_of_the_org(instance_url: str, base_url: str) -> bool:
    """Whether a token may be sent there: the configured host, or one of Salesforce's own at its usual port."""
    try:
        scheme, host, port = _origin(instance_url)
        configured = _origin(base_url)
    except ValueError:
        return False
    own = port == DEFAULT_PORTS.get(scheme) and any(host.endswith(f".{domain}") for domain in VENDORS_OWN)
    return scheme == configured[0] and (own or (host, port) == configured[1:])


def _origin(url: str) -> tuple[str, str, int | None]:
    """Scheme, host and port. Raises ValueError for a host that is none."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if not host or any(sign in host for sign in "\\/?#@"):
        raise ValueError(host)
    return parts.scheme, host, parts.port or DEFAULT_PORTS.get(parts.scheme)


def _clock_of(answer: Answer) -> datetime | None:
    try:
        return parsedate_to_datetime(answer.headers["date"]).astimezone(UTC)
    except (KeyError, ValueError):
        return None


def _read(shape: type[Shape] | TypeAdapter[Shape], answer: Answer, document: Any) -> Shape:
    """Parse the answer. Raises `Answer.unreadable` when it does not have the documented shape."""
    adapter = shape if isinstance(shape, TypeAdapter) else TypeAdapter(shape)
    try:
        return adapter.validate_python(document)
    except ValidationError as error:
        where = ", ".join(".".join(map(str, fault["loc"])) or "body" for fault in error.errors()[:3])
        raise answer.unreadable(f"the answer is not as documented: {where}") from None
