"""The customer is who the CRM says: a code alone does not decide it, and no customer is created twice."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from click.testing import CliRunner

from adapters.cli.__main__ import oppsync
from oppsync.domain.deal.customers import ErpCustomer
from oppsync.domain.reading.preview import PlanPreview
from oppsync.domain.reference.book import ReferenceKind
from oppsync.domain.values.actor import COMMAND_LINE
from oppsync.domain.values.model import changed
from oppsync.domain.work.states import State
from oppsync.kernel import canonical_json
from oppsync.kernel.errors import Conflict
from oppsync.kernel.settings import Settings
from oppsync.services.admin.commands import CreateToken
from oppsync.services.insight.commands import FindOpportunity, PreviewPlan
from oppsync.services.queue.commands import LinkCustomer
from sandbox.contracts.deals import account, fixed_line, opportunity
from sandbox.firm import deals
from sandbox.firm.demo_firm import reference_rows
from sandbox.firm.install import ERP_CONNECTION
from tests.harness.builders import GLOBEX, TENANT
from tests.harness.house import WON_ON, House
from tests.harness.tryton import Books
from web.app import create_app

NORDBANK = ErpCustomer(code="CUST-1004", name="Nordbank AG", countries=("DE",), tax_ids=("DE129273398",))
HOUR = timedelta(hours=1)


def preview(house: House, **fields: Any) -> PlanPreview:
    """Of a deal whose account has these fields."""
    deal = opportunity(fixed_line(), account=account(**fields))
    return house.application.dispatch(PreviewPlan(TENANT, COMMAND_LINE, deal))


def codes(shown: PlanPreview) -> Sequence[str]:
    return [found.code for found in shown.findings]


def test_a_code_of_another_company_is_stopped_and_the_plan_shows_whose_it_is(house: House) -> None:
    shown = preview(house, name="Teide Servicios SL", code="CUST-1004", country="ES", tax_id="ESB58378431")

    found = next(each for each in shown.findings if each.code == "CUSTOMER_CONTRADICTS")
    assert shown.is_blocked
    assert found.message == (
        "The CRM says Teide Servicios SL (ES, ESB58378431), the ERP has Nordbank AG (DE, DE129273398) under "
        "CUST-1004: another country and another tax id"
    )
    assert shown.plan is not None
    assert shown.plan.content.erp_customer == NORDBANK


def test_the_same_name_with_another_tax_id_is_for_a_person(house: House) -> None:
    shown = preview(house, code=None, tax_id="DE129273398", name="Globex GmbH", id="acc-other")

    assert codes(shown) == ["ACCOUNT_AMBIGUOUS"]  # Nordbank's tax id, Globex's name
    assert "CUST-1001 Globex GmbH (DE, DE136695976); CUST-1004 Nordbank AG (" in shown.findings[0].message
    renamed = preview(house, code=None, tax_id="DE129273398", name="Hansebank AG", id="acc-other")
    assert codes(renamed) == ["CUSTOMER_NAME_DIFFERS"]  # nobody else is called so
    stranger = preview(house, code=None, tax_id="DE811907980", name="Globex GmbH", id="acc-other")
    assert codes(stranger) == ["ACCOUNT_AMBIGUOUS"]
    assert "CUST-1001 Globex GmbH (DE, DE136695976)" in stranger.findings[0].message


@pytest.mark.parametrize(
    "code", ["cust-1001", "CUST-1001\u200b", "CUST-1001\ufe0f", "\uff23\uff35\uff33\uff34-1001"]
)
def test_a_customer_code_in_another_spelling_is_that_customer(house: House, code: str) -> None:
    shown = preview(house, code=code)

    assert codes(shown) == []
    assert shown.plan is not None
    assert (shown.plan.content.customer, shown.plan.content.erp_customer) == ("CUST-1001", GLOBEX)
    assert shown.hash == preview(house).hash


def test_a_deal_whose_crm_spells_the_code_otherwise_goes_all_the_way_and_the_customer_is_known_by_it(
    house: House, books: Books
) -> None:
    deal = deals.milestone(WON_ON)
    deal["account"] |= {"AccountNumber": "cust-1003", "External_Key__c": "spelled-otherwise"}
    house.rows("update opportunities set activated_at = null")

    record_id = house.to_active(deal)

    assert house.plan(record_id).plan.content.customer == "CUST-1003"
    assert books.find("party.party", [["code", "=", "cust-1003"]]) == []
    with house.application.uow.reading() as uow:
        assert uow.opportunities.knows_customer(TENANT, "CUST-1003")


def test_a_sign_nobody_can_see_in_an_unknown_code_is_named(house: House) -> None:
    shown = preview(house, code="CUST-9999\u200b", tax_id=None)

    (found,) = shown.findings
    assert (found.code, found.value) == ("ACCOUNT_UNKNOWN", "CUST-9999\u200b")
    assert "U+200B ZERO WIDTH SPACE" in found.message


@pytest.mark.parametrize("tax_id", ["DE 136 695 976", "de-136.695.976"])
def test_a_customer_is_found_by_its_tax_id_in_any_usual_spelling(house: House, tax_id: str) -> None:
    shown = preview(house, id="acc-holding", code=None, name="Globex Holding", tax_id=tax_id)

    assert not shown.is_blocked
    assert shown.plan is not None
    assert shown.plan.content.erp_customer == GLOBEX


@pytest.mark.parametrize(
    ("there", "here"),
    [("CHE-116.281.710 MWST", "CHE116281710"), ("BE403170701", "BE 0403.170.701")],
)
def test_a_customer_is_found_by_its_tax_id_without_what_a_country_lets_people_leave_out(
    house: House, books: Books, there: str, here: str
) -> None:
    code = f"CUST-{there[:3]}"
    party = {"name": f"Holding {there[:3]}", "code": code, "identifiers": [["create", [{"code": there}]]]}
    books.create("party.party", party)

    shown = preview(house, id=f"acc-{code}", code=None, name="Another name", country="CH", tax_id=here)

    assert shown.plan is not None
    assert shown.plan.content.customer == code


@pytest.mark.parametrize(
    ("fields", "tax"),
    [
        (
            {"name": "Riviera Conseil SAM", "code": "CUST-2001", "country": "MC", "tax_id": "FR53000056888"},
            "RC-EU",
        ),
        (
            {"name": "Teide Servicios SL", "code": "CUST-2002", "country": "ES", "tax_id": "ESB58378431"}
            | {"subdivision": "GC"},
            "EXPORT-0",
        ),
    ],
    ids=["Monaco", "the Canaries"],
)
def test_a_customer_in_a_territory_is_judged_for_its_tax(
    house: House, fields: dict[str, Any], tax: str
) -> None:
    shown = preview(house, **fields)

    assert codes(shown) == []
    assert shown.plan is not None
    assert shown.plan.content.tax == tax


def test_the_approver_is_shown_the_erps_customer_and_why_says_where_it_is_from(
    house: House, settings: Settings
) -> None:
    record_id = house.to_approval(deals.three_workstreams(WON_ON))
    content = house.plan(record_id).plan.content

    asked = cli(settings, "plan", "why", record_id, "/erp_customer/name")
    shown = cli(settings, "opportunity", "show", record_id)

    assert content.erp_customer == NORDBANK
    assert "as the ERP had the customer of this code" in asked
    assert "customer: Nordbank AG (CUST-1004), in the ERP Nordbank AG (DE, DE129273398)" in shown


def test_a_record_named_as_the_crms_pages_show_it_is_the_same_deal(house: House, settings: Settings) -> None:
    record_id = house.to_approval(deals.three_workstreams(WON_ON))
    known = house.opportunity(record_id).id
    change = ("--reason", "Agreed by phone", "--by", "olga.operations@example.com")
    node = next(each for each in house.plan(record_id).plan.content.nodes if each.billing_model == "milestone")
    cli(settings, "opportunity", "override", record_id[:15], node.path, "hours", "77", *change)

    previews = [
        canonical_json.loads(cli(settings, "plan", "preview", named, "--json"))
        for named in (record_id, record_id[:15])
    ]

    assert previews[0] == previews[1] | {"plan": previews[0]["plan"]}
    assert previews[0]["plan"]["content"] == previews[1]["plan"]["content"]
    assert previews[0]["plan"]["provenance"]["overrides"][0]["value"] == "77"
    for named in (record_id, record_id[:15], str(known)):
        assert house.application.dispatch(FindOpportunity(TENANT, COMMAND_LINE, named)) == known


def test_the_api_takes_a_record_as_the_crms_pages_show_it(house: House) -> None:
    record_id = house.to_approval(deals.milestone(WON_ON))
    olga = CreateToken(TENANT, COMMAND_LINE, "preview", "olga.operations@example.com")
    bearer = {"Authorization": f"Bearer {house.application.dispatch(olga)}"}
    client = create_app(house.application).test_client()

    whole, short = (
        client.get(f"/api/v1/plans/preview?record={named}", headers=bearer).get_json()["plan"]["content"]
        for named in (record_id, record_id[:15])
    )

    assert whole["record_id"] == record_id
    assert short == whole


def test_the_command_line_too_leaves_the_same_name_with_another_tax_id_to_a_person(
    house: House, settings: Settings, tmp_path: Path
) -> None:
    namesake = account(id="acc-other", code=None, name="Globex GmbH", country="DE", tax_id="DE811907980")
    file = tmp_path / "deal.json"
    file.write_text(opportunity(fixed_line(), account=namesake).model_dump_json())

    shown = canonical_json.loads(cli(settings, "plan", "preview", str(file), "--json"))

    assert [found["code"] for found in shown["findings"]] == ["ACCOUNT_AMBIGUOUS"]
    assert shown["is_blocked"]
    assert "CUST-1001 Globex GmbH (DE, DE136695976)" in shown["findings"][0]["message"]


def cli(settings: Settings, *arguments: str) -> str:
    environment = {
        "DATABASE_URL": settings.database_url.get_secret_value(),
        "REDIS_URL": settings.redis_url.get_secret_value(),
        "OPPSYNC_SECRET_KEYS": settings.secret_keys.get_secret_value(),
    }
    done = CliRunner().invoke(oppsync, arguments, env=environment)
    assert done.exit_code == 0, done.output
    return done.stdout


@pytest.fixture
def creating(house: House) -> House:
    """The entity's policy is to create customers."""
    with house.application.uow() as uow:
        for row in reference_rows():
            if row.kind is ReferenceKind.LEGAL_ENTITY:
                uow.references.put(TENANT, changed(row, value=row.value | {"creates_customers": True}))
        uow.commit()
    return house


