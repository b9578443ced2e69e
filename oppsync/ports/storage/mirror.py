"""Storage of the mirror of the ERPs' master data."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from typing import Protocol
from uuid import UUID

from oppsync.domain.master_data.rows import Customer, MasterKey, MasterKind, MasterRow
from oppsync.domain.work.mirror import GoneRow, MirrorLease, MirrorRun, MirrorState, Stored
from oppsync.ports.master_data import Known


class Mirror(Protocol):
    """The rows, and the reading of them. Of a reading, each writing call is fenced by the lease's token: it
    writes nothing and returns False or None when another process holds the lease by now."""

    def take(self, holder: str, connection_id: str | None = None) -> MirrorLease | None:
        """Lease the reading that is due first, or that of this connection though it is not due; None when none
        can be leased. Those of paused connections are left alone."""

    def begin(self, lease: MirrorLease, kinds: Sequence[MasterKind]) -> MirrorLease | None:
        """A new run of these kinds. Who asked for it has been heard."""

    def store(self, lease: MirrorLease, rows: Collection[MasterRow], after: str | None) -> Stored | None:
        """Keep a page of the first kind. After its last page (`after` None) rows that were not found end, and
        the next kind is the first."""

    def finish(self, lease: MirrorLease, after: timedelta) -> bool:
        """The run is complete; the next is due after `after`. The lease is given back."""

    def give_back(self, lease: MirrorLease) -> bool:
        """Give the lease back; the reading is due at once."""

    def postpone(self, lease: MirrorLease, after: timedelta, error: str | None) -> bool:
        """Keep how far it is; it goes on after `after`, and the lease is given back. An `error` counts as a
        failed try."""

    def ask(self, tenant_id: str, connection_id: str, by: str, kinds: Sequence[MasterKind]) -> bool:
        """Make a reading due now, of these kinds and those that were asked for before. Returns False when one
        is under way, which goes on first."""

    def forget(self, tenant_id: str, connection_id: str) -> None:
        """Forget all of it: the connection leads elsewhere from now on, or nowhere."""

    def state(self, tenant_id: str, connection_id: str, runs: int) -> MirrorState: ...

    def run(self, tenant_id: str, run_id: UUID) -> MirrorRun:
        """Raises NotFound."""

    def list(
        self, tenant_id: str, connection_id: str, kind: MasterKind, search: str, limit: int
    ) -> Sequence[MasterRow]:
        """Rows that are there, by their codes; with `search`, those whose code or name contains it."""

    def rows(
        self, tenant_id: str, connection_id: str, keys: Collection[MasterKey]
    ) -> Mapping[MasterKey, Known]: ...

    def of_company(
        self, tenant_id: str, connection_id: str, kind: MasterKind, company: str
    ) -> Sequence[Known]: ...

    def customers_like(
        self, tenant_id: str, connection_id: str, code: str | None, name: str | None, tax_id: str | None
    ) -> Sequence[Customer]: ...

    def keep(
        self,
        tenant_id: str,
        connection_id: str,
        rows: Collection[MasterRow],
        absent: Collection[MasterKey],
    ) -> None: ...

    def gone(self, tenant_id: str, connection_id: str) -> Sequence[GoneRow]:
        """All rows that a complete reading did not find any more."""

    def codes(self, tenant_id: str, connection_id: str, kind: MasterKind) -> Collection[tuple[str, str]]:
        """Company and code of each row that is there; not of those that a look-up missed since."""
