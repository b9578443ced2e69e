"""Work one opportunity: take its lease, run the stage its state needs, record the outcome, go straight on.

A stage runs with no transaction open. A next stage that is due at once runs under the same lease; a crash in
between is covered by the sweeper.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

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
from oppsync.kernel.stage_scope import stage_scope
from oppsync.pipeline import refresh
from oppsync.pipeline.effects import StageEffects
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
from oppsync.services.work.record_outcome import Worked, commit, look_again, raise_items, record

# A worker that has gone straight on for this long lets others have a turn.
HAND_ON_AFTER_SECONDS = 10.0
MAX_CRASHES = 3
_AT_ONCE = timedelta(milliseconds=50)
_LONG_WAIT = timedelta(seconds=10)
# After these stages the record is as the CRM has it now.
READING = frozenset({"validate", refresh.STAGE})
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
    stopping: threading.Event
    holder: str
    base_url: str

    def __call__(self, command: RunStage) -> None:
        with self.uow() as uow:
            leased = uow.opportunities.take_lease(command.opportunity_id, self.holder)
            uow.commit()
        if leased is None:
            return
        opportunity, lease = leased
        crash_point("lease.taken", opportunity.source_id)
        with self.keeper.keep(lease):
            try:
                self._work(opportunity, lease, command.stage)
            except LeaseLost:
                self.reporter.lease_lost(opportunity.id, lease.token)

    def _work(self, opportunity: TrackedOpportunity, lease: Lease, asked: str) -> None:
        started = time.monotonic()
        if stage_for(opportunity.state).name != asked:  # redelivered, or late: another queue's turn
            self._hand_on(self._context(opportunity, lease))
            return
        if opportunity.crashes >= MAX_CRASHES:
            context = self._context(opportunity, lease)
            self._dead_letter(context, "WORKER_CRASHED", "Its worker crashed three times", None)
            return
        goes_on, just_read = True, False
        while goes_on:
            context = self._context(opportunity, lease, just_read=just_read)
            worked = self._step(context, started)
            just_read = worked.is_stored and (just_read or context.stage in READING)
            opportunity, goes_on = worked.opportunity, worked.goes_on

    def _context(
        self, opportunity: TrackedOpportunity, lease: Lease, *, just_read: bool = False
    ) -> StageContext:
        name = refresh.STAGE if _rereads(opportunity) else stage_for(opportunity.state).name
        tenant_id, traceparent = opportunity.tenant_id, opportunity.traceparent
        effects = StageEffects(self.uow, self.publish, tenant_id, traceparent, name, lease, self.clock)
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
        )

    def _hands_on(self, started: float) -> bool:
        return self.stopping.is_set() or time.monotonic() - started > HAND_ON_AFTER_SECONDS

    def _step(self, context: StageContext, started: float) -> Worked:
        crash_point("stage.begins", context.opportunity.source_id)
        try:
            opportunity = context.opportunity
            with stage_scope(opportunity.tenant_id, opportunity.id, context.stage, opportunity.traceparent):
                outcome = _outcome(context)
            crash_point("stage.decided", context.stage)
            if isinstance(outcome, Await) and outcome.later is not None:
                return self._defer(context, outcome.later, outcome.items)
            # Checked after the stage: a process that has to stop by then begins no other.
            return record(context, self.publish, outcome, hand_on=self._hands_on(started))
        except (LeaseLost, StoreUnavailable):
            raise
        except TransientError as error:
            return self._defer(context, error)
        except PlanTampered as error:
            return record(context, self.publish, tampered(context, error), hand_on=self._hands_on(started))
        except BusinessError as error:
            parked = _park(context, error.code, error.message, Disposition.BUSINESS)
            return record(context, self.publish, parked, hand_on=self._hands_on(started))
        except Exception as error:
            message = error.message if isinstance(error, OppsyncError) else type(error).__name__
            return self._dead_letter(context, "BUG", f"{message} (stage {context.stage})", error)

    def _defer(self, context: StageContext, error: TransientError, items: Sequence[Finding] = ()) -> Worked:
        """Due again after a pause that Postgres remembers; too many failures in a row make a dead letter.
        `items` become exception items at once."""
        opportunity = context.opportunity
        tries = opportunity.tries + (0 if isinstance(error, NO_FAILURE) else 1)
        if tries > stage_for(opportunity.state).max_tries:
            return self._dead_letter(context, "RETRIES_EXHAUSTED", error.message, None)
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
        with self.uow() as uow:
            raised = raise_items(uow, context, items, after.record)
            worked = commit(uow, context, self.publish, after, Due(pause), *events, *raised)
        return worked or look_again(context)

    def _pause(self, opportunity: TrackedOpportunity, error: TransientError) -> timedelta:
        match error:
            case StillUnknown():
                return max(error.not_before - self.clock.now(), _AT_ONCE)
            case HeldBack(retry_after=timedelta() as promised):
                return promised
            case _:
                return backoff(opportunity.tries, error, random.random())  # noqa: S311

    def _dead_letter(self, context: StageContext, code: str, message: str, error: Exception | None) -> Worked:
        self.reporter.dead_letter(context.opportunity.id, code, message, error)
        parked = _park(context, code, message, Disposition.DEAD_LETTER)
        return record(context, self.publish, parked, hand_on=False)

    def _hand_on(self, context: StageContext) -> None:
        with self.uow() as uow:
            handed = commit(uow, context, self.publish, context.opportunity, HANDED_ON)
        if handed is None:
            self._hand_on(self._context(look_again(context).opportunity, context.lease))


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


def _park(context: StageContext, code: str, message: str, disposition: Disposition) -> Park:
    item = finding(code, message)
    reference = record_reference(context.opportunity.id)
    return Park(context.opportunity, [item], reference, disposition=disposition)
