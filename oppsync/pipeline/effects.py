"""`perform`: the only way anything outside is written.

A write is recorded as sent, under our idempotency key, and committed before it leaves; its answer is committed
at once. An effect whose outcome nobody knows waits out its quarantine and is looked up by its key
(`_look_up`); it is sent again only if it is absent. A record found with other content is a conflict for a
person, never overwritten; only what an earlier plan of the same deal ordered there is changed into what the
plan in its place orders (`revise`), under the same key.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

from oppsync.domain.effects.effects import Effect, EffectState, ExternalRecord, LedgerRow
from oppsync.domain.values.actor import stage_actor
from oppsync.domain.values.keys import EffectKind
from oppsync.domain.values.model import changed
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
from oppsync.pipeline.outside_keys import closing_path
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

    def perform(
        self, effect: Effect, find: Find, send: Send, revise: Callable[[str], ExternalRecord] | None = None
    ) -> ExternalRecord:
        """Carry out `effect`, once. Returns the external record. `revise` changes what exists, by its outside
        id.

        Raises StillUnknown while a quarantine runs, AmbiguousAnswer after a send with an unclear outcome,
        ContentConflict when something else exists under the key, and what `find` and `send` raise.
        """
        digest = canonical_json.digest(effect.request)
        row = self._ledger().get(effect.key)
        if row is not None and row.state is EffectState.CONFIRMED and row.request_digest == digest:
            return _recorded(row)
        found = self._look_up(effect.key, row, effect.quarantine, find)
        crash_point("lookup.answered", effect.kind)
        if found is None and row is not None and row.was_made and not effect.repeatable:
            self._check_can_be_found(effect, row)
        if found is not None and not found.differences:
            return self._adopt(effect, digest, found)
        existing = None
        if found is not None and not effect.repeatable:
            self._check_revisable(effect, digest, row, found, can_revise=revise is not None)
            existing = row
            send = partial(revise or _never, found.outside_id)
        if found is None and row is not None and _never_lands(row):
            self._record(effect, EffectState.REJECTED, error=row.error or "")
            raise NeverLands(
                f"{effect.kind} {effect.path} was sent {row.attempts} times and never took effect: {row.error}"
            )
        with send_deadline(LONGEST_PAUSE):
            return self._send(effect, digest, send, existing)

    def closed_by_us(self, key: str, closing_key: str) -> bool:
        """Whether what exists under `key` was closed by the effect `closing_key`, and not confirmed as open
        since."""
        row, closing = self._ledger().get(key), self._ledger().get(closing_key)
        if row is None or closing is None or closing.state is not EffectState.CONFIRMED:
            return False
        if row.confirmed_at is None or closing.confirmed_at is None:
            return row.state is EffectState.CANCELLED
        return closing.confirmed_at >= row.confirmed_at

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
        """Look for what exists outside under `key`. An effect of unknown outcome may still come to be, so it
        is looked up only after its quarantine; until then this raises StillUnknown. `row`: its ledger entry."""
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
        self._record(effect, EffectState.CONFIRMED, external=found, found_for=digest)
        return found

    def _check_can_be_found(self, effect: Effect, row: LedgerRow) -> None:
        """Check that the vendor's search can know it by now: what was created or closed a moment ago is not
        created again. Raises StillUnknown."""
        path = closing_path(row.kind, row.path)
        rows = self._ledger().values()
        closing = [each for each in rows if each.kind is EffectKind.CANCELLATION and each.path == path]
        times = [each.confirmed_at for each in (row, *closing) if each.confirmed_at is not None]
        if times and self.clock.now() < max(times) + effect.quarantine:
            not_before = max(times) + effect.quarantine
            raise StillUnknown(f"{row.kind} {row.path}: not to be found yet", not_before=not_before)

    def _check_revisable(
        self, effect: Effect, digest: str, row: LedgerRow | None, found: ExternalRecord, *, can_revise: bool
    ) -> None:
        """Raises ContentConflict, with each difference that a person has to settle."""
        stuck = {
            name: pair
            for name, pair in found.differences.items()
            if name not in found.revisable or row is None or not can_revise
        }
        if not stuck:
            return
        fields = ", ".join(
            f"{field}: planned {wanted!r}, found {there!r}" for field, (wanted, there) in stuck.items()
        )
        conflict = ContentConflict(f"{effect.kind} {effect.path} ({found.outside_id}): {fields}")
        if row is not None and row.was_made:  # it is not forgotten when the deal is given up
            self._restore(effect, row, EffectState.REJECTED, conflict.message)
        else:
            self._record(effect, EffectState.REJECTED, error=conflict.message, found_for=digest)
        raise conflict

    def _restore(self, effect: Effect, existing: LedgerRow, state: EffectState, error: str) -> None:
        """Put the entry of what exists back as it was. `state`: what became of the change, for the timeline."""
        before = existing
        if existing.state is EffectState.SENT:  # nobody knows any more what its request came to
            before = changed(existing, state=EffectState.UNKNOWN)
        with self.uow() as uow:
            uow.ledger.restore(self.tenant_id, before, error, self.lease)
            self.publish(uow, self.tenant_id, self.traceparent, self._event(effect, state, None, error))
            crash_point("answer.uncommitted", effect.kind)
            uow.commit()
            crash_point("answer.committed", effect.kind)

    def _send(
        self, effect: Effect, digest: str, send: Send, existing: LedgerRow | None = None
    ) -> ExternalRecord:
        """`existing`: the entry of what exists and is changed by this."""
        marking = self.clock.now()
        with self.uow() as uow:
            uow.ledger.mark_sent(self.tenant_id, effect, digest, self.lease, self.traceparent)
            crash_point("mark.uncommitted", effect.kind)
            uow.commit()
            crash_point("mark.committed", effect.kind)
        if self.clock.now() - marking > LONGEST_PAUSE:
            paused = f"{effect.kind} {effect.path}: the worker was paused before sending; nothing was sent"
            self._not_carried_out(effect, existing, EffectState.INTENDED, paused)
            raise VendorUnavailable(paused)
        try:
            external = send()
            crash_point("send.answered", effect.kind)
        except AmbiguousAnswer as error:
            self._record(effect, EffectState.UNKNOWN, error=error.message)
            raise
        except TransientError as error:
            self._not_carried_out(effect, existing, EffectState.INTENDED, error.message)
            raise
        except BusinessError as error:
            self._not_carried_out(effect, existing, EffectState.REJECTED, error.message)
            raise
        self._record(effect, EffectState.CONFIRMED, external=external)
        return external

    def _not_carried_out(
        self, effect: Effect, existing: LedgerRow | None, state: EffectState, error: str
    ) -> None:
        if existing is None:
            self._record(effect, state, error=error)
            return
        if existing.state is EffectState.CANCELLED:  # opening it may be the half that was carried out
            existing = changed(existing, state=EffectState.UNKNOWN)
        self._restore(effect, existing, state, error)

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


def _never(outside_id: str) -> ExternalRecord:
    raise ValueError(f"{outside_id} cannot be revised")


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
