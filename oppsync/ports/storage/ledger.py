"""Storage of the ledger of outside effects."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol
from uuid import UUID

from oppsync.domain.effects.effects import Effect, ExternalRecord, LedgerRow
from oppsync.domain.work.tracked import Lease


class AsRead(NamedTuple):
    """An opportunity as it was read: its version, and how many readings had been requested."""

    version: int
    rereads: int


class Ledger(Protocol):
    """Each writing call is fenced: it, or at the latest the commit, raises LeaseLost when the lease is not held
    any more."""

    def get(self, tenant_id: str, key: str) -> LedgerRow | None: ...

    def intend(self, tenant_id: str, effect: Effect, digest: str, lease: Lease, traceparent: str) -> None:
        """Record the effect, with the digest of its request, as not sent."""

    def mark_sent(
        self,
        tenant_id: str,
        effect: Effect,
        digest: str,
        lease: Lease,
        traceparent: str,
        *,
        as_read: AsRead | None = None,
    ) -> None:
        """Record the effect as sent now, and count the attempt. With `as_read` only while the deal is as it was
        read: otherwise it raises LeaseLost, too."""

    def confirm(self, tenant_id: str, key: str, external: ExternalRecord, lease: Lease) -> None: ...

    def unsent(self, tenant_id: str, key: str, error: str, lease: Lease) -> None:
        """Set an effect that was certainly not carried out back to intended: it counts as no attempt."""

    def reject(self, tenant_id: str, key: str, error: str, lease: Lease) -> None: ...

    def unknown(self, tenant_id: str, key: str, error: str, lease: Lease) -> None: ...

    def restore(self, tenant_id: str, row: LedgerRow, error: str, lease: Lease) -> None:
        """Put the entry back to the state and request of `row`, with this error: what exists was certainly not
        changed."""

    def cancelled(self, tenant_id: str, key: str, lease: Lease) -> None:
        """The confirmed record was closed outside: it no longer counts as existing."""

    def waits_until(self, tenant_id: str, key: str, quarantine: timedelta) -> datetime | None:
        """End of the quarantine by the database's clock; None when it is over."""

    def of(self, tenant_id: str, opportunity_id: UUID) -> Sequence[LedgerRow]: ...
