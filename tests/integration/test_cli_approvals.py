"""Approvals from the terminal, as the person of a token."""

from __future__ import annotations

from collections.abc import Callable
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
