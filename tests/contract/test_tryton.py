"""Tryton passes the suite of ERPs: the real server, and the bench's stand-in that replaces it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from adapters.connectors.connector import AnyConnector
from adapters.connectors.registry import connector_of
from oppsync.domain.work.connections import ConnectionRole
from sandbox.contracts.erp import CustomersContract, RevisesContract
from sandbox.contracts.harness import Harness
from sandbox.embedded.tryton.server import TrytonAddress
from sandbox.standins.process import running
from tests.contract.harness.tryton import of_server, of_standin
from tests.harness.tryton import tryton

__all__ = ["tryton"]


class TestTryton(CustomersContract, RevisesContract):
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
