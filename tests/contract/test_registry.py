"""Each vendor of the registry passes its role's contract suite, by a class in the test file of its name."""

from __future__ import annotations

from importlib import import_module

import pytest

from adapters.connectors.registry import CONNECTORS, connector_of
from oppsync.domain.work.connections import ConnectionRole
from sandbox.contracts.crm import CrmContract
from sandbox.contracts.erp import ErpContract
from sandbox.contracts.psa import PsaContract

SUITES = {
    ConnectionRole.CRM: CrmContract,
    ConnectionRole.ERP: ErpContract,
    ConnectionRole.PSA: PsaContract,
}
ROWS = [(role, vendor) for role, rows in CONNECTORS.items() for vendor in rows]


@pytest.mark.parametrize(("role", "vendor"), ROWS)
def test_a_row_is_a_connector_with_a_suite(role: ConnectionRole, vendor: str) -> None:
    connector = connector_of(role, vendor)
    tests = import_module(f"tests.contract.test_{vendor}")

    assert (connector.role, connector.vendor) == (role, vendor)
    assert any(name.startswith("Test") and issubclass(each, SUITES[role]) for name, each in vars(tests).items())
