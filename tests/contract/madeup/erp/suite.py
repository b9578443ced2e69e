"""The made-up ERP passes the suite of its role, by its row in the registry."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from adapters.connectors.connector import AnyConnector
from adapters.connectors.registry import connector_of
from oppsync.domain.work.connections import ConnectionRole
from oppsync.kernel.errors import VendorRejected
from oppsync.ports.erp import Erp
from sandbox.contracts.erp import ErpContract
from sandbox.contracts.erp_deals import Deal
from sandbox.contracts.harness import Access
from tests.contract.madeup.erp.server import MadeUpErp
from tests.contract.madeup.serving import serving

TOKEN = "madeup-token-71ac"


@dataclass(frozen=True)
class MadeUpHarness:
    access: Access


class TestMadeUp(ErpContract):
    @pytest.fixture(scope="class")
    @classmethod
    def connector(cls) -> AnyConnector:
        return connector_of(ConnectionRole.ERP, "madeup")

    @pytest.fixture(scope="class")
    @classmethod
    def place(cls) -> Iterator[MadeUpHarness]:
        with serving(MadeUpErp(TOKEN)) as url:
            yield MadeUpHarness(Access({"base_url": url}, {"token": TOKEN}))

    def test_what_it_cannot_close_is_left_to_a_person(self, erp: Erp) -> None:
        deal = Deal()
        (root, *_) = deal.create(erp)

        with pytest.raises(VendorRejected, match=f"close the project {root.outside_id} there"):
            erp.cancel_node(deal.node(), root.outside_id)
