"""Several relays and workers share the work; each deal is worked once."""

from __future__ import annotations

from tests.harness.world import World, spread

DEALS = 20


def test_twenty_deals_with_two_relays_and_two_workers(world: World) -> None:
    second = [world.add(f"second {name}", name) for name in ("worker", "relay")]
    for program in second:
        program.start()
    world.until(lambda: all("_started" in program.last_words() for program in second), "both have started")
    many = [world.win(deal) for deal in spread(DEALS)]
    world.wait_for("awaiting_approval", *many)
    for deal in many:
        world.approve(deal)
        world.salesforce.resend(world.delivery_of(deal)["id"])
    seen: set[str] = set()

    def both_have_worked() -> bool:
        seen.update(lease_holders(world))
        return len(seen) == 2

    world.until(both_have_worked, "both workers work")
    world.check_active(*many)
    ours = {world.opportunity(deal)["id"] for deal in many}
    assert not [item for item in world.exceptions(limit="100") if item["opportunity_id"] in ours]
    for program in second:
        program.stop()


def lease_holders(world: World) -> set[str]:
    with world.application.engine.connect() as connection:
        query = "select lease_holder from opportunities where lease_holder is not null"
        return set(connection.exec_driver_sql(query).scalars())
