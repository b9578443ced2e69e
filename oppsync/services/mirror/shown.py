"""What pages, API and command line show of a connection's mirror."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from oppsync.domain.work.connections import Connection, ConnectionRole
from oppsync.domain.work.mirror import MirrorState
from oppsync.kernel.errors import InvalidInput
from oppsync.ports.connectors import ConnectorCatalog
from oppsync.ports.storage.unit_of_work import UnitOfWork
from oppsync.services.admin.connections import of_tenant
from oppsync.services.mirror.ended_in_use import EndedInUse, ended_in_use

RUNS_SHOWN = 10


class ShownMirror(NamedTuple):
    """`ended`: what ended there while something here still names it."""

    connection: Connection
    state: MirrorState
    ended: Sequence[EndedInUse]

    def age(self, now: datetime) -> timedelta | None:
        """How old the oldest of it is; None where nothing was read yet."""
        seen = [each.seen_at for each in self.state.kinds if each.seen_at is not None]
        return now - min(seen) if seen else None


def shown_mirror(
    uow: UnitOfWork, tenant_id: str, connection_id: str, now: datetime, catalog: ConnectorCatalog
) -> ShownMirror:
    """Raises NotFound; InvalidInput for a connection that is no ERP's."""
    found = erp_connection(uow, tenant_id, connection_id)
    state = uow.mirror.state(tenant_id, found.id, RUNS_SHOWN)
    return ShownMirror(found, state, ended_in_use(uow, tenant_id, found.id, now.date(), catalog))


def erp_connection(uow: UnitOfWork, tenant_id: str, connection_id: str) -> Connection:
    found = of_tenant(uow, tenant_id, connection_id)
    if found.role is not ConnectionRole.ERP:
        raise InvalidInput(f"{found.name} is no ERP: it has no master data here.", field="connection")
    return found


def age_in_words(age: timedelta) -> str:
    minutes = int(age.total_seconds() // 60)
    hours, days = minutes // 60, minutes // (60 * 24)
    for number, word in ((days, "day"), (hours, "hour"), (minutes, "minute")):
        if number:
            return f"{number} {word}{'' if number == 1 else 's'}"
    return "less than a minute"
