"""The made-up CRM passes the suite of its role, by its row in the registry."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime

import pytest

from adapters.connectors.connector import AnyConnector
from adapters.connectors.registry import connector_of
from oppsync.domain.work.connections import ConnectionRole
from sandbox.contracts.crm import OwnerHistoryContract, PollsContract
from sandbox.contracts.harness import WON_ON, Access, CrmHarness
from sandbox.standins.control import StandinControl
from tests.contract.madeup.crm.server import MadeUpCrm
from tests.contract.madeup.serving import serving

KEY = "madeup-key-3b8e"
ITEMS = (
    {"what": "Steering", "hours": 120, "each": 160_00, "sum": 19_200_00},
    {"what": "Migration", "hours": 200, "each": 130_00, "sum": 26_000_00},
)


class MadeUpHarness:
    reading = {"method": "GET", "path": "/deals"}
    writing = {"method": "PUT", "path": "/deals/"}
    no_such_id = "4999"
    limit_reached = {"status": 429}

    def __init__(self, url: str, vendor: MadeUpCrm) -> None:
        self.control = StandinControl(url)
        self.access = Access({"base_url": url}, {"key": KEY})
        self._vendor = vendor

    def win(self, won_on: date = WON_ON) -> str:
        return str(self._vendor.win(won_on, ITEMS))

    def lose(self, deal_id: str) -> None:
        self._vendor.lose(int(deal_id))

    def hand_over(self, deal_id: str, name: str, email: str) -> None:
        self._vendor.hand_over(int(deal_id), name, email)

    def delete(self, deal_id: str, minutes_ago: int) -> None:
        self._vendor.delete(int(deal_id), minutes_ago)

    def undelete(self, deal_id: str) -> None:
        self._vendor.restore(int(deal_id))

    def forget_deletions(self) -> None:
        self._vendor.empty_the_bin()

    def notification(self, *deal_ids: str) -> bytes:
        told = [{"id": int(each), "changed": self._vendor.deal(int(each))["changed"]} for each in deal_ids]
        return json.dumps({"deals": told}).encode()

    def notification_of(self, deal_id: str) -> bytes:
        return self.notification(deal_id)

    def now(self) -> datetime:
        return datetime.fromtimestamp(self._vendor.clock() / 1_000, UTC)

    def end_sessions(self) -> None:
        """Its key has no sessions."""

    def written(self, deal_id: str) -> dict[str, str]:
        notes = self._vendor.deal(int(deal_id))["notes"]
        return {
            "status": notes["project status"],
            "project_number": notes["project"],
            "project_url": notes["project link"],
            "activated_at": notes["project since"],
            "message": notes["project message"],
        }


class TestMadeUp(PollsContract, OwnerHistoryContract):
    @pytest.fixture(scope="class")
    @classmethod
    def connector(cls) -> AnyConnector:
        return connector_of(ConnectionRole.CRM, "madeup")

    @pytest.fixture(scope="class")
    @classmethod
    def place(cls) -> Iterator[CrmHarness]:
        vendor = MadeUpCrm(KEY)
        with serving(vendor) as url:
            yield MadeUpHarness(url, vendor)
