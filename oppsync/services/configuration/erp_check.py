"""By which master data of the ERP rows are checked."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from oppsync.domain.configuration.erp_names import KINDS, ErpNames
from oppsync.domain.configuration.files import FILES
from oppsync.domain.master_data.rows import MasterKey
from oppsync.domain.work.connections import ConnectionRole
from oppsync.kernel.errors import BusinessError, TransientError
from oppsync.ports.clock import Clock
from oppsync.ports.storage.unit_of_work import UnitOfWork, UnitOfWorkFactory
from oppsync.ports.systems import Systems
from oppsync.services.mirror.shown import age_in_words

# Among so many of the last readings each kind is looked for.
_RUNS = 50
# Of more names that are missing, only so many are looked up one by one: a mistake, or another ERP.
_MOST_LOOKED_UP = 200


def erp_names(uow: UnitOfWork, tenant_id: str, now: datetime) -> ErpNames | None:
    """None without an ERP, or while nothing of it was read. What goes to one ERP goes to all its companies."""
    connection = uow.connections.of_role(tenant_id, ConnectionRole.ERP)
    if connection is None:
        return None
    state = uow.mirror.state(tenant_id, connection.id, _RUNS)
    whole = [run for run in state.runs if run.finished_at is not None]
    read = [kind for kind in KINDS if any(kind in run.counts for run in whole)]
    if not read:
        return None
    seen = [each.seen_at for each in state.kinds if each.kind in read and each.seen_at is not None]
    book = uow.references.book(tenant_id)
    return ErpNames(
        connection_id=connection.id,
        connection=connection.name,
        as_of=min(seen, default=whole[0].started_at),
        codes={kind: uow.mirror.codes(tenant_id, connection.id, kind) for kind in read},
        rows=[row for row in book.rows if row.kind in FILES],
        today=now.date(),
    )


def asking(systems: Systems, uow: UnitOfWorkFactory, tenant_id: str, clock: Clock) -> ErpNames | None:
    """As `erp_names`; what is missing is looked up in the ERP itself, where it answers."""
    with uow.reading() as reading:
        names = erp_names(reading, tenant_id, clock.now())
    if names is None:
        return None
    connection_id = names.connection_id

    def look_up(keys: Collection[MasterKey]) -> Collection[MasterKey]:
        if len(keys) > _MOST_LOOKED_UP:
            return ()
        try:
            source = systems.master_data(connection_id)
            return source.data.existing(keys) if source else ()
        except (TransientError, BusinessError):
            return ()  # by what is known, then

    return names._replace(look_up=look_up)


def erp_check_in_words(uow: UnitOfWork, tenant_id: str, now: datetime) -> str:
    """How far what rows name in the ERP is known to be there."""
    connection = uow.connections.of_role(tenant_id, ConnectionRole.ERP)
    if connection is None:
        return "No ERP is connected: what rows name there was not checked."
    names = erp_names(uow, tenant_id, now)
    if names is None:
        return (
            f"The master data of {connection.name} was never read: what rows name there was not checked. "
            "It is read by itself while a relay runs, or by `oppsync mirror run`."
        )
    age = age_in_words(now - names.as_of)
    return f"What new rows name in {connection.name} was checked against its master data, {age} old."
