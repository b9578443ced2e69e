"""Work one opportunity: take its lease, run the stage its state needs, record the outcome, go straight on.

A stage runs with no transaction open. A next stage that is due at once runs under the same lease; a crash in
between is covered by the sweeper. What stages decide that only decide is held, and committed together with what
follows at once.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from oppsync.domain.plan.plan import Plan
from oppsync.domain.plan.tampering import PlanTampered
from oppsync.domain.values.actor import stage_actor
from oppsync.domain.values.findings.codes import finding
from oppsync.domain.values.findings.finding import Finding
from oppsync.domain.values.model import changed
from oppsync.domain.work.events import StageDeferred
from oppsync.domain.work.exceptions import Disposition
from oppsync.domain.work.payload_references import record_reference
from oppsync.domain.work.states import RESTING, State
from oppsync.domain.work.tracked import Lease, TrackedOpportunity
from oppsync.kernel.crash_points import crash_point
from oppsync.kernel.errors import (
    BusinessError,
    HeldBack,
    LeaseLost,
    OppsyncError,
    Paused,
    RateLimited,
    StillUnknown,
    StoreUnavailable,
    TransientError,
)
from oppsync.kernel.side_by_side import SideBySide
from oppsync.kernel.stage_scope import stage_scope
from oppsync.pipeline import refresh
from oppsync.pipeline.absence import Absent
from oppsync.pipeline.effect_answers import Answers
from oppsync.pipeline.effects import HandedOnError, ReadAgainError, StageEffects
from oppsync.pipeline.retry import backoff
from oppsync.pipeline.signed import tampered
from oppsync.pipeline.stage import Advance, Await, Outcome, Park, StageContext
from oppsync.pipeline.table import stage_for
from oppsync.ports.clock import Clock
from oppsync.ports.reporter import Reporter
from oppsync.ports.seals import Seals
from oppsync.ports.storage.opportunities import HANDED_ON, Due
from oppsync.ports.storage.unit_of_work import Publish, UnitOfWorkFactory
from oppsync.ports.systems import Systems
from oppsync.services.work.commands import RunStage
from oppsync.services.work.lease_keeper import LeaseKeeper
from oppsync.services.work.readings import Readings
from oppsync.services.work.record_outcome import (
    Decided,
    Worked,
    commit,
    hold,
    look_again,
    moved,
    raise_items,
    record,
    write_decided,
)

# A worker that has gone straight on for this long lets others have a turn.
HAND_ON_AFTER_SECONDS = 10.0
MAX_CRASHES = 3
_AT_ONCE = timedelta(milliseconds=50)
_LONG_WAIT = timedelta(seconds=10)
# After these stages the record is as the CRM has it now.
READING = frozenset({"validate", refresh.STAGE})
Held = tuple[Decided, ...]
# Waits that are no failure of the vendor or of the deal.
NO_FAILURE = (StillUnknown, RateLimited)


@dataclass(frozen=True)
class RunStageHandler:
    """`stopping` is set when the process shuts down: a running stage is finished, then the deal is handed
    on."""

    uow: UnitOfWorkFactory
    publish: Publish
    systems: Systems
    clock: Clock
    reporter: Reporter
    keeper: LeaseKeeper
    seals: Seals
    side_by_side: SideBySide
    stopping: threading.Event
    holder: str
    base_url: str
    absent: Absent = field(default_factory=Absent)

    def __call__(self, command: RunStage) -> None:
        with self.uow() as uow:
            leased = uow.opportunities.take_lease(command.opportunity_id, self.holder)
            uow.commit()
        if leased is None:
            return
        opportunity, lease = leased
        crash_point("lease.taken", opportunity.source_id)
        # Connections are read apart: what the run writes changes nothing of them.
        connections = Readings(self.uow)
        systems = self.systems.read_through(connections, opportunity.tenant_id)
        run = replace(self, uow=Readings(self.uow), systems=systems, absent=Absent())
        whole = stage_scope(opportunity.tenant_id, opportunity.id, command.stage, opportunity.traceparent)
        with self.keeper.keep(lease), whole:
            try:
                run._work(opportunity, lease, command.stage, connections)
            except LeaseLost:
                self.reporter.lease_lost(opportunity.id, lease.token)

    def _work(self, opportunity: TrackedOpportunity, lease: Lease, asked: str, connections: Readings) -> None:
        started = time.monotonic()
        if stage_for(opportunity.state).name != asked:  # redelivered, or late: another queue's turn
            self._hand_on(self._context(opportunity, lease))
            return
        if opportunity.crashes >= MAX_CRASHES:
            context = self._context(opportunity, lease)
            self._dead_letter(context, "WORKER_CRASHED", "Its worker crashed three times", None)
            return
        worked, just_read = Worked(opportunity, goes_on=True), False
        while worked.goes_on:
            made = _made(worked.held)
            context = self._context(worked.opportunity, lease, just_read=just_read, made=made)
            worked = self._step(context, started, worked.held)
            if not worked.is_stored:  # somebody acted, who may have mended a connection before
                connections.forget()
            just_read = worked.is_stored and (just_read or context.stage in READING)

    def _context(
        self,
        opportunity: TrackedOpportunity,
        lease: Lease,
        *,
        just_read: bool = False,
        made: Plan | None = None,
    ) -> StageContext:
        name = refresh.STAGE if _rereads(opportunity) else stage_for(opportunity.state).name
        tenant_id, traceparent = opportunity.tenant_id, opportunity.traceparent
        effects = StageEffects(
            answers=Answers(self.uow, self.publish, tenant_id, traceparent, name, lease),
            clock=self.clock,
            side_by_side=self.side_by_side,
            at_once=self.systems.calls_at_once,
            hands_on=self.stopping.is_set,
            absent=self.absent,
        )
        return StageContext(
            opportunity=opportunity,
            lease=lease,
            systems=self.systems,
            clock=self.clock,
            uow=self.uow,
            effects=effects,
            seals=self.seals,
            base_url=self.base_url,
            stage=name,
            just_read=just_read,
            made=made,
        )

    def _hands_on(self, started: float) -> bool:
        return self.stopping.is_set() or time.monotonic() - started > HAND_ON_AFTER_SECONDS

    def _step(self, context: StageContext, started: float, held: Held = ()) -> Worked:
        """`held`: what was decided before, in this run, and is not committed yet."""
        crash_point("stage.begins", context.opportunity.source_id)
        began = self.clock.now()
        try:
            opportunity = context.opportunity
            with stage_scope(opportunity.tenant_id, opportunity.id, context.stage, opportunity.traceparent):
                outcome = _outcome(context)
            crash_point("stage.decided", context.stage)
            if isinstance(outcome, Await) and outcome.later is not None:
                return self._defer(context, outcome.later, held, outcome.items)
            # Asked after the stage: a process that has to stop by then begins no other.
            hand_on = self._hands_on(started)
            return self._advance((*held, self._decided(context, outcome, began)), hand_on=hand_on)
        except (LeaseLost, StoreUnavailable):
            raise
        except (HandedOnError, ReadAgainError) as error:
            return self._hand_on(context) if isinstance(error, HandedOnError) else look_again(context)
        except TransientError as error:
            return self._defer(context, error, held)
        except BusinessError as error:
            parked = _refused(context, error)
            return self._record((*held, self._decided(context, parked, began)))
        except Exception as error:
            message = error.message if isinstance(error, OppsyncError) else type(error).__name__
            return self._dead_letter(context, "BUG", f"{message} (stage {context.stage})", error, held)

    def _advance(self, decided: Held, *, hand_on: bool) -> Worked:
        if not hand_on and _joins_what_follows(decided[-1]):
            crash_point("decision.held", decided[-1].after.state)
            return hold(decided)
        try:
            return self._record(decided, hand_on=hand_on)
        except (LeaseLost, StoreUnavailable):
            raise
        except Exception:
            if len(decided) == 1:
                raise
            return self._one_by_one(decided)

    def _record(self, decided: Held, *, hand_on: bool = False) -> Worked:
        """Record what was decided; a deal that is parked by it is reported once that is stored."""
        worked = record(self.publish, decided, hand_on=hand_on)
        last = decided[-1]
        if worked.is_stored and isinstance(last.outcome, Park):
            codes = [found.code for found in last.outcome.findings]
            self.reporter.parked(last.after.id, last.context.stage, codes)
        return worked

    def _one_by_one(self, decided: Held) -> Worked:
        """Record what cannot be recorded together, so that the dead letter names the stage that it is about."""
        worked = Worked(decided[0].context.opportunity, goes_on=True)
        for each in decided:
            version = worked.opportunity.version
            context = replace(each.context, opportunity=changed(each.context.opportunity, version=version))
            try:
                worked = record(self.publish, (replace(each, context=context),), hand_on=False)
            except (LeaseLost, StoreUnavailable):
                raise
            except Exception as error:
                return self._dead_letter(
                    context, "BUG", f"{type(error).__name__} (stage {context.stage})", error
                )
            if not worked.is_stored:
                break
        return worked

    def _decided(self, context: StageContext, outcome: Outcome, began: datetime) -> Decided:
        return Decided(context, outcome, moved(context.opportunity, outcome), began, self.clock.now())

    def _defer(
        self, context: StageContext, error: TransientError, held: Held = (), items: Sequence[Finding] = ()
    ) -> Worked:
        """Due again after a pause that Postgres remembers; too many failures in a row make a dead letter.
        `items` become exception items at once."""
        opportunity = context.opportunity
        tries = opportunity.tries + (0 if isinstance(error, NO_FAILURE) else 1)
        if tries > stage_for(opportunity.state).max_tries:
            return self._dead_letter(context, "RETRIES_EXHAUSTED", error.message, None, held)
        pause = self._pause(opportunity, error)
        event = StageDeferred(
            opportunity_id=opportunity.id,
            actor=stage_actor(context.stage),
            detail={"code": error.code, "tries": tries, "seconds": str(round(pause.total_seconds(), 1))},
            summary=f"{error.message}; again in {pause.total_seconds():.0f} s",
        )
        # Short waits under a vendor's limit are normal and frequent: only a long one is worth an audit event.
        is_brief = isinstance(error, HeldBack) and pause < _LONG_WAIT
        waits_for = error.message if isinstance(error, Paused) else None
        is_told = waits_for is not None and waits_for == opportunity.waits_for
        events = [] if is_brief or is_told else [event]
        after = changed(opportunity, tries=tries, crashes=0, waits_for=waits_for)
        stored = held[0].context.opportunity if held else opportunity
        with self.uow() as uow:
            written = write_decided(uow, held)
            raised = raise_items(uow, context, items, after.record)
            told = (*written, *events, *raised)
            worked = commit(uow, context, self.publish, after, Due(pause), *told, stored=stored)
        if worked is not None and events:
            self.reporter.deferred(after.id, context.stage, error.code, tries, pause.total_seconds())
        return worked or look_again(context)

    def _pause(self, opportunity: TrackedOpportunity, error: TransientError) -> timedelta:
        match error:
            case StillUnknown():
                return max(error.not_before - self.clock.now(), _AT_ONCE)
            case HeldBack(retry_after=timedelta() as promised):
                return promised
            case _:
                return backoff(opportunity.tries, error, random.random())  # noqa: S311

    def _dead_letter(
        self, context: StageContext, code: str, message: str, error: Exception | None, held: Held = ()
    ) -> Worked:
        """Where answers cannot be recorded, their marks stay: what was sent is looked up."""
        self.reporter.dead_letter(context.opportunity.id, code, message, error)
        try:
            return record(self.publish, (*held, self._parked(context, code, message)), hand_on=False)
        except (LeaseLost, StoreUnavailable):
            raise
        except Exception:
            context.effects.answers.drop()
            return record(self.publish, (*held, self._parked(context, code, message)), hand_on=False)

    def _parked(self, context: StageContext, code: str, message: str) -> Decided:
        parked = _park(context, code, message, Disposition.DEAD_LETTER)
        return self._decided(context, parked, self.clock.now())

    def _hand_on(self, context: StageContext) -> Worked:
        with self.uow() as uow:
            handed = commit(uow, context, self.publish, context.opportunity, HANDED_ON)
        return handed or self._hand_on(self._context(look_again(context).opportunity, context.lease))


def _made(held: Held) -> Plan | None:
    outcomes = [each.outcome for each in held]
    return next((each.plan for each in outcomes if isinstance(each, Advance) and each.plan), None)


def _joins_what_follows(decided: Decided) -> bool:
    """Whether its stage only decides, and what follows at once needs nothing of it stored. The approvals of an
    earlier plan are voided in the store before anything is asked of a new one."""
    stage = stage_for(decided.context.opportunity.state)
    if not (decided.goes_on and stage.decides and stage.name == decided.context.stage):
        return False
    if decided.after.reread_due:
        return False
    had_plan = decided.context.opportunity.plan_hash is not None
    return decided.after.state is not State.PLANNED or not had_plan


def _rereads(opportunity: TrackedOpportunity) -> bool:
    """Whether the re-read comes first. A decision already taken is written back before any change."""
    return opportunity.reread_due and opportunity.state is not State.REFUSED


def _outcome(context: StageContext) -> Outcome:
    """Run the stage and return its outcome. Before the first thing is made of an approved deal its record is
    read once more, unless this worker has just read it."""
    opportunity = context.opportunity
    if _rereads(opportunity):
        return refresh.run(context)
    if opportunity.state in RESTING:
        return Await(opportunity)
    if opportunity.state is State.APPROVED and not context.just_read and refresh.nothing_marked(context):
        again = refresh.run(context)
        if not isinstance(again, Advance) or again.to is not State.APPROVED:
            return again
        context = replace(context, opportunity=again.opportunity)
    return stage_for(opportunity.state).run(context)


def _refused(context: StageContext, error: BusinessError) -> Park:
    if isinstance(error, PlanTampered):
        return tampered(context, error)
    return _park(context, error.code, error.message, Disposition.BUSINESS)


def _park(context: StageContext, code: str, message: str, disposition: Disposition) -> Park:
    item = finding(code, message)
    reference = record_reference(context.opportunity.id)
    return Park(context.opportunity, [item], reference, disposition=disposition)
