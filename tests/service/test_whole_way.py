"""The whole way of a deal, from the notification to the write-back."""

from __future__ import annotations

from oppsync.domain.states import State
from tests.house import House


def test_a_deal_with_three_workstreams_becomes_projects_and_is_written_back(house: House) -> None:
    record_id = house.win()
    house.settle()
    assert house.state(record_id) is State.AWAITING_APPROVAL, house.exceptions(record_id)
    house.approve(record_id)
    house.settle()
    assert house.state(record_id) is State.ACTIVE, house.exceptions(record_id)
    record = house.salesforce.record(record_id)
    assert record["oppsync_Status__c"] == "Active"
    assert record["oppsync_Project_Number__c"] == house.opportunity(record_id).project_number
