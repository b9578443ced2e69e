"""The ERP goes down in the middle of a deal and comes back: existing records are found, the rest is created."""

from __future__ import annotations

from sandbox.firm.install import ERP_CONNECTION
from tests.harness.world import World
from tests.story.sluice import sluice_before


def test_the_erp_ends_in_the_middle_of_a_deal_and_comes_back(world: World) -> None:
    deal = world.win()
    world.wait_for("awaiting_approval", deal)
    with sluice_before(world.addresses.tryton) as (sluice, url):
        world.connect(ERP_CONNECTION, base_url=url)
        sluice.hold(2, "before")
        world.approve(deal)
        sluice.wait_until_held()
        world.programs["tryton"].kill()
        world.connect(ERP_CONNECTION)
    world.until(lambda: deferrals(world, deal) >= 2, "it was tried again while the ERP was away")
    made = [
        each for each in world.effects(deal) if each["state"] == "confirmed" and each["kind"] != "notification"
    ]
    assert [each["kind"] for each in made] == ["parent"]
    assert world.opportunity(deal)["state"] == "approved"
    world.programs["tryton"].start()
    world.check_active(deal)
    assert world.exceptions(opportunity_id=world.opportunity(deal)["id"]) == []


def deferrals(world: World, deal: str) -> int:
    steps = [(step["type"], step["actor"]) for step in world.timeline(deal)]
    return steps.count(("stage.deferred.v1", "stage:create_projects"))
