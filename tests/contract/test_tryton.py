"""Tryton passes the suite of ERPs: the real server, and the bench's stand-in that replaces it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.connectors.connector import AnyConnector
from adapters.connectors.registry import connector_of
from oppsync.domain.work.connections import ConnectionRole
from sandbox.contracts.erp import CreatesTogetherContract, CustomersContract, MirrorsContract, RevisesContract
from sandbox.contracts.harness import FixedClock, Harness
from sandbox.embedded.tryton.server import TrytonAddress
from sandbox.standins.process import running
from tests.contract.harness.tryton import of_server, of_standin
from tests.harness.tryton import tryton

__all__ = ["tryton"]


class TestTryton(CustomersContract, RevisesContract, MirrorsContract, CreatesTogetherContract):
    @pytest.fixture(scope="class")
    @classmethod
    def connector(cls) -> AnyConnector:
        return connector_of(ConnectionRole.ERP, "tryton")

    @pytest.fixture(scope="class")
    @classmethod
    def place(cls, tryton: TrytonAddress) -> Harness:
        return of_server(tryton)


class TestTrytonStandin(TestTryton):
    @pytest.fixture(scope="class")
    @classmethod
    def place(cls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Harness]:
        with running("tryton", tmp_path_factory.mktemp("standin") / "tryton.sqlite") as url:
            yield of_standin(url)


def test_an_inspection_names_products_and_statuses_that_are_missing(tmp_path: Path) -> None:
    with running("tryton", tmp_path / "tryton.sqlite") as url:
        access = of_standin(url).access
        settings = access.settings | {"time_product": "NO-SUCH", "closed_status": "Gone"}
        erp = connector_of(ConnectionRole.ERP, "tryton").connect(settings, access.secrets, FixedClock())
        seen = erp.inspect()

    faults = [each.what for each in seen if each.is_fault]
    assert any("lacks the product NO-SUCH" in each for each in faults)
    assert "There is no work status Gone." in faults
