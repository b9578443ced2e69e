"""A change goes from a test installation to the production one as files, and comes back where it was wrong."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from cryptography.fernet import Fernet
from sqlalchemy import text

from adapters.bootstrap import Application, build
from adapters.cli.__main__ import oppsync
from adapters.documents.bundle_files import write_bundle
from oppsync.domain.configuration.bundle import fingerprint, governed
from oppsync.domain.values.actor import COMMAND_LINE
from oppsync.domain.values.roles import PersonRole
from oppsync.domain.values.scopes import EVERY_SCOPE
from oppsync.kernel.settings import Settings
from oppsync.services.admin.commands import CreatePerson, CreateToken
from sandbox.embedded.servers import ServerAddresses
from sandbox.firm.demo_firm import reference_rows
from tests.harness.builders import TENANT
from tests.harness.copies import execute
from tests.harness.databases import Template, settings_of

FILES = write_bundle("Acme Advisory", governed(reference_rows()))


class Installation:
    """One with a database and a secret key of its own, worked by `oppsync config` alone."""

    def __init__(self, settings: Settings, application: Application) -> None:
        self.application = application
        self._environment = {
            "DATABASE_URL": settings.database_url.get_secret_value(),
            "REDIS_URL": settings.redis_url.get_secret_value(),
            "OPPSYNC_SECRET_KEYS": settings.secret_keys.get_secret_value(),
        }
        self._tokens = {name: self._hire(name) for name in ("fay", "fred")}

    def _hire(self, name: str) -> str:
        email, roles = f"{name}@example.com", frozenset({PersonRole.FINANCE_APPROVER})
        password = f"the long password of {name}"
        self.application.dispatch(CreatePerson(TENANT, COMMAND_LINE, email, name, password, roles))
        return self.application.dispatch(CreateToken(TENANT, COMMAND_LINE, f"{name}'s", email, EVERY_SCOPE))

    def config(self, *arguments: object, by: str = "fay") -> str:
        environment = self._environment | {"OPPSYNC_TOKEN": self._tokens[by]}
        result = CliRunner().invoke(oppsync, ["config", *map(str, arguments)], env=environment)
        assert result.exit_code == 0, result.output
        return result.output

    def exported(self, folder: Path) -> dict[str, bytes]:
        self.config("export", folder)
        return {each.name: each.read_bytes() for each in folder.iterdir()}

    @property
    def fingerprint(self) -> str:
        with self.application.uow.reading() as uow:
            return fingerprint(uow.configurations.rows(TENANT))

    def go_live(self) -> None:
        with self.application.engine.begin() as connection:
            connection.execute(text("update tenants set went_live_at = now()"))


@pytest.fixture
def trial(settings: Settings, application: Application) -> Installation:
    """Where changes are tried."""
    return Installation(settings, application)


@pytest.fixture
def production(servers: ServerAddresses, template: Template, tmp_path: Path) -> Iterator[Installation]:
    """Beside the other, so not one of the copies that tests have after one another."""
    execute(servers, f"create database production template {template.database}")
    key = Fernet.generate_key().decode()
    settings = settings_of(servers, "production", key, tmp_path / "production")
    application = build(settings)
    yield Installation(settings, application)
    application.close()
    execute(servers, "drop database production with (force)")


def test_a_change_is_promoted_from_a_test_installation_agreed_there_and_taken_back(
    trial: Installation, production: Installation, tmp_path: Path
) -> None:
    shared = tmp_path / "acme"
    shared.mkdir()
    for name, content in FILES.items():
        (shared / name).write_bytes(content)
    for each in (trial, production):
        each.config("apply", shared, "--note", "the beginning")
    production.go_live()
    beginning = production.exported(tmp_path / "beginning")

    rates = shared / "rates.csv"
    rates.write_bytes(FILES["rates.csv"].replace(b"NA 2026,160,", b"NA 2026,170,"))
    trial.config("apply", shared, "--note", "tried")
    promoted = trial.exported(tmp_path / "promoted")
    assert trial.fingerprint != production.fingerprint

    assert "hourly 160 -> 170" in production.config("diff", tmp_path / "promoted")
    proposed = production.config("apply", tmp_path / "promoted", "--note", "promoted").split()[2].rstrip(":")
    assert production.exported(tmp_path / "unchanged") == beginning
    production.config("approve", proposed, by="fred")

    assert production.fingerprint == trial.fingerprint
    assert production.exported(tmp_path / "same") == promoted
    assert production.config("diff", tmp_path / "promoted") == "Nothing differs.\n"

    back = production.config("revert", 1, "--note", "too dear").split()[2].rstrip(":")
    production.config("approve", back, by="fred")

    assert production.exported(tmp_path / "again") == beginning
    assert production.fingerprint != trial.fingerprint
    history = production.config("history")
    assert [line.split()[0] for line in history.splitlines()[-3:]] == ["3", "2", "1"]
    assert "fred@example.com" in history
