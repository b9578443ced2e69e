"""What a plan names and its ERP or PSA does not know is found before anybody approves, and has a way out."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import uuid4

import pytest

from oppsync.domain.plan.overrides import OverrideField
from oppsync.domain.reference.book import ReferenceKind, ReferenceRow
from oppsync.domain.values.actor import COMMAND_LINE
from oppsync.domain.work.states import State
from oppsync.services.changes.commands import OverridePlan
from oppsync.services.insight.commands import PreviewPlan
from sandbox.firm import deals
from sandbox.firm.install import CRM_CONNECTION, PSA_CONNECTION
from tests.harness import erp
from tests.harness.builders import TENANT
from tests.harness.house import WON_ON, House
from tests.harness.tryton import Books


@pytest.fixture
def code() -> str:
    """The code of something that the ERP does not have: its books outlive a test."""
    return f"CC-{uuid4().hex[:8]}"


def put(house: House, kind: ReferenceKind, key: str, **value: Any) -> None:
    with house.application.uow() as uow:
        uow.references.put(TENANT, ReferenceRow(kind=kind, key=key, valid_from=date(2025, 1, 1), value=value))
        uow.commit()


def book_on(house: House, code: str) -> None:
    """Reference data now books German advice on this cost centre."""
    put(house, ReferenceKind.COST_CENTRE, "ACME-DE|ADV", code=code, name="Advisory, renamed")


def parked_before_approval(house: House, deal: deals.Deal) -> str:
    record_id = house.win(deal)
    house.settle()
    assert (house.state(record_id), house.tasks(record_id), house.effects(record_id)) == (State.PARKED, {}, [])
    return record_id


def found(house: House, record_id: str) -> list[tuple[str, str]]:
    return [(each.code, each.value) for each in house.exception(record_id).findings]


def create_centre(books: Books, code: str) -> None:
    root = books.one("analytic_account.account", [["type", "=", "root"], ["company", "=", 1]], "id")
    centre = {"name": code, "code": code, "type": "normal", "company": 1}
    books.create("analytic_account.account", centre | {"root": root["id"], "parent": root["id"]})


def complete(house: House, books: Books, record_id: str) -> None:
    assert house.state(record_id) is State.AWAITING_APPROVAL, house.exceptions(record_id)
    house.approve(record_id)
    house.settle()
    assert house.state(record_id) is State.ACTIVE, house.exceptions(record_id)
    erp.check_landed(books, record_id, house.plan(record_id).plan.content)


def test_a_cost_centre_that_the_erp_lacks_is_created_there_and_the_deal_goes_on(
    house: House, books: Books, code: str
) -> None:
    book_on(house, code)
    record_id = parked_before_approval(house, deals.time_and_materials(WON_ON))
    item = house.exception(record_id)
    assert (item.code, item.owner, item.stage) == ("COST_CENTRE_UNKNOWN", "finance", "split_workstreams")
    assert item.message.startswith(f"The ERP's company ACME-DE has no cost centre {code}, planned for ")

    house.replay(item)  # too early
    house.settle()
    assert found(house, record_id) == [("COST_CENTRE_UNKNOWN", f"ACME-DE {code}")]

    create_centre(books, code)
    house.replay(house.exception(record_id))
    house.settle()

    complete(house, books, record_id)


def test_a_wrong_code_is_corrected_in_the_reference_data_and_the_deal_goes_on(
    house: House, books: Books, code: str
) -> None:
    book_on(house, code)
    record_id = parked_before_approval(house, deals.time_and_materials(WON_ON))

    book_on(house, "CC-DE-ADV")
    house.replay(house.exception(record_id))
    house.settle()

    complete(house, books, record_id)


def test_a_wrong_code_is_overridden_and_the_deal_goes_on(house: House, books: Books, code: str) -> None:
    book_on(house, code)
    record_id = parked_before_approval(house, deals.time_and_materials(WON_ON))
    opportunity = house.opportunity(record_id)
    assert opportunity.record is not None

    for line in opportunity.record.lines:  # a workstream each
        override = OverridePlan(
            TENANT,
            opportunity.id,
            house.operator,
            workstream=line.id,
            field=OverrideField.COST_CENTRE,
            value="CC-DE-CLOUD",
            reason="Advice is booked there this year",
        )
        house.application.dispatch(override)
        house.settle()

    complete(house, books, record_id)


def test_a_cost_centre_that_was_created_meanwhile_is_noticed_though_nobody_replays(
    house: House, books: Books, code: str
) -> None:
    house.connect(CRM_CONNECTION, poll_overlap=0)  # nothing that other tests have won
    house.poll()
    book_on(house, code)
    record_id = parked_before_approval(house, deals.time_and_materials(WON_ON))
    look_again(house, record_id)
    assert house.exception(record_id).occurrences == 1

    create_centre(books, code)
    look_again(house, record_id)

    assert house.exceptions(record_id) == []
    complete(house, books, record_id)


def look_again(house: House, record_id: str) -> None:
    """As if a day had passed for this deal, after which a parked one is read again. Deals that other tests left
    in the CRM stay as they are: a poll takes a few of the oldest only."""
    house.rows(
        "update opportunities set state_since = state_since - interval '1 day', recheck_at = null"
        " where source_id = :record_id",
        record_id=record_id,
    )
    house.poll()
    house.settle()


def test_all_that_is_missing_comes_at_once(house: House, code: str) -> None:
    book_on(house, code)
    house.connect(PSA_CONNECTION, roles={"Senior Consultant": 1})
    put(house, ReferenceKind.TAX_TREATMENT, "ACME-DE|DE", code="VAT-NOPE", percent="19", reason="Domestic")
    budget = [{"role": "Consultant", "percent": "100"}]
    put(
        house,
        ReferenceKind.PROJECT_TEMPLATE,
        "ADV|DACH|time_and_materials",
        code="TPL-STAFFED",
        name="Staffed",
        budget=budget,
    )

    record_id = parked_before_approval(house, deals.time_and_materials(WON_ON))

    assert found(house, record_id) == [
        ("COST_CENTRE_UNKNOWN", f"ACME-DE {code}"),
        ("TAX_CODE_UNKNOWN", "VAT-NOPE"),
        ("PSA_ROLE_UNKNOWN", "Consultant"),
    ]


def test_the_cost_centre_of_a_delivering_entity_is_looked_for_in_its_own_company(
    house: House, books: Books
) -> None:
    """CC-DE-ADV exists, but not in the company that delivers."""
    away = {
        "code": "away",
        "order": 1,
        "when": {"product_family": ["Consulting"]},
        "delivery_entity": "ACME-US",
    }
    put(house, ReferenceKind.SPLIT_RULE, "away", **away)
    put(house, ReferenceKind.COST_CENTRE, "ACME-US|ADV", code="CC-DE-ADV", name="A slip")

    record_id = parked_before_approval(house, deals.time_and_materials(WON_ON))

    assert found(house, record_id) == [("COST_CENTRE_UNKNOWN", "ACME-US CC-DE-ADV")]
    put(house, ReferenceKind.COST_CENTRE, "ACME-US|ADV", code="CC-US-ADV", name="Advisory United States")
    house.replay(house.exception(record_id))
    house.settle()
    complete(house, books, record_id)


def test_a_customer_without_an_address_is_given_one_and_the_deal_goes_on(house: House, books: Books) -> None:
    customer = f"CUST-{uuid4().hex[:8]}"
    account = {"Name": "Hooli GmbH", "AccountNumber": customer, "BillingCountryCode": "DE"}
    party = books.create("party.party", {"name": "Hooli GmbH", "code": customer, "addresses": []}, "addresses")
    for address in party["addresses"]:
        books.write("party.address", address, {"active": False})
    record_id = parked_before_approval(house, deals.fixed_fee(WON_ON, entity="ACME-DE") | {"account": account})
    assert found(house, record_id) == [("CUSTOMER_WITHOUT_ADDRESS", customer)]

    germany = books.one("country.country", [["code", "=", "DE"]], "id")["id"]
    books.create("party.address", {"party": party["id"], "country": germany, "invoice": True})
    house.replay(house.exception(record_id))
    house.settle()

    complete(house, books, record_id)


def test_a_preview_shows_what_its_systems_do_not_know_beside_the_plan(house: House, code: str) -> None:
    book_on(house, code)
    record_id = str(house.salesforce.win_deal(deals.time_and_materials(WON_ON))["id"])

    shown = house.application.dispatch(PreviewPlan(TENANT, COMMAND_LINE, record_id))

    assert [(each.code, each.value) for each in shown.findings] == [("COST_CENTRE_UNKNOWN", f"ACME-DE {code}")]
    assert shown.is_blocked
    assert shown.plan is not None
