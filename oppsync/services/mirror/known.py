"""What the mirrors of a firm's ERPs have."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from zoneinfo import ZoneInfo

from oppsync.domain.configuration.erp_names import KINDS, ErpNames, KnownErp, codes_of
from oppsync.domain.configuration.files import FILES
from oppsync.domain.work.connections import Connection, ConnectionRole
from oppsync.ports.connectors import ConnectorCatalog
from oppsync.ports.storage.unit_of_work import UnitOfWork

# Among so many of the last readings each kind is looked for.
_RUNS = 50


def erp_names(uow: UnitOfWork, tenant_id: str, today: date, catalog: ConnectorCatalog) -> ErpNames:
    """Of an ERP that was never read nothing is known. What goes to one ERP goes to all its companies."""
    book, zone = uow.references.book(tenant_id), ZoneInfo(uow.tenants.get(tenant_id).time_zone or "UTC")
    return ErpNames(
        erps=[_known(uow, each, catalog, zone) for each in _erps(uow, tenant_id)],
        rows=[row for row in book.rows if row.kind in FILES],
        today=today,
    )


def _erps(uow: UnitOfWork, tenant_id: str) -> Sequence[Connection]:
    """The first is the one that deals go to as long as no row routes them."""
    return [each for each in uow.connections.of_tenant(tenant_id) if each.role is ConnectionRole.ERP]


def _known(uow: UnitOfWork, connection: Connection, catalog: ConnectorCatalog, zone: ZoneInfo) -> KnownErp:
    state = uow.mirror.state(connection.tenant_id, connection.id, _RUNS)
    whole = [run for run in state.runs if run.finished_at is not None]
    read = [kind for kind in KINDS if any(kind in run.counts for run in whole)]
    if not read:
        return KnownErp(connection.id, connection.name, None, {})
    seen = [each.seen_at for each in state.kinds if each.kind in read and each.seen_at is not None]
    return KnownErp(
        connection.id,
        connection.name,
        as_of=min(seen, default=whole[0].started_at).astimezone(zone),
        codes={
            kind: codes_of(kind, uow.mirror.codes(connection.tenant_id, connection.id, kind)) for kind in read
        },
        vendor=connection.vendor,
        mapped=catalog.named_by_maps(connection),
    )