def new_account(code: str, tax_id: str, name: str = "Newcomer SARL", key: str = "new") -> dict[str, Any]:
    account = {"Name": name, "AccountNumber": code, "BillingCountryCode": "FR", "Tax_Id__c": tax_id}
    return deals.milestone(WON_ON) | {"account": account | {"External_Key__c": key}}


def approved(house: House, *records: str) -> None:
    """Approved, and not worked yet."""
    for record_id in records:
        house.approve(record_id)


def test_two_deals_of_one_new_account_get_one_customer(creating: House, books: Books) -> None:
    house = creating
    first, second = (house.to_approval(new_account("CUST-TWO", "FR83404833048", key="two")) for _ in range(2))

    approved(house, first, second)
    house.settle()

    assert (house.state(first), house.state(second)) == (State.ACTIVE, State.ACTIVE)
    assert len(books.find("party.party", [["name", "=", "Newcomer SARL"], ["code", "=", "CUST-TWO"]])) == 1


def test_while_a_deal_creates_a_customer_another_waits_and_goes_on_though_the_first_one_died(
    creating: House, books: Books
) -> None:
    house = creating
    record_id = house.to_approval(new_account("CUST-WAIT", "FR61954506077", key="wait"))
    with house.application.uow() as uow:
        assert uow.customer_claims.take(TENANT, ERP_CONNECTION, uuid4(), HOUR)
        uow.commit()
    approved(house, record_id)

    house.work_later(times=3)

    assert house.state(record_id) is State.APPROVED
    assert [row["tries"] for row in house.deferred()] == [0]
    assert books.find("party.party", [["code", "=", "CUST-WAIT"]]) == []
    house.rows("update customer_claims set until = clock_timestamp() - interval '1 second'")
    house.settle_later()
    assert house.state(record_id) is State.ACTIVE
    assert len(books.find("party.party", [["code", "=", "CUST-WAIT"]])) == 1
    assert house.rows("select * from customer_claims") == []


