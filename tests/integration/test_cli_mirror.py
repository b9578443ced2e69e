"""`oppsync mirror`: master data of an ERP is read at once, shown and listed, also without a relay."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from adapters.bootstrap import Application
from adapters.cli.__main__ import oppsync
from oppsync.domain.values.actor import COMMAND_LINE
from oppsync.domain.values.model import changed
from oppsync.domain.work.connections import Connection, ConnectionRole
from oppsync.kernel import canonical_json
from oppsync.kernel.settings import Settings
from oppsync.services.admin.commands import SetConnection
from sandbox.standins.process import running
from tests.harness.builders import TENANT
from tests.integration.test_tryton_standin import ask

Run = Callable[..., Result]
ERP = "erp"


@pytest.fixture
def tryton(tmp_path: Path, application: Application) -> Iterator[str]:
    with running("tryton", tmp_path / "tryton.sqlite") as url:
        settings = {"base_url": url, "database": "erp"}
        connection = Connection(
            tenant_id=TENANT,
            id=ERP,
            role=ConnectionRole.ERP,
            vendor="tryton",
            name="Our ERP",
            settings=settings,
        )
        secrets = {"rest_key": "tryton-standin-rest-key"}
        application.dispatch(SetConnection(TENANT, COMMAND_LINE, connection, secrets))
        yield url


@pytest.fixture
def run(settings: Settings, tmp_path: Path, tryton: str) -> Run:
    environment = {
        "DATABASE_URL": settings.database_url.get_secret_value(),
        "REDIS_URL": settings.redis_url.get_secret_value(),
        "OPPSYNC_SECRET_KEYS": settings.secret_keys.get_secret_value(),
        "OPPSYNC_HOME": str(tmp_path),
    }
    return lambda *arguments: CliRunner().invoke(oppsync, ["mirror", *arguments], env=environment)


def words_of(result: Result) -> list[list[str]]:
    return [line.split() for line in result.output.splitlines()]


def test_it_is_read_shown_and_listed(run: Run, tryton: str) -> None:
    assert "Nothing was read yet." in run("show", ERP).output

    first = run("run", ERP)
    assert first.exit_code == 0, first.output
    assert ["cost", "centres", "4", "4", "0", "0"] in words_of(first)
    assert words_of(run("list", ERP, "--kind", "cost_centre", "--search", "cloud")) == [
        ["company", "code", "name"],
        ["ACME-DE", "CC-DE-CLOUD", "CC-DE-CLOUD"],
        ["ACME-US", "CC-US-CLOUD", "CC-US-CLOUD"],
    ]

    (centre,) = (
        each
        for each in ask(tryton, "GET", "analytic_account.account?f=code").json
        if each["code"] == "CC-US-ADV"
    )
    ask(tryton, "DELETE", f"analytic_account.account/{centre['id']}")
    again = run("run", ERP, "--kind", "cost_centre", "--json")
    document = canonical_json.loads(again.output)
    assert document["counts"] == {"cost_centre": {"read": 3, "added": 0, "changed": 0, "ended": 1}}
    assert "ended: cost centre CC-US-ADV of ACME-US" in run("show", ERP).output


def test_an_erp_that_is_away_and_a_system_without_master_data_are_told(
    run: Run, application: Application
) -> None:
    with application.uow() as uow:
        found = uow.connections.get(ERP)
        away = changed(found, settings={**found.settings, "base_url": "http://127.0.0.1:1"})
        uow.connections.put(away, uow.connections.secrets(ERP))
        uow.commit()

    failed = run("run", ERP)
    assert failed.exit_code == 3
    assert "It was not read to the end: Tryton" in failed.output
    assert "The last try failed: Tryton" in run("show", ERP).output
    assert "There is no such connection." in run("show", "nobody").output
