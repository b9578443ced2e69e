"""Signed deliveries that cannot be read: stored as they came, shown with the fault and its place."""

from __future__ import annotations

import json
from typing import Any

import pytest
from sqlalchemy import text

from oppsync.domain.work.exceptions import ExceptionItem
from oppsync.domain.work.states import State
from oppsync.kernel.errors import Conflict
from oppsync.services.queue.commands import DismissException
from sandbox.firm import deals
from tests.harness.builders import TENANT
from tests.harness.house import WON_ON, House

ONE = {"id": "006000000000001AAA", "system_modstamp": "2026-03-02T10:00:00.000Z", "is_won": True}
TOLD: dict[str, Any] = {
    "type": "opportunity.changed",
    "organization_id": "00D000000000001",
    "sent_at": "2026-03-02T10:00:00Z",
    "opportunities": [ONE],
}


def notification(**changes: Any) -> bytes:
    return json.dumps(TOLD | changes).encode()


UNREADABLE = {
    "empty": (b"", "offset 0"),
    "not JSON": (b'{"type": nonsense}', "offset 9"),
    "not UTF-8": (b'{"type": "\xff"}', "offset 10"),
    "a list": (b"[]", "$"),
    "nested without end": (b"[" * 100_000, "offset 0"),
    "a number without end": (b"9" * 10_000, "offset 0"),
    "another type": (notification(type="invoice.paid"), "$.type"),
    "nobody in it": (notification(opportunities=[]), "$.opportunities"),
    "an account's id": (
        notification(opportunities=[ONE | {"id": "001000000000001AAA"}]),
        "$.opportunities[0].id",
    ),
    "a misspelt id": (
        notification(opportunities=[ONE, ONE | {"id": "006" + "x" * 5_000}]),
        "$.opportunities[1].id",
    ),
    "no stamp": (
        notification(opportunities=[ONE | {"system_modstamp": "soon"}]),
        "$.opportunities[0].system_modstamp",
    ),
    "a NUL in it": (notification(opportunities=[ONE | {"id": "006\x000000000001"}]), "$.opportunities[0].id"),
}


def the_item(house: House) -> ExceptionItem:
    (item,) = house.application.queries.exceptions(TENANT).rows
    return item


@pytest.mark.parametrize("case", UNREADABLE)
def test_what_cannot_be_read_is_kept_and_shown_with_what_is_wrong_and_where(house: House, case: str) -> None:
    body, where = UNREADABLE[case]

    event_id = house.deliver(body)

    item = the_item(house)
    (found,) = item.findings
    assert (item.code, item.owner, item.delivery_id) == ("UNREADABLE_DELIVERY", "integration", event_id)
    assert found.path == where
    assert item.payload_reference == f"delivery:{event_id}"
    with house.application.uow() as uow:
        assert uow.deliveries.get(TENANT, event_id).body == body
    status = house.application.queries.delivery(TENANT, event_id)
    assert (status.exception_id, status.opportunities) == (item.id, ())
    assert status.problem
    house.settle()


def test_the_same_unreadable_delivery_again_is_the_same_item(house: House) -> None:
    first, again = (house.deliver(b"nonsense", "msg-1") for _ in range(2))

    assert first == again
    assert the_item(house).occurrences == 1


def test_replaying_what_still_cannot_be_read_says_so_and_leaves_it_open(house: House) -> None:
    house.deliver(b"nonsense")

    with pytest.raises(Conflict) as refused:
        house.replay(the_item(house))

    assert refused.value.code == "STILL_UNREADABLE"
    assert "offset 0" in refused.value.message
    assert the_item(house).status == "open"


