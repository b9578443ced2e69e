"""A won deal, from the CRM's own signed webhook to projects in the ERP and the write-back."""

from __future__ import annotations

import json
from http import HTTPStatus

from tests.harness.world import World


def test_a_won_deal_becomes_projects_and_is_written_back(world: World) -> None:
    deal = world.win()
    world.wait_for("awaiting_approval", deal)
    assert world.salesforce.record(deal)["oppsync_Project_Number__c"] is None
    world.approve(deal)
    world.check_active(deal)

    opportunity = world.opportunity(deal)
    plan = world.api("GET", f"/opportunities/{opportunity['id']}/plan")["plan"]["content"]
    assert [node["kind"] for node in plan["nodes"]].count("workstream") == 3
    told = world.delivery_of(deal)
    status = world.api("GET", f"/deliveries/{json.loads(told['answer'])['event_id']}")
    assert told["status"] == HTTPStatus.ACCEPTED
    assert (status["delivery_id"], status["opportunities"][0]["state"]) == (told["id"], "active")

    steps = world.timeline(deal)
    moves = [step["after"]["state"] for step in steps if step["type"] == "state.changed.v1"]
    assert moves == [
        "validated", "enriched", "planned", "awaiting_approval", "approved", "created", "active"
    ]  # fmt: skip
    assert len({step["actor"] for step in steps if step["type"] == "plan.approved.v1"}) == 2
    assert len({step["correlation_id"] for step in steps}) == 1
