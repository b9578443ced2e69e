"""Absence and change are news: what was deleted, repaired or changed in the CRM is heard, and nothing is made
of what is no longer so."""

from __future__ import annotations

from decimal import Decimal

import pytest

from oppsync.domain.work.exceptions import ExceptionStatus
from oppsync.domain.work.states import State
from oppsync.services.queue.commands import DismissException
from sandbox.firm import deals
from sandbox.firm.install import CRM_CONNECTION
from tests.harness import erp
from tests.harness.builders import TENANT
from tests.harness.gate import Gate
from tests.harness.house import WON_ON, House
from tests.harness.tryton import Books
from tests.service.test_approval_rules import set_rule


@pytest.fixture
def polled(house: House) -> House:
    house.connect(CRM_CONNECTION, poll_overlap=900)
    house.poll()
    return house


def parked_long_ago(house: House, record_id: str) -> None:
    """As if it had been parked for a day."""
    house.rows(
        "update opportunities set state_since = state_since - interval '1 day' where source_id = :id",
        id=record_id,
    )


# Deleted.


def test_a_deal_deleted_while_its_plan_waited_gets_no_project(house: House, books: Books) -> None:
    """Nobody told of it, and both approved."""
    record_id = house.to_approval(deals.milestone(WON_ON))
    house.salesforce.delete(record_id)
    house.approve(record_id)
    house.settle()

    item = house.exception(record_id)
    assert (house.state(record_id), item.code, item.owner) == (State.PARKED, "CRM_RECORD_GONE", "sales")
    assert erp.works(books, record_id) == {}


def test_a_deal_deleted_while_the_erp_was_away_gets_no_project(house: House, books: Books, gate: Gate) -> None:
    record_id = house.to_approval(deals.milestone(WON_ON))
    gate.shut()
    house.approve(record_id)
    house.work()
    assert house.state(record_id) is State.APPROVED
    house.salesforce.delete(record_id)
    gate.open()
    house.settle_later()

    assert house.exception(record_id).code == "CRM_RECORD_GONE"
    assert erp.works(books, record_id) == {}


def test_a_deal_that_is_restored_goes_on_with_the_approvals_it_had(house: House, books: Books) -> None:
    record_id = house.to_approval(deals.milestone(WON_ON))
    house.salesforce.delete(record_id)
    house.approve(record_id)
    house.settle()
    house.salesforce.undelete(record_id)
    house.tell(record_id)
    house.settle()

    assert (house.state(record_id), house.exceptions(record_id)) == (State.ACTIVE, [])
    erp.check_landed(books, record_id, house.plan(record_id).plan.content)


def test_a_deleted_deal_that_a_person_lets_go_is_withdrawn_and_can_come_back(house: House) -> None:
    record_id = house.to_approval(deals.milestone(WON_ON))
    house.salesforce.delete(record_id)
    house.tell(record_id)
    house.settle()
    item = house.exception(record_id)
    house.application.dispatch(DismissException(TENANT, item.id, house.operator, "A duplicate"))

    assert (house.state(record_id), house.tasks(record_id)) == (State.WITHDRAWN, {})
    house.salesforce.undelete(record_id)
    house.tell(record_id)
    house.settle()
    assert house.state(record_id) is State.AWAITING_APPROVAL


def test_a_poll_hears_that_a_deal_was_deleted(polled: House) -> None:
    """The webhook about it never came."""
    record_id = polled.to_approval(deals.milestone(WON_ON))
    stranger = str(polled.salesforce.win_deal(deals.milestone(WON_ON))["id"])
    # As if it had been read before it was deleted.
    polled.rows(
        "update opportunities set record = jsonb_set(record, '{modified_at}', '\"2026-01-01T00:00:00Z\"')"
    )
    for deleted in (record_id, stranger):
        polled.salesforce.delete(deleted, minutes_ago=3)
    polled.poll()
    polled.settle()

    assert polled.exception(record_id).code == "CRM_RECORD_GONE"
    assert polled.application.queries.opportunities(TENANT, text=stranger).rows == ()
    polled.poll()
    polled.settle()
    assert polled.exception(record_id).occurrences == 1


