"""The whole way of a deal, from the notification to the write-back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from email import message_from_bytes
from email.policy import default
from typing import Any

import pytest

from oppsync.domain.effects.effects import EffectState
from oppsync.domain.values.keys import EffectKind
from oppsync.domain.work.states import State
from sandbox.firm import deals
from tests.harness import erp
from tests.harness.house import DELIVERY, FINANCE, WON_ON, House
from tests.harness.tryton import Books

WAY = ["validated", "enriched", "planned", "awaiting_approval", "approved", "created", "active"]


def test_a_deal_with_three_workstreams_becomes_projects_and_is_written_back(house: House, books: Books) -> None:
    record_id = house.to_active()

    plan, seen = house.plan(record_id).plan.content, house.opportunity(record_id)
    assert [str(node.kind) for node in plan.nodes].count("workstream") == 3
    erp.check_landed(books, record_id, plan)
    record = house.salesforce.record(record_id)
    assert plan.total.amount == Decimal(record["Amount"]) == sum(_billed(plan), Decimal(0))
    assert record["oppsync_Status__c"] == "Active"
    assert record["oppsync_Project_Number__c"] == seen.project_number
    assert record["oppsync_Project_Link__c"] == seen.project_url
    assert record["oppsync_Activated_At__c"]
    (workspace,) = _workspaces(house, record_id)
    assert workspace["title"] == plan.name
    assert f"Project: {seen.project_number}" in workspace["description"]
    assert "Status: Active" in workspace["description"]


def _billed(plan: Any) -> list[Decimal]:
    return [line.amount.amount for _node, line in plan.billing_lines()]


def _workspaces(house: House, record_id: str) -> list[dict[str, Any]]:
    return [each for each in house.kantata.workspaces() if f":{record_id}:" in each["external_reference"]]


def by_the_hour(won: date) -> deals.Deal:
    lines = [deals.hours_line(won, "ACME-DE", deals.SENIOR, 90, "Architecture")]
    return deals.deal(
        won, "CUST-1001", "ACME-DE", name="Advice", billing_model="Time and Materials", lines=lines
    )


@pytest.mark.parametrize("deal", [by_the_hour, deals.fixed_fee, deals.milestone])
def test_each_billing_model_alone_is_a_single_project(
    house: House, tryton_books: Callable[[int], Books], deal: Callable[[date], deals.Deal]
) -> None:
    record_id = house.to_active(deal(WON_ON))

    plan = house.plan(record_id).plan.content
    assert [node.path for node in plan.nodes if str(node.kind) != "task"] == ["project"]
    erp.check_landed(tryton_books(2 if plan.erp_company == "ACME-US" else 1), record_id, plan)
    assert sum(_billed(plan), Decimal(0)) == Decimal(house.salesforce.record(record_id)["Amount"])


def test_a_deal_won_a_year_earlier_has_the_rates_of_its_day(house: House) -> None:
    """Last year's rate is in the plan; the cost centre changed at the same date."""
    this_year = house.to_approval(deals.time_and_materials(date(2026, 3, 2)))
    last_year = house.to_approval(deals.time_and_materials(date(2025, 3, 3)))

    rates = [
        [line.rate for _node, line in house.plan(each).plan.content.billing_lines()]
        for each in (this_year, last_year)
    ]

    assert rates == [[Decimal(160), Decimal(130)], [Decimal(150), Decimal(120)]]


def test_downstream_reporting_has_one_row_from_the_activation_on(house: House) -> None:
    record_id = house.to_approval()
    report = "select * from reporting.activated_projects where crm_opportunity_id = :id"
    assert house.rows(report, id=record_id) == []

    house.approve(record_id)
    house.settle()

    (row,) = house.rows(report, id=record_id)
    plan, seen = house.plan(record_id), house.opportunity(record_id)
    assert (row["amount"], row["currency"]) == (plan.plan.content.total.amount, "EUR")
    assert (row["project_number"], row["project_url"]) == (seen.project_number, seen.project_url)
    assert (row["workstreams"], row["customer_code"], row["won_on"]) == (3, "CUST-1004", WON_ON)
    assert (row["plan_hash"], row["activated_at"]) == (plan.hash, seen.activated_at)


