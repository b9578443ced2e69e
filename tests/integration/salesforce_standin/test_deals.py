"""The demo firm's deals in the Salesforce stand-in."""

from datetime import date

import pytest

from sandbox.firm import deals
from tests.integration.salesforce_standin.outside import WON


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
