"""A memory of master data that lives as long as its adapter, for suites without a database."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta

from oppsync.domain.master_data.rows import Customer, MasterKey, MasterKind, MasterRow, key_of
from oppsync.ports.master_data import Known


class OwnMemory:
    """Implements `oppsync.ports.master_data.MasterMemory`. `age`: of all that it knows."""

    def __init__(self) -> None:
        self.age = timedelta(0)
        self.known: dict[MasterKey, MasterRow] = {}

    def rows(self, keys: Collection[MasterKey]) -> Mapping[MasterKey, Known]:
        return {key: Known(self.known[key], self.age) for key in keys if key in self.known}

    def of_company(self, kind: MasterKind, company: str) -> Sequence[Known]:
        wanted = ((key, row) for key, row in self.known.items() if (key.kind, key.company) == (kind, company))
        return [Known(row, self.age) for _key, row in wanted]

    def customers_like(self, code: str | None, name: str | None, tax_id: str | None) -> Sequence[Customer]:
        return [row for row in self.known.values() if isinstance(row, Customer)]

    def keep(self, rows: Collection[MasterRow], absent: Collection[MasterKey] = ()) -> None:
        self.known |= {key_of(row): row for row in rows}
        for key in absent:
            self.known.pop(key, None)
