"""What the Salesforce stand-in takes, refuses, and does as one."""

from pathlib import Path
from typing import Any

import pytest

from sandbox.firm import deals
from sandbox.standins.control import SalesforceControl
from tests.integration.salesforce_standin.outside import WON, in_the_books
from tests.integration.standin_calls import SalesforceClient


def test_a_write_back_changes_the_record_and_its_stamp(
    client: SalesforceClient, control: SalesforceControl, tmp_path: Path
) -> None:
    deal = control.win_deal(deals.fixed_fee(WON))["id"]
    before = control.record(deal)["SystemModstamp"]
    fields = {"oppsync_Status__c": "active", "oppsync_Activated_At__c": "2026-03-04T05:06:07Z"}
    answer = client.call("PATCH", f"sobjects/Opportunity/{deal}", fields)
    assert (answer.status, answer.text) == (204, "")
    after = control.record(deal)
    assert after["oppsync_Activated_At__c"] == "2026-03-04T05:06:07.000+0000"
    assert after["SystemModstamp"] > before
    [(status,)] = in_the_books(tmp_path, "SELECT oppsync_Status__c FROM Opportunity WHERE Id = ?", deal)
    assert status == "active"
    assert [(change["by"], change["kind"]) for change in control.changes(deal)][-1] == ("api", "update")


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"Nonsense__c": 1}, "INVALID_FIELD"),
        ({"AccountId": "001000000000000AAA"}, "INVALID_CROSS_REFERENCE_KEY"),
        ({"AccountId": "nonsense"}, "MALFORMED_ID"),
        ({"IsWon": False}, "INVALID_FIELD_FOR_INSERT_UPDATE"),
        ({"Name": None}, "REQUIRED_FIELD_MISSING"),
        ({"oppsync_Status__c": "x" * 41}, "STRING_TOO_LONG"),
        ({"CloseDate": "yesterday"}, "JSON_PARSER_ERROR"),
        ({"StageName": "Wishful"}, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"),
    ],
)
def test_a_write_that_salesforce_would_refuse_is_refused_and_changes_nothing(
    client: SalesforceClient, control: SalesforceControl, fields: dict[str, Any], code: str
) -> None:
    deal = control.win_deal(deals.fixed_fee(WON))["id"]
    before = control.record(deal)
    answer = client.call("PATCH", f"sobjects/Opportunity/{deal}", {"PO_Number__c": "changed", **fields})
    assert (answer.status, answer.json[0]["errorCode"]) == (400, code)
    assert control.record(deal) == before


def test_a_write_to_a_record_changed_meanwhile_fails_its_precondition(
    client: SalesforceClient, control: SalesforceControl
) -> None:
    deal = control.win_deal(deals.fixed_fee(WON))["id"]
    path, fields = f"sobjects/Opportunity/{deal}", {"oppsync_Status__c": "active"}
    stale = {"If-Unmodified-Since": "Sun, 01 Mar 2026 10:00:00 GMT"}
    assert client.call("PATCH", path, fields, stale).status == 412
    fresh = {"If-Unmodified-Since": "Fri, 01 Mar 2096 10:00:00 GMT"}
    assert client.call("PATCH", path, fields, fresh).status == 204


def test_an_upsert_by_external_id_twice_makes_one_record(client: SalesforceClient, tmp_path: Path) -> None:
    path = "sobjects/Account/External_Key__c/a%2Fb%201"
    first = client.call("PATCH", path, {"Name": "Globex"})
    second = client.call("PATCH", path, {"Name": "Globex GmbH"})
    assert (first.status, first.json["created"]) == (201, True)
    assert (second.status, second.json["created"]) == (200, False)
    assert first.json["id"] == second.json["id"]
    assert in_the_books(tmp_path, "SELECT Name, External_Key__c FROM Account") == [("Globex GmbH", "a/b 1")]


def test_an_upsert_told_to_update_only_creates_nothing(client: SalesforceClient, tmp_path: Path) -> None:
    answer = client.call("PATCH", "sobjects/Account/External_Key__c/k?updateOnly=true", {"Name": "Globex"})
    assert answer.status == 404
    assert in_the_books(tmp_path, "SELECT * FROM Account") == []


