"""What came of effects, and is still to be committed: with the marks of what is sent next, or with what the
stage decided. Until then their marks stand, so a process that dies looks them up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from oppsync.domain.effects.effects import Effect, EffectState, ExternalRecord, LedgerRow
from oppsync.domain.values.actor import stage_actor
from oppsync.domain.values.keys import EffectKind
from oppsync.domain.values.model import changed
from oppsync.domain.work.events import EffectRecorded, Event
from oppsync.domain.work.tracked import Lease
from oppsync.kernel.crash_points import crash_point
from oppsync.ports.storage.unit_of_work import Publish, UnitOfWork, UnitOfWorkFactory

Write = Callable[[UnitOfWork], None]


@dataclass(frozen=True)
class _Answer:
    kind: EffectKind
    write: Write
    event: Event | None


@dataclass
class Answers:
    """Of one stage run; every write is fenced by the run's lease."""

    uow: UnitOfWorkFactory
    publish: Publish
    tenant_id: str
    traceparent: str
    stage: str
    lease: Lease
    _waiting: list[_Answer] = field(default_factory=list)

    def confirmed(self, effect: Effect, external: ExternalRecord, *, found_for: str | None = None) -> None:
        """`found_for`: the digest of a request that was not sent, because the record it asks for was found."""

        def write(uow: UnitOfWork) -> None:
            self._intend(uow, effect, found_for)
            uow.ledger.confirm(self.tenant_id, effect.key, external, self.lease)

        self._add(effect, write, EffectState.CONFIRMED, external=external)

    def failed(self, effect: Effect, state: EffectState, error: str, *, found_for: str | None = None) -> None:
        """It is unknown, rejected, or back to intended. `found_for`: as of `confirmed`, with other content."""

        def write(uow: UnitOfWork) -> None:
            self._intend(uow, effect, found_for)
            ledger = uow.ledger
            record = {EffectState.UNKNOWN: ledger.unknown, EffectState.REJECTED: ledger.reject}
            record.get(state, ledger.unsent)(self.tenant_id, effect.key, error, self.lease)

        self._add(effect, write, state, error=error)

    def put_back(self, effect: Effect, existing: LedgerRow, state: EffectState, error: str) -> None:
        """Put the entry of what exists back as it was. `state`: what became of the change, for the timeline."""
        before = existing
        if existing.state is EffectState.SENT:  # nobody knows any more what its request came to
            before = changed(existing, state=EffectState.UNKNOWN)

        def write(uow: UnitOfWork) -> None:
            uow.ledger.restore(self.tenant_id, before, error, self.lease)

        self._add(effect, write, state, error=error)

    def never_took_effect(self, row: LedgerRow) -> None:
        def write(uow: UnitOfWork) -> None:
            uow.ledger.reject(self.tenant_id, row.key, "It never took effect.", self.lease)

        self._waiting.append(_Answer(row.kind, write, None))

    def cancelled(self, key: str, kind: EffectKind) -> None:
        """What exists under `key` was closed outside."""

        def write(uow: UnitOfWork) -> None:
            uow.ledger.cancelled(self.tenant_id, key, self.lease)

        self._waiting.append(_Answer(kind, write, None))

    def write(self, uow: UnitOfWork) -> None:
        """Write all that waits; call `committed` after the commit."""
        for answer in self._waiting:
            answer.write(uow)
            if answer.event is not None:
                self.publish(uow, self.tenant_id, self.traceparent, answer.event)
            crash_point("answer.uncommitted", answer.kind)

    def committed(self) -> None:
        written, self._waiting = self._waiting, []
        for answer in written:
            crash_point("answer.committed", answer.kind)

    def drop(self) -> None:
        """Leave the marks as they are: these answers cannot be recorded."""
        self._waiting = []

    def flush(self) -> None:
        """Commit them by themselves."""
        if not self._waiting:
            return
        with self.uow() as uow:
            self.write(uow)
            uow.commit()
        self.committed()

    def _intend(self, uow: UnitOfWork, effect: Effect, found_for: str | None) -> None:
        if found_for is not None:
            uow.ledger.intend(self.tenant_id, effect, found_for, self.lease, self.traceparent)

    def _add(
        self,
        effect: Effect,
        write: Write,
        state: EffectState,
        *,
        external: ExternalRecord | None = None,
        error: str = "",
    ) -> None:
        event = EffectRecorded(
            opportunity_id=effect.opportunity_id,
            actor=stage_actor(self.stage),
            after={"state": state.value, "outside_id": external.outside_id if external else None},
            detail={"key": effect.key, "kind": effect.kind.value, "path": effect.path, "error": error},
            summary=_summary(effect, state, external, error),
        )
        self._waiting.append(_Answer(effect.kind, write, event))


def _summary(effect: Effect, state: EffectState, external: ExternalRecord | None, error: str) -> str:
    what = f"{effect.kind} {effect.path}"
    if external is not None:
        return f"{what}: confirmed as {external.number or external.outside_id}"
    return f"{what}: {state}" + (f" ({error})" if error else "")
