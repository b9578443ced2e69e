"""Backfill: deals won before oppsync was switched on are listed, chosen, taken in, and worked once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from adapters.cli.__main__ import oppsync
from oppsync.domain.values.actor import COMMAND_LINE
from oppsync.domain.work.backfill import BackfillPreview
from oppsync.domain.work.states import State
from oppsync.kernel import canonical_json
from oppsync.kernel.errors import InvalidInput
from oppsync.kernel.settings import Settings
from oppsync.services.intake.backfill import MOST_AT_WORK
from oppsync.services.intake.commands import PreviewBackfill, RunBackfill
from sandbox.firm import deals
from sandbox.firm.install import CRM_CONNECTION
from tests.harness import erp
from tests.harness.builders import TENANT
from tests.harness.house import House
from tests.harness.tryton import Books

Run = Callable[..., Result]


class Past:
    """Deals of a month that no other test uses."""

    def __init__(self, house: House, month: date) -> None:
        self.house, self.first = house, month
        self.after = month.replace(month=month.month + 1)

    def win(self, day: int, **changes: Any) -> str:
        deal = deals.time_and_materials(self.first.replace(day=day), name=f"Of day {day}")
        deal["opportunity"] |= changes
        return str(self.house.salesforce.win_deal(deal)["id"])

    def preview(self) -> BackfillPreview:
        return self.house.application.dispatch(PreviewBackfill(TENANT, COMMAND_LINE, self.first, self.after))


@pytest.fixture
def run(settings: Settings, tmp_path: Path) -> Run:
    environment = {
        "DATABASE_URL": settings.database_url.get_secret_value(),
        "REDIS_URL": settings.redis_url.get_secret_value(),
        "OPPSYNC_SECRET_KEYS": settings.secret_keys.get_secret_value(),
        "OPPSYNC_HOME": str(tmp_path),
    }
    return lambda *arguments: CliRunner().invoke(oppsync, [*map(str, arguments)], env=environment)


def answered(result: Result) -> Any:
    assert result.exit_code == 0, result.output
    return canonical_json.loads(result.stdout.encode())


def known(house: House) -> set[str]:
    return {row.source_id for row in house.application.queries.opportunities(TENANT, limit=100).rows}


def test_a_person_looks_chooses_and_takes_in_and_each_deal_is_worked_once(
    house: House, books: Books, run: Run
) -> None:
    past = Past(house, date(2025, 3, 1))
    told, chosen, other = (past.win(day) for day in (4, 5, 6))
    house.tell(told)
    house.settle()
    when = ("--since", "2025-03-01", "--until", "2025-04-01")

    shown = answered(run("crm", "backfill", *when, "--dry-run", "--json"))
    assert [(deal["id"], deal["won_on"], deal["is_known"]) for deal in shown["deals"]] == [
        (told, "2025-03-04", True),
        (chosen, "2025-03-05", False),
        (other, "2025-03-06", False),
    ]
    assert {(deal["account"], deal["currency"]) for deal in shown["deals"]} == {("Globex GmbH", "EUR")}
    assert (shown["connection_id"], shown["taken"]) == (CRM_CONNECTION, None)
    assert "EUR 42,000.00" in run("crm", "backfill", *when, "--dry-run").stdout
    assert known(house) == {told}

    done = answered(run("crm", "backfill", *when, "--id", chosen, "--json"))
    assert done["taken"] == [chosen]
    assert known(house) == {told, chosen}
    house.settle()
    house.approve(chosen)
    house.settle()
    assert house.state(chosen) is State.ACTIVE
    erp.check_landed(books, chosen, house.plan(chosen).plan.content)

    all_of_it = run("crm", "backfill", *when)
    assert "Accepted: 1 of 3; the others were known." in all_of_it.stdout
    assert known(house) == {told, chosen, other}
    before = house.rows("select count(*) as deliveries, max(received_at) as last from inbox")
    assert "Accepted: 0 of 3" in run("crm", "backfill", *when).stdout
    assert house.rows("select count(*) as deliveries, max(received_at) as last from inbox") == before


def test_what_a_backfill_took_in_is_told_apart(house: House) -> None:
    past = Past(house, date(2025, 5, 1))
    record_id = past.win(3)
    house.application.dispatch(RunBackfill(TENANT, COMMAND_LINE, CRM_CONNECTION, past.preview().items))

    (entry,) = house.entries(record_id)
    assert entry.summary == "Accepted by a backfill"
    delivery = house.application.queries.delivery(TENANT, entry.detail["event"])
    assert (delivery.source, delivery.late_seconds) == ("backfill", None)


def test_no_more_deals_are_taken_in_than_are_worked_well(house: House) -> None:
    past = Past(house, date(2025, 7, 1))
    won = [past.win(1 + number % 28) for number in range(MOST_AT_WORK + 3)]
    items = past.preview().items
    assert {item.id for item in items} == set(won)

    first = house.application.dispatch(RunBackfill(TENANT, COMMAND_LINE, CRM_CONNECTION, items))
    assert (len(first.taken), first.known) == (MOST_AT_WORK, ())
    full = house.application.dispatch(RunBackfill(TENANT, COMMAND_LINE, CRM_CONNECTION, items))
    assert (full.taken, len(full.known)) == ((), MOST_AT_WORK)
    house.rows("update opportunities set due_at = null")  # all of them wait for people
    rest = house.application.dispatch(RunBackfill(TENANT, COMMAND_LINE, CRM_CONNECTION, items))
    assert len(rest.taken) == 3
    assert {*first.taken, *rest.taken} == set(won)


def test_a_webhook_or_a_poll_of_the_same_version_comes_to_a_known_deal(house: House) -> None:
    past = Past(house, date(2025, 9, 1))
    record_id = past.win(3)
    items = past.preview().items
    house.poll()
    step = house.application.dispatch(RunBackfill(TENANT, COMMAND_LINE, CRM_CONNECTION, items))

    assert (step.taken, step.known) == ((), (record_id,))


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (("--since", "soon"), "'soon' does not match the format"),
        (("--since", "2025-03-01", "--until", "2025-03-01"), "The last day must be after the first."),
        (("--since", "2025-03-01", "--connection", "hubspot"), f"Name one of {CRM_CONNECTION}."),
        (("--since", "2025-11-01", "--until", "2025-12-01", "--id", "006nobody"), "not in the CRM: 006nobody."),
    ],
)
def test_what_cannot_be_asked_is_refused_in_words(
    house: House, run: Run, asked: tuple[str, ...], words: str
) -> None:
    refused = run("crm", "backfill", *asked)
    assert refused.exit_code in (1, 2)
    assert words in " ".join(refused.stderr.split())


def test_a_tenant_without_a_crm_is_told(house: House) -> None:
    house.rows("delete from crm_watermarks")
    house.rows("delete from connections where role = 'crm'")
    with pytest.raises(InvalidInput, match="Add a connection of the role 'crm'"):
        Past(house, date(2025, 1, 1)).preview()
