"""A platform stops processes with SIGTERM, sometimes twice, and kills what has not ended 30 s later."""

from __future__ import annotations

import signal

from adapters.operations.supervisor import PRODUCT
from sandbox.firm.install import ERP_CONNECTION
from tests.harness.world import LONG, World, spread
from tests.story.sluice import sluice_before

AGAIN = 10


def test_a_worker_told_again_and_again_to_stop_finishes_what_it_does_and_the_next_goes_on(world: World) -> None:
    deal = world.win()
    world.wait_for("awaiting_approval", deal)
    worker = world.programs["worker"]
    with sluice_before(world.addresses.tryton) as (sluice, url):
        world.connect(ERP_CONNECTION, base_url=url, timeout=LONG)
        sluice.hold(2, "after")
        world.approve(deal)
        sluice.wait_until_held()
        for _ in range(AGAIN):
            worker.signal(signal.SIGTERM)
            world.until(lambda: worker.has_taken(signal.SIGTERM), "the signal arrives")
        sluice.let_go()
        assert worker.ended() == 0, worker.last_words()
    # A notification that no worker has begun is sent by the next one; nothing is left half done.
    assert {each["state"] for each in world.effects(deal)} <= {"intended", "confirmed"}
    assert world.opportunity(deal)["state"] in ("approved", "created", "active")
    world.connect(ERP_CONNECTION)
    worker.start()
    world.check_active(deal)


def test_everybody_told_at_once_ends_well_and_nothing_is_lost(world: World) -> None:
    under_way = [world.win(deal) for deal in spread(4)]
    world.wait_for("awaiting_approval", *under_way)
    for deal in under_way:
        world.approve(deal)
    late = world.win()
    programs = [world.programs[name] for name in PRODUCT]
    for program in programs:
        program.signal(signal.SIGTERM, everybody=True)
    codes = {program.name: program.ended() for program in programs}
    assert codes == dict.fromkeys(PRODUCT, 0), world.last_words()
    world.start_product()
    world.check_active(*under_way)
    world.complete(late)
