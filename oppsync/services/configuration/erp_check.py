"""By which master data of the ERP rows are checked."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from functools import partial

from oppsync.domain.configuration.erp_names import ErpNames, KnownErp
from oppsync.domain.master_data.rows import MasterKey
from oppsync.kernel.errors import BusinessError, TransientError
from oppsync.ports.clock import Clock
from oppsync.ports.connectors import ConnectorCatalog
from oppsync.ports.storage.unit_of_work import UnitOfWork, UnitOfWorkFactory
from oppsync.ports.systems import Systems
from oppsync.services.mirror.known import erp_names
from oppsync.services.mirror.shown import age_in_words

# Of more names that are missing, only so many are looked up one by one: a mistake, or another ERP.
_MOST_LOOKED_UP = 200


def asking(
    systems: Systems, uow: UnitOfWorkFactory, tenant_id: str, clock: Clock, catalog: ConnectorCatalog
) -> ErpNames:
    """As `erp_names`; what is missing is looked up in the ERP itself, where it answers."""
    with uow.reading() as reading:
        names = erp_names(reading, tenant_id, clock.now().date(), catalog)
    erps = [each._replace(look_up=partial(_look_up, systems, each.connection_id)) for each in names.erps]
    return names._replace(erps=erps)


def _look_up(systems: Systems, connection_id: str, keys: Collection[MasterKey]) -> Collection[MasterKey]:
    if len(keys) > _MOST_LOOKED_UP:
        return ()
    try:
        source = systems.master_data(connection_id)
        return source.data.existing(keys) if source else ()
    except (TransientError, BusinessError):
        return ()  # by what is known, then


def erp_check_in_words(uow: UnitOfWork, tenant_id: str, now: datetime, catalog: ConnectorCatalog) -> str:
    """How far what rows name in the ERPs is known to be there."""
    erps = erp_names(uow, tenant_id, now.date(), catalog).erps
    if not erps:
        return "No ERP is connected: what rows name there was not checked."
    return " ".join(_in_words(each, now) for each in erps)


def _in_words(erp: KnownErp, now: datetime) -> str:
    if erp.as_of is None:
        return (
            f"The master data of {erp.connection} was never read: what rows name there was not checked. "
            "It is read by itself while a relay runs, or by `oppsync mirror run`."
        )
    age = age_in_words(now - erp.as_of)
    return f"What new rows name in {erp.connection} was checked against its master data, {age} old."
