"""The shipped CRMs pass the contract suite of their role: each row of the registry, in a process of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from adapters.connectors.connector import AnyConnector
from adapters.connectors.registry import connector_of, vendors_of
from oppsync.domain.work.connections import ConnectionRole
from sandbox.contracts.crm import OwnerHistoryContract, PollsContract
from sandbox.contracts.harness import CrmHarness
from tests.contract.harness.salesforce import salesforce

# A new CRM needs a harness here.
HARNESSES: dict[str, Callable[[Path], AbstractContextManager[CrmHarness]]] = {"salesforce": salesforce}


class TestCrms(PollsContract, OwnerHistoryContract):
    @pytest.fixture(scope="class", params=vendors_of(ConnectionRole.CRM))
    @classmethod
    def connector(cls, request: pytest.FixtureRequest) -> AnyConnector:
        return connector_of(ConnectionRole.CRM, request.param)

    @pytest.fixture(scope="class")
    @classmethod
    def place(cls, connector: AnyConnector, tmp_path_factory: pytest.TempPathFactory) -> Iterator[CrmHarness]:
        with HARNESSES[connector.vendor](tmp_path_factory.mktemp(connector.vendor)) as harness:
            yield harness
