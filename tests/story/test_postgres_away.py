"""Without Postgres no delivery is acknowledged: the CRM has to send it again, and all goes on when it is
back."""

from __future__ import annotations

import uuid

from tests.harness.world import World, spread


def test_while_postgres_is_away_the_crm_is_told_when_to_come_again_and_does(world: World) -> None:
    under_way, deal = spread(2)
    first = world.win(under_way)
    world.wait_for("awaiting_approval", first)
    running = [world.programs[name] for name in ("web", "worker", "relay")]
    world.postgres.crash()
    answer = world.deliver(b"{}", str(uuid.uuid4()))
    assert (answer.status, answer.json["code"]) == (503, "STORE_UNAVAILABLE")
    assert int(answer.headers["retry-after"]) > 0
    ready = world.ask("GET", "/health/ready")
    assert (ready.status, ready.json["status"]) == (503, "away")
    assert int(ready.headers["retry-after"]) > 0
    assert world.ask("GET", "/health/live").status == 200
    second = world.win(deal)
    refused = world.until(lambda: world.delivery_of(second), "the CRM is answered")
    assert (refused["status"], refused["state"]) == (503, "pending")
    world.postgres.start()
    world.complete(first, second)
    assert world.delivery_of(second)["status"] == 202
    assert all(program.is_running for program in running), world.last_words()
