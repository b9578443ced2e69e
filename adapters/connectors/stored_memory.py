"""The memory of one connection's master data: what its mirror has."""

from __future__ import annotations

import time
from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from oppsync.domain.master_data.rows import Customer, MasterKey, MasterKind, MasterRow
from oppsync.ports.master_data import Known
from oppsync.ports.storage.unit_of_work import UnitOfWorkFactory

# Seconds for which rows that were read are not read again: every deal of a burst asks for the same ones. What
# the mirror of another process learns meanwhile comes that much later.
READ_TOGETHER = 2.0
# As many questions are kept; then all of it is asked anew.
_MOST_KEPT = 2_000


@dataclass(frozen=True)
class StoredMemory:
    """Implements `oppsync.ports.master_data.MasterMemory`; used from all threads of the process. What was
    missing is asked for again each time."""

    uow: UnitOfWorkFactory
    tenant_id: str
    connection_id: str
    _read: dict[Hashable, tuple[float, Any]] = field(default_factory=dict)

    def rows(self, keys: Collection[MasterKey]) -> Mapping[MasterKey, Known]:
        known = {key: found for key in keys if (found := self._again(key))}
        if missing := [key for key in keys if key not in known]:
            with self.uow.reading() as uow:
                read = uow.mirror.rows(self.tenant_id, self.connection_id, missing)
            for key, row in read.items():
                known[key] = (row,)
                self._keep(key, (row,))
        return {key: row for key, (row,) in known.items()}

    def of_company(self, kind: MasterKind, company: str) -> Sequence[Known]:
        if again := self._again((kind, company)):
            return again
        with self.uow.reading() as uow:
            found = uow.mirror.of_company(self.tenant_id, self.connection_id, kind, company)
        self._keep((kind, company), tuple(found))
        return found

    def customers_like(self, code: str | None, name: str | None, tax_id: str | None) -> Sequence[Customer]:
        with self.uow.reading() as uow:
            return uow.mirror.customers_like(self.tenant_id, self.connection_id, code, name, tax_id)

    def keep(self, rows: Collection[MasterRow], absent: Collection[MasterKey] = ()) -> None:
        if not (rows or absent):
            return
        with self.uow() as uow:
            uow.mirror.keep(self.tenant_id, self.connection_id, rows, absent)
            uow.commit()
        self._read.clear()

    def _keep(self, asked: Hashable, found: tuple[Known, ...]) -> None:
        if len(self._read) >= _MOST_KEPT:
            self._read.clear()
        self._read[asked] = time.monotonic(), found

    def _again(self, asked: Hashable) -> tuple[Known, ...]:
        """What was read a moment ago, older by that moment; nothing where it was too long ago."""
        at, found = self._read.get(asked, (0.0, ()))
        passed = time.monotonic() - at
        if passed >= READ_TOGETHER:
            return ()
        return tuple(each._replace(age=each.age + timedelta(seconds=passed)) for each in found)