def test_two_accounts_of_one_company_never_get_two_customers(creating: House, books: Books) -> None:
    house = creating
    first = house.to_approval(new_account("CUST-ONE", "FR23334175221", name="Doublon SARL", key="one"))
    second = house.to_approval(new_account("CUST-OTHER", "FR 23 334175221", name="Doublon", key="other"))
    approved(house, first, second)
    house.settle()

    done, waiting = sorted((first, second), key=lambda each: house.state(each) is not State.ACTIVE)
    assert (house.state(done), house.state(waiting)) == (State.ACTIVE, State.PARKED)
    item = house.exception(waiting)
    assert item.code == "ACCOUNT_AMBIGUOUS"
    (created,) = books.find("party.party", [["name", "like", "Doublon%"]], "code")
    assert created["code"] in item.message

    house.application.dispatch(LinkCustomer(TENANT, item.id, house.operator, created["code"].lower()))
    house.settle()

    assert house.state(waiting) is State.AWAITING_APPROVAL
    content = house.plan(waiting).plan.content
    assert (content.customer, content.new_customer) == (created["code"], None)


def test_a_customer_that_is_there_under_another_code_is_not_created(creating: House, books: Books) -> None:
    house = creating
    record_id = house.win(new_account("CUST-1003-NEW", "FR40303265045", name="Umbrella SAS", key="umbrella"))
    house.settle()
    item = house.exception(record_id)
    assert item.code == "ACCOUNT_UNKNOWN"
    assert "but its tax id under another code: CUST-1003 Umbrella SAS (FR, FR40303265045)" in item.message

    house.application.dispatch(LinkCustomer(TENANT, item.id, house.operator, "CUST-1003"))
    house.settle()

    assert house.state(record_id) is State.AWAITING_APPROVAL
    assert house.plan(record_id).plan.content.customer == "CUST-1003"
    assert books.find("party.party", [["code", "=", "CUST-1003-NEW"]]) == []


