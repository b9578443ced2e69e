"""Deleted and merged records, after the vendor's documentation of getDeleted and of triggers."""

import json
import re
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

import pytest

from sandbox.firm import deals
from sandbox.standins.control import SalesforceControl
from tests.harness.waiting import until
from tests.integration.salesforce_standin.outside import SECRET, WON, Receiver
from tests.integration.standin_calls import SalesforceClient


def deleted_path(start: datetime, end: datetime) -> str:
    query = urlencode({"start": start.isoformat(), "end": end.isoformat()})
    return f"sobjects/Opportunity/deleted/?{query}"


def test_what_was_deleted_is_listed_in_the_vendors_words(
    client: SalesforceClient, control: SalesforceControl
) -> None:
    deal_id = str(control.win_deal(deals.milestone(WON))["id"])
    control.delete(deal_id, minutes_ago=5)
    now = datetime.now(UTC)

    answer = client.call("GET", deleted_path(now - timedelta(minutes=10), now))

    assert answer.status == 200
    (record,) = answer.json["deletedRecords"]
    assert (sorted(record), record["id"]) == (["deletedDate", "id"], deal_id)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+0000", record["deletedDate"])
    assert sorted(answer.json) == ["deletedRecords", "earliestDateAvailable", "latestDateCovered"]


def test_seconds_of_the_span_are_ignored(client: SalesforceClient, control: SalesforceControl) -> None:
    deal_id = str(control.win_deal(deals.milestone(WON))["id"])
    control.delete(deal_id)
    end = datetime.now(UTC)

    answer = client.call("GET", deleted_path(end - timedelta(minutes=10), end))

    assert answer.json["deletedRecords"] == [], "this minute is not over"
    assert answer.json["latestDateCovered"] == f"{end:%Y-%m-%dT%H:%M}:00.000+0000"


@pytest.mark.parametrize(
    ("start", "end"),
    [
        (timedelta(0), timedelta(0)),
        (timedelta(minutes=1), timedelta(0)),
        (timedelta(0), timedelta(minutes=5)),
        (timedelta(days=31), timedelta(0)),
    ],
)
def test_a_span_that_the_vendor_refuses_is_refused(
    client: SalesforceClient, start: timedelta, end: timedelta
) -> None:
    now = datetime.now(UTC)

    answer = client.call("GET", deleted_path(now - start, now - end))

    assert (answer.status, answer.json[0]["errorCode"]) == (400, "INVALID_REPLICATION_DATE")


def test_after_a_purge_nobody_can_tell_what_was_deleted_before(
    client: SalesforceClient, control: SalesforceControl
) -> None:
    deal_id = str(control.win_deal(deals.milestone(WON))["id"])
    control.delete(deal_id, minutes_ago=5)
    control.purge_recycle_bin()
    now = datetime.now(UTC)

    answer = client.call("GET", deleted_path(now - timedelta(minutes=10), now))

    assert (answer.status, answer.json[0]["errorCode"]) == (400, "INVALID_REPLICATION_DATE")


def test_a_deleted_record_says_so_and_its_children_went_with_it(
    client: SalesforceClient, control: SalesforceControl
) -> None:
    won = control.win_deal(deals.milestone(WON))
    control.delete(str(won["id"]))

    gone = client.call("GET", f"sobjects/Opportunity/{won['id']}")
    assert (gone.status, gone.json[0]["errorCode"]) == (404, "ENTITY_IS_DELETED")
    assert control.records("OpportunityLineItem") == []
    control.undelete(str(won["id"]))
    assert len(control.records("OpportunityLineItem")) == len(won["lines"])
    assert client.call("GET", f"sobjects/Opportunity/{won['id']}").status == 200


def test_triggers_tell_of_a_won_deal_that_is_deleted_and_that_comes_back(
    control: SalesforceControl, receiver: Receiver
) -> None:
    control.configure_webhook(receiver.url, SECRET)
    deal_id = str(control.win_deal(deals.milestone(WON))["id"])
    until(lambda: len(receiver.taken) == 1, "it is told")
    control.delete(deal_id)
    until(lambda: len(receiver.taken) == 2, "the deletion is told")
    control.undelete(deal_id)
    until(lambda: len(receiver.taken) == 3, "the return is told")

    assert receiver.deals_told() == [(deal_id, True), (deal_id, False), (deal_id, True)]
    assert json.loads(receiver.taken[1][1])["opportunities"][0]["is_deleted"] is True


def test_triggers_tell_of_deals_that_are_not_active_when_their_account_or_owner_changes(
    control: SalesforceControl, client: SalesforceClient, receiver: Receiver
) -> None:
    control.configure_webhook(receiver.url, SECRET)
    won = control.win_deal(deals.milestone(WON))
    active = str(control.win_deal(deals.milestone(WON))["id"])
    client.call("PATCH", f"sobjects/Opportunity/{active}", {"oppsync_Status__c": "Active"})
    until(lambda: len(receiver.taken) == 2, "both are told")
    for related, fields in ((won["account"], {"Name": "Renamed"}), (won["owner"], {"Name": "Renamed"})):
        control.edit_record(str(related), fields)
    until(lambda: len(receiver.taken) == 4, "both changes are told")

    assert [deal_id for deal_id, _ in receiver.deals_told()[2:]] == [won["id"]] * 2


def test_merged_accounts_tell_of_the_winners_deals(control: SalesforceControl, receiver: Receiver) -> None:
    control.configure_webhook(receiver.url, SECRET)
    other = {"AccountNumber": "CUST-DOUBLE", "Name": "Globex again"}
    kept = control.win_deal(deals.milestone(WON))
    lost = control.win_deal(deals.milestone(WON) | {"account": other})
    until(lambda: len(receiver.taken) == 2, "both are told")
    control.merge_accounts(str(kept["account"]), str(lost["account"]))
    until(lambda: len(receiver.taken) == 3, "the merge is told")

    assert {deal_id for deal_id, _ in receiver.deals_told()[2:]} == {kept["id"], lost["id"]}
    assert control.record(str(lost["id"]))["AccountId"] == kept["account"]
