"""What the Salesforce stand-in must survive, and the faults it plays."""

import json
import sqlite3
from http.client import HTTPException
from pathlib import Path

import pytest

from sandbox.firm import deals
from sandbox.standins.control import ControlRefused, SalesforceControl
from sandbox.standins.process import running, start
from tests.harness.waiting import HANG_SECONDS, until
from tests.integration.salesforce_standin.outside import SECRET, WON, Receiver, in_the_books
from tests.integration.standin_calls import SalesforceClient, salesforce_token


def test_the_books_outlive_the_process(tmp_path: Path, receiver: Receiver) -> None:
    books = tmp_path / "salesforce.sqlite3"
    process, address = start("salesforce", books)
    deal = SalesforceControl(address).win_deal(deals.milestone(WON))["id"]
    SalesforceControl(address).configure_webhook("http://127.0.0.1:1/", SECRET)
    SalesforceControl(address).edit(deal, {"opportunity": {"PO_Number__c": "PO-2"}})
    process.kill()
    process.wait()
    with running("salesforce", books) as address:
        control = SalesforceControl(address)
        assert control.record(deal)["PO_Number__c"] == "PO-2"
        control.configure_webhook(receiver.url)
        until(lambda: receiver.deals_told() == [(deal, True)], "it is told of")
        assert control.win_deal(deals.milestone(WON))["id"] != deal


def test_sigterm_ends_the_process_cleanly(tmp_path: Path) -> None:
    process, _ = start("salesforce", tmp_path / "salesforce.sqlite3")
    process.terminate()
    assert process.wait(timeout=HANG_SECONDS) == 0


def test_a_failure_before_the_commit_leaves_nothing_and_one_after_it_leaves_the_record(
    client: SalesforceClient, control: SalesforceControl, tmp_path: Path
) -> None:
    path = "/services/data/v62.0/sobjects/Account"
    control.faults([{"method": "POST", "path": path, "status": 500}])
    failed = client.call("POST", "sobjects/Account", {"Name": "before"})
    assert (failed.status, failed.json[0]["errorCode"]) == (500, "UNKNOWN_EXCEPTION")
    control.faults([{"method": "POST", "path": path, "status": 500, "after_commit": True}])
    assert client.call("POST", "sobjects/Account", {"Name": "after"}).status == 500
    assert in_the_books(tmp_path, "SELECT Name FROM Account") == [("after",)]
    assert client.call("POST", "sobjects/Account", {"Name": "healthy"}).status == 201
    assert [rule["hits"] for rule in control.fault_report()] == [1]


def test_a_connection_dropped_after_the_commit_leaves_the_record_in_the_books(
    client: SalesforceClient, control: SalesforceControl, tmp_path: Path
) -> None:
    control.faults(
        [
            {"method": "POST", "drop_connection": True},
            {"method": "POST", "drop_connection": True, "after_commit": True},
        ]
    )
    for name in ("lost", "kept"):
        with pytest.raises((OSError, HTTPException)):
            client.call("POST", "sobjects/Account", {"Name": name})
    assert in_the_books(tmp_path, "SELECT Name FROM Account") == [("kept",)]
    assert [request["status"] for request in control.requests() if request["faulty"]] == [None, None]


def test_a_hanging_call_ends_when_the_faults_are_cleared(
    client: SalesforceClient, control: SalesforceControl
) -> None:
    control.faults([{"path": "/services/data", "hang": True}])
    with pytest.raises(TimeoutError):
        client.call("GET", "limits", timeout=0.3)
    control.clear_faults()
    assert client.call("GET", "limits").status == 200


def test_a_late_commit_appears_after_the_caller_was_cut_off(
    client: SalesforceClient, control: SalesforceControl, tmp_path: Path
) -> None:
    control.faults([{"method": "POST", "commit_late_seconds": 600}])
    with pytest.raises((OSError, HTTPException)):
        client.call("POST", "sobjects/Account", {"Name": "late"})
    assert in_the_books(tmp_path, "SELECT Name FROM Account") == []
    control.clear_faults()  # ends its wait
    until(lambda: in_the_books(tmp_path, "SELECT Name FROM Account") == [("late",)], "it is committed late")


def test_a_lagging_search_does_not_see_what_was_just_created(
    client: SalesforceClient, control: SalesforceControl
) -> None:
    control.win_deal(deals.fixed_fee(WON))
    control.faults([{"path": "/services/data/v62.0/query", "search_lag_seconds": 600, "count": 1}])
    assert client.query("SELECT Id FROM Opportunity").json["totalSize"] == 0
    assert client.query("SELECT Id FROM Opportunity").json["totalSize"] == 1


def test_a_throttled_call_says_when_to_come_back_and_an_absent_vendor_refuses_everything(
    client: SalesforceClient, control: SalesforceControl
) -> None:
    control.faults([{"status": 429, "retry_after": 7}, {"away": True, "count": None}])
    throttled = client.call("GET", "limits")
    assert (throttled.status, throttled.headers["retry-after"]) == (429, "7")
    assert {client.call("GET", "limits").status for _ in range(3)} == {503}
    assert salesforce_token(client.url).status == 503


def test_secrets_are_not_among_the_remembered_requests(
    client: SalesforceClient, control: SalesforceControl
) -> None:
    client.call("GET", "limits")
    remembered = json.dumps(control.requests(), default=str)
    assert "/services/oauth2/token" in remembered
    assert client.token not in remembered
    assert "grant_type" not in remembered


def test_a_misspelt_fault_is_refused_with_its_name(control: SalesforceControl) -> None:
    with pytest.raises(ControlRefused, match="dely_seconds"):
        control.faults([{"dely_seconds": 1}])


def test_books_of_an_earlier_release_get_the_fields_they_lack(tmp_path: Path) -> None:
    books = tmp_path / "salesforce.sqlite3"
    with running("salesforce", books) as address:
        record_id = SalesforceControl(address).win_deal(deals.fixed_fee(WON))["id"]
    with sqlite3.connect(books) as db:
        db.execute('ALTER TABLE "OpportunityLineItem" DROP COLUMN "Cap_Amount__c"')
        db.execute('ALTER TABLE "Opportunity" DROP COLUMN "PO_Limit__c"')
    db.close()

    with running("salesforce", books) as address:
        control = SalesforceControl(address)
        assert control.record(record_id)["PO_Limit__c"] is None
        assert control.win_deal(deals.fixed_fee(WON))["id"] != record_id
