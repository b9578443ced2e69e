"""Kantata passes the suite of PSAs, and its own peculiarities: a search that may find too much, pages, and the
note in a description."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.connectors.connector import AnyConnector
from adapters.connectors.registry import connector_of
from adapters.psa.kantata import note
from adapters.psa.kantata.connector import CONNECTOR
from oppsync.domain.plan.orders import PsaOrder
from oppsync.domain.work.connections import ConnectionRole
from oppsync.kernel.errors import AmbiguousAnswer
from oppsync.ports.psa import Psa
from sandbox.contracts.harness import FixedClock, PsaHarness
from sandbox.contracts.psa import ACTIVE, StaffingInStepsContract
from tests.contract.harness.kantata import kantata

KEYS = [f"oppsync:default:crm:{number}:psa:root" for number in range(450)]


class TestKantata(StaffingInStepsContract):
    @pytest.fixture(scope="class")
    @classmethod
    def connector(cls) -> AnyConnector:
        return connector_of(ConnectionRole.PSA, "kantata")

    @pytest.fixture(scope="class")
    @classmethod
    def place(cls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PsaHarness]:
        with kantata(tmp_path_factory.mktemp("kantata")) as harness:
            yield harness


class _EverythingMatches(BaseHTTPRequestHandler):
    """A Kantata whose search does not filter: all workspaces, page by page."""

    def do_GET(self) -> None:
        asked = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
        start, size = (int(asked["page"]) - 1) * int(asked["per_page"]), int(asked["per_page"])
        ids = [str(number) for number in range(len(KEYS))][start : start + size]
        self._answer(
            {
                "count": len(KEYS),
                "results": [{"key": "workspaces", "id": i} for i in ids],
                "workspaces": {i: {"id": i, "title": "T", "external_reference": KEYS[int(i)]} for i in ids},
            }
        )

    def do_POST(self) -> None:
        self._answer({"count": 0, "results": []})

    def _answer(self, document: object) -> None:
        body = json.dumps(document).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Silent."""


@pytest.fixture
def psa() -> Iterator[Psa]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _EverythingMatches) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        settings = {
            "base_url": f"http://127.0.0.1:{server.server_port}",
            "web_url": "https://app.firm.example/",
        }
        yield CONNECTOR.connect(settings, {"token": "t0ken"}, FixedClock())
        server.shutdown()


def order(key: str) -> PsaOrder:
    return PsaOrder(key=key, title="T", project_number="")


def test_the_exact_key_is_found_on_any_page(psa: Psa) -> None:
    for number in (0, 199, 200, 449):
        found = psa.find_project(order(KEYS[number]))
        assert found is not None
        assert (found.outside_id, found.differences) == (str(number), {})
        assert found.url == f"https://app.firm.example/workspaces/{number}"


def test_what_only_resembles_the_key_is_not_found(psa: Psa) -> None:
    assert psa.find_project(order(KEYS[4][:-1])) is None


def test_a_create_that_answers_nothing_is_not_taken_for_done(psa: Psa) -> None:
    with pytest.raises(AmbiguousAnswer, match="0 records instead of one"):
        psa.create_project(order("new"), ACTIVE)


LINES = st.dictionaries(
    st.sampled_from(["Status", "Project", "Link", "Message"]),
    st.text(st.characters(codec="ascii"), max_size=30),
)


@given(st.text(max_size=80), LINES, LINES)
def test_a_note_replaces_the_older_one_and_nothing_else(
    people: str, older: dict[str, str], newer: dict[str, str]
) -> None:
    once = note.written(people, newer)
    again = note.written(note.written(people, older), newer)
    assert again == once
    kept = {name: " ".join(text.split()) for name, text in newer.items() if text.strip()}
    assert {name: text for name, text in note.read(again).items() if text} == kept


def test_an_inspection_names_a_role_that_the_account_does_not_have(tmp_path: Path) -> None:
    with kantata(tmp_path) as place:
        settings = place.access.settings | {"roles": {"Consultant": 17, "Pilot": 99}}
        seen = CONNECTOR.connect(settings, place.access.secrets, FixedClock()).inspect()
        unmapped = place.access.settings | {"roles": {}}
        offered = CONNECTOR.connect(unmapped, place.access.secrets, FixedClock()).inspect()

    [fault] = [each for each in seen if each.is_fault]
    assert (fault.seen, "Pilot is mapped to 99" in fault.what) == ("missing_record", True)
    assert any("Principal Consultant = 17" in each.what for each in offered)
