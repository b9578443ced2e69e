"""Approvals from the terminal, as the person of a token."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from adapters.bootstrap import Application
from adapters.cli.__main__ import oppsync
from oppsync.kernel import canonical_json
from oppsync.kernel.settings import Settings
from tests.harness.builders import TENANT
from tests.web.office import Office, email

Run = Callable[..., Result]


@pytest.fixture
def office(application: Application) -> Office:
    made = Office(application)
    made.open()
    return made


@pytest.fixture
def run(settings: Settings, tmp_path: Path, office: Office) -> Run:
    environment = {
        "DATABASE_URL": settings.database_url.get_secret_value(),
        "REDIS_URL": settings.redis_url.get_secret_value(),
        "OPPSYNC_SECRET_KEYS": settings.secret_keys.get_secret_value(),
        "OPPSYNC_HOME": str(tmp_path),
    }
    tokens: dict[str, str] = {}

    def invoke(who: str, *arguments: object) -> Result:
        if who not in tokens:
            tokens[who] = office.token(who)
        return CliRunner().invoke(
            oppsync, [str(each) for each in arguments], env=environment | {"OPPSYNC_TOKEN": tokens[who]}
        )

    return invoke


def test_an_approval_is_listed_commented_put_to_others_and_taken_back(run: Run, office: Office) -> None:
    waiting = office.waiting()
    task, queries = waiting.finance.id, office.application.queries
    listed = run("olga", "approval", "list")
    assert all(words in listed.stdout for words in (str(task), "Globex", email("ana")))
    assert len(canonical_json.loads(run("olga", "approval", "list", "--json").stdout.encode())) == 2

    assert run("uma", "approval", "comment", task, "Is the credit good?").exit_code == 0
    assert run("olga", "approval", "reassign", task, "--to", email("kim")).exit_code == 0
    asked = queries.approval(TENANT, task)
    assert [note.text for note in asked.notes] == ["Is the credit good?"]
    assert asked.task.candidates == (office.ids["kim"],)

    unknown = run("olga", "approval", "reassign", task, "--to", "nobody@acme.example")
    assert (unknown.exit_code, "no active person" in unknown.output) == (1, True)
    refused = run("ana", "approval", "withdraw", task, "--reason", "The wrong contract")
    assert (refused.exit_code, "Only who approved" in refused.output) == (1, True)
    office.approve(waiting, "ana")
    assert run("ana", "approval", "withdraw", task, "--reason", "The wrong contract").exit_code == 0
    assert queries.approval(TENANT, task).task.voided_as == "withdrawn"


def test_nothing_waits(run: Run) -> None:
    assert "No approval waits." in run("olga", "approval", "list").stdout


def test_a_delegate_who_may_not_decide_what_waits_needs_a_yes(run: Run, office: Office) -> None:
    today, waiting = datetime.now(UTC).date().isoformat(), office.waiting()
    office.override(waiting.opportunity_id, "name", "Another name", by=office.ids["ana"])
    add = (
        "absence",
        "add",
        "--email",
        email("ana"),
        "--from",
        today,
        "--until",
        today,
        "--delegate",
        email("tom"),
    )

    warned = run("olga", *add)

    assert (warned.exit_code, "a part in 1 deal that waits" in warned.output) == (1, True)
    assert "Nobody is out of office" in run("olga", "absence", "list").stdout
    assert run("olga", *add, "--yes").exit_code == 0


def test_absences_are_entered_listed_and_ended(run: Run, office: Office) -> None:
    today = datetime.now(UTC).date().isoformat()
    assert "Nobody is out of office" in run("olga", "absence", "list").stdout
    wrong = run("olga", "absence", "add", "--email", email("ana"), "--from", today, "--until", today,
                "--delegate", email("olga"))  # fmt: skip
    assert (wrong.exit_code, "makes nobody an approver" in wrong.output) == (1, True)

    entered = run("olga", "absence", "add", "--email", email("ana"), "--from", today, "--until", today,
                  "--delegate", email("tom"))  # fmt: skip

    assert entered.exit_code == 0
    listed = run("olga", "absence", "list").stdout
    assert all(words in listed for words in (email("ana"), email("tom"), "yes"))
    (row,) = canonical_json.loads(run("olga", "absence", "list", "--json").stdout.encode())
    assert run("olga", "absence", "end", row["id"]).exit_code == 0
    assert "Nobody is out of office" in run("olga", "absence", "list").stdout
    unknown = run("olga", "absence", "calendar", "--email", email("ana"), "--calendar", "BERLIN")
    assert (unknown.exit_code, "no calendar 'BERLIN'" in unknown.output) == (1, True)
    assert run("olga", "absence", "calendar", "--email", email("ana")).exit_code == 0
