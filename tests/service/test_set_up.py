"""A firm sets itself up: from an empty database to "a deal of yours would become this plan", and live."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from flask import Flask
from sqlalchemy import Engine
from standardwebhooks import Webhook

from adapters.bootstrap import Application, build
from adapters.cli.__main__ import oppsync
from oppsync.domain.reading.set_up import set_up
from oppsync.domain.work.trial_events import body_of
from oppsync.kernel import canonical_json
from oppsync.kernel.settings import Settings
from sandbox.embedded.servers import ServerAddresses
from sandbox.firm import deals
from sandbox.firm.install import DemoSystems
from sandbox.standins.control import SalesforceControl
from tests.harness.builders import TENANT
from tests.harness.databases import settings_of
from tests.harness.house import WON_ON
from tests.web.newcomer import PASSWORDS, Newcomer, link_on, secret_on
from web.app import create_app

FIRM = Path(__file__).parents[2] / "sandbox" / "firm" / "acme"
KEY = "one long key that nobody guesses and that is long"
Run = Callable[..., Result]


@pytest.fixture
def nothing(servers: ServerAddresses, empty: Engine, tmp_path: Path) -> Settings:
    """An installation that was deployed and never started: its database is empty."""
    return settings_of(servers, str(empty.url.database), KEY, tmp_path)


@pytest.fixture
def run(nothing: Settings) -> Run:
    environment = {
        "DATABASE_URL": nothing.database_url.get_secret_value(),
        "REDIS_URL": nothing.redis_url.get_secret_value(),
        "OPPSYNC_SECRET_KEYS": nothing.secret_keys.get_secret_value(),
    }

    def invoke(*arguments: object, typed: str = "", **more: str) -> Result:
        return CliRunner().invoke(
            oppsync, [str(each) for each in arguments], input=typed, env=environment | more
        )

    return invoke


def change_of(record_id: str) -> bytes:
    """As the CRM reports it."""
    return canonical_json.dumps(
        {
            "type": "opportunity.changed",
            "organization_id": "00D000000000001",
            "sent_at": "2026-03-02T10:00:00Z",
            "opportunities": [{"id": record_id, "system_modstamp": "2026-03-02T10:00:00.000Z", "is_won": True}],
        }
    ).encode()


def deliver(app: Flask, address: str, secret: str, body: bytes) -> int:
    at, delivery_id = datetime.now(UTC), f"msg_{len(body)}"
    headers = {
        "webhook-id": delivery_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(secret).sign(delivery_id, at, body.decode()),
        "Content-Type": "application/json",
    }
    return app.test_client().post(address, data=body, headers=headers).status_code


def test_a_firm_goes_from_an_empty_database_to_live(run: Run, nothing: Settings, systems: DemoSystems) -> None:
    too_early = run("init", "--name", "Acme", "--zone", "Europe/Berlin")
    assert "run `oppsync db upgrade`" in too_early.stderr
    assert run("db", "upgrade").exit_code == 0
    half = run("init", "--name", "Acme", "--zone", "Europe/Berlin")
    assert "Nobody administers this installation yet" in half.stdout
    begun = run("init", "--admin-email", "Ada@example.com", "--admin-name", "Ada", "--json")
    link = canonical_json.loads(begun.stdout)["link"]

    application = build(nothing)
    try:
        _pages(application, run, systems, link)
    finally:
        application.close()


def _pages(application: Application, run: Run, systems: DemoSystems, link: str) -> None:
    app = create_app(application)
    ada = Newcomer(app)
    ada.come_in("ada@example.com", link)
    assert ada.get("/").location == "/set-up"
    assert ada.standing() == {
        "An administrator": "Done",
        "Name and time zone": "Done",
        "Connect the CRM": "Missing",
        "Let the CRM report changes": "Missing",
        "Connect the ERP": "Missing",
        "Connect the PSA": "Optional",
        "The firm's rules": "Missing",
        "Who approves": "Missing",
        "Try a deal": "Missing",
        "Go live": "Missing",
    }

    crm = ada.connect(
        "crm",
        "salesforce",
        name="Our org",
        base_url=systems.salesforce_url,
        client_id=systems.salesforce_client_id,
        client_secret=systems.salesforce_client_secret,
        billing_terms="yes",
        contract_terms="yes",
        owner_history="yes",
    )
    assert "was not tested since it was set" in ada.get("/set-up").words
    tested = ada.post(crm, action="test").words
    assert "Salesforce, CRM · Working" in tested
    assert "OK" in tested
    erp = ada.connect(
        "projects",
        "tryton",
        name="Our ERP",
        base_url=systems.tryton_url,
        database=systems.tryton_database,
        rest_key=systems.tryton_rest_key,
    )
    ada.post(erp, action="test")
    assert ada.standing()["Connect the CRM"] == "Done"
    assert ada.standing()["Connect the ERP"] == "Done"

    record_id = str(SalesforceControl(systems.salesforce_url).win_deal(deals.fixed_fee(WON_ON))["id"])
    secret = secret_on(ada.post(crm, action="rotate"))
    address = crm.replace("/connections/", "/webhooks/")
    assert deliver(app, address, secret, body_of(crm.rpartition("/")[2])) == 202
    assert ada.standing()["Let the CRM report changes"] == "Missing"
    assert deliver(app, address, secret, change_of(record_id)) == 202
    assert ada.standing()["Let the CRM report changes"] == "Done"

    token = run(
        "token", "create", "--name", "ada", "--email", "ada@example.com", "--scope", "admin"
    ).stdout.strip()
    applied = run("config", "apply", FIRM, OPPSYNC_TOKEN=token)
    assert applied.exit_code == 0, applied.stderr
    assert ada.standing()["The firm's rules"] == "Done"

    early = ada.post("/set-up", action="try_deal", record=record_id)
    assert "This deal would stop" in early.words
    assert ada.standing()["Try a deal"] == "Missing"

    for email, role in (("fay@example.com", "finance_approver"), ("dan@example.com", "delivery_approver")):
        invited = ada.post("/people", email=email, name=email[:3].capitalize(), role=role)
        assert ada.standing()["Who approves"] == "Missing"
        Newcomer(app).come_in(email, link_on(invited))
    assert ada.standing()["Who approves"] == "Done"

    tried = ada.post("/set-up", action="try_deal", record=record_id)
    assert "This deal of yours would become the plan below" in tried.words, tried.words
    assert "Fay" in tried.words
    assert "By the configuration: version 1 (" in tried.words
    assert ada.standing()["Try a deal"] == "Done"

    assert "A second administrator who can sign in is needed first" in ada.get("/set-up").words
    ben = ada.post("/people", email="ben@example.com", name="Ben", role="admin")
    Newcomer(app).come_in("ben@example.com", link_on(ben))
    assert ada.post("/set-up", action="go_live", second="ben@example.com").status == 422
    live = ada.post("/set-up", action="go_live", second="ben@example.com", sure="yes")
    assert (live.status, live.location) == (303, "/set-up")

    page = ada.get("/set-up")
    assert "Acme is live since" in page.words
    assert "by ada@example.com and ben@example.com" in page.words
    assert ada.get("/").location != "/set-up"
    assert set_up(application.queries.set_up_facts(TENANT)).missing == []
    assert "everything is set up" in run("init").stdout


def test_init_says_what_it_lacks_and_goes_on_where_one_left(run: Run) -> None:
    run("db", "upgrade")
    for given, fault in (
        (("--name", "Acme"), "Give both --name and --zone"),
        (("--name", "Acme", "--zone", "Berlin"), "'Berlin' is no time zone"),
        (("--admin-email", "ada@example.com"), "Give --admin-name too"),
    ):
        refused = run("init", *given)
        assert (refused.exit_code, fault in refused.stderr) == (1, True)

    assert run("init", "--name", "Acme", "--zone", "Europe/Berlin").exit_code == 0
    first = run("init", "--admin-email", "ada@example.com", "--admin-name", "Ada")
    again = run("init", "--admin-email", "ada@example.com")

    links = [re.findall(r"/invitation\?key=[\w-]+", each.stdout) for each in (first, again)]
    assert [len(each) for each in links] == [1, 1]
    assert links[0] != links[1]
    assert "Acme, Europe/Berlin: 8 steps are left." in again.stdout
    assert "Invited, without a password yet: Ada" in again.stdout
    assert "Next: An administrator." in again.stdout
    assert run("init", "--zone", "Asia/Tokyo").stdout.startswith("Acme, Asia/Tokyo")


def test_the_first_administrator_stays_the_first(run: Run, nothing: Settings) -> None:
    run("db", "upgrade")
    run(
        "user",
        "create",
        "--email",
        "ada@example.com",
        "--name",
        "Ada",
        "--role",
        "admin",
        typed="seven quiet lighthouses\n",
    )

    same = run("init", "--admin-email", "Ada@example.com")
    other = run("init", "--admin-email", "eve@example.com", "--admin-name", "Eve")

    assert (same.exit_code, "/invitation" in same.stdout) == (0, False)
    assert (other.exit_code, "ada@example.com administers already" in other.stderr) == (1, True)


def test_a_second_agrees_and_the_firm_goes_live_on_the_command_line(run: Run) -> None:
    run("db", "upgrade")
    tokens = {}
    for name in ("ada", "ben"):
        email = f"{name}@example.com"
        run(
            "user", "create", "--email", email, "--name", name, "--role", "admin", typed=f"{PASSWORDS[email]}\n"
        )
        tokens[name] = run(
            "token", "create", "--name", name, "--email", email, "--scope", "admin"
        ).stdout.strip()
    assert "Set OPPSYNC_TOKEN" in run("go-live", "--second", "ben@example.com", "--yes").stderr
    unsure = run("go-live", "--second", "ben@example.com", OPPSYNC_TOKEN=tokens["ada"])
    assert (unsure.exit_code, "Still missing: Connect the CRM" in unsure.stdout) == (1, True)
    live = run("go-live", "--second", "ben@example.com", "--yes", OPPSYNC_TOKEN=tokens["ada"])
    assert "Live from now on" in live.stdout

    asked = ("--email", "fay@example.com", "--name", "Fay", "--role", "finance_approver")
    assert run("user", "invite", *asked).exit_code == 1
    proposed = run("access", "propose", *asked, OPPSYNC_TOKEN=tokens["ada"])
    proposal = re.findall(r"Proposed as ([\w-]+)", proposed.stdout)[0]
    assert "fay@example.com" in run("access", "list").stdout
    assert "You proposed this" in run("access", "agree", proposal, OPPSYNC_TOKEN=tokens["ada"]).stderr
    agreed = run("access", "agree", proposal, OPPSYNC_TOKEN=tokens["ben"]).stdout
    command = re.findall(r"`oppsync (user reset --email fay@example\.com)`", agreed)[0]
    assert "/invitation?key=" in run(*command.split()).stdout
    given = run(
        "access", "propose", "--email", "fay@example.com", "--role", "admin", OPPSYNC_TOKEN=tokens["ben"]
    )
    proposal = re.findall(r"Proposed as ([\w-]+)", given.stdout)[0]
    rejected = run("access", "reject", proposal, "--comment", "Not her", OPPSYNC_TOKEN=tokens["ada"])
    assert rejected.exit_code == 0
    assert run("access", "list").stdout == "Nothing is proposed.\n"
