"""The shipped ERPs pass the contract suite of their role: each row of the registry, against the real server.

The bench's stand-ins pass the same suite as the vendors they replace.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from adapters.connectors.connector import AnyConnector
from adapters.connectors.registry import connector_of, vendors_of
from oppsync.domain.work.connections import ConnectionRole
from sandbox.contracts.erp import CancelsContract, CustomersContract
from sandbox.contracts.harness import Harness
from sandbox.standins.process import running
from tests.contract.harness.tryton import of_server, of_standin
from tests.harness.tryton import tryton

__all__ = ["tryton"]

STANDINS = {"tryton_standin": "tryton"}


class TestErps(CustomersContract, CancelsContract):
    @pytest.fixture(scope="class", params=[*vendors_of(ConnectionRole.ERP), *STANDINS])
    @classmethod
    def system(cls, request: pytest.FixtureRequest) -> str:
        return str(request.param)

    @pytest.fixture(scope="class")
    @classmethod
    def connector(cls, system: str) -> AnyConnector:
        return connector_of(ConnectionRole.ERP, STANDINS.get(system, system))

    @pytest.fixture(scope="class")
    @classmethod
    def place(cls, system: str, request: pytest.FixtureRequest) -> Harness:
        """A new ERP needs a fixture of its name here."""
        harness: Harness = request.getfixturevalue(f"{system}_place")
        return harness

    @pytest.fixture(scope="class")
    @classmethod
    def tryton_place(cls, request: pytest.FixtureRequest) -> Harness:
        return of_server(request.getfixturevalue("tryton"))

    @pytest.fixture(scope="class")
    @classmethod
    def tryton_standin_place(cls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Harness]:
        with running("tryton", tmp_path_factory.mktemp("standin") / "tryton.sqlite") as url:
            yield of_standin(url)
