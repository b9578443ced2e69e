"""`perform`: the only way anything outside is written.

A write is recorded as sent, under our idempotency key, and committed before it leaves; its answer is committed
at once. An effect whose outcome nobody knows waits out its quarantine and is looked up by its key
(`_look_up`); it is sent again only if it is absent. A record found with other content is a conflict for a
person, never overwritten.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from oppsync.domain.effects.effects import Effect, EffectState, ExternalRecord, LedgerRow
from oppsync.domain.values.actor import stage_actor
from oppsync.domain.work.events import EffectRecorded
from oppsync.domain.work.tracked import Lease
from oppsync.kernel import canonical_json
from oppsync.kernel.crash_points import crash_point
from oppsync.kernel.errors import (
    AmbiguousAnswer,
    BusinessError,
    ContentConflict,
    NeverLands,
    StillUnknown,
    TransientError,
    VendorUnavailable,
)
from oppsync.kernel.send_deadline import send_deadline
from oppsync.ports.clock import Clock
from oppsync.ports.storage.unit_of_work import Publish, UnitOfWorkFactory

# After so many sends with an unclear answer, each absent afterwards, it is a bug and no longer an outage.
MAX_UNCLEAR_SENDS = 3
# A worker frozen for longer between mark and send does not send: others count the quarantine from the mark.
LONGEST_PAUSE = timedelta(seconds=2)

# Keys that a bulk look-up did not find count as absent for so long.
ABSENT_FOR = timedelta(seconds=2)

Find = Callable[[], ExternalRecord | None]
Send = Callable[[], ExternalRecord]
ExistingKeys = Callable[[Sequence[str]], Iterable[str]]


@dataclass
class StageEffects:
    """The ledger as one stage run sees it: every write is fenced by the run's lease."""

    uow: UnitOfWorkFactory
    publish: Publish
    tenant_id: str
    traceparent: str
    stage: str
    lease: Lease
    clock: Clock
    _rows: dict[str, LedgerRow] | None = None
    _absent_until: Mapping[str, datetime] = field(default_factory=dict)

    def prefetch_missing(self, keys: Sequence[str], existing_keys: ExistingKeys) -> None:
        """Look up in one call which of these keys exist outside, of those that the ledger does not know. Keys
        the vendor does not know either count as absent for `ABSENT_FOR`: `perform` need not look them up."""
        new = [key for key in keys if key not in self._ledger()]
        if len(new) > 1:
            until = self.clock.now() + ABSENT_FOR
            self._absent_until = dict.fromkeys(set(new).difference(existing_keys(new)), until)

    def perform(self, effect: Effect, find: Find, send: Send) -> ExternalRecord:
        """Carry out `effect`, once. Returns the external record.

        Raises StillUnknown while a quarantine runs, AmbiguousAnswer after a send with an unclear outcome,
        ContentConflict when something else exists under the key, and what `find` and `send` raise.
        """
        digest = canonical_json.digest(effect.request)
        row = self._ledger().get(effect.key)
        if row is not None and row.state is EffectState.CONFIRMED and row.request_digest == digest:
            return _recorded(row)
        found = self._look_up(effect.key, row, effect.quarantine, find)
        crash_point("lookup.answered", effect.kind)
        if found is not None and not (effect.repeatable and found.differences):
            return self._adopt(effect, digest, found)
        if found is None and row is not None and _never_lands(row):
            self._record(effect, EffectState.REJECTED, error=row.error or "")
            raise NeverLands(
                f"{effect.kind} {effect.path} was sent {row.attempts} times and never took effect: {row.error}"
            )
        with send_deadline(LONGEST_PAUSE):
            return self._send(effect, digest, send)

    def state_of(self, effect: Effect) -> EffectState | None:
        """Where this very effect stands; None when nothing is on record, or another request under its key."""
        row = self._ledger().get(effect.key)
        same = row is not None and row.request_digest == canonical_json.digest(effect.request)
        return row.state if row is not None and same else None

    def existing_id(self, row: LedgerRow, quarantine: timedelta, find: Find) -> str | None:
        """The outside id of what an earlier run created under this row; None when nothing was created. An
        effect that was never carried out is recorded as rejected. Raises StillUnknown while its quarantine
        runs."""
        if row.state is EffectState.CONFIRMED:
            return row.outside_id
        if not row.outcome_unknown:
            return None
        found = self._look_up(row.key, row, quarantine, find)
        if found is not None:
            return found.outside_id
        with self.uow() as uow:
            uow.ledger.reject(self.tenant_id, row.key, "It never took effect.", self.lease)
            uow.commit()
        return None

    def _look_up(
        self, key: str, row: LedgerRow | None, quarantine: timedelta, find: Find
    ) -> ExternalRecord | None:
        """What exists outside under `key`. An effect of unknown outcome may still come to be, so it is looked
        up only after its quarantine; until then this raises StillUnknown. `row`: its ledger entry."""
        if row is not None and row.outcome_unknown:
            with self.uow.reading() as uow:
                until = uow.ledger.waits_until(self.tenant_id, key, quarantine + LONGEST_PAUSE)
            if until is not None:
                raise StillUnknown(f"{row.kind} {row.path}: not yet known", not_before=until)
        return None if self._is_absent(key) else find()

    def _ledger(self) -> Mapping[str, LedgerRow]:
        """The deal's ledger entries as they were when the run began: all are read at once, and nobody else
        writes them."""
        if self._rows is None:
            with self.uow.reading() as uow:
                rows = uow.ledger.of(self.tenant_id, self.lease.opportunity_id)
            self._rows = {row.key: row for row in rows}
        return self._rows

    def _is_absent(self, key: str) -> bool:
        until = self._absent_until.get(key)
        return until is not None and self.clock.now() < until

    def _adopt(self, effect: Effect, digest: str, found: ExternalRecord) -> ExternalRecord:
        if found.differences:
            fields = ", ".join(
                f"{field}: planned {wanted!r}, found {actual!r}"
                for field, (wanted, actual) in found.differences.items()
            )
            conflict = ContentConflict(f"{effect.kind} {effect.path} ({found.outside_id}): {fields}")
            self._record(effect, EffectState.REJECTED, error=conflict.message, found_for=digest)
            raise conflict
        self._record(effect, EffectState.CONFIRMED, external=found, found_for=digest)
        return found

    def _send(self, effect: Effect, digest: str, send: Send) -> ExternalRecord:
        marking = self.clock.now()
        with self.uow() as uow:
            uow.ledger.mark_sent(self.tenant_id, effect, digest, self.lease, self.traceparent)
            crash_point("mark.uncommitted", effect.kind)
            uow.commit()
            crash_point("mark.committed", effect.kind)
        if self.clock.now() - marking > LONGEST_PAUSE:
            paused = f"{effect.kind} {effect.path}: the worker was paused before sending; nothing was sent"
            self._record(effect, EffectState.INTENDED, error=paused)
            raise VendorUnavailable(paused)
        try:
            external = send()
            crash_point("send.answered", effect.kind)
        except AmbiguousAnswer as error:
            self._record(effect, EffectState.UNKNOWN, error=error.message)
            raise
        except TransientError as error:
            self._record(effect, EffectState.INTENDED, error=error.message)
            raise
        except BusinessError as error:
            self._record(effect, EffectState.REJECTED, error=error.message)
            raise
        self._record(effect, EffectState.CONFIRMED, external=external)
        return external

    def _record(
        self,
        effect: Effect,
        state: EffectState,
        *,
        external: ExternalRecord | None = None,
        error: str = "",
        found_for: str | None = None,
    ) -> None:
        """`found_for`: the digest of a request that was not sent, because the record it asks for was found."""
        with self.uow() as uow:
            if found_for is not None:
                uow.ledger.intend(self.tenant_id, effect, found_for, self.lease, self.traceparent)
            if external is not None:
                uow.ledger.confirm(self.tenant_id, effect.key, external, self.lease)
            elif state is EffectState.UNKNOWN:
                uow.ledger.unknown(self.tenant_id, effect.key, error, self.lease)
            elif state is EffectState.REJECTED:
                uow.ledger.reject(self.tenant_id, effect.key, error, self.lease)
            else:
                uow.ledger.unsent(self.tenant_id, effect.key, error, self.lease)
            self.publish(uow, self.tenant_id, self.traceparent, self._event(effect, state, external, error))
            crash_point("answer.uncommitted", effect.kind)
            uow.commit()
            crash_point("answer.committed", effect.kind)

    def _event(
        self, effect: Effect, state: EffectState, external: ExternalRecord | None, error: str
    ) -> EffectRecorded:
        return EffectRecorded(
            opportunity_id=effect.opportunity_id,
            actor=stage_actor(self.stage),
            after={"state": state.value, "outside_id": external.outside_id if external else None},
            detail={"key": effect.key, "kind": effect.kind.value, "path": effect.path, "error": error},
            summary=_summary(effect, state, external, error),
        )


def _never_lands(row: LedgerRow) -> bool:
    """A system that answers look-ups but fails on this write each time does not recover by itself."""
    return row.outcome_unknown and row.attempts % MAX_UNCLEAR_SENDS == 0


def _recorded(row: LedgerRow) -> ExternalRecord:
    return ExternalRecord(outside_id=row.outside_id or "", number=row.number, url=row.url)


def _summary(effect: Effect, state: EffectState, external: ExternalRecord | None, error: str) -> str:
    what = f"{effect.kind} {effect.path}"
    if external is not None:
        return f"{what}: confirmed as {external.number or external.outside_id}"
    return f"{what}: {state}" + (f" ({error})" if error else "")
