"""Past deals tried by a changed configuration, on pages, by API and on the command line."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from flask import Flask

from adapters.cli.__main__ import oppsync
from adapters.documents.bundle_files import read_rows
from oppsync.domain.configuration.bundle import fingerprint
from oppsync.domain.configuration.versions import ConfigurationUse
from oppsync.domain.values.roles import PersonRole
from oppsync.kernel.settings import Settings
from oppsync.services.configuration.commands import ApplyConfiguration
from tests.harness.builders import TENANT
from tests.web.browser import Browser, Screen
from tests.web.office import Office, Waiting, sold_by
from tests.web.test_configuration_api import go_live
from tests.web.test_configuration_pages import FILES, FIRM, ROWS, applied, press, send
from tests.web.test_connections import Api
from tests.web.test_recomputed import keep

Browsers = Callable[[str], Browser]
UPLOAD = "/configuration/upload"
CHANGED = FILES | {"cost_centres.csv": FILES["cost_centres.csv"].replace(b"CC-DE-CLOUD", b"CC-<b>NEW")}
AS_TEXT = {name: content.decode() for name, content in CHANGED.items()}


@pytest.fixture
def deal(office: Office) -> Waiting:
    """A deal of before, planned by the configuration of now."""
    office.application.dispatch(ApplyConfiguration(TENANT, office.ids["kim"], FIRM, ROWS))
    waiting = office.waiting()
    keep(office, waiting, configuration=ConfigurationUse(fingerprint="f00", number=1))
    office.hire("ida", PersonRole.INTEGRATION_ADMIN)
    return waiting


def test_an_upload_is_tried_and_the_report_goes_with_the_proposal_and_the_version(
    deal: Waiting, office: Office, browser: Browsers
) -> None:
    go_live(office)
    ida, fay = browser("ida"), browser("ana")
    offered = send(ida, CHANGED)
    assert "What past deals would have become" not in offered.words

    shown = press(ida, offered, UPLOAD, action="backtest", last="30")

    assert "1 of the last 1 won deal" in shown.words
    assert "1 enriched otherwise" in shown.words
    assert "CC-DE-CLOUD -&gt; CC-&lt;b&gt;NEW" in shown.markup
    assert f'href="/opportunities/{deal.opportunity_id}"' in shown.markup
    assert "by ida@acme.example" in shown.words
    told = re.search(
        r'<a href="#backtest">1 of the last 1 won deals would differ: 1 enriched otherwise</a>', shown.markup
    )
    assert told
    (report,) = set(re.findall(r'href="(/configuration/backtests/[0-9a-f]{64})"', shown.markup))
    assert "1 enriched otherwise" in fay.get(report).words
    assert fay.get("/configuration/backtests/%00").status == 404
    proposed = gone_to(applied(ida, shown))
    assert report in fay.get(proposed).markup
    assert "What past deals would have become" in fay.get(proposed).words
    assert "1 enriched otherwise" in fay.get(proposed).words
    office.waiting(sold_by("ana"))
    again = fay.post(proposed, form_of=proposed, action="backtest", last="30")
    assert again.location == f"{proposed}#backtest"
    assert "could not be tried" in fay.get(proposed).words
    done = fay.post(proposed, form_of=proposed, action="approve", comment="agreed")
    assert "1 enriched otherwise" in fay.get(gone_to(done)).words
    assert "1 enriched otherwise" in fay.get(proposed).words
    offered = ida.get("/configuration/versions/1/revert")
    assert "What past deals" not in offered.words
    tried = press(ida, offered, "/configuration/versions/1/revert", action="backtest", last="1")
    assert "of the last" in tried.words or "No deal was tried" in tried.words


@pytest.mark.parametrize("last", ["", "0", "201", "ten", "-1", "\uff11"])
def test_a_page_tries_between_one_and_two_hundred(deal: Waiting, browser: Browsers, last: str) -> None:
    ida = browser("ida")

    refused = press(ida, send(ida, CHANGED), UPLOAD, action="backtest", last=last)

    assert refused.status == 422
    assert "Give a number from 1 to 200; the command line tries more." in refused.words


def test_a_deal_that_would_be_stopped_is_a_line_of_its_own_and_no_money_saved(
    deal: Waiting, browser: Browsers
) -> None:
    ida = browser("ida")
    without = {name: content for name, content in FILES.items() if name != "project_templates.yaml"}

    shown = press(ida, send(ida, without), UPLOAD, action="backtest", last="30")

    assert "1 would be stopped. Each was tried by the rows of the day on which it was won" in shown.words
    assert "No deal goes on by both" in shown.words
    assert "Deals stopped 0 1 1" in shown.words
    assert "Plans in EUR" not in shown.words


def test_a_page_tries_by_the_rows_of_a_day_and_says_by_which(deal: Waiting, browser: Browsers) -> None:
    ida = browser("ida")
    offered = send(ida, CHANGED)

    shown = press(ida, offered, UPLOAD, action="backtest", last="5", as_of="2026-05-04")
    refused = press(ida, offered, UPLOAD, action="backtest", last="5", as_of="2026-02-30")

    assert (
        "All were tried by the rows that hold on 4 May 2026 , as though they had been won on that day"
        in shown.words
    )
    assert "1 enriched otherwise" in shown.words
    assert 'value="2026-05-04"' in shown.markup
    assert refused.status == 422
    assert "Give a day as YYYY-MM-DD, or leave it empty." in refused.words


def test_who_may_not_try_is_not_offered_it_and_refused(
    deal: Waiting, office: Office, browser: Browsers, app: Flask
) -> None:
    go_live(office)
    ida, uma = browser("ida"), browser("uma")
    proposed = gone_to(applied(ida, send(ida, CHANGED)))

    assert "Try past deals" in ida.get(proposed).words
    assert "Try past deals" not in uma.get(proposed).words
    assert uma.post(proposed, form_of="/account", action="backtest", last="3").status == 403
    answer = Api(app, office.token("uma"))("POST", "/configuration/backtest", {"files": AS_TEXT})
    assert answer.status_code == 403


def test_the_api_tries_files_and_proposals_and_shows_the_report_with_them(
    deal: Waiting, office: Office, app: Flask
) -> None:
    go_live(office)
    ida = Api(app, office.token("ida"))

    tried = read(ida("POST", "/configuration/backtest", {"files": AS_TEXT, "last": 5}))

    assert (tried["tried"], tried["differing"], tried["ways"]) == (1, 1, {"enriched": 1})
    (row,) = tried["rows"]
    assert row["id"] == str(deal.opportunity_id)
    proposal = read(ida("POST", "/configuration/proposals", {"files": AS_TEXT}))["proposal_id"]
    shown = read(ida("GET", f"/configuration/proposals/{proposal}"))
    assert shown["backtest"] == tried
    summary = read(ida("POST", "/configuration/diff", {"files": AS_TEXT}))["backtest"]
    assert summary == shown["difference"]["backtest"]
    assert summary["in_words"] == "1 of the last 1 won deals would differ: 1 enriched otherwise"
    assert (summary["made_at"], summary["is_current"]) == (tried["made_at"], True)
    assert read(ida("GET", summary["report"].removeprefix("/api/v1"))) == tried
    assert ida("GET", "/configuration/backtests/f00").status_code == 404
    again = read(ida("POST", f"/configuration/proposals/{proposal}/backtest", {"last": 1}))
    assert again["rows"] == tried["rows"]
    assert read(ida("GET", "/configuration/versions/1"))["backtest"] is None
    before = ida("POST", "/configuration/backtest", {"files": AS_TEXT, "as_of": "2019-01-01"})
    assert (read(before)["as_of"], read(before)["differing"]) == ("2019-01-01", 0)
    too_many = ida("POST", "/configuration/backtest", {"files": AS_TEXT, "last": 201})
    assert too_many.status_code == 422


def gone_to(screen: Screen) -> str:
    assert screen.location is not None, screen.words
    return screen.location


def read(answer: Any) -> Any:
    assert answer.status_code == 200, answer.text
    return answer.json


def test_the_command_line_tries_a_folder_and_says_what_differs(
    deal: Waiting, settings: Settings, tmp_path: Path
) -> None:
    for name, content in CHANGED.items():
        (tmp_path / name).write_bytes(content)
    environment = {
        "DATABASE_URL": settings.database_url.get_secret_value(),
        "REDIS_URL": settings.redis_url.get_secret_value(),
        "OPPSYNC_SECRET_KEYS": settings.secret_keys.get_secret_value(),
    }
    arguments = ["policy", "backtest", str(tmp_path), "--last", "500"]

    diff = ["config", "diff", str(tmp_path)]
    before = CliRunner().invoke(oppsync, diff, env=environment).stdout
    assert "Past deals were not tried by it: `oppsync policy backtest DIR` does." in before

    told = CliRunner().invoke(oppsync, arguments, env=environment)

    assert told.exit_code == 0, told.output
    assert "1 of 1 deals tried" in told.stderr
    assert "1 of 1 deals won from 2026-05-04 to 2026-05-04 would differ: 1 enriched otherwise." in told.stdout
    assert "cost centre: CC-DE-CLOUD -> CC-<b>NEW" in told.stdout
    assert "finance by a person" in told.stdout
    after = CliRunner().invoke(oppsync, diff, env=environment).stdout
    assert "Past deals: 1 of the last 1 won deals would differ: 1 enriched otherwise. Tried at" in after
    assert f"/configuration/backtests/{fingerprint(read_rows(CHANGED))}" in after
    early = CliRunner().invoke(oppsync, [*arguments, "--as-of", "2019-01-01"], env=environment)
    assert "All by the rows that hold on 2019-01-01, as though they had been won on that day." in early.stdout
    assert "1 changed rows hold on none of the days of these deals" in early.stdout
    found = json.loads(CliRunner().invoke(oppsync, [*arguments, "--json"], env=environment).stdout)
    assert found["ways"] == {"enriched": 1}
