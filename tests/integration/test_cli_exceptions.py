"""Stopped deals from the terminal: look at them, replay a selection, give one up."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from adapters.bootstrap import Application
from adapters.cli.__main__ import oppsync
from oppsync.domain.values.findings.codes import finding
from oppsync.domain.values.model import changed
from oppsync.domain.work.states import State
from oppsync.kernel import canonical_json
from oppsync.kernel.settings import Settings
from tests.harness.builders import TENANT
from tests.web.office import Office, sold_by

Run = Callable[..., Result]


@pytest.fixture
def run(settings: Settings, tmp_path: Path) -> Run:
    environment = {
        "DATABASE_URL": settings.database_url.get_secret_value(),
        "REDIS_URL": settings.redis_url.get_secret_value(),
        "OPPSYNC_SECRET_KEYS": settings.secret_keys.get_secret_value(),
        "OPPSYNC_HOME": str(tmp_path),
    }
    return lambda *arguments: CliRunner().invoke(oppsync, [str(each) for each in arguments], env=environment)


@pytest.fixture
def office(application: Application) -> Office:
    made = Office(application)
    made.open()
    return made


def answered(result: Result) -> Any:
    assert result.exit_code == 0, result.output
    return canonical_json.loads(result.stdout.encode())


def test_a_selection_is_previewed_and_replayed(run: Run, office: Office) -> None:
    opportunity_id, item_id = office.parked_in_the_middle("https://erp.example/project/7")
    dry = answered(run("replay", "--reason", "VENDOR_REJECTED", "--dry-run", "--json"))
    (item,) = dry["preview"]["items"]
    assert (item["id"], item["action"], item["from_stage"]) == (str(opportunity_id), "run", "create_projects")
    assert dry["report"] is None
    assert office.application.queries.opportunity(TENANT, opportunity_id).state is State.PARKED
    assert answered(run("replay", "--older-than", "1h", "--json"))["preview"]["items"] == []

    shown = run("replay", "--stage", "create_projects", "--connection", "sf-demo", "--since", "2026-01-01")

    assert shown.exit_code == 0
    assert "runs from create_projects" in shown.stdout
    assert office.application.queries.opportunity(TENANT, opportunity_id).state is State.APPROVED
    assert office.application.queries.exception(TENANT, item_id).status == "replayed"
    assert "No deals match this selection." in run("replay", "--reason", "VENDOR_REJECTED").stdout


def test_a_selection_needs_a_criterion_and_a_duration_a_unit(run: Run) -> None:
    assert run("replay").exit_code == 1
    assert "at least one criterion" in run("replay").output
    refused = run("replay", "--older-than", "soon")
    assert refused.exit_code == 2
    assert "2h" in refused.output


def test_an_exception_shows_what_exists_and_its_deal_is_given_up(run: Run, office: Office) -> None:
    opportunity_id, item_id = office.parked_in_the_middle("https://erp.example/project/7")
    shown = answered(run("exceptions", "show", item_id, "--json"))
    assert shown["exception"]["code"] == "VENDOR_REJECTED"
    assert [row["number"] for row in shown["effects"]] == ["PRJ-7"]
    words = run("exceptions", "show", item_id).stdout
    assert "PRJ-7" in words
    assert f"opportunity compensate {opportunity_id}" in words

    assert run("opportunity", "compensate", opportunity_id).exit_code == 2
    assert run("opportunity", "compensate", opportunity_id, "--reason", "Wound up").exit_code == 0

    assert office.application.queries.opportunity(TENANT, opportunity_id).state is State.COMPENSATING
    assert run("opportunity", "compensate", opportunity_id, "--reason", "Again").exit_code == 1


def test_an_early_start_is_confirmed_from_the_terminal(run: Run, office: Office) -> None:
    early = finding("START_BEFORE_WON", "The work starts on 2026-02-02", path="/starts_on", value="2026-02-02")
    opportunity_id, item_id = office.parked(State.RECEIVED, early)
    assert run("exceptions", "confirm", item_id).exit_code == 2

    confirmed = run("exceptions", "confirm", item_id, "--reason", "A letter of intent")

    assert confirmed.exit_code == 0
    detail = office.application.queries.opportunity(TENANT, opportunity_id)
    assert [(each.by, each.reason) for each in detail.confirmations] == [("command-line", "A letter of intent")]


def test_an_approved_deal_is_planned_anew_and_what_changed_is_shown(run: Run, office: Office) -> None:
    record = sold_by("sam.seller")
    waiting, item_id = office.parked_after_approval(record)
    deal = str(waiting.opportunity_id)
    assert f"opportunity plan-anew {deal}" in run("exceptions", "show", str(item_id)).stdout
    assert run("opportunity", "plan-anew", deal).exit_code == 2

    anew = run("opportunity", "plan-anew", deal, "--reason", "Wrong purchase order", "--ask-again")
    assert (anew.exit_code, "planned anew; it has to be approved again." in anew.stdout) == (0, True)

    assert run("opportunity", "plan-anew", deal, "--reason", "Again").exit_code == 1
    contract = changed(record.contract, po_number="PO-9")
    office.propose(waiting.opportunity_id, changed(record, contract=contract))
    words = run("opportunity", "show", deal).stdout
    assert "changed against plan 1, which was approved" in words
    assert "po number" in words
    assert "PO-9" in words
