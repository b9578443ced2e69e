"""A stored plan made again from what was kept of it, as pages, API and command line show it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from click.testing import CliRunner
from flask import Flask

from adapters.cli.__main__ import oppsync
from oppsync import __version__
from oppsync.domain.configuration.versions import ConfigurationUse
from oppsync.domain.plan.systems import PlanSystems
from oppsync.domain.planning.inputs import PlanInputs
from oppsync.domain.values.actor import COMMAND_LINE
from oppsync.kernel.settings import Settings
from oppsync.services.configuration.commands import Applied, ApplyConfiguration
from tests.harness import builders
from tests.harness.builders import TENANT
from tests.web.browser import Browser
from tests.web.office import Office, Waiting, sold_by
from tests.web.test_connections import Api

Browsers = Callable[[str], Browser]


@pytest.fixture
def waiting(office: Office) -> Waiting:
    """Its plan's inputs are kept, as the stage that makes plans keeps them."""
    apply = ApplyConfiguration(TENANT, COMMAND_LINE, "Acme", builders.book().rows)
    version = office.application.dispatch(apply)
    assert isinstance(version, Applied)
    waiting = office.waiting()
    keep(office, waiting, configuration=ConfigurationUse(fingerprint=version.fingerprint, number=1))
    return waiting


def keep(office: Office, waiting: Waiting, **changes: Any) -> None:
    with office.uow() as uow:
        record = uow.opportunities.get(TENANT, waiting.opportunity_id).record
        inputs = {
            "release": __version__,
            "moment": builders.NOW,
            "record": record,
            "customer": builders.GLOBEX,
            "systems": PlanSystems(erp="tryton-demo", psa="kantata-demo"),
            "erp": builders.erp(),
        }
        kept = PlanInputs.model_validate(inputs | changes)
        uow.plan_inputs.keep(TENANT, waiting.opportunity_id, waiting.plan.hash, kept)
        uow.commit()


def of_another_release(office: Office) -> None:
    with office.application.engine.begin() as connection:
        connection.exec_driver_sql(
            "update plan_inputs set content = jsonb_set(jsonb_set(content, "
            "'{release}', '\"0.3.9\"'), '{record,contract,po_number}', '\"PO <b>9</b>\"')"
        )


def read(api: Api, path: str) -> Any:
    return api("GET", path).json


def address(waiting: Waiting) -> str:
    return f"/opportunities/{waiting.opportunity_id}/plans/{waiting.plan.hash}/recomputed"


def test_the_deals_page_leads_to_its_plan_made_again(
    browser: Browsers, office: Office, waiting: Waiting
) -> None:
    ed = browser("ed")
    with office.application.engine.begin() as connection:
        connection.exec_driver_sql(
            "update plans set configuration_fingerprint = 'f00', configuration_version = 1"
        )

    assert f'href="{address(waiting)}"' in ed.get(f"/opportunities/{waiting.opportunity_id}").markup
    same = ed.get(address(waiting))
    of_another_release(office)
    other = ed.get(address(waiting))

    assert same.status == 200
    assert "the same bit for bit" in same.words
    assert "made by release 0.3.9" in other.words
    assert "PO &lt;b&gt;9&lt;/b&gt;" in other.markup
    assert "po number" in other.words


def test_a_plan_of_a_release_before_says_that_nothing_was_kept(browser: Browsers, office: Office) -> None:
    waiting = office.waiting()

    shown = browser("ed").get(address(waiting))

    assert shown.status == 409
    assert "What this plan was made from is not kept" in shown.words
    assert browser("ed").get(address(waiting).replace(waiting.plan.hash, "none")).status == 404


def test_the_api_and_the_command_line_say_the_same(
    app: Flask, office: Office, waiting: Waiting, settings: Settings
) -> None:
    api = Api(app, office.token("ed"))

    same = read(api, address(waiting))
    of_another_release(office)
    other = read(api, address(waiting))

    assert (same["is_same"], same["hash"], same["changes"]) == (True, waiting.plan.hash, [])
    assert (other["is_same"], other["made_by"]) == (False, "0.3.9")
    (change,) = other["changes"]
    environment = {
        "DATABASE_URL": settings.database_url.get_secret_value(),
        "REDIS_URL": settings.redis_url.get_secret_value(),
        "OPPSYNC_SECRET_KEYS": settings.secret_keys.get_secret_value(),
    }
    arguments = ["plan", "recompute", str(waiting.opportunity_id)]
    told = CliRunner().invoke(oppsync, arguments, env=environment)
    assert told.exit_code == 0, told.output
    assert other["in_words"] in told.stdout.replace("\n", " ")
    assert change["after"] in told.stdout
    as_json = CliRunner().invoke(oppsync, [*arguments, "--plan", waiting.plan.hash, "--json"], env=environment)
    assert json.loads(as_json.stdout) == other
    unknown = read(api, address(office.waiting(sold_by("ana"))))
    assert (unknown["status"], unknown["code"]) == (409, "INPUTS_NOT_KEPT")
