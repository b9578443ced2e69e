"""An account without a customer code meets the ERP's customers; where they are several, a person says which."""

from __future__ import annotations

import pytest

from adapters.bootstrap import TENANT
from adapters.seed.demo_firm import reference_rows
from adapters.standins import deals
from oppsync.domain.effects import EffectState
from oppsync.domain.keys import EffectKind
from oppsync.domain.reference import ReferenceKind
from oppsync.domain.states import State
from oppsync.errors import Conflict, InvalidInput
from oppsync.services.commands import LinkCustomer
from tests.house import OPERATIONS, WON_ON, House
from tests.tryton import Books


def test_a_persons_choice_is_kept_for_the_next_deal(house: House, books: Books) -> None:
    for code in ("CUST-T1", "CUST-T2"):
        address = {"country": books.one("country.country", [["code", "=", "DE"]])["id"]}
        party = {"name": "Twin Peaks GmbH", "code": code, "addresses": [["create", [address]]]}
        books.create("party.party", party)
    account = {"Name": "Twin Peaks GmbH", "BillingCountryCode": "DE", "External_Key__c": "twin-peaks"}
    record_id = house.win(deals.milestone(WON_ON) | {"account": account})
    house.settle()
    item = house.exception(record_id)
    assert (item.code, item.owner) == ("ACCOUNT_AMBIGUOUS", "finance")
    assert "CUST-T1 Twin Peaks GmbH, CUST-T2 Twin Peaks GmbH" in item.message

    with pytest.raises(InvalidInput, match="no customer 'CUST-NOBODY'"):
        house.application.dispatch(LinkCustomer(TENANT, item.id, OPERATIONS, "CUST-NOBODY"))
    house.application.dispatch(LinkCustomer(TENANT, item.id, OPERATIONS, "CUST-T2"))
    house.settle()

    assert house.state(record_id) is State.AWAITING_APPROVAL
    assert house.plan(record_id).plan.content.customer == "CUST-T2"
    (linked,) = [entry for entry in house.entries(record_id) if entry.type == "customer.linked.v1"]
    assert (linked.actor, linked.after) == (OPERATIONS, {"customer": "CUST-T2"})
    with pytest.raises(Conflict, match="already"):
        house.application.dispatch(LinkCustomer(TENANT, item.id, OPERATIONS, "CUST-T1"))


def test_a_new_customer_is_created_after_the_approval_where_the_entity_may(house: House, books: Books) -> None:
    with house.application.uow() as uow:
        for row in reference_rows():
            if row.kind is ReferenceKind.LEGAL_ENTITY:
                policy = row.value | {"creates_customers": True}
                uow.references.put(TENANT, row.model_copy(update={"value": policy}))
        uow.commit()
    account = {"Name": "Newcomer SARL", "AccountNumber": "CUST-NEW", "BillingCountryCode": "FR"}
    record_id = house.to_approval(deals.milestone(WON_ON) | {"account": account})
    assert books.find("party.party", [["code", "=", "CUST-NEW"]]) == []

    house.approve(record_id)
    house.settle()

    assert house.state(record_id) is State.ACTIVE
    assert len(books.find("party.party", [["code", "=", "CUST-NEW"]])) == 1
    (effect,) = [row for row in house.effects(record_id) if row.kind is EffectKind.CUSTOMER]
    assert (effect.state, effect.number) == (EffectState.CONFIRMED, "CUST-NEW")
