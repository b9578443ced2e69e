"""A change of the configuration is tried on past deals, comes in as a table of 2,000 rows, goes from one
installation to another as files, and is taken back in both."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from adapters.bootstrap import build
from adapters.postgres import schema
from sandbox.firm import deals
from tests.harness.copies import execute
from tests.harness.databases import settings_of
from tests.harness.installation import Installation, two_hired
from tests.harness.world import OPERATIONS, WON_ON, World

RATES = 2_000


@pytest.fixture
def trial(world: World, tmp_path: Path) -> Iterator[Installation]:
    """The world, whose configuration is as before when the story is over."""
    olga = {"olga": world.token(OPERATIONS)}
    installation = Installation(world.application.settings, world.application, olga)
    installation.config("export", tmp_path / "before")
    yield installation
    installation.config("apply", tmp_path / "before", "--note", "as before the story")


@pytest.fixture
def production(world: World, tmp_path: Path) -> Iterator[Installation]:
    """Another installation on the same servers, with a database of its own; two people keep its rules."""
    execute(world.servers, "create database production")
    key = world.home.secret_keys()
    application = build(settings_of(world.servers, "production", key, tmp_path / "production"))
    schema.upgrade(application.engine)
    yield Installation(application.settings, application, two_hired(application))
    application.close()
    execute(world.servers, "drop database production with (force)")


def test_a_table_of_rates_is_tried_promoted_and_taken_back(
    world: World, trial: Installation, production: Installation, tmp_path: Path
) -> None:
    deal = world.win(deals.time_and_materials(WON_ON))
    world.wait_for("awaiting_approval", deal)
    planned = plan_of(world, deal)
    beginning, began, first = trial.exported(tmp_path / "beginning"), trial.fingerprint, trial.newest
    production.config("apply", tmp_path / "beginning", "--note", "the beginning")
    production.go_live()

    dearer = written(tmp_path / "dearer", beginning | {"cost_rates.csv": dearer_costs(beginning)})
    assert "priced otherwise" in trial.run("policy", "backtest", dearer, "--last", 10)
    assert plan_of(world, deal) == planned

    table = tmp_path / "rates.csv"
    with table.open("w", newline="") as file:
        rows = [("NA", f"Role {number}", "USD", "2026-03-01", "NA", 100 + number) for number in range(RATES)]
        csv.writer(file).writerows([("Region", "Role", "Currency", "Valid from", "Card", "Hourly"), *rows])
    trial.config("import", "rates", table, "--apply", "--note", "the table of sales")
    promoted = trial.exported(tmp_path / "promoted")

    assert production.config("diff", tmp_path / "promoted").count("added: ") == RATES
    production.agreed("apply", tmp_path / "promoted", "--note", "promoted", by="fred")
    assert production.fingerprint == trial.fingerprint
    assert production.exported(tmp_path / "same") == promoted

    production.agreed("revert", 1, "--note", "too dear", by="fred")
    trial.config("revert", first, "--note", "too dear")
    assert production.fingerprint == trial.fingerprint == began
    assert production.exported(tmp_path / "again") == beginning
    world.complete(deal)


def plan_of(world: World, deal: str) -> Any:
    return world.api("GET", f"/opportunities/{world.opportunity(deal)['id']}/plan")["plan"]["content"]


def dearer_costs(files: dict[str, bytes]) -> bytes:
    """An hour of a consultant costs a hundred more."""
    lines = files["cost_rates.csv"].splitlines(keepends=True)
    return b"".join(line.replace(b",64", b",164") for line in lines)


def written(folder: Path, files: dict[str, bytes]) -> Path:
    folder.mkdir()
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder
