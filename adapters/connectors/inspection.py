"""Look at a connected system as a person would who tests it: past the gate, and with every failure in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from adapters.connectors.routing import build_adapter
from oppsync.domain.work.connections import Connection
from oppsync.domain.work.observations import Observation, fine, lacks_permission, not_reached
from oppsync.kernel.errors import BusinessError, TransientError
from oppsync.ports.clock import Clock


class AdapterInspector:
    """Implements `oppsync.ports.connectors.Inspector`."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def inspect(self, connection: Connection, secrets: Mapping[str, Any]) -> Sequence[Observation]:
        try:
            adapter = build_adapter(connection, secrets, self._clock, None)
            found: Sequence[Observation] = adapter.inspect()
        except TransientError as error:
            return [
                not_reached(
                    error.message, "Check the address, and whether the system is away; then test again."
                )
            ]
        except BusinessError as error:
            return [
                lacks_permission(
                    error.message, "Correct the connection, or what its user may do; then test again."
                )
            ]
        return [fine("It answers, and knows the credentials."), *found]