def test_a_tax_id_of_another_company_never_makes_the_deal_that_companys(house: House) -> None:
    """Somebody pasted Nordbank's tax id into an account of Globex."""
    account = {"Name": "Globex GmbH", "BillingCountryCode": "DE", "Tax_Id__c": "DE129273398"}
    record_id = house.win(deals.milestone(WON_ON) | {"account": account | {"External_Key__c": "globex-pasted"}})
    house.settle()

    item = house.exception(record_id)
    assert (item.code, house.state(record_id)) == ("ACCOUNT_AMBIGUOUS", State.PARKED)
    assert [entry for entry in house.entries(record_id) if entry.type == "customer.linked.v1"] == []

    house.application.dispatch(LinkCustomer(TENANT, item.id, house.operator, "CUST-1001"))
    house.settle()
    assert house.exception(record_id).code == "CUSTOMER_CONTRADICTS"  # the tax id is still Nordbank's

    account_id = house.salesforce.record(record_id)["AccountId"]
    house.salesforce.edit_record(account_id, {"Tax_Id__c": "DE136695976"})
    house.tell(record_id)
    house.settle()

    assert house.state(record_id) is State.AWAITING_APPROVAL
    assert house.plan(record_id).plan.content.customer == "CUST-1001"


def test_a_contradicting_code_is_corrected_where_it_is_wrong(house: House) -> None:
    deal = deals.milestone(WON_ON)
    wrong = {"Name": "Umbrella SAS", "AccountNumber": "CUST-1001", "External_Key__c": "umbrella-wrong"}
    record_id = house.win(deal | {"account": deal["account"] | wrong})
    house.settle()
    item = house.exception(record_id)
    assert (item.code, item.owner) == ("CUSTOMER_CONTRADICTS", "finance")

    with pytest.raises(Conflict, match="in the CRM"):
        house.application.dispatch(LinkCustomer(TENANT, item.id, house.operator, "CUST-1003"))


