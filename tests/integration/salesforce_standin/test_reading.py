"""The Salesforce stand-in over real sockets: signing in, and reading what a client relies on."""

from decimal import Decimal
from pathlib import Path

import pytest

from sandbox.firm import deals
from sandbox.standins.control import SalesforceControl
from sandbox.standins.process import running
from tests.integration.salesforce_standin.outside import WON
from tests.integration.standin_calls import SalesforceClient, salesforce_token


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