def test_every_step_is_in_one_audit_trail_under_one_correlation_id(house: House) -> None:
    record_id = house.to_active()

    entries = house.entries(record_id)
    assert house.states_passed(record_id) == WAY
    assert len({entry.correlation_id for entry in entries}) == 1
    assert [entry.at for entry in entries] == sorted(entry.at for entry in entries)
    types = house.timeline(record_id)
    assert types[:3] == ["delivery.received.v1", "record.read.v1", "state.changed.v1"]
    assert types.count("approval.opened.v1") == types.count("plan.approved.v1") == 2
    actors = {entry.actor for entry in entries if entry.type == "plan.approved.v1"}
    assert actors == {f"person:{FINANCE}", f"person:{DELIVERY}"}
    landed = {entry.detail["key"] for entry in entries if entry.type == "effect.recorded.v1"}
    assert landed == {row.key for row in house.effects(record_id)}


def test_the_ledger_has_every_effect_confirmed_at_its_first_attempt(house: House) -> None:
    """But for notifications: without a mail server nobody receives them."""
    record_id = house.to_active()

    rows = house.effects(record_id)

    states = {(row.kind is EffectKind.NOTIFICATION, row.state) for row in rows}
    assert states == {(True, EffectState.INTENDED), (False, EffectState.CONFIRMED)}
    carried = [row for row in rows if row.kind is EffectKind.PSA_WRITE_BACK]  # in the PSA's new project
    assert [(row.state, row.attempts) for row in carried] == [(EffectState.CONFIRMED, 0)]
    assert {(row.state, row.attempts) for row in rows if row not in carried} == {
        (EffectState.INTENDED, 0),
        (EffectState.CONFIRMED, 1),
    }
    traced = house.rows("select distinct traceparent from effects")
    assert traced == house.rows("select traceparent from opportunities")


def test_candidates_are_told_once_with_a_link_and_no_amount(house: House) -> None:
    record_id = house.to_approval()
    house.tell(record_id)  # processed once more: nothing is written again
    house.settle()

    mails = [
        message_from_bytes(path.read_bytes(), policy=default)
        for path in sorted(house.application.settings.outbox_folder.glob("*.eml"))
    ]
    # The owner has the finance role too, and is no candidate for their own deal.
    assert sorted(mail["To"] for mail in mails) == [DELIVERY, FINANCE]
    tasks = {str(task.id) for task in house.tasks(record_id).values()}
    amount = house.plan(record_id).plan.content.total.amount
    for mail in mails:
        body = mail.get_body()
        assert body is not None
        said = f"{mail['Subject']} {body.get_content()}"
        link = next(word for word in said.split() if "/approvals/" in word)
        assert link.rpartition("/")[2] in tasks
        assert not {str(amount), f"{amount:,}", str(int(amount))} & set(said.split())


def test_the_only_link_in_a_mail_is_ours(house: House) -> None:
    """Whatever somebody in the CRM named the deal."""
    deal = deals.milestone(WON_ON)
    name = "Urgent: sign in at https://oppsync.example.net/sign-in or www.example.net"
    house.to_approval(deal | {"opportunity": deal["opportunity"] | {"Name": name}})

    for path in house.application.settings.outbox_folder.glob("*.eml"):
        mail = message_from_bytes(path.read_bytes(), policy=default)
        body = mail.get_body()
        assert body is not None
        said = f"{mail['Subject']} {body.get_content()}"
        assert "Urgent: sign in at https[:]//oppsync[.]example[.]net/sign-in or www[.]example[.]net" in said
        (link,) = [word for word in said.split() if "://" in word]
        assert "/approvals/" in link


def test_two_deals_at_once_keep_to_themselves(house: House, books: Books) -> None:
    first, second = (house.win(deals.time_and_materials(WON_ON)) for _ in range(2))
    house.settle()
    for record_id in (first, second):
        house.approve(record_id)
    house.settle()

    numbers = {house.opportunity(record_id).project_number for record_id in (first, second)}
    assert len(numbers) == 2
    for record_id in (first, second):
        assert house.state(record_id) is State.ACTIVE
        erp.check_landed(books, record_id, house.plan(record_id).plan.content)