# A link is believed for what it names.


def linked(house: House, books: Books, name: str) -> str:
    """A deal whose account a person linked to one of two customers of its name, which have no tax id."""
    code = name.split(maxsplit=1)[0].upper()
    for number in (1, 2):
        address = {"country": books.one("country.country", [["code", "=", "DE"]])["id"]}
        books.create(
            "party.party", {"name": name, "code": f"{code}-{number}", "addresses": [["create", [address]]]}
        )
    account = {"Name": name, "BillingCountryCode": "DE", "External_Key__c": code.lower()}
    record_id = house.win(deals.milestone(WON_ON) | {"account": account})
    house.settle()
    item = house.exception(record_id)
    house.application.dispatch(LinkCustomer(TENANT, item.id, house.operator, f"{code}-2"))
    house.settle()
    assert house.plan(record_id).plan.content.customer == f"{code}-2"
    return record_id


def tax_id_of_the_account(house: House, record_id: str, tax_id: str | None) -> None:
    account_id = house.salesforce.record(record_id)["AccountId"]
    house.salesforce.edit_record(account_id, {"Tax_Id__c": tax_id})
    house.tell(record_id)
    house.settle()


@pytest.mark.parametrize("it_is", ["that company", "the linked one"])
def test_a_link_does_not_outlive_that_its_account_has_another_company_s_tax_id(
    house: House, books: Books, it_is: str
) -> None:
    record_id = linked(house, books, f"{'Vega' if it_is == 'that company' else 'Rigel'} GmbH")

    tax_id_of_the_account(house, record_id, "DE129273398")

    item = house.exception(record_id)
    assert (item.code, house.state(record_id)) == ("CUSTOMER_CONTRADICTS", State.PARKED)
    assert "and this tax id under another code: CUST-1004 Nordbank AG (DE, DE129273398)" in item.message
    if it_is == "that company":
        house.application.dispatch(LinkCustomer(TENANT, item.id, house.operator, "CUST-1004"))
        house.settle()
    else:
        tax_id_of_the_account(house, record_id, None)
    assert house.state(record_id) is State.AWAITING_APPROVAL, house.exceptions(record_id)
    expected = "CUST-1004" if it_is == "that company" else "RIGEL-2"
    assert house.plan(record_id).plan.content.customer == expected


def test_a_link_of_a_merged_account_says_nothing_of_the_one_that_stays(house: House, books: Books) -> None:
    record_id = linked(house, books, "Deneb GmbH")
    before = house.plan(record_id).hash
    umbrella = {**deals.ACCOUNTS["CUST-1003"], "AccountNumber": "CUST-1003", "External_Key__c": "deneb-merged"}
    kept = house.salesforce.win_deal(deals.milestone(WON_ON) | {"account": umbrella})

    house.salesforce.merge_accounts(str(kept["account"]), str(house.salesforce.record(record_id)["AccountId"]))
    house.tell(record_id)
    house.settle()

    assert house.state(record_id) is State.AWAITING_APPROVAL, house.exceptions(record_id)
    assert house.plan(record_id).plan.content.customer == "CUST-1003"
    assert house.plan(record_id).hash != before
