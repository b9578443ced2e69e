"""The Salesforce stand-in over real sockets: what a client relies on, and what the stand-in must survive."""

import json
import re
import sqlite3
import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from http.client import HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from standardwebhooks import Webhook

from sandbox.firm import deals
from sandbox.standins.control import ControlRefused, SalesforceControl
from sandbox.standins.process import running, start
from tests.harness.waiting import HANG_SECONDS, until
from tests.integration.standin_calls import SalesforceClient, salesforce_token

WON = date(2026, 3, 2)
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    with running("salesforce", tmp_path / "salesforce.sqlite3") as address:
        yield address


@pytest.fixture
def control(url: str) -> SalesforceControl:
    return SalesforceControl(url)


@pytest.fixture
def client(url: str) -> SalesforceClient:
    return SalesforceClient(url)


def in_the_books(folder: Path, sql: str, *parameters: object) -> list[tuple[Any, ...]]:
    """Read the books as anybody outside could, while the stand-in runs."""
    db = sqlite3.connect(folder / "salesforce.sqlite3", timeout=HANG_SECONDS)
    try:
        return db.execute(sql, parameters).fetchall()
    finally:
        db.close()


class Receiver:
    """A web server that receives notifications and answers with the next status of its list, then 202."""

    def __init__(self) -> None:
        self.statuses: list[int] = []
        self.taken: list[tuple[dict[str, str], str]] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"])).decode()
                status = receiver.statuses.pop(0) if receiver.statuses else 202
                receiver.taken.append(({name.lower(): value for name, value in self.headers.items()}, body))
                self.send_response(status)
                self.end_headers()
                self.wfile.write(b"noted")

            def log_message(self, *_: object) -> None:
                """Quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/webhooks/demo"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    def deals_told(self) -> list[tuple[str, bool]]:
        bodies = [json.loads(body) for _, body in self.taken]
        return [(item["id"], item["is_won"]) for body in bodies for item in body["opportunities"]]

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    web_server = Receiver()
    yield web_server
    web_server.close()


# Sign-in


def test_client_credentials_open_the_api_and_wrong_ones_get_an_oauth_error(url: str) -> None:
    refused = salesforce_token(url, secret="guess")
    assert (refused.status, refused.json["error"]) == (400, "invalid_client")
    granted = salesforce_token(url)
    assert granted.json["token_type"] == "Bearer"
    assert granted.json["instance_url"] == url


def test_a_revoked_token_is_refused_until_a_new_one_is_fetched(
    client: SalesforceClient, control: SalesforceControl
) -> None:
    assert client.query("SELECT Id FROM Account").status == 200
    control.revoke_tokens()
    refused = client.query("SELECT Id FROM Account")
    assert (refused.status, refused.json[0]["errorCode"]) == (401, "INVALID_SESSION_ID")
    client.token = salesforce_token(client.url).json["access_token"]
    assert client.query("SELECT Id FROM Account").status == 200


def test_tokens_end_by_age(tmp_path: Path) -> None:
    with running("salesforce", tmp_path / "salesforce.sqlite3", "--token-seconds", "0") as address:
        assert SalesforceClient(address).query("SELECT Id FROM Account").status == 401


# Reading


def test_a_deal_is_read_with_its_lines_milestones_and_related_names(
    client: SalesforceClient, control: SalesforceControl
) -> None:
    made = control.win_deal(deals.three_workstreams(WON))
    answer = client.query(
        "SELECT Id, Name, Amount, IsWon, Account.AccountNumber, Owner.Email FROM Opportunity"
        f" WHERE IsWon = true AND Id IN ('{made['id'][:15]}', '006000000000000') LIMIT 5"
    )
    [deal] = answer.json["records"]
    assert deal["attributes"] == {
        "type": "Opportunity",
        "url": f"/services/data/v62.0/sobjects/Opportunity/{made['id']}",
    }
    assert deal["Account"]["AccountNumber"] == "CUST-1004"
    assert deal["Account"]["attributes"]["type"] == "Account"
    assert deal["Owner"]["Email"] == "sam.seller@example.com"

    lines = client.query(
        "select Id, TotalPrice, Product2.ProductCode from OpportunityLineItem"
        f" where OpportunityId = '{made['id']}' order by SortOrder desc nulls last"
    ).json["records"]
    assert [line["Product2"]["ProductCode"] for line in lines] == ["MS", "FIXED", "CONS-HR"]
    assert sum(line["TotalPrice"] for line in lines) == deal["Amount"]

    milestones = client.query(
        "SELECT Percent__c, Opportunity_Line_Id__c FROM Billing_Milestone__c"
        f" WHERE Opportunity__c = '{made['id']}'"
    ).json["records"]
    assert sum(milestone["Percent__c"] for milestone in milestones) == 100
    assert {milestone["Opportunity_Line_Id__c"] for milestone in milestones} == {lines[0]["Id"]}


def test_money_leaves_as_a_json_number_with_every_digit(
    client: SalesforceClient, control: SalesforceControl
) -> None:
    deal = deals.fixed_fee(WON, amount=Decimal("100000.00"))
    deal["lines"][0]["TotalPrice"] = Decimal("12345678901234567.89")
    made = control.win_deal(deal)
    text = client.call("GET", f"sobjects/Opportunity/{made['id']}").text
    assert '"Amount":100000.0,' in text
    text = client.call("GET", f"sobjects/OpportunityLineItem/{made['lines'][0]}").text
    assert '"TotalPrice":12345678901234567.89' in text


def test_long_answers_come_in_pages_of_one_moment(tmp_path: Path) -> None:
    with running("salesforce", tmp_path / "salesforce.sqlite3", "--page-size", "2") as address:
        control, client = SalesforceControl(address), SalesforceClient(address)
        ids = [control.win_deal(deals.fixed_fee(WON))["id"] for _ in range(5)]
        page = client.query("SELECT Id FROM Opportunity ORDER BY CreatedDate, Id").json
        control.win_deal(deals.fixed_fee(WON))
        found = [record["Id"] for record in page["records"]]
        while not page["done"]:
            page = client.call("GET", page["nextRecordsUrl"]).json
            found += [record["Id"] for record in page["records"]]
        assert found == ids
        assert page["totalSize"] == 5
        assert client.call("GET", "query/gone-0").json[0]["errorCode"] == "INVALID_QUERY_LOCATOR"


def test_a_watermark_query_finds_what_changed_since_and_nothing_older(
    client: SalesforceClient, control: SalesforceControl
) -> None:
    old, new = (control.win_deal(deals.fixed_fee(WON))["id"] for _ in range(2))
    watermark = control.record(new)["SystemModstamp"].replace("+0000", "Z")
    control.edit(new, {"opportunity": {"Amount": "5000.10"}})
    changed = client.query(
        f"SELECT Id, SystemModstamp FROM Opportunity WHERE SystemModstamp > {watermark}"
        " AND (StageName = 'CLOSED WON' OR Amount >= 5000.1)"
    ).json["records"]
    assert [record["Id"] for record in changed] == [new]
    assert old != new


def test_amounts_compare_as_numbers_not_as_text(client: SalesforceClient, control: SalesforceControl) -> None:
    made = control.win_deal(deals.fixed_fee(WON, amount=Decimal("100000.00")))
    assert client.query("SELECT Id FROM Opportunity WHERE Amount > 9").json["records"][0]["Id"] == made["id"]
    assert client.query("SELECT Id FROM Opportunity WHERE Amount = 100000").json["totalSize"] == 1


@pytest.mark.parametrize(
    ("soql", "code"),
    [
        ("SELECT Id, Nonsense__c FROM Opportunity", "INVALID_FIELD"),
        ("SELECT Id, Nobody.Name FROM Opportunity", "INVALID_FIELD"),
        ("SELECT Id FROM Nonsense", "INVALID_TYPE"),
        ("SELECT FROM Opportunity", "MALFORMED_QUERY"),
        ("SELECT Id FROM Opportunity WHERE", "MALFORMED_QUERY"),
        ("SELECT Id FROM Opportunity; DROP TABLE Opportunity", "MALFORMED_QUERY"),
        ("SELECT Id FROM Opportunity WHERE IsWon = true AND Name = 'a' OR Name = 'b'", "MALFORMED_QUERY"),
        ("SELECT Id FROM Opportunity WHERE Id = 'short'", "INVALID_QUERY_FILTER_OPERATOR"),
        ("SELECT Id FROM Opportunity WHERE Amount = '5'", "INVALID_FIELD"),
        ("SELECT Id FROM Opportunity WHERE SystemModstamp > '2026-01-01T00:00:00Z'", "INVALID_FIELD"),
    ],
)
def test_a_query_that_salesforce_would_refuse_is_refused(
    client: SalesforceClient, soql: str, code: str
) -> None:
    answer = client.query(soql)
    assert (answer.status, answer.json[0]["errorCode"]) == (400, code)


def test_quotes_in_a_literal_are_escaped_with_a_backslash(
    client: SalesforceClient, control: SalesforceControl
) -> None:
    deal = deals.fixed_fee(WON)
    deal["opportunity"]["PO_Number__c"] = "O'Neil \\ 7"
    made = control.win_deal(deal)
    found = client.query(r"SELECT Id FROM Opportunity WHERE PO_Number__c = 'O\'Neil \\ 7'").json["records"]
    assert [record["Id"] for record in found] == [made["id"]]


def test_fifteen_characters_find_the_record_and_eighteen_come_back(
    client: SalesforceClient, control: SalesforceControl
) -> None:
    long = control.win_deal(deals.fixed_fee(WON))["id"]
    for asked in (long[:15], long, long.upper(), long.lower()):
        assert client.call("GET", f"sobjects/Opportunity/{asked}").json["Id"] == long
    wrong_case = long[:15].swapcase()
    assert client.call("GET", f"sobjects/Opportunity/{wrong_case}").status == 404


def test_an_org_with_one_currency_has_no_currency_field(tmp_path: Path) -> None:
    with running("salesforce", tmp_path / "salesforce.sqlite3", "--single-currency") as address:
        answer = SalesforceClient(address).query("SELECT Id, CurrencyIsoCode FROM Opportunity")
        assert (answer.status, answer.json[0]["errorCode"]) == (400, "INVALID_FIELD")


@pytest.mark.parametrize(
    "path", ["nonsense", "sobjects/Nonsense/x", "/services/nonsense", "sobjects/Account/x/y/z"]
)
def test_unknown_paths_are_not_found(client: SalesforceClient, path: str) -> None:
    answer = client.call("GET", path)
    assert (answer.status, answer.json[0]["errorCode"]) == (404, "NOT_FOUND")


def test_every_answer_says_how_much_of_the_daily_limit_is_used(tmp_path: Path) -> None:
    with running("salesforce", tmp_path / "salesforce.sqlite3", "--daily-calls", "2") as address:
        client = SalesforceClient(address)
        assert client.query("SELECT Id FROM User").headers["sforce-limit-info"] == "api-usage=1/2"
        assert client.call("GET", "nonsense").headers["sforce-limit-info"] == "api-usage=2/2"
        refused = client.query("SELECT Id FROM User")
        assert (refused.status, refused.json[0]["errorCode"]) == (403, "REQUEST_LIMIT_EXCEEDED")


# Writing


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


# Notifications


def test_a_won_deal_is_told_once_and_signed(control: SalesforceControl, receiver: Receiver) -> None:
    control.configure_webhook(receiver.url, SECRET)
    deal = control.win_deal(deals.three_workstreams(WON))["id"]
    until(lambda: control.deliveries()[0]["state"] == "delivered", "it is delivered")
    [(headers, body)] = receiver.taken
    assert Webhook(SECRET).verify(body, headers)["opportunities"] == [
        {
            "id": deal,
            "system_modstamp": control.record(deal)["SystemModstamp"].replace("+0000", "Z"),
            "is_won": True,
        }
    ]
    assert control.deliveries()[0]["answer"] == "noted"


def test_an_open_deal_is_told_of_only_when_it_is_won_and_again_when_it_is_lost(
    control: SalesforceControl, receiver: Receiver
) -> None:
    control.configure_webhook(receiver.url, SECRET)
    deal = deals.fixed_fee(WON)
    deal["opportunity"]["StageName"] = "Negotiation/Review"
    deal_id = control.win_deal(deal)["id"]
    assert control.deliveries() == []
    control.edit(deal_id, {"opportunity": {"StageName": "Contract Signed"}})
    until(lambda: receiver.deals_told() == [(deal_id, True)], "it is told of")
    control.edit(deal_id, {"opportunity": {"StageName": "Closed Lost"}})
    until(lambda: receiver.deals_told() == [(deal_id, True), (deal_id, False)], "it is told of")


def test_a_line_of_a_won_deal_that_changes_tells_of_the_deal(
    control: SalesforceControl, receiver: Receiver
) -> None:
    made = control.win_deal(deals.time_and_materials(WON))
    control.configure_webhook(receiver.url, SECRET)
    control.edit(made["id"], {"lines": [{"Id": made["lines"][0], "Quantity": 10}]})
    until(lambda: receiver.deals_told() == [(made["id"], True)], "it is told of")
    assert control.record(made["lines"][0])["TotalPrice"] == Decimal(1600)


def test_our_own_write_back_is_told_of_only_by_a_trigger_without_the_filter(
    client: SalesforceClient, control: SalesforceControl, receiver: Receiver
) -> None:
    deal = control.win_deal(deals.fixed_fee(WON))["id"]
    control.configure_webhook(receiver.url, SECRET)
    path = f"sobjects/Opportunity/{deal}"
    before = len(control.deliveries())
    client.call("PATCH", path, {"oppsync_Status__c": "active"})
    assert len(control.deliveries()) == before
    control.configure_webhook(receiver.url, echo=True)
    client.call("PATCH", path, {"oppsync_Status__c": "rejected"})
    until(lambda: receiver.deals_told() == [(deal, True)], "it is told of")


def test_a_refused_delivery_comes_again_under_the_same_id(
    control: SalesforceControl, receiver: Receiver
) -> None:
    receiver.statuses = [503, 500]
    control.configure_webhook(receiver.url, SECRET)
    control.win_deal(deals.fixed_fee(WON))
    until(lambda: control.deliveries()[0]["state"] == "delivered", "it is delivered")
    assert control.deliveries()[0]["attempts"] == 3
    assert len({headers["webhook-id"] for headers, _ in receiver.taken}) == 1
    assert len({body for _, body in receiver.taken}) == 1


def test_a_suppressed_delivery_stays_unsent_until_it_is_sent_by_hand(
    control: SalesforceControl, receiver: Receiver
) -> None:
    control.configure_webhook(receiver.url, SECRET, suppress=True)
    control.win_deal(deals.fixed_fee(WON))
    [delivery] = control.deliveries()
    assert (delivery["state"], receiver.taken) == ("suppressed", [])
    sent = control.resend(delivery["id"])
    assert (sent["state"], sent["status"]) == ("delivered", 202)
    control.resend(delivery["id"])
    assert [headers["webhook-id"] for headers, _ in receiver.taken] == [delivery["id"]] * 2


def test_a_hundred_deals_and_one_more_need_two_deliveries(
    control: SalesforceControl, receiver: Receiver
) -> None:
    ids = [control.win_deal(deals.fixed_fee(WON))["id"] for _ in range(101)]
    control.configure_webhook(receiver.url, SECRET)
    assert len(control.notify(ids)) == 2
    until(lambda: len(receiver.taken) == 2, "both are taken")
    assert sorted(deal for deal, _ in receiver.deals_told()) == sorted(ids)


def test_a_webhook_without_a_usable_secret_is_not_accepted(control: SalesforceControl) -> None:
    with pytest.raises(ControlRefused, match="secret"):
        control.configure_webhook("http://127.0.0.1:1/", "")
    with pytest.raises(ControlRefused, match="secret"):
        control.configure_webhook("http://127.0.0.1:1/")


# Durability and faults


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


# Deals


@pytest.mark.parametrize("won", [date(2025, 11, 3), WON])
def test_every_canned_deal_adds_up(won: date) -> None:
    for deal in deals.all_kinds(won):
        lines = deal["lines"]
        assert sum(line["TotalPrice"] for line in lines) == deal["opportunity"]["Amount"]
        for line in lines:
            assert line["Quantity"] * line["UnitPrice"] == line["TotalPrice"]
            assert line["Start_Date__c"] < line["End_Date__c"]
            percents = [milestone["Percent__c"] for milestone in line.get("milestones", [])]
            assert (sum(percents) == 100) == (line["Billing_Model__c"] == "Milestone")


def test_deals_won_a_year_apart_have_other_rates() -> None:
    prices = [deals.time_and_materials(day)["lines"][0]["UnitPrice"] for day in (date(2025, 12, 31), WON)]
    assert prices == [150, 160]


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


# Deletions, after the vendor's documentation of getDeleted and of triggers.


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
