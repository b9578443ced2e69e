"""Webhooks that never arrive: the relay polls the CRM, and what it finds goes the whole way."""

from __future__ import annotations

from sandbox import systems as demo_systems
from sandbox.firm.install import CRM_CONNECTION
from tests.harness.world import World, spread


def poll_soon(world: World) -> None:
    """Poll every second from now on."""
    world.connect(CRM_CONNECTION, poll_every=1.0)
    with world.application.engine.begin() as connection:
        connection.exec_driver_sql("update crm_watermarks set due_at = clock_timestamp()")


def test_deals_that_no_webhook_told_of_go_the_whole_way_once(world: World) -> None:
    world.until(lambda: covered(world), "the relay has polled once")
    world.add("relay.2", "relay").start()
    world.salesforce.configure_webhook(f"{world.addresses.web}/webhooks/{CRM_CONNECTION}", suppress=True)
    try:
        dropped = [world.win(deal) for deal in spread(3)]
        poll_soon(world)
        world.complete(*dropped)
    finally:
        demo_systems.configure_webhook(world.home, world.addresses)
    for deal in dropped:
        (told, *_echoes) = [step for step in world.timeline(deal) if step["type"] == "delivery.received.v1"]
        delivery = world.api("GET", f"/deliveries/{told['detail']['event']}")
        assert (delivery["source"], delivery["late_seconds"] >= 0) == ("poll", True)
    (poll,) = world.api("GET", "/polls")["rows"]
    assert (poll["connection_id"], poll["error"]) == (CRM_CONNECTION, None)
    assert poll["deals"] >= 3


def covered(world: World) -> bool:
    rows = world.api("GET", "/polls")["rows"]
    return any(row["covered_until"] for row in rows)
