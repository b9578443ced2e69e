"""Salesforce passes the suite of CRMs, and its own peculiarities: its field types and labels, ids, pages,
one-currency orgs, error codes."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from adapters.connectors.connector import AnyConnector
from adapters.connectors.registry import connector_of
from adapters.crm.salesforce import wire
from adapters.crm.salesforce.connector import CONNECTOR
from oppsync.domain.deal.billing_terms import (
    BillingFrequency,
    BillingTerms,
    Cap,
    Deposit,
    PeriodBasis,
    Retainer,
)
from oppsync.domain.deal.opportunity import Opportunity, Unit
from oppsync.domain.plan.orders import WriteBack
from oppsync.domain.values.model import changed
from oppsync.domain.work.connections import ConnectionRole
from oppsync.kernel.errors import (
    Misconfigured,
    OppsyncError,
    RateLimited,
    RecordBusy,
    RecordGone,
    VendorRejected,
)
from oppsync.ports.crm import Crm
from sandbox.contracts.crm import OwnerHistoryContract, PollsContract
from sandbox.contracts.harness import CrmHarness, FixedClock
from sandbox.firm import deals
from tests.contract.harness.salesforce import DATA, SalesforceHarness, salesforce

WON = date(2026, 3, 2)


class TestSalesforce(PollsContract, OwnerHistoryContract):
    @pytest.fixture(scope="class")
    @classmethod
    def connector(cls) -> AnyConnector:
        return connector_of(ConnectionRole.CRM, "salesforce")

    @pytest.fixture(scope="class")
    @classmethod
    def place(cls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[CrmHarness]:
        with salesforce(tmp_path_factory.mktemp("salesforce")) as harness:
            yield harness


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SalesforceHarness]:
    with salesforce(tmp_path_factory.mktemp("salesforce"), "--page-size", "2") as harness:
        yield harness


@pytest.fixture
def org(place: SalesforceHarness) -> SalesforceHarness:
    place.control.clear_faults()
    return place


def connect(org: SalesforceHarness, **settings: Any) -> Crm:
    return CONNECTOR.connect(org.access.settings | settings, org.access.secrets, FixedClock())


def read(org: SalesforceHarness, deal: dict[str, Any], **settings: Any) -> Opportunity:
    return connect(org, **settings).read_opportunity(org.control.win_deal(deal)["id"])


def test_every_field_lands_where_it_belongs(org: SalesforceHarness) -> None:
    deal = deals.three_workstreams(WON)
    deal["opportunity"] |= {
        "Custom_Attributes__c": '{"tier": "gold", "seats": 12.50, "new": true, "old": null}'
    }
    found = read(org, deal)
    assert found.url == f"{org.control.url}/{found.id}"
    assert (found.name, found.stage, found.won_on) == (deal["opportunity"]["Name"], "Closed Won", WON)
    assert (found.amount, found.currency, found.probability) == (Decimal(213400), "EUR", Decimal(100))
    assert found.account is not None
    account = found.account
    assert (account.name, account.code, account.country) == ("Nordbank AG", "CUST-1004", "DE")
    assert account.tax_id == "DE129273398"
    assert found.owner is not None
    assert (found.owner.name, found.owner.email) == ("Sam Seller", "sam.seller@example.com")
    assert (found.contracting_entity, found.region, found.service_line) == ("ACME-DE", "DACH", "Advisory")
    assert (found.delivery_model, found.billing_model) == ("Hybrid", "time_and_materials")
    assert (found.starts_on, found.ends_on) == (date(2026, 4, 1), date(2026, 10, 31))
    terms = found.contract
    assert (terms.type, terms.payment_terms, terms.po_number) == (
        "Statement of Work",
        "NET14",
        "PO-2026-1004-CBR",
    )
    assert (terms.signed_on, terms.billing_frequency) == (WON, BillingFrequency.MONTHLY)
    assert found.custom_attributes == {"tier": "gold", "seats": "12.50", "new": "true"}


def test_lines_come_in_their_order_with_their_own_milestones(org: SalesforceHarness) -> None:
    hours, fee, staged = read(org, deals.three_workstreams(WON)).lines
    assert (hours.title, hours.unit, hours.role) == ("Programme steering", Unit.HOUR, "Senior Consultant")
    assert (hours.quantity, hours.unit_price, hours.net) == (Decimal(240), Decimal(160), Decimal(38400))
    assert (hours.planned_hours, hours.delivery_region, hours.currency) == (Decimal(240), "DACH", "EUR")
    assert (fee.billing_model, fee.product_code, fee.product_name) == ("fixed_fee", "FIXED", "Fixed fee")
    assert (fee.product_family, fee.milestones) == ("Consulting", ())
    assert (staged.service_line, staged.billing_model) == ("Cloud", "milestone")
    assert [m.percent for m in staged.milestones] == [Decimal(40), Decimal(35), Decimal(25)]
    assert staged.milestones[0].name == "Stage 1"
    assert staged.milestones[0].planned_on == date(2026, 5, 1)


def test_an_amount_that_no_float_holds_is_read_exactly(org: SalesforceHarness) -> None:
    deal = deals.fixed_fee(WON, amount=Decimal("12345678901234567.89"))
    found = read(org, deal)
    assert found.amount == found.lines[0].net == Decimal("12345678901234567.89")


def test_a_line_sold_at_a_discount_says_so(org: SalesforceHarness) -> None:
    deal = deals.fixed_fee(WON)
    deal["lines"][0] |= {
        "UnitPrice": Decimal("200.00"),
        "Discount": Decimal("12.5"),
        "TotalPrice": Decimal(175),
    }
    [line] = read(org, deal).lines
    assert (line.discount_percent, line.net) == (Decimal("12.5"), Decimal(175))


def test_what_the_crm_left_empty_is_none_for_the_validation_to_find(org: SalesforceHarness) -> None:
    opportunity = {"Name": "Bare", "StageName": "Contract Signed", "CloseDate": "2026-03-02", "Region__c": " "}
    found = read(org, {"opportunity": opportunity, "lines": [{"Quantity": 1, "UnitPrice": 5, "Unit__c": ""}]})
    assert found.is_won
    assert (found.account, found.amount, found.currency) == (None, None, None)
    assert (found.region, found.billing_model, found.starts_on) == (None, None, None)
    [line] = found.lines
    assert (line.product_code, line.unit, line.discount_percent) == (None, Unit.UNIT, Decimal(0))


def test_an_unknown_billing_model_is_passed_on_as_it_is_called(org: SalesforceHarness) -> None:
    deal = deals.fixed_fee(WON)
    deal["opportunity"] |= {"Billing_Model__c": "Success Fee"}
    assert read(org, deal).billing_model == "Success Fee"


ATTRIBUTES = "Custom Attributes (Opportunity.Custom_Attributes__c)"


@pytest.mark.parametrize(
    ("change", "pointer", "label", "allowed"),
    [
        ({"Custom_Attributes__c": "{"}, "/custom_attributes", ATTRIBUTES, "a JSON object"),
        ({"Custom_Attributes__c": "[]"}, "/custom_attributes", ATTRIBUTES, "a JSON object"),
        (
            {"Custom_Attributes__c": '{"a": {}}'},
            "/custom_attributes/a",
            f"'a' in {ATTRIBUTES}",
            "text, a number",
        ),
        ({"Custom_Attributes__c": '{"a": 1, "a": 2}'}, "/custom_attributes", ATTRIBUTES, "'a' is there twice"),
        (
            {"Custom_Attributes__c": '{"note": "' + "x" * 2_500 + '"}'},
            "/custom_attributes/note",
            ATTRIBUTES,
            "text of at most 2000 characters",
        ),
        (
            {"Billing_Frequency__c": "Weekly"},
            "/contract/billing_frequency",
            "Billing Frequency (Opportunity.Billing_Frequency__c)",
            "Once, Monthly, Quarterly or Yearly",
        ),
    ],
)
def test_what_somebody_typed_is_handed_over_with_the_label_of_its_field(
    org: SalesforceHarness, change: dict[str, str], pointer: str, label: str, allowed: str
) -> None:
    deal = deals.fixed_fee(WON)
    deal["opportunity"] |= change
    (field,) = read(org, deal).unread
    assert (field.pointer, field.label) == (pointer, label)
    assert allowed in field.allowed
    assert field.value


def test_a_field_is_called_as_this_org_calls_it(org: SalesforceHarness) -> None:
    deal = deals.fixed_fee(WON)
    deal["opportunity"] |= {"Contract_Type__c": "Weekly"}
    (field,) = read(org, deal, fields={"Opportunity.Billing_Frequency__c": "Contract_Type__c"}).unread
    assert field.label == "Contract Type (Opportunity.Contract_Type__c)"


def test_a_country_may_be_written_out(org: SalesforceHarness) -> None:
    deal = deals.fixed_fee(WON)
    deal["account"] |= {"Tax_Id__c": "Deutschland"}
    account = read(org, deal, fields={"Account.BillingCountryCode": "Tax_Id__c"}).account
    assert account is not None
    assert account.country == "DE"


def test_a_country_nobody_knows_is_named(org: SalesforceHarness) -> None:
    deal = deals.fixed_fee(WON)
    deal["account"] |= {"Tax_Id__c": "Narnia"}
    (field,) = read(org, deal, fields={"Account.BillingCountryCode": "Tax_Id__c"}).unread
    assert (field.pointer, field.value) == ("/account/country", "Narnia")
    assert field.label == "Tax Id (Account.Tax_Id__c)"


def test_a_day_in_a_field_of_text_is_no_day(org: SalesforceHarness) -> None:
    deal = deals.fixed_fee(WON)
    deal["opportunity"] |= {"Contract_Type__c": "31.12.2026"}
    found = read(org, deal, fields={"Opportunity.Start_Date__c": "Contract_Type__c"})
    (field,) = found.unread
    assert (field.pointer, field.value) == ("/starts_on", "31.12.2026")
    assert field.allowed == "a date such as 2026-12-31"
    assert found.starts_on is None


def test_noise_of_floats_is_no_discount(org: SalesforceHarness) -> None:
    deal = deals.fixed_fee(WON)
    deal["lines"][0] |= {"UnitPrice": 1200, "Discount": Decimal("28.000000000000004"), "TotalPrice": 864}
    (line,) = read(org, deal).lines
    assert (line.discount_percent, line.net) == (Decimal(28), Decimal(864))


def test_signs_that_nobody_types_on_purpose_are_gone_and_joiners_stay(org: SalesforceHarness) -> None:
    deal = deals.fixed_fee(WON)
    deal["opportunity"] |= {"PO_Number__c": "a\x00b\u202ec", "Special_Terms__c": "one\r\ntwo 👩\u200d💻"}
    terms = read(org, deal, contract_terms=True).contract
    assert (terms.po_number, terms.special_terms) == ("abc", "one\r\ntwo 👩\u200d💻")


def test_a_milestone_of_no_line_is_not_lost(org: SalesforceHarness) -> None:
    made = org.control.win_deal(deals.milestone(WON))
    stray = {"Id": made["milestones"][1], "Opportunity_Line_Id__c": "00k000000000001"}
    org.control.edit(made["id"], {"milestones": [stray]})
    (field,) = connect(org).read_opportunity(made["id"]).unread
    assert field.value == "00k000000000001"
    assert field.label.startswith(
        "Opportunity Line Id (Billing_Milestone__c.Opportunity_Line_Id__c) of 'Stage 2'"
    )
    assert field.allowed == "the id of one of the opportunity's lines"


def test_a_milestone_may_name_its_line_by_the_short_id(org: SalesforceHarness) -> None:
    made = org.control.win_deal(deals.milestone(WON))
    short = [{"Id": m, "Opportunity_Line_Id__c": made["lines"][0][:15]} for m in made["milestones"]]
    org.control.edit(made["id"], {"milestones": short})
    assert len(connect(org).read_opportunity(made["id"]).lines[0].milestones) == 4


def test_a_short_id_reads_and_writes_the_same_record(org: SalesforceHarness) -> None:
    deal_id = org.win()
    crm = connect(org)
    assert crm.read_opportunity(deal_id[:15]).id == deal_id
    assert crm.write_back(deal_id[:15], WriteBack(status="rejected")).outside_id == deal_id


def test_fields_may_have_other_names_in_an_org(org: SalesforceHarness) -> None:
    deal = deals.fixed_fee(WON)
    deal["opportunity"] |= {"External_Key__c": f"EMEA-{WON}"}
    names = {
        "Opportunity.Region__c": "external_key__C",
        "Opportunity.Delivery_Model__c": None,
        "Opportunity.oppsync_Message__c": None,
    }
    crm = connect(org, fields=names)
    deal_id = org.control.win_deal(deal)["id"]
    found = crm.read_opportunity(deal_id)
    assert (found.region, found.delivery_model) == (f"EMEA-{WON}", None)
    crm.write_back(deal_id, WriteBack(status="rejected", message="No."))
    assert org.written(deal_id) | {"status": ""} == dict.fromkeys(org.written(deal_id), "")
    landed = crm.find_write_back(deal_id, WriteBack(status="rejected", message="No."))
    assert landed is not None
    assert landed.differences == {}


def test_an_org_with_one_currency_has_it_named_by_the_connection(tmp_path: Path) -> None:
    with salesforce(tmp_path, "--single-currency") as org:
        deal = deals.fixed_fee(WON)
        for record in (deal["account"], deal["opportunity"], deal["lines"][0]):
            del record["CurrencyIsoCode"]
        found = read(org, deal, currency="CHF")
        assert (found.currency, found.lines[0].currency) == ("CHF", "CHF")
        with pytest.raises(Misconfigured, match="CurrencyIsoCode"):
            connect(org).read_opportunity(found.id)


def test_a_deal_of_more_lines_than_a_page_is_read_whole(org: SalesforceHarness) -> None:
    deal = deals.fixed_fee(WON)
    line = deal["lines"][0]
    deal["lines"] = [line | {"SortOrder": number, "Description": f"Line {number}"} for number in range(7)]
    assert [one.title for one in read(org, deal).lines] == [f"Line {number}" for number in range(7)]


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        (403, "REQUEST_LIMIT_EXCEEDED", RateLimited),
        (400, "UNABLE_TO_LOCK_ROW", RecordBusy),
        (404, "ENTITY_IS_DELETED", RecordGone),
        (404, "NOT_FOUND", RecordGone),
        (400, "FIELD_CUSTOM_VALIDATION_EXCEPTION", VendorRejected),
        (400, "REQUIRED_FIELD_MISSING", VendorRejected),
        (400, "INVALID_FIELD", Misconfigured),
        (403, "INSUFFICIENT_ACCESS", Misconfigured),
    ],
)
def test_an_error_code_says_what_happens_next(
    org: SalesforceHarness, status: int, code: str, error: type[OppsyncError]
) -> None:
    deal_id = org.win()
    org.control.faults([{**org.writing, "status": status, "code": code}])
    with pytest.raises(OppsyncError) as caught:
        connect(org).write_back(deal_id, WriteBack(status="rejected"))
    assert type(caught.value) is error
    assert error is RecordGone or code in caught.value.message


def test_a_wrong_api_version_is_no_missing_record(org: SalesforceHarness) -> None:
    org.control.faults([{**org.reading, "status": 404, "code": "NOT_FOUND"}])
    with pytest.raises(Misconfigured, match="API version"):
        connect(org).read_opportunity(org.win())


def test_a_session_that_ended_costs_one_new_token_for_all_threads(org: SalesforceHarness) -> None:
    deal_ids = [org.win() for _ in range(8)]
    crm = connect(org)
    crm.read_opportunity(deal_ids[0])
    org.end_sessions()
    org.control.clear_requests()
    with ThreadPoolExecutor(8) as pool:
        assert [deal.id for deal in pool.map(crm.read_opportunity, deal_ids)] == deal_ids
    tokens = [call for call in org.control.requests() if call["path"].endswith("/oauth2/token")]
    assert len(tokens) == 1


def test_a_session_that_is_refused_again_is_told_and_not_fetched_for_ever(org: SalesforceHarness) -> None:
    deal_id = org.win()
    org.control.clear_requests()
    org.control.faults([{"path": DATA, "status": 401, "code": "INVALID_SESSION_ID", "count": None}])
    with pytest.raises(Misconfigured, match="INVALID_SESSION_ID"):
        connect(org).read_opportunity(deal_id)
    assert [call["path"].rpartition("/")[2] for call in org.control.requests()] == ["token", "composite"] * 2


def test_a_deal_is_read_in_one_call(org: SalesforceHarness) -> None:
    deal_id = org.control.win_deal(deals.fixed_fee(WON))["id"]
    crm = connect(org)
    crm.read_opportunity(deal_id)
    org.control.clear_requests()
    crm.read_opportunity(deal_id)
    assert [call["path"] for call in org.control.requests()] == [f"{DATA}/composite"]


TERMS = {
    "Billing_Day__c": Decimal(15),
    "Billing_Timing__c": "In Arrears",
    "Cap_Amount__c": Decimal("50000.50"),
    "Cap_Scope__c": "Contract",
    "Cap_Warning_Percent__c": Decimal(75),
    "Deposit_Percent__c": Decimal(30),
    "Final_Percent__c": Decimal(20),
    "Included_Hours__c": Decimal(40),
    "Rollover__c": "Capped",
    "Rollover_Hours__c": Decimal(8),
    "Indexation_Percent__c": Decimal("2.5"),
}
SAME_TERMS = BillingTerms(
    day=15,
    timing="in_arrears",
    cap=Cap(amount="50000.50", scope="contract", warning_percent=75),
    deposit=Deposit(percent=30, final_percent=20),
    retainer=Retainer(hours=40, rollover="capped", rollover_hours=8),
    indexation_percent="2.5",
)


def test_terms_of_billing_are_read_from_deal_and_lines_where_the_org_has_them(org: SalesforceHarness) -> None:
    deal = deals.fixed_fee(WON)
    deal["opportunity"] |= TERMS | {"PO_Limit__c": Decimal("100000.00"), "Billing_Model__c": "Mixed"}
    deal["opportunity"] |= {"Billing_Periods__c": "Contract"}
    deal["lines"][0] |= TERMS | {"Billing_Frequency__c": "Yearly"}
    found = read(org, deal, billing_terms=True)
    assert found.contract.billing == SAME_TERMS
    assert found.lines[0].billing == changed(SAME_TERMS, frequency=BillingFrequency.YEARLY)
    assert (found.contract.po_limit, found.billing_model) == (Decimal(100_000), None)
    assert found.contract.billing_periods is PeriodBasis.CONTRACT


def test_an_org_without_fields_for_terms_is_not_asked_for_them(org: SalesforceHarness) -> None:
    deal = deals.fixed_fee(WON)
    deal["opportunity"] |= TERMS
    found = read(org, deal, billing_terms=False)
    assert found.contract.billing == BillingTerms()


def test_terms_that_are_not_there_are_none(org: SalesforceHarness) -> None:
    found = read(org, deals.fixed_fee(WON), billing_terms=True)
    assert found.contract.billing == found.lines[0].billing == BillingTerms()


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"Billing_Day__c": Decimal("1.5")}, "/contract/billing/day"),
        ({"Cap_Scope__c": "Galaxy"}, "/contract/billing/cap/scope"),
        ({"Rollover__c": "Some"}, "/contract/billing/retainer/rollover"),
    ],
)
def test_terms_that_do_not_fit_say_where(org: SalesforceHarness, change: dict[str, Any], where: str) -> None:
    deal = deals.fixed_fee(WON)
    deal["opportunity"] |= change
    (field,) = read(org, deal, billing_terms=True).unread
    assert field.pointer == where


CONTRACT = {
    "PO_Expiry_Date__c": "2027-03-31",
    "Contract_Document_Link__c": "https://contracts.example.com/4711",
    "Special_Terms__c": "Travel only with consent.",
    "Place_Of_Supply__c": "fr",
}


def test_terms_of_the_contract_are_read_field_by_field_where_the_org_has_them(org: SalesforceHarness) -> None:
    deal = deals.fixed_fee(WON)
    deal["opportunity"] |= CONTRACT
    deal["account"] |= {"BillingStateCode": "NY", "PO_Required__c": True}
    found = read(org, deal, contract_terms=True)
    contract = found.contract
    assert (contract.po_expires_on, contract.signed_on) == (date(2027, 3, 31), WON)
    assert (contract.document_url, contract.special_terms, contract.place_of_supply) == (
        "https://contracts.example.com/4711",
        "Travel only with consent.",
        "FR",
    )
    assert found.account is not None
    assert (found.account.subdivision, found.account.po_required) == ("NY", True)


def test_the_postal_code_tells_in_which_vat_area_the_customer_is(org: SalesforceHarness) -> None:
    deal = deals.fixed_fee(WON)
    deal["account"] |= {"BillingPostalCode": "35001"}
    account = read(org, deal).account

    assert account is not None
    assert account.postal_code == "35001"


def test_an_org_without_fields_for_contracts_is_not_asked_for_them(org: SalesforceHarness) -> None:
    deal = deals.fixed_fee(WON)
    deal["opportunity"] |= CONTRACT
    deal["account"] |= {"BillingStateCode": "NY", "PO_Required__c": True}
    found = read(org, deal, contract_terms=False)
    assert found.account is not None
    assert (found.contract.po_expires_on, found.contract.special_terms) == (None, None)
    assert (found.account.subdivision, found.account.po_required) == (None, False)


def test_a_line_has_its_phase_where_the_connection_names_the_field(org: SalesforceHarness) -> None:
    deal = deals.fixed_fee(WON)
    deal["lines"][0] |= {"Phase__c": "build"}

    named = read(org, deal, fields={"OpportunityLineItem.Phase__c": "Phase__c"})
    silent = read(org, deal)

    assert [named.lines[0].phase, silent.lines[0].phase] == ["build", None]


def test_without_the_org_s_history_its_table_is_not_asked(org: SalesforceHarness) -> None:
    deal_id = org.win()
    org.hand_over(deal_id, "Cora Colleague", "cora@firm.example")
    org.control.clear_requests()

    assert connect(org, owner_history=False).read_opportunity(deal_id).past_owners == ()
    assert not any("OpportunityFieldHistory" in str(call["body"]) for call in org.control.requests())


def test_the_history_keeps_names_and_ids_in_rows_of_their_own(org: SalesforceHarness) -> None:
    deal_id = org.win()
    before = org.control.record(deal_id)["OwnerId"]
    org.hand_over(deal_id, "Cora Colleague", "cora@firm.example")
    after = org.control.record(deal_id)["OwnerId"]

    kept = [each for each in org.control.records("OpportunityFieldHistory") if each["OpportunityId"] == deal_id]

    assert [(each["Field"], each["DataType"], each["OldValue"], each["NewValue"]) for each in kept] == [
        ("Owner", "Text", "Sam Seller", "Cora Colleague"),
        ("Owner", "EntityId", before, after),
    ]


def test_an_inspection_names_each_field_that_is_missing_and_each_that_may_not_be_written(
    org: SalesforceHarness,
) -> None:
    names = {
        "Opportunity.Region__c": "Area__c",
        "Account.Tax_Id__c": None,
        "Opportunity.oppsync_Status__c": "IsWon",
    }
    access = org.access.settings | {"fields": names}

    seen = CONNECTOR.connect(access, org.access.secrets, FixedClock()).inspect()

    faults = {(each.seen.value, each.what) for each in seen if each.is_fault}
    assert faults == {
        ("missing_field", "Opportunity.Area__c is not there, or may not be read."),
        ("missing_permission", "Opportunity.IsWon may not be written."),
    }
    assert all(each.fix for each in seen if each.is_fault)
    assert any("calls of the org's last 24 hours are left" in each.what for each in seen)


def test_an_inspection_names_terms_that_the_org_has_and_a_setting_leaves_unread(org: SalesforceHarness) -> None:
    off = {"billing_terms": False, "contract_terms": False}

    billing, contract = (each for each in connect(org, **off).inspect() if each.is_fault)

    assert (billing.seen.value, contract.seen.value) == ("field_not_read", "field_not_read")
    assert billing.what.startswith("The setting billing_terms is off: deals are planned without what is in ")
    assert "PO_Limit__c" in billing.what
    assert "Cap_Amount__c" in billing.what
    assert contract.what == (
        "The setting contract_terms is off: deals are planned without what is in PO_Required__c, "
        "Contract_Document_Link__c, PO_Expiry_Date__c, Place_Of_Supply__c, Special_Terms__c of Account and "
        "Opportunity"
    )
    assert (
        contract.fix
        == "Set contract_terms to yes. Where a field is not to be read, name none for it in fields."
    )
    assert len(billing.in_words) < 500  # whole on the connection's page


def test_terms_that_nobody_wants_read_are_named_away_and_no_fault(org: SalesforceHarness) -> None:
    unwanted = [name for name in wire.CONTRACT_TERMS if name != "Opportunity.Special_Terms__c"]
    named = dict.fromkeys(unwanted) | {"Opportunity.Special_Terms__c": "Special_Terms__c"}

    seen = connect(org, contract_terms=False, fields=named).inspect()

    assert [each.what for each in seen if each.is_fault] == []
