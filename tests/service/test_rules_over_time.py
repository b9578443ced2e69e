"""Rules change while deals go on: a large table comes in, a version is taken back, a rate card is tried
first."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from adapters.cli.__main__ import oppsync
from adapters.documents.bundle_files import write_bundle
from oppsync.domain.configuration.bundle import fingerprint
from oppsync.domain.reference.book import ReferenceKind, ReferenceRow
from oppsync.domain.values.actor import COMMAND_LINE
from oppsync.domain.values.model import changed
from oppsync.domain.values.money import Money
from oppsync.domain.values.roles import PersonRole
from oppsync.domain.values.scopes import EVERY_SCOPE
from oppsync.domain.work.states import State
from oppsync.services.admin.commands import CreatePerson, CreateToken
from sandbox.firm import deals
from sandbox.firm.demo_firm import bundle
from tests.harness.builders import TENANT
from tests.harness.house import WON_ON, House

FIRM, ROWS = bundle()
# Who agrees to rules by which a plan is made does not approve the plan.
IDA, FRED = "ida@example.com", "fred@example.com"
Run = Callable[..., Result]


@pytest.fixture
def run(house: House) -> Run:
    """The command line of a live firm, by the token of whoever is named."""
    for email, role in ((IDA, PersonRole.INTEGRATION_ADMIN), (FRED, PersonRole.FINANCE_APPROVER)):
        password = f"a long password of {email}"
        hire = CreatePerson(TENANT, COMMAND_LINE, email, email, password, frozenset({role}))
        house.application.dispatch(hire)
    house.rows("update tenants set went_live_at = now()")
    settings = house.application.settings
    environment = {
        "DATABASE_URL": settings.database_url.get_secret_value(),
        "REDIS_URL": settings.redis_url.get_secret_value(),
        "OPPSYNC_SECRET_KEYS": settings.secret_keys.get_secret_value(),
    }
    tokens = {
        email: house.application.dispatch(CreateToken(TENANT, COMMAND_LINE, f"of {email}", email, EVERY_SCOPE))
        for email in (IDA, FRED)
    }

    def invoke(*arguments: object, by: str = IDA) -> Result:
        return CliRunner().invoke(
            oppsync, [*map(str, arguments)], env=environment | {"OPPSYNC_TOKEN": tokens[by]}
        )

    return invoke


def agreed(run: Run, *arguments: object) -> None:
    """Proposed by one and approved by another."""
    proposed = run("config", *arguments, "--json")
    assert proposed.exit_code == 0, proposed.output
    assert "proposal_id" in proposed.stdout, proposed.output
    proposal = json.loads(proposed.stdout)["proposal_id"]
    assert run("config", "approve", proposal, by=IDA).exit_code == 1
    approved = run("config", "approve", proposal, by=FRED)
    assert approved.exit_code == 0, approved.output


def rates_of(house: House) -> list[ReferenceRow]:
    with house.application.uow.reading() as uow:
        return list(uow.references.of_kind(TENANT, ReferenceKind.RATE_CARD))


def folder_of(at: Path, rows: Sequence[ReferenceRow]) -> Path:
    at.mkdir()
    for name, content in write_bundle(FIRM, rows).items():
        (at / name).write_bytes(content)
    return at


def test_two_thousand_rates_come_in_as_a_table_and_the_next_deal_is_sold_by_them(
    house: House, run: Run, tmp_path: Path
) -> None:
    before, table = rates_of(house), tmp_path / "rates.csv"
    house.to_approval(deals.time_and_materials(WON_ON))
    lines = [("NA", f"Role {number}", "USD", "01.03.2026", "NA", f"1.{number:03},50") for number in range(999)]
    lines += [("DACH", f"Role {number}", "EUR", "01.03.2026", "DACH", "99") for number in range(1_000)]
    lines += [("DACH", "Consultant", "EUR", "01.03.2026", "DACH March", "135,5")]

    def write(*more: Sequence[str]) -> None:
        with table.open("w", newline="") as file:
            header = ("Region", "Role", "Currency", "Valid from", "Card", "Hourly")
            csv.writer(file, delimiter=";").writerows([header, *lines, *more])

    form = ("import", "rates", table, "--numbers", "comma", "--dates", "day_first")
    write(("NA", "Analyst", "USD", "31.02.2026", "NA", "100"))
    refused = run("config", *form)
    assert refused.exit_code == 1
    assert "2002" in refused.output  # the line of the one row that is wrong
    write()

    preview = run("config", *form)

    assert preview.exit_code == 0, preview.output
    assert preview.stdout.count("added: ") == 2_000
    assert "ends: no longer holds from 2026-03-01 on" in preview.stdout
    assert rates_of(house) == before
    agreed(run, *form, "--apply")
    assert len(rates_of(house)) == len(before) + 2_000
    later = house.win(deals.time_and_materials(WON_ON, name="Cloud advisory two"))
    house.settle()
    (differs,) = house.exception(later).findings
    assert differs.message.endswith("was sold at EUR 130.00 an hour, the rate card DACH March has EUR 135.50")


def test_a_version_is_taken_back_by_two_and_deals_that_are_read_again_are_planned_by_it(
    house: House, run: Run, tmp_path: Path
) -> None:
    open_deal = house.to_approval(deals.milestone(WON_ON))
    active = house.to_active(deals.fixed_fee(WON_ON))
    first, done = house.plan(open_deal), house.plan(active)
    fewer = [row for row in ROWS if row.kind is not ReferenceKind.COST_CENTRE]
    agreed(run, "apply", folder_of(tmp_path / "fewer", fewer), "--note", "no cost centres")
    house.edit(open_deal, opportunity={"PO_Number__c": "PO-OTHER"})
    house.settle()
    assert house.exception(open_deal).code == "COST_CENTRE_MISSING"

    agreed(run, "revert", 1, "--note", "they are needed")

    with house.application.uow.reading() as uow:
        newest = uow.configurations.latest(TENANT)
    assert newest is not None
    assert (newest.number, newest.reverts_to, newest.fingerprint) == (3, 1, fingerprint(ROWS))
    assert (newest.made_by, newest.approved_by) == (f"person:{IDA}", f"person:{FRED}")
    house.replay(house.exception(open_deal))
    house.settle()
    assert house.state(open_deal) is State.AWAITING_APPROVAL, house.exceptions(open_deal)
    anew = house.plan(open_deal).plan
    assert anew.content.po_number == "PO-OTHER"
    assert anew.configuration is not None
    assert anew.configuration.number == 3
    assert first.plan.configuration is not None
    assert first.plan.configuration.number == 1
    assert house.plan(active) == done


def test_a_dearer_rate_card_is_tried_by_thirty_deals_before_anybody_agrees_to_it(
    house: House, run: Run, tmp_path: Path
) -> None:
    names: dict[str, str] = {}
    for number in range(6):
        for sold in deals.all_kinds(date(2026, 3, 2 + number)):
            sold["opportunity"]["Name"] += f" {number}"
            sold["opportunity"]["PO_Number__c"] = f"PO-{len(names)}"
            names[house.win(sold)] = sold["opportunity"]["Name"]
    house.settle()
    assert {house.state(record_id) for record_id in names} == {State.AWAITING_APPROVAL}
    plans = {record_id: house.plan(record_id).hash for record_id in names}
    dearer = [
        changed(row, value={**row.value, "hourly": "150"})
        if (row.kind, row.key, row.valid_from)
        == (ReferenceKind.RATE_CARD, "DACH|Consultant|EUR", date(2026, 1, 1))
        else row
        for row in ROWS
    ]

    told = run("policy", "backtest", folder_of(tmp_path / "dearer", dearer), "--last", 30)

    assert told.exit_code == 0, told.output
    assert "30 of 30 deals tried" in told.stderr
    by_the_hour = [record_id for record_id, name in names.items() if "Cloud advisory" in name]
    assert "6 of 30 deals won from 2026-03-02 to 2026-03-07 would differ: 6 enriched otherwise." in told.stdout
    assert "6 would be stopped." in told.stdout
    assert "Of the 24 deals that go on by both:" in told.stdout
    first = next(line for line in told.stdout.splitlines() if line.startswith("total"))
    assert first.endswith(str(Money.zero("EUR"))), "what is stopped is no money saved"
    for record_id in by_the_hour:
        (line,) = [each for each in told.stdout.splitlines() if record_id in each]
        assert names[record_id] in line
        assert "Consultant was sold at EUR 130.00 an hour, the rate card DACH 2026 has EUR 150.00" in line
    assert {each: house.plan(each).hash for each in names} == plans
