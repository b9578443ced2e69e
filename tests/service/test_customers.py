"""An account without a customer code meets the ERP's customers; where they are several, a person says which."""

from __future__ import annotations

import pytest

from adapters.bootstrap import TENANT
from adapters.standins import deals
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