def test_replaying_what_can_be_read_by_now_takes_it_in(house: House) -> None:
    """As when a later release can read what an earlier one could not."""
    record_id = str(house.salesforce.win_deal(deals.milestone(WON_ON))["id"])
    event_id = house.deliver(b"nonsense")
    body = notification(opportunities=[ONE | {"id": record_id}])
    with house.application.engine.begin() as connection:
        connection.execute(text("update inbox set body = :body"), {"body": body})

    house.replay(the_item(house))
    house.settle()

    assert house.state(record_id) is State.AWAITING_APPROVAL
    assert house.application.queries.exceptions(TENANT).rows == ()
    status = house.application.queries.delivery(TENANT, event_id)
    assert [each.source_id for each in status.opportunities] == [record_id]
    house.approve(record_id)
    house.settle()
    assert house.state(record_id) is State.ACTIVE


def test_a_deal_that_the_crm_does_not_know_is_parked(house: House) -> None:
    house.deliver(notification(opportunities=[ONE | {"id": "006Ws0000000999IAA"}]))
    house.settle()

    item = the_item(house)
    assert (item.code, item.owner) == ("CRM_RECORD_GONE", "sales")


@pytest.mark.parametrize(
    "attributes",
    [
        "{not json",
        "[1]",
        json.dumps({"a": {"b": 1}}),
        json.dumps({"k" * 5_000: {}}),
        json.dumps({"k\x00": {}}),
        json.dumps({"k" * 5_000: 1}),
    ],
)
def test_attributes_that_cannot_be_read_are_a_finding_for_sales_and_the_deal_goes_on_once_they_are_mended(
    house: House, attributes: str
) -> None:
    deal = deals.milestone(WON_ON)
    record_id = house.win(deal | {"opportunity": deal["opportunity"] | {"Custom_Attributes__c": attributes}})
    house.settle()
    item = house.exception(record_id)
    assert (item.code, item.owner) == ("FIELD_UNREADABLE", "sales")
    assert "custom attributes" in item.message.lower()
    assert (item.opportunity_name, item.account) == (deal["opportunity"]["Name"], deal["account"]["Name"])

    house.edit(record_id, opportunity={"Custom_Attributes__c": '{"campaign": "spring"}'})
    house.settle()

    assert house.state(record_id) is State.AWAITING_APPROVAL
    assert house.exceptions(record_id) == []


def test_a_known_delivery_id_with_another_body_is_kept_read_and_shown(house: House) -> None:
    """As when a sender counts its ids anew: neither the change nor the fault may stay unseen."""
    first, second = (str(house.salesforce.win_deal(deals.milestone(WON_ON))["id"]) for _ in range(2))
    body, other = (notification(opportunities=[ONE | {"id": each}]) for each in (first, second))
    known = house.deliver(body, "msg-1")

    reused, again = (house.deliver(other, "msg-1") for _ in range(2))

    item = the_item(house)
    assert reused == again != known
    assert (item.code, item.owner, item.delivery_id) == ("DELIVERY_ID_REUSED", "integration", reused)
    assert item.occurrences == 1
    assert "msg-1" in item.message
    assert str(known) in item.message
    with house.application.uow() as uow:
        assert uow.deliveries.get(TENANT, reused).body == other
        assert uow.deliveries.get(TENANT, known).body == body
    house.settle()
    assert [house.state(each) for each in (first, second)] == [State.AWAITING_APPROVAL] * 2

    house.application.dispatch(DismissException(TENANT, item.id, house.operator, "The sender counts on again."))
    assert house.application.queries.exceptions(TENANT).rows == ()


@pytest.mark.parametrize("pruned", [False, True])
def test_a_delivery_that_comes_again_as_it_was_is_no_exception(house: House, pruned: bool) -> None:
    body = notification()
    known = house.deliver(body, "m" * 200)
    if pruned:
        with house.application.engine.begin() as connection:
            connection.execute(text("update inbox set body = '', pruned_at = now()"))

    assert house.deliver(body, "m" * 200) == known
    assert house.application.queries.exceptions(TENANT).rows == ()

    assert house.deliver(b"another", "m" * 200) != known
    codes = {each.code for each in house.application.queries.exceptions(TENANT).rows}
    assert codes == {"DELIVERY_ID_REUSED", "UNREADABLE_DELIVERY"}