def test_a_purged_recycle_bin_stops_no_poll(polled: House) -> None:
    polled.salesforce.purge_recycle_bin()
    polled.poll()

    (status,) = polled.application.queries.polls(TENANT)
    assert (status.error, status.tries) == (None, 0)


def test_an_active_deal_that_is_deleted_is_for_a_person(house: House, books: Books) -> None:
    record_id = house.to_active(deals.milestone(WON_ON))
    house.salesforce.delete(record_id)
    house.tell(record_id)
    house.settle()

    item = house.exception(record_id)
    assert (house.state(record_id), item.code) == (State.ACTIVE, "CRM_RECORD_GONE")
    assert "projects of it may exist" in item.message
    erp.check_landed(books, record_id, house.plan(record_id).plan.content)
    house.salesforce.undelete(record_id)
    house.tell(record_id)
    house.settle()
    assert house.exceptions(record_id) == []


# Changed after its approval.


def test_a_deal_that_grew_after_its_approval_is_one_item_and_lists_show_what_was_approved(house: House) -> None:
    record_id = house.to_active(deals.time_and_materials(WON_ON))
    approved = house.opportunity(record_id).amount
    for amount in (60_000, 70_000):
        house.edit(record_id, opportunity={"Amount": Decimal(amount)})
        house.settle()

    item = house.exception(record_id)
    assert (item.code, item.owner, item.occurrences) == ("CHANGED_AFTER_APPROVAL", "delivery", 2)
    (found,) = item.findings
    assert (found.path, found.value) == ("/amount", "EUR 45,200.00 -> EUR 70,000.00")
    assert found.message == (
        "Amount (Opportunity.Amount): EUR 45,200.00 when it was approved, EUR 70,000.00 now"
    )
    shown = house.opportunity(record_id)
    assert (shown.amount, shown.record and shown.record.amount) == (approved, Decimal(70_000))
    (change,) = shown.changes_since_approval
    assert (change.field, change.approved, change.now) == ("/amount", "45200", "70000")
    (row,) = house.application.queries.opportunities(TENANT, text=record_id).rows
    assert (row.amount, row.changed_since_approval) == (approved, True)
    report = (
        "select amount, changed_since_approval from reporting.activated_projects where crm_opportunity_id = :id"
    )
    assert house.rows(report, id=record_id) == [{"amount": approved, "changed_since_approval": True}]


def test_a_deal_that_is_changed_back_closes_its_item(house: House) -> None:
    record_id = house.to_active(deals.time_and_materials(WON_ON))
    house.edit(record_id, opportunity={"Amount": Decimal(60_000)})
    house.settle()
    item = house.exception(record_id)
    house.edit(record_id, opportunity={"Amount": Decimal(45_200)})
    house.settle()

    assert house.exceptions(record_id) == []
    closed = house.application.queries.exception(TENANT, item.id)
    assert (closed.status, closed.closed_by) == (ExceptionStatus.REPLAYED, "stage:refresh")
    assert "exception.settled.v1" in house.timeline(record_id)
    assert not house.opportunity(record_id).changed_since_approval


def test_a_deal_that_is_won_again_closes_the_item_that_it_was_lost(house: House) -> None:
    record_id = house.to_active(deals.milestone(WON_ON))
    house.lose(record_id)
    house.settle()
    assert house.exception(record_id).code == "LOST_AFTER_APPROVAL"
    house.win_again(record_id)
    house.settle()

    assert house.exceptions(record_id) == []


# Repaired where no deal changed.


def test_an_account_that_was_repaired_is_noticed_though_nobody_told(polled: House) -> None:
    deal = deals.milestone(WON_ON)
    right = {name: deal["account"][name] for name in ("AccountNumber", "Name")}
    deal = deal | {"account": deal["account"] | {"AccountNumber": "CUST-NOBODY", "Name": "Nobody knows GmbH"}}
    won = polled.salesforce.win_deal(deal)
    record_id = str(won["id"])
    polled.tell(record_id)
    polled.settle()
    assert polled.state(record_id) is State.PARKED
    polled.salesforce.edit_record(str(won["account"]), right)
    polled.poll()
    polled.settle()
    assert polled.state(record_id) is State.PARKED, "it was read a moment ago"

    parked_long_ago(polled, record_id)
    polled.poll()
    polled.settle()

    assert (polled.state(record_id), polled.exceptions(record_id)) == (State.AWAITING_APPROVAL, [])


