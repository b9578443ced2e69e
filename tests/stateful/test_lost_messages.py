"""Named histories of messages that Redis refuses or loses."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest

from tests.stateful.simulation import Simulation
from tests.stateful.worlds import World


def test_what_redis_refuses_stays_in_the_outbox_on_postgres(postgres: Callable[[], World]) -> None:
    firm = Simulation(postgres())
    record_id = firm.win()
    firm.tell(record_id)

    def refuse(opportunity_id: UUID, stage: str) -> None:
        raise ConnectionError("Redis is away")

    with pytest.raises(ConnectionError):
        firm.world.relay(refuse)

    assert firm.world.waiting_messages() == {firm.find(record_id).tracked.id}


def test_a_flushed_redis_costs_ten_seconds(firm: Simulation) -> None:
    record_id = firm.win()
    firm.tell(record_id)
    firm.relay()
    firm.bag.clear()
    firm.pass_time(timedelta(seconds=10))
    firm.sweep()

    assert firm.bag == [(firm.find(record_id).tracked.id, "validate")]
