"""Master data of an ERP: read there page by page, and remembered here for look-ups."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from typing import NamedTuple, Protocol, runtime_checkable

from oppsync.domain.master_data.rows import Customer, MasterKey, MasterKind, MasterPage, MasterRow


@runtime_checkable
class MasterData(Protocol):
    """What an ERP offers whose connector claims kinds in `mirrors`. `mirror_every`: how often all of it is
    read."""

    mirror_every: timedelta

    def master_page(self, kind: MasterKind, after: str | None) -> MasterPage:
        """The rows of a kind that exist now, in an order that new rows do not change; `after` None: the first
        page. A row that changed while pages are read may be either. Raises what calls raise."""

    def existing(self, keys: Collection[MasterKey]) -> Collection[MasterKey]:
        """Those of the keys that exist: what is not remembered is asked for. Raises what calls raise."""


class Known(NamedTuple):
    """`age`: how long ago the ERP said so."""

    row: MasterRow
    age: timedelta


class MasterMemory(Protocol):
    """The one memory of an ERP's master data, for its adapter. What ended is not in it."""

    def rows(self, keys: Collection[MasterKey]) -> Mapping[MasterKey, Known]:
        """One read, whatever the number of keys."""

    def of_company(self, kind: MasterKind, company: str) -> Sequence[Known]: ...

    def customers_like(self, code: str | None, name: str | None, tax_id: str | None) -> Sequence[Customer]:
        """All that may be one of this code, name or tax id in another spelling: the caller compares."""

    def keep(self, rows: Collection[MasterRow], absent: Collection[MasterKey] = ()) -> None:
        """Keep what the ERP said just now; `absent`: what it does not have."""


class NoMemory:
    """For a look past everything that is known: each question goes to the ERP."""

    def rows(self, keys: Collection[MasterKey]) -> Mapping[MasterKey, Known]:
        return {}

    def of_company(self, kind: MasterKind, company: str) -> Sequence[Known]:
        return ()

    def customers_like(self, code: str | None, name: str | None, tax_id: str | None) -> Sequence[Customer]:
        return ()

    def keep(self, rows: Collection[MasterRow], absent: Collection[MasterKey] = ()) -> None:
        pass


NO_MEMORY = NoMemory()
