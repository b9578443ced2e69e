"""A new vendor needs only what the guide lists (docs/connectors.md): one package, one row, and its test file.

In a copy of the project each made-up vendor is added in these steps.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

import pytest

from adapters.bootstrap import Application
from oppsync.domain.work.connections import Connection, ConnectionRole
from oppsync.kernel import canonical_json
from oppsync.kernel.settings import Settings
from sandbox.standins.surface import Vendor
from tests.contract.madeup.crm.server import MadeUpCrm
from tests.contract.madeup.erp.server import MadeUpErp
from tests.contract.madeup.psa.server import MadeUpPsa
from tests.contract.madeup.serving import serving
from tests.harness.copied_tree import CopiedTree

MADE_UP = Path(__file__).parent / "madeup"
REGISTRY = "adapters/connectors/registry.py"
ROLES = {"crm": ConnectionRole.CRM, "erp": ConnectionRole.ERP, "psa": ConnectionRole.PSA}
# The vendor whose row the new one stands beside.
BESIDE = {"crm": "salesforce", "erp": "tryton", "psa": "kantata"}
SECRETS = {"crm": "key", "erp": "token", "psa": "token"}


def add_vendor(tree: CopiedTree, folder: str) -> None:
    package = f"adapters/{folder}/madeup"
    tree.write(f"{package}/__init__.py", "")
    tree.put(MADE_UP / folder / "connector.py", f"{package}/connector.py")
    role, known = ROLES[folder].name, BESIDE[folder]
    row = f'    ConnectionRole.{role}: {{"{known}": "adapters.{folder}.{known}.connector:CONNECTOR"}},'
    both = row.replace("},", f', "madeup": "adapters.{folder}.madeup.connector:CONNECTOR"}},')
    tree.replace(REGISTRY, row, both)


@pytest.mark.parametrize("folder", ROLES)
def test_a_vendor_passes_its_suite_by_a_package_and_a_row(folder: str, tmp_path: Path) -> None:
    tree = CopiedTree(tmp_path)
    add_vendor(tree, folder)
    tree.put(MADE_UP / folder / "suite.py", "tests/contract/test_madeup.py")

    told = tree.test("tests/contract/test_madeup.py", "tests/contract/test_registry.py")

    assert "test_madeup.py::TestMadeUp::test_what_it_claims_is_tested" in told
    assert f"test_a_row_is_a_connector_with_a_suite[{ROLES[folder]}-madeup]" in told


def test_a_vendor_without_a_test_file_is_missed(tmp_path: Path) -> None:
    tree = CopiedTree(tmp_path)
    add_vendor(tree, "crm")

    with pytest.raises(AssertionError, match=r"tests\.contract\.test_madeup"):
        tree.test("tests/contract/test_registry.py")


def test_the_doctor_knows_vendors_by_their_rows(
    application: Application, settings: Settings, tmp_path: Path
) -> None:
    tree = CopiedTree(tmp_path / "copy")
    vendors: dict[str, Vendor] = {
        "crm": MadeUpCrm("a-secret"),
        "erp": MadeUpErp("a-secret"),
        "psa": MadeUpPsa("a-secret"),
    }
    with ExitStack() as stack:
        urls = {folder: stack.enter_context(serving(vendor)) for folder, vendor in vendors.items()}
        told = _doctor_of(tree, urls, application, settings, tmp_path)

    says = {check["name"]: check["says"] for check in canonical_json.loads(told)["checks"]}
    assert [says[f"connection {folder}-1"] for folder in ROLES] == [
        "CRM: Made-up CRM.",
        (
            "ERP: Made-up ERP. It creates no customers and closes nothing that was created and only notes "
            "limits of invoices, which people have to watch and gives no master data, so that each look-up "
            "asks it."
        ),
        "PSA: Made-up PSA.",
    ]
    assert [says[f"answer of {folder}-1"] for folder in ROLES] == [
        "Made-up CRM answers, and knows the credentials.",
        "Made-up ERP answers, and knows the credentials.",
        "Made-up PSA answers, and knows the credentials.",
    ]


def _doctor_of(
    tree: CopiedTree, urls: Mapping[str, str], application: Application, settings: Settings, home: Path
) -> str:
    for folder in ROLES:
        add_vendor(tree, folder)
    with application.uow() as uow:
        for folder, role in ROLES.items():
            connection = Connection(
                tenant_id=application.tenant_id,
                id=f"{folder}-1",
                role=role,
                vendor="madeup",
                name=folder,
                settings={"base_url": urls[folder]},
            )
            uow.connections.put(connection, {SECRETS[folder]: "a-secret"})
        uow.commit()

    return tree.run(
        *("-m", "adapters.cli", "doctor", "--json"),
        environ={
            "DATABASE_URL": settings.database_url.get_secret_value(),
            "REDIS_URL": settings.redis_url.get_secret_value(),
            "OPPSYNC_SECRET_KEYS": settings.secret_keys.get_secret_value(),
            "OPPSYNC_HOME": str(home),
        },
    )
