"""The memory of one connection's master data: what its mirror has."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from oppsync.domain.master_data.rows import Customer, MasterKey, MasterKind, MasterRow
from oppsync.ports.master_data import Known
from oppsync.ports.storage.unit_of_work import UnitOfWorkFactory


@dataclass(frozen=True)
class StoredMemory:
    """Implements `oppsync.ports.master_data.MasterMemory`."""

    uow: UnitOfWorkFactory
    tenant_id: str
    connection_id: str

    def rows(self, keys: Collection[MasterKey]) -> Mapping[MasterKey, Known]:
        with self.uow.reading() as uow:
            return uow.mirror.rows(self.tenant_id, self.connection_id, keys)

    def of_company(self, kind: MasterKind, company: str) -> Sequence[Known]:
        with self.uow.reading() as uow:
            return uow.mirror.of_company(self.tenant_id, self.connection_id, kind, company)

    def customers_like(self, code: str | None, name: str | None, tax_id: str | None) -> Sequence[Customer]:
        with self.uow.reading() as uow:
            return uow.mirror.customers_like(self.tenant_id, self.connection_id, code, name, tax_id)

    def keep(self, rows: Collection[MasterRow], absent: Collection[MasterKey] = ()) -> None:
        if not (rows or absent):
            return
        with self.uow() as uow:
            uow.mirror.keep(self.tenant_id, self.connection_id, rows, absent)
            uow.commit()
