"""The made-up PSA passes the suite of its role, by its row in the registry."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from adapters.connectors.connector import AnyConnector
from adapters.connectors.registry import connector_of
from oppsync.domain.work.connections import ConnectionRole
from sandbox.contracts.harness import Access, PsaHarness
from sandbox.contracts.psa import StaffingContract
from sandbox.standins.control import StandinControl
from tests.contract.madeup.psa.server import CLOSED, NAMELESS, TAKEN, MadeUpPsa
from tests.contract.madeup.serving import serving

TOKEN = "madeup-token-c4d1"


class MadeUpHarness:
    searching = {"method": "GET", "path": "/jobs"}
    creating = {"method": "POST", "path": "/jobs"}
    writing = {"method": "PATCH", "path": "/jobs/"}
    asking = asking_last = {"method": "POST", "path": "/openings"}
    cancelling = {"method": "DELETE", "path": "/openings/"}
    refusals = {"untitled": NAMELESS, "archived": CLOSED, "staffed": TAKEN}

    def __init__(self, url: str, vendor: MadeUpPsa) -> None:
        self.control = StandinControl(url)
        self.access = Access({"base_url": url, "roles": {"Consultant": 17}}, {"token": TOKEN})
        self._vendor = vendor

    def projects(self, key: str) -> list[dict[str, str]]:
        return [
            {"id": job["id"], "title": job["name"], "text": "\n".join([job["memo"], *job["labels"].values()])}
            for job in self._vendor.jobs.values()
            if job["ref"] == key
        ]

    def archive(self, outside_id: str) -> None:
        self._vendor.close(outside_id)

    def describe(self, outside_id: str, text: str) -> None:
        self._vendor.write_memo(outside_id, text)

    def requests(self, key: str) -> list[dict[str, str]]:
        return [
            {
                "id": opening["id"],
                "project": opening["job"],
                "role": opening["role"],
                "text": opening["remark"],
                "minutes": str(opening["minutes"]),
            }
            for opening in self._vendor.openings.values()
            if opening["ref"] == key
        ]

    def staff(self, outside_id: str) -> None:
        self._vendor.name_somebody(outside_id)


class TestMadeUp(StaffingContract):
    @pytest.fixture(scope="class")
    @classmethod
    def connector(cls) -> AnyConnector:
        return connector_of(ConnectionRole.PSA, "madeup")

    @pytest.fixture(scope="class")
    @classmethod
    def place(cls) -> Iterator[PsaHarness]:
        vendor = MadeUpPsa(TOKEN)
        with serving(vendor) as url:
            yield MadeUpHarness(url, vendor)
