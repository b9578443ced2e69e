"""Rules with conditions from the terminal."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from adapters.bootstrap import Application
from adapters.cli.__main__ import oppsync
from oppsync.domain.policy.approval_rule import ApprovalRule
from oppsync.domain.reference.book import ReferenceKind, ReferenceRow
from oppsync.domain.values.actor import COMMAND_LINE
from oppsync.domain.values.money import Money
from oppsync.kernel import canonical_json
from oppsync.kernel.settings import Settings
from oppsync.services.approvals.commands import SetApprovalRule
from tests.unit.test_rule_files import RULE

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


def test_a_rule_that_is_set_again_keeps_its_condition(run: Run, application: Application) -> None:
    with_condition = ApprovalRule(
        up_to=Money(amount=Decimal(5), currency="EUR"), condition="plan.workstreams == 1", examples=()
    )
    row = ReferenceRow(
        kind=ReferenceKind.APPROVAL_RULE,
        key="small",
        valid_from=date(2026, 1, 1),
        value=with_condition.model_dump(mode="json"),
    )
    application.dispatch(SetApprovalRule(application.tenant_id, row, COMMAND_LINE))

    set_again = ("approval-rule", "set", "small", "--up-to", "7", "--currency", "EUR", "--from", "2026-01-01")
    assert run(*set_again).exit_code == 0

    (rule,) = canonical_json.loads(run("approval-rule", "list", "--json").output)
    assert (rule["value"]["up_to"]["amount"], rule["value"]["condition"]) == ("7.00", "plan.workstreams == 1")
    assert "plan.workstreams == 1" in run("approval-rule", "list").output


def test_the_examples_of_a_firms_rules_are_tried(run: Run, application: Application, tmp_path: Path) -> None:
    folder = tmp_path / "acme"
    folder.mkdir()
    (folder / "oppsync.yaml").write_text("format: 1\nfirm: Acme\n")
    (folder / "rules.yaml").write_text(RULE)

    tried = run("policy", "test", folder)
    (folder / "rules.yaml").write_text(RULE.replace("expect: true", "expect: false"))
    wrong = run("policy", "test", folder)
    as_json = canonical_json.loads(run("policy", "test", folder, "--json").output)

    assert tried.exit_code == 0
    assert "name large from 2026-01-01  1        holds          holds          as expected" in tried.output
    assert "2 examples: none came out otherwise than expected." in tried.output
    assert wrong.exit_code == 1
    assert "1        does not hold  holds          WRONG" in wrong.output
    assert [(each["example"], each["is_met"]) for each in as_json["tests"]] == [
        (1, False),
        (2, True),
        (0, False),
    ]
    (folder / "rules.yaml").write_text(RULE[: RULE.index("  examples:")])
    untested = run("policy", "test", folder)
    assert untested.exit_code == 0
    assert "warning: It has no examples, so that nothing shows what it means" in untested.output
    assert "1 rule lacks examples." in untested.output
    assert run("policy", "test", folder, "--strict").exit_code == 1
    assert run("policy", "test").output == "No rule has a condition.\n"
