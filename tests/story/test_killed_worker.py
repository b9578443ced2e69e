"""A worker dies between a create outside and its record of it: the next one finds it, and goes on."""

from __future__ import annotations

from sandbox.firm import deals
from sandbox.firm.install import ERP_CONNECTION, PSA_CONNECTION
from tests.harness.ground import Json
from tests.harness.world import LONG, WON_ON, World
from tests.story.sluice import sluice_before


def test_killed_between_the_creation_of_the_parent_project_and_its_record(world: World) -> None:
    deal = world.win()
    world.wait_for("awaiting_approval", deal)
    with sluice_before(world.addresses.tryton) as (sluice, url):
        world.connect(ERP_CONNECTION, base_url=url, timeout=LONG)
        sluice.hold(1, "after")
        world.approve(deal)
        sluice.wait_until_held()
        world.programs["worker"].kill()
    (parent,) = outside_effects(world, deal)
    assert (parent["kind"], parent["state"], parent["outside_id"]) == ("parent", "sent", None)
    world.connect(ERP_CONNECTION)
    world.programs["worker"].start()
    world.check_active(deal)


def test_killed_between_the_creation_in_the_psa_and_its_record(world: World) -> None:
    deal = world.win(deals.time_and_materials(WON_ON))
    world.wait_for("awaiting_approval", deal)
    world.connect(PSA_CONNECTION, timeout=LONG)
    world.kantata.faults([{"method": "POST", "path": "/api/v1/workspaces", "after_commit": True, "hang": True}])
    world.approve(deal)
    world.until(lambda: world.kantata.fault_report()[0]["hits"], "Kantata hangs")
    world.programs["worker"].kill()
    world.kantata.clear_faults()
    assert [(each["kind"], each["state"]) for each in outside_effects(world, deal)][-1] == ("psa", "sent")
    world.connect(PSA_CONNECTION)
    world.programs["worker"].start()
    world.check_active(deal)


def outside_effects(world: World, deal: str) -> list[Json]:
    return [effect for effect in world.effects(deal) if effect["kind"] != "notification"]
