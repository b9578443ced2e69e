"""A new vendor needs only what the guide (docs/connectors.md) lists: one package and one row."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from adapters.connectors.connector import AnyConnector
from adapters.runtime.plugins import load
from oppsync.kernel.errors import VendorRejected
from oppsync.ports.erp import Erp
from sandbox.contracts.erp import Deal, ErpContract
from sandbox.contracts.harness import Access
from tests.contract.madeup.server import TOKEN, running_vendor

ROW = {"madeup": "tests.contract.madeup.connector:CONNECTOR"}


@dataclass(frozen=True)
class MadeUpHarness:
    access: Access


class TestMadeUp(ErpContract):
    @pytest.fixture(scope="class")
    @classmethod
    def connector(cls) -> AnyConnector:
        connector: AnyConnector = load(ROW, "madeup")
        return connector

    @pytest.fixture(scope="class")
    @classmethod
    def place(cls) -> Iterator[MadeUpHarness]:
        with running_vendor() as url:
            yield MadeUpHarness(Access({"base_url": url}, {"token": TOKEN}))

    def test_what_it_cannot_close_is_left_to_a_person(self, erp: Erp) -> None:
        deal = Deal()
        (root, *_) = deal.create(erp)

        with pytest.raises(VendorRejected, match=f"close the project {root.outside_id} there"):
            erp.cancel_node(deal.node(), root.outside_id)
