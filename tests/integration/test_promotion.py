"""A change goes from a test installation to the production one as files, and comes back where it was wrong."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from adapters.bootstrap import Application, build
from adapters.documents.bundle_files import write_bundle
from oppsync.domain.configuration.bundle import governed
from oppsync.kernel.settings import Settings
from sandbox.embedded.servers import ServerAddresses
from sandbox.firm.demo_firm import reference_rows
from tests.harness.copies import execute
from tests.harness.databases import Template, settings_of
from tests.harness.installation import Installation, two_hired

FILES = write_bundle("Acme Advisory", governed(reference_rows()))


@pytest.fixture
def trial(settings: Settings, application: Application) -> Installation:
    """Where changes are tried."""
    return Installation(settings, application, two_hired(application))


@pytest.fixture
def production(servers: ServerAddresses, template: Template, tmp_path: Path) -> Iterator[Installation]:
    """Beside the other, so not one of the copies that tests have after one another."""
    execute(servers, f"create database production template {template.database}")
    key = Fernet.generate_key().decode()
    settings = settings_of(servers, "production", key, tmp_path / "production")
    application = build(settings)
    yield Installation(settings, application, two_hired(application))
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
