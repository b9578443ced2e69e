"""Which deals the Salesforce stand-in tells of, how it signs that, and when it sends it again."""

from decimal import Decimal

import pytest
from standardwebhooks import Webhook

from sandbox.firm import deals
from sandbox.standins.control import ControlRefused, SalesforceControl
from tests.harness.waiting import until
from tests.integration.salesforce_standin.outside import SECRET, WON, Receiver
from tests.integration.standin_calls import SalesforceClient


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
