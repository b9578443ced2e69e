"""Replay a selection of deals or deliveries: first what would be done of each, then that and nothing else."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from oppsync.domain.deal.opportunity import OpportunityRef
from oppsync.domain.enrichment.enrich import enrich
from oppsync.domain.plan.enrichment import Enrichment
from oppsync.domain.planning.workstreams import make_workstreams
from oppsync.domain.values.findings.finding import Finding, blocking
from oppsync.domain.values.model import require
from oppsync.domain.work.events import Replayed
from oppsync.domain.work.intake import Delivery, StoredDelivery
from oppsync.domain.work.replays import (
    ReplayAction,
    ReplayedItem,
    ReplayItem,
    ReplayOf,
    ReplayPreview,
    ReplayReport,
    Selection,
)
from oppsync.domain.work.states import BEFORE_APPROVAL, State
from oppsync.domain.work.tracked import TrackedOpportunity
from oppsync.kernel.crash_points import crash_point
from oppsync.kernel.errors import BusinessError, InvalidInput, NotFound
from oppsync.pipeline import approve
from oppsync.pipeline.table import PIPELINE, Stage, stage_for
from oppsync.ports.storage.unit_of_work import Publish, UnitOfWork, UnitOfWorkFactory
from oppsync.ports.systems import Systems
from oppsync.services.intake.accept_delivery import read_delivery, take_in
from oppsync.services.queue.commands import PreviewReplay, RunReplay
from oppsync.services.queue.exception_queue import pruned_words
from oppsync.services.queue.resume import resume

FINISHED = frozenset({State.ACTIVE, State.REJECTED, State.WITHDRAWN})
Records = Sequence[OpportunityRef]


@dataclass(frozen=True)
class Verdict:
    """What a replay would do of one deal; `target` is the state it is put back to, of RUN only."""

    action: ReplayAction
    says: str
    target: State | None = None


@dataclass(frozen=True)
class PreviewReplayHandler:
    """Reads Postgres only, so what the CRM or the ERP would say now is not foreseen."""

    uow: UnitOfWorkFactory
    systems: Systems

    def __call__(self, command: PreviewReplay) -> ReplayPreview:
        selection = command.selection
        if selection.is_empty:
            raise InvalidInput("Say which: give at least one criterion.", field="selection")
        start = _stage(command.from_stage, "from_stage")
        ids = self._ids(command.tenant_id, selection)
        items = [self._item(command.tenant_id, selection.of, each, start) for each in ids[: selection.limit]]
        return ReplayPreview(items=tuple(items), more=len(ids) > selection.limit)

    def _ids(self, tenant_id: str, selection: Selection) -> Sequence[UUID]:
        """One more than the limit, when there are more."""
        with self.uow() as uow:
            if selection.of is ReplayOf.DELIVERIES:
                return uow.deliveries.matching(tenant_id, selection)
            stage = _stage(selection.stage, "stage")
            return uow.opportunities.matching(tenant_id, selection, stage.starts if stage else ())

    def _item(self, tenant_id: str, of: ReplayOf, item_id: UUID, start: Stage | None) -> ReplayItem:
        with self.uow() as uow:
            if of is ReplayOf.DELIVERIES:
                stored = uow.deliveries.get(tenant_id, item_id)
                verdict, _records = foresee_delivery(self.systems, stored)
                name = f"delivery {stored.delivery_id}"
                return ReplayItem(id=item_id, name=name, action=verdict.action, says=verdict.says)
            opportunity = uow.opportunities.get(tenant_id, item_id)
            verdict = foresee(uow, opportunity, start)
        return ReplayItem(
            id=item_id,
            name=opportunity.record.name if opportunity.record else opportunity.source_id,
            state=opportunity.state,
            version=opportunity.version,
            action=verdict.action,
            from_stage=stage_for(verdict.target).name if verdict.target else None,
            says=verdict.says,
        )


@dataclass(frozen=True)
class RunReplayHandler:
    """Each item by itself: what one of them meets stops no other."""

    uow: UnitOfWorkFactory
    publish: Publish
    systems: Systems

    def __call__(self, command: RunReplay) -> ReplayReport:
        start = _stage(command.from_stage, "from_stage")
        deliveries = command.of is ReplayOf.DELIVERIES
        reported = []
        for item in command.items:
            try:
                refused = (
                    self._delivery(command, item.id)
                    if deliveries
                    else self._opportunity(command, item.id, item.version, start)
                )
            except NotFound as error:
                refused = error.message
            reported.append(ReplayedItem(id=item.id, replayed=not refused, says=refused or "replayed"))
        return ReplayReport(items=tuple(reported))

    def _opportunity(self, command: RunReplay, item_id: UUID, version: int, start: Stage | None) -> str:
        """Why nothing was done; empty when it was."""
        with self.uow() as uow:
            before = uow.opportunities.lock(command.tenant_id, item_id)
            if before.version != version:
                return "skipped: it changed since the preview"
            verdict = foresee(uow, before, start)
            if verdict.target is None:
                return f"skipped: {verdict.says}"
            if before.state is State.PARKED:
                uow.exceptions.close_for(before.tenant_id, before.id, command.actor, "Replayed")
            resume(
                uow,
                self.publish,
                before,
                verdict.target,
                actor=command.actor,
                after_what="in a selection",
                detail={},
            )
            crash_point("selection.uncommitted", before.source_id)
            uow.commit()
            crash_point("selection.committed", before.source_id)
        return ""

    def _delivery(self, command: RunReplay, item_id: UUID) -> str:
        with self.uow() as uow:
            stored = uow.deliveries.get(command.tenant_id, item_id)
            verdict, records = foresee_delivery(self.systems, stored)
            if verdict.action is not ReplayAction.RUN:
                return f"skipped: {verdict.says}"
            uow.exceptions.close_for_delivery(stored.tenant_id, stored.id, command.actor, "Replayed")
            take_in(uow, self.publish, _delivery(stored), stored.id, records)
            event = Replayed(
                opportunity_id=None,
                actor=command.actor,
                detail={"event": str(stored.id)},
                summary="Read again in a selection",
            )
            self.publish(uow, stored.tenant_id, stored.traceparent, event)
            uow.commit()
        return ""


def foresee(uow: UnitOfWork, opportunity: TrackedOpportunity, start: Stage | None) -> Verdict:
    """What a replay, from the stage `start` or else from where it stands, does of this deal."""
    verdict = _of_state(opportunity, start)
    if verdict.target is None:
        return verdict
    blocked = _still_blocked(uow, opportunity, verdict.target)
    return Verdict(ReplayAction.BLOCKED, f"still blocked: {blocked}") if blocked else verdict


def _of_state(opportunity: TrackedOpportunity, start: Stage | None) -> Verdict:
    state = opportunity.state
    if state in FINISHED:
        return _nothing(f"finished ({state}): a replay changes nothing")
    parked = state is State.PARKED
    stands = (opportunity.resume_state or State.RECEIVED) if parked else state
    target = stands if start is None or stands in start.starts else start.starts[0]
    if target is not stands:
        refused = _why_not(stands, target, parked)
        return _nothing(refused) if refused else _run(target)
    if parked:
        return _run(target)
    if opportunity.tries > 0:
        return Verdict(ReplayAction.RUN, f"tries {stage_for(target).name} again now", target)
    waits = "waits for people" if state is State.AWAITING_APPROVAL else "under way by itself"
    return _nothing(f"{waits}: a replay changes nothing")


def _why_not(stands: State, target: State, parked: bool) -> str:
    """Why a deal that stands at one state may not start again from another; empty when it may."""
    way = [state for stage in PIPELINE for state in stage.starts]
    if stands not in BEFORE_APPROVAL:
        return f"its plan is decided: it goes on from {stage_for(stands).name} only"
    if way.index(target) > way.index(stands):
        return f"it has not come as far as {stage_for(target).name}"
    if not parked and target is not State.RECEIVED:
        return f"under way: it starts again from {stage_for(State.RECEIVED).name} only"
    return ""


def _nothing(says: str) -> Verdict:
    return Verdict(ReplayAction.NOTHING, says)


def _run(target: State) -> Verdict:
    return Verdict(ReplayAction.RUN, f"runs from {stage_for(target).name}", target)


def _still_blocked(uow: UnitOfWork, opportunity: TrackedOpportunity, target: State) -> str:
    """What Postgres alone can tell; empty when nothing is."""
    found = _foreseen(uow, opportunity, target)
    return "; ".join(f"{each.code}: {each.message}" for each in found) if blocking(found) else ""


def _foreseen(uow: UnitOfWork, opportunity: TrackedOpportunity, target: State) -> Sequence[Finding]:
    """Reference data that is missing, overrides that are not possible, thin margins, nobody who may approve."""
    tenant_id, record, enrichment = opportunity.tenant_id, opportunity.record, opportunity.enrichment
    if target is State.PLANNED:
        return approve.nobody_approves(approve.candidates(uow, tenant_id, approve.owner_email(record)))
    if target not in (State.VALIDATED, State.ENRICHED) or record is None:
        return ()
    book = uow.references.book(tenant_id)
    found = enrich(record, book) if target is State.VALIDATED else require(enrichment, "the enrichment")
    if not isinstance(found, Enrichment):
        return found
    return make_workstreams(record, found, uow.overrides.of(tenant_id, opportunity.id), book).findings


def foresee_delivery(systems: Systems, stored: StoredDelivery) -> tuple[Verdict, Records]:
    """What a replay does of a delivery, and the records it names."""
    if stored.pruned_at is not None:
        return Verdict(ReplayAction.BLOCKED, pruned_words(stored.pruned_at)), ()
    read = read_delivery(systems, _delivery(stored))
    if isinstance(read, BusinessError):
        return Verdict(ReplayAction.BLOCKED, f"still cannot be read: {read.message}"), ()
    says = f"reads {len(read)} records from the CRM again; where nothing changed, nothing is done"
    return Verdict(ReplayAction.RUN, says), read


def _delivery(stored: StoredDelivery) -> Delivery:
    return Delivery(**stored.model_dump(include=set(Delivery.model_fields)))


def _stage(name: str | None, field: str) -> Stage | None:
    if name is None:
        return None
    found = next((stage for stage in PIPELINE if stage.name == name), None)
    if found is None:
        known: Collection[str] = [stage.name for stage in PIPELINE]
        raise InvalidInput(f"{name!r} is no stage: use one of {', '.join(known)}.", field=field)
    return found
