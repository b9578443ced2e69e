"""The command line against a real database: its output and exit codes for scripts and operators."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import text

from adapters.bootstrap import Application
from adapters.cli.__main__ import oppsync
from adapters.operations.supervisor import product_commands
from adapters.postgres import schema
from adapters.runtime.local_set import announced
from oppsync.domain.work.exceptions import ExceptionStatus
from oppsync.domain.work.states import State
from oppsync.kernel import canonical_json
from oppsync.kernel.errors import Forbidden
from oppsync.kernel.settings import Settings
from oppsync.services.admin.commands import SignIn
from sandbox.__main__ import sandbox
from sandbox.home import Home
from tests.harness.builders import TENANT
from tests.web.office import Office

PROJECT = Path(__file__).parents[2]
PASSWORD = "a password nobody guesses"
Run = Callable[..., Result]


@pytest.fixture
def run(settings: Settings, tmp_path: Path) -> Run:
    """Run one command with the environment of a platform."""
    environment = {
        "DATABASE_URL": settings.database_url.get_secret_value(),
        "REDIS_URL": settings.redis_url.get_secret_value(),
        "OPPSYNC_SECRET_KEYS": settings.secret_keys.get_secret_value(),
        "OPPSYNC_HOME": str(tmp_path),
    }

    def invoke(*arguments: object, typed: str = "") -> Result:
        program = sandbox if arguments[0] in sandbox.commands else oppsync
        return CliRunner().invoke(program, [str(each) for each in arguments], input=typed, env=environment)

    return invoke


@pytest.fixture
def office(application: Application) -> Office:
    made = Office(application)
    made.open()
    return made


def test_upgrading_an_empty_database(run: Run, application: Application) -> None:
    with application.engine.begin() as connection:
        for name in ("public", "reporting"):
            connection.exec_driver_sql(f"drop schema {name} cascade")
        connection.exec_driver_sql("create schema public")

    before = run("db", "status", "--json")
    assert before.exit_code == 1
    assert canonical_json.loads(before.stdout) == {"at": None, "wanted": schema.head(), "is_current": False}
    too_early = run("exceptions", "list")
    assert too_early.exit_code == 1
    assert too_early.stderr == "Error: The database has no tables yet: run `oppsync db upgrade`.\n"

    assert run("db", "upgrade").stdout == f"The schema went from empty to {schema.head()}.\n"
    assert run("db", "upgrade").stdout == f"The schema is at {schema.head()}.\n"
    assert run("db", "status").exit_code == 0


def test_the_migrations_make_the_tables_of_the_code() -> None:
    done = CliRunner().invoke(sandbox, ["check-migrations"])
    assert (done.exit_code, done.stdout) == (0, "The migrations make the tables of the code.\n")


@pytest.mark.parametrize(
    ("environment", "sentence"),
    [
        ({}, "No servers run here: start them with `make up`, or set DATABASE_URL and REDIS_URL"),
        ({"REDIS_URL": "redis://127.0.0.1:1"}, "Set both DATABASE_URL and REDIS_URL, or neither"),
    ],
)
def test_without_servers(
    environment: dict[str, str], sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("DATABASE_URL", "REDIS_URL", "REDIS_TLS_URL"):
        monkeypatch.delenv(name, raising=False)
    home = tmp_path / "home"
    done = CliRunner().invoke(oppsync, ["exceptions", "list"], env=environment | {"OPPSYNC_HOME": str(home)})
    assert done.exit_code in (1, 3)
    assert done.stderr.startswith(f"Error: {sentence}")
    assert not home.exists(), "looking starts nothing and leaves nothing"


@pytest.mark.parametrize("command", product_commands().values(), ids=product_commands())
def test_a_process_of_the_procfile_without_addresses_ends_with_one_sentence(command: str) -> None:
    done = subprocess.run(
        command.split(),
        cwd=PROJECT,
        env={"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("Missing or invalid: DATABASE_URL, OPPSYNC_SECRET_KEYS, REDIS_URL. ")
    assert len(done.stderr.splitlines()) == 1


def test_a_person_is_added_and_acts_through_a_token(run: Run, application: Application) -> None:
    added = run(
        "user", "create", "--email", "Nora@Acme.example", "--name", "Nora", "--role", "auditor",
        typed=f"{PASSWORD}\n",
    )  # fmt: skip
    assert (added.exit_code, added.stdout) == (0, "Nora can sign in as nora@acme.example.\n")
    assert application.dispatch(SignIn(TENANT, "nora@acme.example", PASSWORD))
    with pytest.raises(Forbidden):
        application.dispatch(SignIn(TENANT, "nora@acme.example", "something else"))

    made = run("token", "create", "--name", "audit", "--email", "nora@acme.example", "--json")
    signed_in = application.token(canonical_json.loads(made.stdout)["token"])
    assert signed_in is not None
    assert signed_in.person.name == "Nora"


def test_what_else_the_crm_knows_a_person_by_is_set_and_opens_nothing(
    run: Run, application: Application
) -> None:
    add = (
        "user",
        "create",
        "--email",
        "nora@acme.example",
        "--name",
        "Nora",
        "--further-email",
        "n@acme.example",
    )
    assert run(*add, typed=f"{PASSWORD}\n").exit_code == 0
    with application.uow() as uow:
        found = uow.people.by_email(TENANT, "nora@acme.example")
    assert found is not None
    assert found[0].further_emails == ("n@acme.example",)

    known = run(
        "user", "identify", "--email", "nora@acme.example", "--further-email", "nora@old.example",
        "--crm-user-id", "005Ws0000000001",
    )  # fmt: skip

    assert known.stdout == "nora@acme.example is known by nora@old.example, 005Ws0000000001.\n"
    with application.uow() as uow:
        person = uow.people.get(TENANT, found[0].id)
    assert (person.further_emails, person.crm_user_ids) == (("nora@old.example",), ("005Ws0000000001",))
    with pytest.raises(Forbidden):
        application.dispatch(SignIn(TENANT, "nora@old.example", PASSWORD))
    with application.engine.connect() as connection:
        kept = connection.execute(text("select before, after from audit where type = 'person.identified.v1'"))
        before, after = kept.one()
    assert (before["further_emails"], after["further_emails"]) == (["n@acme.example"], ["nora@old.example"])
    nobody = run("user", "identify", "--email", "nobody@acme.example")
    assert "There is no active person with the e-mail nobody@acme.example" in nobody.output


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("", "Give the password on standard input"),
        ("short\n", "A password has at least 12 characters"),
    ],
)
def test_a_password_that_will_not_do(typed: str, sentence: str, run: Run) -> None:
    done = run("user", "create", "--email", "nora@acme.example", "--name", "Nora", typed=typed)
    assert done.exit_code == 1
    assert done.stderr.startswith(f"Error: {sentence}")


def test_asking_why_a_value_is_in_the_plan(run: Run, office: Office, application: Application) -> None:
    waiting = office.waiting()
    record_id = application.queries.opportunity(TENANT, waiting.opportunity_id).source_id

    asked = run("plan", "why", record_id, "/nodes/2/cost_centre")
    assert asked.exit_code == 0, asked.output
    assert "CC-DE-CLOUD" in asked.stdout
    assert "cost centre ACME-DE|CLOUD, valid from 2026-01-01, version 1" in asked.stdout
    assert f"/lines/1/service_line of record {record_id}" in asked.stdout
    in_json = canonical_json.loads(run("plan", "why", record_id, "/nodes/2", "--json").stdout)
    assert {each["place"][:8] for each in in_json["reasons"]} == {"/nodes/2"}
    assert run("plan", "why", record_id, "/nowhere").exit_code == 1

    with application.engine.begin() as connection:
        connection.exec_driver_sql("update plans set provenance = provenance - 'origins'")
    before = run("plan", "why", record_id, "/nodes/2/cost_centre").stdout
    assert "made by an earlier release" in before
    assert "cost centre ACME-DE|CLOUD, valid from 2026-01-01, version 1" in before


def test_asking_why_a_value_that_a_person_overrode_is_in_the_plan(
    run: Run, office: Office, application: Application
) -> None:
    waiting = office.waiting(changed={"cost_centre": "CC-DE-ADV"})
    record_id = application.queries.opportunity(TENANT, waiting.opportunity_id).source_id

    asked = run("plan", "why", record_id, "/nodes/2/cost_centre")

    assert asked.exit_code == 0, asked.output
    assert "a person overrode it before the plan was approved" in asked.stdout
    assert "cost centre of 00kL2 CC-DE-ADV instead of CC-DE-CLOUD, by olga@acme.example at 2" in asked.stdout
    assert "UTC: Agreed with the customer" in asked.stdout


def test_showing_a_deal_by_its_id_in_the_crm(run: Run, office: Office, application: Application) -> None:
    waiting = office.waiting()
    record_id = application.queries.opportunity(TENANT, waiting.opportunity_id).source_id

    shown = run("opportunity", "show", record_id)
    assert shown.exit_code == 0, shown.stderr
    assert "awaiting_approval" in shown.stdout
    assert str(waiting.plan.content.total) in shown.stdout
    assert "Waits for finance and delivery" in shown.stdout

    by_id = canonical_json.loads(run("opportunity", "show", waiting.opportunity_id, "--json").stdout)
    assert by_id["opportunity"]["source_id"] == record_id
    assert by_id["plan"]["hash"] == waiting.plan.hash
    assert [entry["summary"] for entry in by_id["timeline"]] == ["Waits for finance and delivery"]


def test_a_deal_that_does_not_exist(run: Run) -> None:
    done = run("opportunity", "show", "006000000000000AAA")
    assert (done.exit_code, done.stderr) == (1, "Error: There is no opportunity 006000000000000AAA.\n")


def test_replaying_and_dismissing_exceptions(run: Run, office: Office, application: Application) -> None:
    deal, to_replay = office.parked()
    _, to_dismiss = office.parked()
    listed = run("exceptions", "list")
    assert str(to_replay) in listed.stdout
    assert "COST_CENTRE_MISSING" in listed.stdout

    assert run("exceptions", "replay", to_replay).stdout == f"{to_replay}: replayed\n"
    assert application.queries.opportunity(TENANT, deal).state is State.VALIDATED
    assert run("exceptions", "dismiss", to_dismiss, "--reason", "entered twice").exit_code == 0
    item = application.queries.exception(TENANT, to_dismiss)
    assert (item.status, item.closed_by, item.reason) == (
        ExceptionStatus.DISMISSED,
        "command-line",
        "entered twice",
    )

    again = run("exceptions", "replay", to_replay)
    assert again.exit_code == 1
    assert "Traceback" not in again.output
    assert run("exceptions", "list").stdout == "No exception matches.\n"
    every = canonical_json.loads(run("exceptions", "list", "--status", "all", "--json").stdout)
    assert {item["status"] for item in every} == {"replayed", "dismissed"}


def test_a_rule_that_approves_is_set_shown_and_ended(run: Run, application: Application) -> None:
    said = run("approval-rule", "set", "small", "--up-to", "50000", "--currency", "EUR", "--from", "2026-01-01")
    assert said.output == "Rule small approves plans from 2026-01-01 on.\n"
    again = run("approval-rule", "set", "small", "--up-to", "1", "--currency", "EUR", "--from", "2026-02-01")
    assert again.exit_code == 1
    assert "overlaps the row from 2026-01-01: end that one first" in again.output

    (rule,) = canonical_json.loads(run("approval-rule", "list", "--json").output)
    assert rule["value"]["up_to"] == {"amount": "50000.00", "currency": "EUR"}
    assert rule["value"]["known_customers_only"] is True
    assert "EUR 50,000.00  finance, delivery  any" in run("approval-rule", "list").output

    assert run("approval-rule", "end", "small", "--on", "2026-03-01").exit_code == 0
    assert run("approval-rule", "end", "small").exit_code == 1
    (rule,) = canonical_json.loads(run("approval-rule", "list", "--json").output)
    assert (rule["valid_to"], rule["version"]) == ("2026-03-01", 2)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--up-to", "much", "--currency", "EUR"), "--up-to must be a number"),
        (("--up-to", "5", "--currency", "EURO"), "is not the code of a current currency"),
        (("--up-to", "5.001", "--currency", "EUR"), "finer than the minor unit"),
    ],
)
def test_a_rule_that_makes_no_sense(run: Run, options: tuple[str, ...], sentence: str) -> None:
    refused = run("approval-rule", "set", "odd", *options)

    assert refused.exit_code == 1
    assert sentence in refused.output


def test_the_demo_firm_is_seeded_once(run: Run, application: Application, tmp_path: Path) -> None:
    seed = ("seed", "--into-this-database", "--database-name", application.engine.url.database)
    assert run(*seed).exit_code == 0
    passwords = Home(tmp_path).passwords([])
    assert run(*seed).exit_code == 0
    assert Home(tmp_path).passwords([]) == passwords
    email = "fiona.finance@example.com"
    assert application.dispatch(SignIn(TENANT, email, passwords[email]))


@pytest.mark.parametrize("command", ["seed", "up", "demo"])
@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ((), "say --into-this-database if that is what you want"),
        (("--database-name", "{name}"), "say --into-this-database if that is what you want"),
        (("--into-this-database",), "this is not a terminal: add --database-name {name}"),
        (("--into-this-database", "--database-name", "other"), "names the database {name}, not other"),
    ],
)
def test_the_demo_firm_enters_no_database_by_mistake(
    run: Run, application: Application, command: str, options: tuple[str, ...], sentence: str
) -> None:
    name = application.engine.url.database
    refused = run(command, *(option.format(name=name) for option in options))
    assert refused.exit_code == 1
    assert sentence.format(name=name) in refused.stderr
    with application.engine.connect() as connection:
        assert connection.exec_driver_sql("select count(*) from connections").scalar() == 0


@pytest.mark.parametrize("command", ["seed", "up", "demo"])
def test_a_named_database_is_refused_before_a_key_is_asked_for(
    settings: Settings, tmp_path: Path, command: str
) -> None:
    named = {
        "DATABASE_URL": settings.database_url.get_secret_value(),
        "REDIS_URL": settings.redis_url.get_secret_value(),
        "OPPSYNC_SECRET_KEYS": None,
        "OPPSYNC_HOME": str(tmp_path),
    }

    refused = CliRunner().invoke(sandbox, [command], env=named)

    assert refused.exit_code == 1
    assert "say --into-this-database if that is what you want" in refused.stderr
    assert "OPPSYNC_SECRET_KEYS" not in refused.output


def test_commands_find_the_set_that_runs_here_and_no_other(
    settings: Settings, application: Application, tmp_path: Path
) -> None:
    def invoke() -> Result:
        servers = ("DATABASE_URL", "REDIS_URL", "REDIS_TLS_URL")
        named = {"OPPSYNC_HOME": str(tmp_path), **dict.fromkeys(servers)}
        return CliRunner().invoke(oppsync, ["exceptions", "list"], env=named)

    with announced(tmp_path, settings):
        assert invoke().exit_code == 0
        assert stat.S_IMODE((tmp_path / "running.json").stat().st_mode) == 0o600
        left_by_a_killed_one = (tmp_path / "running.json").read_bytes()
    assert "No servers run here" in invoke().stderr

    (tmp_path / "running.json").write_bytes(left_by_a_killed_one)
    assert "No servers run here" in invoke().stderr


def test_secrets_of_the_embedded_default_are_kept_from_others(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    first = (home.secret_keys(), home.webhook_secret(), home.passwords(["a@acme.example"]))
    token = home.token("a@acme.example", is_known=lambda _: True, make=lambda: "first")
    assert (home.secret_keys(), home.webhook_secret(), home.passwords(["a@acme.example"])) == first
    assert home.token("a@acme.example", is_known=lambda _: True, make=lambda: "second") == token
    assert home.token("a@acme.example", is_known=lambda _: False, make=lambda: "third") == "third"
    for path in home.root.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path


def test_a_role_is_limited_and_the_others_keep_theirs(run: Run) -> None:
    email = ("--email", "nora@acme.example")
    run("user", "create", *email, "--name", "Nora", "--role", "operations", typed=f"{PASSWORD}\n")

    limited = run("user", "roles", *email, "--add", "finance_approver@ACME-US,ACME-DE/DACH", "--add", "auditor")
    listed = run("user", "list").stdout
    kept = run("user", "roles", *email, "--remove", "auditor", "--remove", "operations")
    wrong = run("user", "roles", *email, "--add", "auditor@ACME-DE")

    written = "finance_approver@ACME-DE,ACME-US/DACH"
    assert limited.stdout == f"nora@acme.example is now auditor, {written}, operations.\n"
    assert written in listed
    assert kept.stdout == f"nora@acme.example is now {written}.\n"
    assert (wrong.exit_code, "The role auditor cannot be limited" in wrong.output) == (1, True)
    assert run("user", "roles", *email, "--add", "finance_approver@").exit_code == 2
    assert run("user", "invite", "--email", "li@acme.example", "--name", "Li", "--role", written).exit_code == 0


def test_roles_password_sessions_and_tokens_are_changed_and_the_security_log_says_by_whom(
    run: Run, application: Application
) -> None:
    email = ("--email", "nora@acme.example")
    run("user", "create", *email, "--name", "Nora", "--role", "auditor", typed=f"{PASSWORD}\n")
    session = application.dispatch(SignIn(TENANT, "nora@acme.example", PASSWORD))
    assert isinstance(session, str)

    assert (
        run("user", "roles", *email, "--role", "operations").stdout == "nora@acme.example is now operations.\n"
    )
    further = run("user", "roles", *email, "--add", "auditor", "--add", "executive", "--remove", "operations")
    assert further.stdout == "nora@acme.example is now auditor, executive.\n"
    assert application.session(session) is None, "new roles end the sessions"
    assert run("user", "roles", *email, "--add", "auditor", "--role", "auditor").exit_code == 2
    assert run("user", "roles", *email, "--role", "operations").exit_code == 0
    weak = run("user", "password", *email, typed="password1234\n")
    assert (weak.exit_code, "common" in weak.output) == (1, True)
    assert run("user", "password", *email, typed="seven quiet lanterns hum\n").exit_code == 0
    assert application.session(session) is None
    application.dispatch(SignIn(TENANT, "nora@acme.example", "seven quiet lanterns hum"))
    assert "1 sessions ended" in run("user", "sign-out", *email).stdout
    made = run("token", "create", "--name", "audit", *email)
    assert application.token(made.stdout.strip()) is not None
    assert run("token", "revoke", "--name", "audit").exit_code == 0
    assert application.token(made.stdout.strip()) is None
    assert run("token", "revoke", "--name", "audit").exit_code == 1
    assert run("user", "deactivate", *email).exit_code == 0
    with pytest.raises(Forbidden):
        application.dispatch(SignIn(TENANT, "nora@acme.example", "seven quiet lanterns hum"))

    log = canonical_json.loads(run("security", "changes", "--json").stdout)
    assert [row["type"] for row in log] == [
        "person.changed.v1", "token.revoked.v1", "token.made.v1", "sessions.ended.v1", "password.set.v1",
        "person.changed.v1", "person.changed.v1", "person.changed.v1", "person.added.v1",
    ]  # fmt: skip
    assert {row["actor"] for row in log} == {"command-line"}
    counted = run("security", "attempts").stdout
    assert "Signed in" in counted
    assert "an unknown account" in counted


def test_a_connection_is_set_from_a_document_and_its_secrets_are_shown_nowhere(
    run: Run, application: Application
) -> None:
    document = {
        "id": "erp",
        "role": "projects",
        "vendor": "tryton",
        "name": "Tryton",
        "settings": {"base_url": "https://erp.example", "database": "erp"},
        "secrets": {"rest_key": "a-key-nobody-sees"},
    }

    done = run("connection", "set", "-", typed=canonical_json.dumps(document))

    assert (done.exit_code, done.stdout) == (0, "The connection erp is set: `oppsync doctor` checks it.\n")
    with application.uow() as uow:
        assert uow.connections.secrets("erp") == {"rest_key": "a-key-nobody-sees"}
    kept = {name: value for name, value in document.items() if name != "secrets"}
    assert run("connection", "set", "-", typed=canonical_json.dumps({**kept, "name": "Books"})).exit_code == 0
    with application.uow() as uow:
        assert uow.connections.get("erp").name == "Books"
        assert uow.connections.secrets("erp") == {"rest_key": "a-key-nobody-sees"}
    log = run("security", "changes", "--json").stdout
    assert "rest_key" in log
    assert "a-key-nobody-sees" not in log
    for wrong in ("[]", "{", '{"id": "erp"}', canonical_json.dumps({**document, "vendor": "sap"})):
        refused = run("connection", "set", "-", typed=wrong)
        assert refused.exit_code == 1, refused.output
        assert "a-key-nobody-sees" not in refused.output