def test_an_owner_who_was_repaired_is_noticed_though_nobody_told(polled: House) -> None:
    deal = deals.milestone(WON_ON) | {"owner": {"Name": "Nora New", "Email": None}}
    won = polled.salesforce.win_deal(deal)
    record_id = str(won["id"])
    polled.tell(record_id)
    polled.settle()
    assert polled.exception(record_id).code == "OWNER_EMAIL_MISSING"
    owner = polled.salesforce.record(record_id)["OwnerId"]
    polled.salesforce.edit_record(str(owner), {"Email": "nora.new@example.com"})
    polled.poll()
    polled.settle()
    assert polled.state(record_id) is State.PARKED, "it was read a moment ago"

    parked_long_ago(polled, record_id)
    polled.poll()
    polled.settle()

    assert (polled.state(record_id), polled.exceptions(record_id)) == (State.AWAITING_APPROVAL, [])


def test_parked_deals_are_read_again_a_few_at_a_time_and_not_with_every_poll(polled: House) -> None:
    empty = deals.milestone(WON_ON) | {"lines": []}
    parked = [polled.win(empty) for _ in range(22)]
    polled.settle()
    for record_id in parked:
        parked_long_ago(polled, record_id)
    asked = "select count(*) as due from opportunities where due_at is not null and state = 'parked'"
    polled.poll()
    assert polled.rows(asked) == [{"due": 20}]
    polled.settle()
    polled.poll()
    assert polled.rows(asked) == [{"due": 2}]
    polled.settle()
    polled.poll()
    assert polled.rows(asked) == [{"due": 0}]
    assert {polled.exception(record_id).occurrences for record_id in parked} == {1}


def test_merged_accounts_are_news_of_their_deals(polled: House) -> None:
    """Reparented deals run no trigger, and the account's tells of the winner's."""
    deal = deals.milestone(WON_ON)
    stray = deal["account"] | {"AccountNumber": "CUST-NOBODY", "Name": "Nobody knows GmbH"}
    lost = polled.salesforce.win_deal(deal | {"account": stray})
    kept = polled.salesforce.win_deal(deal)
    record_id = str(lost["id"])
    polled.tell(record_id)
    polled.settle()
    assert polled.state(record_id) is State.PARKED
    polled.salesforce.merge_accounts(str(kept["account"]), str(lost["account"]))
    polled.poll()
    polled.settle()

    assert (polled.state(record_id), polled.exceptions(record_id)) == (State.AWAITING_APPROVAL, [])


def test_a_deal_that_a_rule_approved_in_the_run_that_read_it_is_read_once(house: House) -> None:
    set_rule(house)
    house.salesforce.clear_requests()
    record_id = house.win(deals.milestone(WON_ON))
    house.settle()

    assert house.state(record_id) is State.ACTIVE
    assert readings(house) == 1


def test_a_deal_that_people_approved_is_read_once_more(house: House) -> None:
    record_id = house.to_approval(deals.milestone(WON_ON))
    house.salesforce.clear_requests()
    house.approve(record_id)
    house.settle()

    assert house.state(record_id) is State.ACTIVE
    assert readings(house) == 1


def readings(house: House) -> int:
    """How often a whole record was read."""
    return sum(str(call["path"]).endswith("/composite") for call in house.salesforce.requests())


def test_an_erp_that_is_back_lets_a_dead_letter_go_on(polled: House, gate: Gate) -> None:
    record_id = polled.to_approval(deals.milestone(WON_ON))
    gate.shut()
    polled.approve(record_id)
    polled.work()
    polled.rows("update opportunities set tries = 300 where source_id = :id", id=record_id)
    polled.skip_waiting()
    polled.work()
    assert polled.exception(record_id).code == "RETRIES_EXHAUSTED"
    parked_long_ago(polled, record_id)
    polled.skip_waiting()
    polled.poll()
    polled.settle()
    assert polled.state(record_id) is State.PARKED, "it is still away"

    gate.open()
    polled.rows("update opportunities set recheck_at = null")
    polled.skip_waiting()
    polled.poll()
    polled.settle_later()
    assert (polled.state(record_id), polled.exceptions(record_id)) == (State.ACTIVE, [])