def test_an_external_id_that_several_records_have_is_answered_with_all_of_them_and_nothing_written(
    client: SalesforceClient, control: SalesforceControl
) -> None:
    ids = [
        client.call("POST", "sobjects/Account", {"Name": n, "External_Key__c": "k"}).json["id"] for n in "AB"
    ]
    answer = client.call("PATCH", "sobjects/Account/External_Key__c/k", {"Name": "C"})
    assert answer.status == 300
    assert [url.rpartition("/")[2] for url in answer.json] == ids
    assert [control.record(account)["Name"] for account in ids] == ["A", "B"]


def test_a_unique_external_id_is_enforced_on_plain_creates_too(client: SalesforceClient) -> None:
    fields = {"Name": "x", "StageName": "Prospecting", "CloseDate": "2026-03-02", "External_Key__c": "k"}
    assert client.call("POST", "sobjects/Opportunity", fields).status == 201
    again = client.call("POST", "sobjects/Opportunity", fields)
    assert (again.status, again.json[0]["errorCode"]) == (400, "DUPLICATE_VALUE")


# Composite


def test_a_composite_builds_on_its_own_earlier_answers(
    client: SalesforceClient, control: SalesforceControl
) -> None:
    deal = control.win_deal(deals.fixed_fee(WON))["id"]
    base = "/services/data/v62.0"
    soql = f"SELECT+Id,AccountId+FROM+Opportunity+WHERE+Id='{deal}'"
    answer = client.call(
        "POST",
        "composite",
        {
            "allOrNone": False,
            "compositeRequest": [
                {"method": "GET", "url": f"{base}/query?q={soql}", "referenceId": "deal"},
                {
                    "method": "GET",
                    "url": f"{base}/sobjects/Account/@{{deal.records[0].AccountId}}",
                    "referenceId": "account",
                },
                {
                    "method": "PATCH",
                    "url": f"{base}/sobjects/Opportunity/{deal}",
                    "referenceId": "write",
                    "body": {"oppsync_Message__c": "for @{account.Name}"},
                },
                {"method": "GET", "url": f"{base}/sobjects/Account/@{{nobody.id}}", "referenceId": "lost"},
            ],
        },
    )
    assert answer.status == 200
    parts = answer.json["compositeResponse"]
    assert [part["httpStatusCode"] for part in parts] == [200, 200, 204, 400]
    assert parts[3]["body"][0]["errorCode"] == "PROCESSING_HALTED"
    assert control.record(deal)["oppsync_Message__c"] == "for Initech Inc"


def test_an_all_or_none_composite_leaves_nothing_of_a_failure(client: SalesforceClient, tmp_path: Path) -> None:
    url = "/services/data/v62.0/sobjects/Account"
    parts = [
        {"method": "POST", "url": url, "referenceId": "good", "body": {"Name": "A"}},
        {"method": "POST", "url": url, "referenceId": "bad", "body": {}},
    ]
    answer = client.call("POST", "composite", {"allOrNone": True, "compositeRequest": parts})
    codes = [part["body"][0]["errorCode"] for part in answer.json["compositeResponse"]]
    assert (answer.status, codes) == (200, ["PROCESSING_HALTED", "REQUIRED_FIELD_MISSING"])
    assert in_the_books(tmp_path, "SELECT * FROM Account") == []

    answer = client.call("POST", "composite", {"allOrNone": False, "compositeRequest": parts})
    assert [part["httpStatusCode"] for part in answer.json["compositeResponse"]] == [201, 400]
    assert in_the_books(tmp_path, "SELECT Name FROM Account") == [("A",)]


def test_a_composite_of_more_than_25_parts_is_refused(client: SalesforceClient) -> None:
    parts = [{"method": "GET", "url": "/services/data/v62.0/limits", "referenceId": f"r{n}"} for n in range(26)]
    assert client.call("POST", "composite", {"compositeRequest": parts}).status == 400
