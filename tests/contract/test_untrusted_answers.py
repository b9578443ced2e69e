"""A vendor that errs, or somebody who answers in its place: listings that never end, and a token for another
host."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from adapters.connectors.http.paging import LONGEST_SECONDS, MOST_PAGES, Paging
from adapters.crm.salesforce.client import is_of_the_org
from adapters.crm.salesforce.connector import CONNECTOR as SALESFORCE
from adapters.psa.kantata.connector import CONNECTOR as KANTATA
from oppsync.domain.plan.orders import PsaOrder
from oppsync.kernel.errors import Misconfigured, OppsyncError, VendorRejected, VendorUnavailable
from sandbox.contracts.harness import FixedClock

# A listing that nobody bounds ends here, so that a test of it fails and does not hang.
_ENDS_AFTER = 3 * MOST_PAGES
ORDER = PsaOrder(key="oppsync:default:crm:1:psa:root", title="T", project_number="")

# Which page a call asked for, counted from 1 -> the JSON answer.
Page = Callable[[str, int], Any]


@contextmanager
def vendor(page: Page) -> Iterator[tuple[str, list[str]]]:
    """The address of a vendor that answers with `page`, and the paths that were asked for."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            asked.append(self.path)
            body = json.dumps(page(f"http://{self.headers['Host']}{self.path}", len(asked))).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = _answer  # noqa: N815 - as the base class calls them

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Silent."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", asked
        server.shutdown()


def workspaces(first: int, count: int) -> dict[str, Any]:
    ids = [str(number) for number in range(first, first + 2)]
    return {
        "count": count,
        "results": [{"key": "workspaces", "id": each} for each in ids],
        "workspaces": {each: {"id": each, "title": "T"} for each in ids},
    }


def without_regard_to_the_page(url: str, call: int) -> dict[str, Any]:
    return workspaces(1, 0 if call > _ENDS_AFTER else 10**6)


def always_more(url: str, call: int) -> dict[str, Any]:
    number = int(parse_qs(urlsplit(url).query)["page"][0])
    return workspaces(2 * number, 0 if call > _ENDS_AFTER else 10**6)


def salesforce(next_page: Callable[[int], str]) -> Page:
    def answer(url: str, call: int) -> Any:
        if url.endswith("/token"):
            return {"access_token": "00D!x", "instance_url": url.partition("/services")[0]}
        more = {} if call > _ENDS_AFTER else {"nextRecordsUrl": f"/services/data/v62.0/query/{next_page(call)}"}
        found = {"records": [], "done": not more, **more}
        if not url.endswith("/composite"):
            return found
        return {"compositeResponse": [{"referenceId": "won", "httpStatusCode": 200, "body": found}]}

    return answer


def from_kantata(url: str) -> None:
    KANTATA.connect({"base_url": url}, {"token": "t0ken"}, FixedClock()).find_project(ORDER)


def from_salesforce(url: str) -> None:
    crm = SALESFORCE.connect({"base_url": url}, {"client_id": "i", "client_secret": "s3cret"}, FixedClock())
    crm.won_opportunities(date(2026, 1, 1), None)


@pytest.mark.parametrize(
    ("page", "read", "refused", "calls"),
    [
        (without_regard_to_the_page, from_kantata, VendorUnavailable, 2),
        (always_more, from_kantata, VendorRejected, MOST_PAGES + 1),
        (salesforce(lambda call: "01g-2000"), from_salesforce, VendorUnavailable, 3),
        (salesforce(lambda call: f"01g-{call % 3}"), from_salesforce, VendorUnavailable, 5),
        (salesforce(lambda call: f"01g-{call}"), from_salesforce, VendorRejected, MOST_PAGES + 2),
    ],
    ids=["Kantata ignores the page", "Kantata always has more", "one page", "a circle", "Salesforce has more"],
)
def test_a_listing_that_never_ends_is_given_up(
    page: Page, read: Callable[[str], None], refused: type[OppsyncError], calls: int
) -> None:
    with vendor(page) as (url, asked), pytest.raises(refused, match="listing"):
        read(url)
    assert len(asked) <= calls


def test_a_listing_whose_pages_take_too_long_is_given_up() -> None:
    moments = iter([0.0, 1.0, LONGEST_SECONDS, LONGEST_SECONDS + 1])
    paging = Paging("Acme: GET /things", now=lambda: next(moments))
    paging.turn("a")
    paging.turn("b")
    with pytest.raises(VendorUnavailable, match="longer"):
        paging.turn("c")


@pytest.mark.parametrize(
    "instance_url",
    [
        "http://169.254.169.254",
        "http://evil.example",
        "http://evil.example/.salesforce.com",
        "http://firm.my.salesforce.com@evil.example",
        "http://evil.example#.salesforce.com",
        "http://evil.example\\.salesforce.com",
        "http://evilsalesforce.com",
        "http://salesforce.com.evil.example",
        "http://127.0.0.1:1",
        "http://firm.my.salesforce.com:8443",
        "http://[::1",
        "http://",
        "",
    ],
)
def test_the_token_is_sent_to_no_other_host(instance_url: str) -> None:
    def page(url: str, call: int) -> Any:
        return {"access_token": "00D!x", "instance_url": instance_url}

    with vendor(page) as (url, asked), pytest.raises(Misconfigured, match="instance_url") as refused:
        from_salesforce(url)
    assert len(asked) == 1
    assert "evil" not in refused.value.message


@pytest.mark.parametrize(
    "instance_url",
    [
        "https://firm.my.salesforce.com",
        "https://firm--test.sandbox.my.salesforce.com/",
        "https://FIRM.my.salesforce.com:443",
        "https://firm.my.salesforce.mil",
        "https://firm.my.sfcrmproducts.cn",
        "https://login.firm.example",
    ],
)
def test_the_vendor_s_own_hosts_and_the_configured_one_are_those_of_the_org(instance_url: str) -> None:
    assert is_of_the_org(instance_url, "https://login.firm.example")
