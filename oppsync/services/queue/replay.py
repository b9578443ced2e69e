"""Replay a selection of deals or deliveries: first preview what would be done to each, then do exactly
that."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from oppsync.domain.approval.who_may import Action
from oppsync.domain.deal.opportunity import OpportunityRef
from oppsync.domain.enrichment.enrich import enrich
from oppsync.domain.plan.enrichment import Enrichment
from oppsync.domain.planning.overridden_dates import DateFacts
from oppsync.domain.planning.workstreams import make_workstreams
from oppsync.domain.values.findings.finding import Finding, blocking
from oppsync.domain.values.model import require
from oppsync.domain.work.events import Replayed
from oppsync.domain.work.intake import Delivery, StoredDelivery
from oppsync.domain.work.replays import (
    Previewed,
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
from oppsync.kernel.errors import BusinessError, Forbidden, InvalidInput, NotFound
from oppsync.pipeline import approve
from oppsync.pipeline.duties import duties, required_of
from oppsync.pipeline.table import PIPELINE, Stage, stage_for
from oppsync.ports.storage.unit_of_work import Publish, UnitOfWork, UnitOfWorkFactory
from oppsync.ports.systems import Systems
from oppsync.services.admin.who_asks import admit
from oppsync.services.intake.accept_delivery import read_delivery, receive_again
from oppsync.services.queue.commands import PreviewReplay, RunReplay
from oppsync.services.queue.exception_queue import pruned_words
from oppsync.services.queue.reach import check_reach
from oppsync.services.queue.resume import resume

FINISHED = frozenset({State.ACTIVE, State.REJECTED, State.WITHDRAWN})
Records = Sequence[OpportunityRef]


@dataclass(frozen=True)
class Forecast:
    """The effect of a replay on one deal; `target` is the state it is put back to, set for RUN only."""

    action: ReplayAction
    says: str
    target: State | None = None


@dataclass(frozen=True)
class PreviewReplayHandler:
    """Reads Postgres only, so it does not foresee what the CRM or the ERP would answer now."""

    uow: UnitOfWorkFactory
    systems: Systems

    def __call__(self, command: PreviewReplay) -> ReplayPreview:
        selection = command.selection
        with self.uow.reading() as uow:
            admit(uow, command.tenant_id, command.actor, Action.REPLAY)
        if selection.is_empty:
            raise InvalidInput("Give at least one criterion.", field="selection")
        start = _stage(command.from_stage, "from_stage")
        ids = self._ids(command.tenant_id, selection)
        items = [self._item(command.tenant_id, selection.of, each, start) for each in ids[: selection.limit]]
        return ReplayPreview(items=tuple(items), more=len(ids) > selection.limit)

    def _ids(self, tenant_id: str, selection: Selection) -> Sequence[UUID]:
        """The selected ids; one more than the limit, when there are more."""
        with self.uow() as uow:
            if selection.of is ReplayOf.DELIVERIES:
                return uow.deliveries.matching(tenant_id, selection)
            stage = _stage(selection.stage, "stage")
            return uow.opportunities.matching(tenant_id, selection, stage.starts if stage else ())

    def _item(self, tenant_id: str, of: ReplayOf, item_id: UUID, start: Stage | None) -> ReplayItem:
        with self.uow() as uow:
            if of is ReplayOf.DELIVERIES:
                stored = uow.deliveries.get(tenant_id, item_id)
                forecast, _records = forecast_delivery(self.systems, stored)
                name = f"delivery {stored.delivery_id}"
                return ReplayItem(id=item_id, name=name, action=forecast.action, says=forecast.says)
            opportunity = uow.opportunities.get(tenant_id, item_id)
            forecast = forecast_deal(uow, opportunity, start)
        return ReplayItem(
            id=item_id,
            name=opportunity.record.name if opportunity.record else opportunity.source_id,
            state=opportunity.state,
            version=opportunity.version,
            action=forecast.action,
            from_stage=stage_for(forecast.target).name if forecast.target else None,
            says=forecast.says,
        )


@dataclass(frozen=True)
class RunReplayHandler:
    """Replays each item by itself: an item that fails does not stop the others."""

    uow: UnitOfWorkFactory
    publish: Publish
    systems: Systems

    def __call__(self, command: RunReplay) -> ReplayReport:
        with self.uow.reading() as uow:
            actor = admit(uow, command.tenant_id, command.actor, Action.REPLAY)
        start = _stage(command.from_stage, "from_stage")
        deliveries = command.of is ReplayOf.DELIVERIES
        reported = []
        for item in command.items:
            try:
                refused = (
                    self._delivery(command, actor, item.id)
                    if deliveries
                    else self._opportunity(command, actor, item, start)
                )
            except NotFound as error:
                refused = error.message
            except Forbidden as error:
                refused = f"skipped: {error.message}"
            reported.append(ReplayedItem(id=item.id, replayed=not refused, says=refused or "replayed"))
        return ReplayReport(items=tuple(reported))

    def _opportunity(self, command: RunReplay, actor: str, item: Previewed, start: Stage | None) -> str:
        """Why nothing was done; empty when the deal was replayed. Raises Forbidden, NotFound."""
        with self.uow() as uow:
            before = uow.opportunities.lock(command.tenant_id, item.id)
            check_reach(uow, before.tenant_id, before, command.actor, Action.REPLAY)
            if before.version != item.version:
                return "skipped: it changed since the preview"
            forecast = forecast_deal(uow, before, start)
            if forecast.target is None:
                return f"skipped: {forecast.says}"
            if before.state is State.PARKED:
                uow.exceptions.close_open(before.tenant_id, before.id, actor, "Replayed")
            target = forecast.target
            resume(uow, self.publish, before, target, actor=actor, after_what="in a selection", detail={})
            crash_point("selection.uncommitted", before.source_id)
            uow.commit()
            crash_point("selection.committed", before.source_id)
        return ""

    def _delivery(self, command: RunReplay, actor: str, item_id: UUID) -> str:
        with self.uow() as uow:
            stored = uow.deliveries.get(command.tenant_id, item_id)
            check_reach(uow, stored.tenant_id, None, command.actor, Action.REPLAY)
            forecast, records = forecast_delivery(self.systems, stored)
            if forecast.action is not ReplayAction.RUN:
                return f"skipped: {forecast.says}"
            uow.exceptions.close_open(stored.tenant_id, stored.id, actor, "Replayed")
            receive_again(uow, self.publish, _delivery(stored), stored.id, records)
            event = Replayed(
                opportunity_id=None,
                actor=actor,
                detail={"event": str(stored.id)},
                summary="Read again in a selection",
            )
            self.publish(uow, stored.tenant_id, stored.traceparent, event)
            uow.commit()
        return ""


def forecast_deal(uow: UnitOfWork, opportunity: TrackedOpportunity, start: Stage | None) -> Forecast:
    """Tell the effect of a replay on a deal, from the stage `start` or else from where the deal is."""
    forecast = _of_state(opportunity, start)
    if forecast.target is None:
        return forecast
    blocked = _still_blocked(uow, opportunity, forecast.target)
    return Forecast(ReplayAction.BLOCKED, f"still blocked: {blocked}") if blocked else forecast


def _of_state(opportunity: TrackedOpportunity, start: Stage | None) -> Forecast:
    state = opportunity.state
    if state in FINISHED:
        return _nothing(f"finished ({state}): a replay changes nothing")
    parked = state is State.PARKED
    stands_at = opportunity.stands_at
    target = stands_at if start is None or stands_at in start.starts else start.starts[0]
    if target is not stands_at:
        refused = _why_not(stands_at, target, parked)
        return _nothing(refused) if refused else _run(target)
    if parked:
        return _run(target)
    if opportunity.tries > 0:
        return Forecast(ReplayAction.RUN, f"tries {stage_for(target).name} again now", target)
    waits = "waits for people" if state is State.AWAITING_APPROVAL else "in progress"
    return _nothing(f"{waits}: a replay changes nothing")


def _why_not(stands_at: State, target: State, parked: bool) -> str:
    """Why a deal that is at one state may not start again from another; empty when it may."""
    way = [state for stage in PIPELINE for state in stage.starts]
    if stands_at not in BEFORE_APPROVAL:
        return f"its plan is decided: it can only go on from {stage_for(stands_at).name}"
    if way.index(target) > way.index(stands_at):
        return f"it has not reached {stage_for(target).name}"
    if not parked and target is not State.RECEIVED:
        return f"under way: it can only start again from {stage_for(State.RECEIVED).name}"
    return ""


def _nothing(says: str) -> Forecast:
    return Forecast(ReplayAction.NOTHING, says)


def _run(target: State) -> Forecast:
    return Forecast(ReplayAction.RUN, f"runs from {stage_for(target).name}", target)


def _still_blocked(uow: UnitOfWork, opportunity: TrackedOpportunity, target: State) -> str:
    """Find what still blocks the deal, as far as Postgres alone can tell; empty when nothing does."""
    findings = _foreseen(uow, opportunity, target)
    return "; ".join(f"{each.code}: {each.message}" for each in findings) if blocking(findings) else ""


def _foreseen(uow: UnitOfWork, opportunity: TrackedOpportunity, target: State) -> Sequence[Finding]:
    """Findings about missing reference data, impossible overrides, thin margins, and roles that nobody may
    approve for."""
    tenant_id, record, enrichment = opportunity.tenant_id, opportunity.record, opportunity.enrichment
    if target not in (State.VALIDATED, State.ENRICHED, State.PLANNED) or record is None:
        return ()
    if target is State.PLANNED:
        plan_hash = opportunity.plan_hash
        known = duties(uow, tenant_id, opportunity.id, record, plan_hash)
        required = required_of(uow, tenant_id, opportunity.id, plan_hash)
        live = known.of_plan(plan_hash)
        return approve.nobody_approves(
            known.candidates(live, required),
            required,
            known.decided(plan_hash),
            known.why_not(required, live),
            eligible=known.eligible(live, required),
        )
    overrides = uow.overrides.of(tenant_id, opportunity.id)
    book = uow.references.book(tenant_id)
    result = enrich(record, book) if target is State.VALIDATED else require(enrichment, "the enrichment")
    if not isinstance(result, Enrichment):
        return result
    # Validated, so its close date has come; no rule of overridden dates needs to know how long ago.
    facts = DateFacts(require(record.won_on, "the close date"), None, opportunity.confirmations)
    return make_workstreams(record, result, overrides, book, facts).findings


def forecast_delivery(systems: Systems, stored: StoredDelivery) -> tuple[Forecast, Records]:
    """Tell the effect of a replay on a delivery, and which records it names."""
    if stored.pruned_at is not None:
        return Forecast(ReplayAction.BLOCKED, pruned_words(stored.pruned_at)), ()
    read = read_delivery(systems, _delivery(stored))
    if isinstance(read, BusinessError):
        return Forecast(ReplayAction.BLOCKED, f"still cannot be read: {read.message}"), ()
    says = f"reads {len(read)} records from the CRM again; where nothing changed, nothing is done"
    return Forecast(ReplayAction.RUN, says), read


def _delivery(stored: StoredDelivery) -> Delivery:
    return Delivery(**stored.model_dump(include=set(Delivery.model_fields)))


def _stage(name: str | None, field: str) -> Stage | None:
    if name is None:
        return None
    stage = next((each for each in PIPELINE if each.name == name), None)
    if stage is None:
        known: Collection[str] = [each.name for each in PIPELINE]
        raise InvalidInput(f"{name!r} is not a stage: use one of {', '.join(known)}.", field=field)
    return stage
