"""Record what stages decided: state, plan, approval tasks, exception items, audit and outbox in one commit.

Nothing is committed when the lease's token or the opportunity's version changed in the meantime.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from oppsync.domain.approval.tasks import RuleUse, VoidedAs
from oppsync.domain.deal.opportunity import Opportunity
from oppsync.domain.deal.parties import parties_of
from oppsync.domain.plan.approvals import seat_of
from oppsync.domain.values.actor import stage_actor
from oppsync.domain.values.findings.finding import Finding
from oppsync.domain.values.model import changed
from oppsync.domain.work.events import (
    ApprovalVoided,
    Event,
    ExceptionSettled,
    StateChanged,
)
from oppsync.domain.work.exceptions import BESIDE_THE_WORK
from oppsync.domain.work.states import RESTING, State, check_move
from oppsync.domain.work.tracked import TrackedOpportunity
from oppsync.kernel.crash_points import crash_point
from oppsync.kernel.errors import LeaseLost
from oppsync.pipeline.signed import seal_decisions
from oppsync.pipeline.stage import Advance, Await, Outcome, Park, StageContext
from oppsync.pipeline.table import stage_for
from oppsync.ports.storage.opportunities import HANDED_ON, ON_ACTION, STRAIGHT_ON, Due
from oppsync.ports.storage.unit_of_work import Publish, UnitOfWork
from oppsync.services.queue.items import raise_for_deal


@dataclass(frozen=True)
class Decided:
    """What a stage decided, from `began` to `ended`, and what the deal is then."""

    context: StageContext
    outcome: Outcome
    after: TrackedOpportunity
    began: datetime
    ended: datetime

    @property
    def goes_on(self) -> bool:
        return isinstance(self.outcome, Advance) and (self.after.state not in RESTING or self.after.reread_due)


@dataclass(frozen=True)
class Worked:
    """The opportunity after a step; `goes_on` while this worker keeps the lease. `is_stored`: no earlier
    outcome was lost. `held`: what was decided and is committed with what follows at once."""

    opportunity: TrackedOpportunity
    goes_on: bool
    is_stored: bool = True
    held: tuple[Decided, ...] = ()


def hold(held: tuple[Decided, ...]) -> Worked:
    """Go on with what was decided, before it is committed."""
    return Worked(held[-1].after, goes_on=True, held=held)


def record(publish: Publish, decided: Sequence[Decided], *, hand_on: bool) -> Worked:
    """Commit what stages decided one after the other. With `hand_on` the next stage is left to whoever takes
    the message."""
    last = decided[-1]
    with last.context.uow() as uow:
        events = write_decided(uow, decided)
        due, stored = _due(last, hand_on=hand_on), decided[0].context.opportunity
        worked = commit(uow, last.context, publish, last.after, due, *events, stored=stored)
    return worked or look_again(last.context)


def write_decided(uow: UnitOfWork, decided: Iterable[Decided]) -> list[Event]:
    """Write what goes with each outcome, besides the deal itself; returns the events of all of it."""
    events: list[Event] = []
    for each in decided:
        before, after = each.context.opportunity, each.after
        _keep_parties(uow, before, after)
        events += [*each.outcome.events, *_carry_out(uow, each.context, after, each.outcome)]
        if after.state is not before.state:
            events.append(_state_changed(each))
    return events


def _due(last: Decided, *, hand_on: bool) -> Due:
    if isinstance(last.outcome, Await) and last.outcome.wait is not None:
        return Due(max(last.outcome.wait.until - last.context.clock.now(), timedelta(0)))
    return ON_ACTION if not last.goes_on else HANDED_ON if hand_on else STRAIGHT_ON


def commit(
    uow: UnitOfWork,
    context: StageContext,
    publish: Publish,
    after: TrackedOpportunity,
    due: Due,
    *events: Event,
    stored: TrackedOpportunity | None = None,
) -> Worked | None:
    """Commit everything; or nothing, and return None, when a decision or another worker came in between.

    `stored`: the deal as it was read, where `context` has it as stages left it that are committed with this.
    Close the unit of work before you `look_again`: it may hold a lock on the row.
    """
    stored = stored or context.opportunity
    context.effects.answers.write(uow)
    publish(uow, stored.tenant_id, stored.traceparent, *events)
    if due.sent:
        uow.outbox.add(stored.tenant_id, stored.id, stage_for(after.state).name, stored.traceparent)
    crash_point("outcome.uncommitted", after.state)
    asked = uow.commit_outcome(stored, after, due, context.lease)
    if asked is None:
        return None
    context.effects.answers.committed()
    crash_point("outcome.committed", after.state)
    now = changed(after, version=stored.version + 1, reread_requested=asked)
    return Worked(now, due.keep_lease)


def look_again(context: StageContext) -> Worked:
    """Read the opportunity again and go on from that, if the lease is still ours. Raises LeaseLost. What came
    of effects is committed first."""
    context.effects.answers.flush()
    with context.uow() as uow:
        if not uow.opportunities.renew_lease(context.lease):
            raise LeaseLost("Another worker holds this opportunity.")
        now = uow.opportunities.get(context.opportunity.tenant_id, context.opportunity.id)
        uow.commit()
    return Worked(now, goes_on=True, is_stored=False)


def moved(before: TrackedOpportunity, outcome: Outcome) -> TrackedOpportunity:
    """The opportunity after `outcome`. Raises ValueError for a move that the table does not have."""
    settled: dict[str, Any] = {"tries": 0, "crashes": 0, "waits_for": None}
    match outcome:
        case Await():
            waits_for = outcome.wait.reason if outcome.wait else None
            return changed(outcome.opportunity, **settled | {"waits_for": waits_for})
        case Park():
            # The failed re-read counts as done: a person looks now, and replays or gets it changed.
            parked = {"reread_done": before.reread_requested, **settled}
            if before.state not in RESTING:
                parked |= {"state": State.PARKED, "resume_state": outcome.resume or before.state}
            return changed(outcome.opportunity, **parked)
        case Advance():
            check_move(before.state, outcome.to)
            resume = before.resume_state if outcome.to is State.PARKED else None
            advanced = {"state": outcome.to, "resume_state": resume, **settled}
            if outcome.to in (State.RECEIVED, State.WITHDRAWN):
                advanced |= {"approved_record": None, "changes_since_approval": ()}
            elif outcome.to is State.APPROVED and before.state not in (State.APPROVED, State.PARKED):
                advanced["approved_record"] = outcome.opportunity.record
            return changed(outcome.opportunity, **advanced)


def _keep_parties(uow: UnitOfWork, before: TrackedOpportunity, after: TrackedOpportunity) -> None:
    """Whoever a reading names, and whoever the one before named: another release may not have kept them."""
    if after.record is not before.record:
        uow.parties.keep(after, (*parties_of(before.record), *parties_of(after.record)))


def _carry_out(
    uow: UnitOfWork, context: StageContext, after: TrackedOpportunity, outcome: Outcome
) -> list[Event]:
    """Write what goes with the outcome; returns the events of what was written."""
    match outcome:
        case Advance():
            events = _approvals(uow, context, after, outcome)
            if outcome.baseline is not None:
                uow.baselines.freeze(after.tenant_id, after.id, outcome.baseline)
            events += _settle(uow, context, after, outcome)
            return events + raise_items(uow, context, outcome.items, after.record)
        case Park():
            count = uow.approvals.void(after.tenant_id, after.id, None) if outcome.void_tasks else 0
            for task_id in outcome.expired:
                uow.approvals.take_back(after.tenant_id, task_id, VoidedAs.EXPIRED)
            if outcome.expired:
                count += len(outcome.expired) + uow.approvals.void_open(after.tenant_id, after.id)
            raised = raise_for_deal(
                uow,
                after.tenant_id,
                after.id,
                outcome.findings,
                actor=stage_actor(context.stage),
                record=after.record,
                stage=context.stage,
                payload_reference=outcome.payload_reference,
                disposition=outcome.disposition,
            )
            return [raised, *_voided(context, after, count)]
        case Await():
            for task_id, people in outcome.ask.items():
                uow.approvals.widen(after.tenant_id, task_id, people)
            uow.approvals.bar(after.tenant_id, after.id, after.plan_hash or "", outcome.barred)
            return raise_items(uow, context, outcome.items, after.record)


def raise_items(
    uow: UnitOfWork, context: StageContext, items: Sequence[Finding], record: Opportunity | None
) -> list[Event]:
    """Open an item for each code, although the work goes on. Returns the events."""
    deal = context.opportunity
    by_code: dict[str, list[Finding]] = {}
    for item in items:
        by_code.setdefault(item.code, []).append(item)
    actor = stage_actor(context.stage)
    return [
        raise_for_deal(uow, deal.tenant_id, deal.id, found, actor=actor, record=record, stage=context.stage)
        for found in by_code.values()
    ]


def _settle(uow: UnitOfWork, context: StageContext, after: TrackedOpportunity, outcome: Advance) -> list[Event]:
    """Close the items whose cause is gone: of a deal that is no longer parked, all that had parked it."""
    actor = stage_actor(context.stage)
    if after.state is not State.PARKED and context.opportunity.state is State.PARKED:
        uow.exceptions.close_open(after.tenant_id, after.id, actor, "Its cause is gone", but=BESIDE_THE_WORK)
    events: list[Event] = []
    for code in sorted(outcome.settled):
        if uow.exceptions.close_open(after.tenant_id, after.id, actor, "Its cause is gone", codes=[code]):
            settled = ExceptionSettled(
                opportunity_id=after.id,
                actor=actor,
                detail={"code": code},
                summary=f"{code} closed by itself: its cause is gone",
            )
            events.append(settled)
    return events


def _approvals(
    uow: UnitOfWork, context: StageContext, after: TrackedOpportunity, outcome: Advance
) -> list[Event]:
    """Store the plan, void the tasks that no longer count, open new ones."""
    if outcome.plan is not None:
        uow.plans.add(after.tenant_id, after.id, outcome.plan)
        if outcome.inputs is not None:
            uow.plan_inputs.keep(after.tenant_id, after.id, outcome.plan.hash, outcome.inputs)
    for task_id, because in outcome.fallen.items():
        uow.approvals.void_decision(after.tenant_id, task_id, because)
    uow.approvals.bar(after.tenant_id, after.id, after.plan_hash or "", outcome.barred)
    for seat, candidates in outcome.open_tasks.items():
        uow.approvals.open(after.tenant_id, after.id, after.plan_hash or "", seat, candidates)
    if outcome.by_rule:
        _approve_by_rules(uow, context, after, outcome.by_rule)
    return _voided(context, after, _void(uow, after, outcome))


def _approve_by_rules(
    uow: UnitOfWork, context: StageContext, after: TrackedOpportunity, by_rule: Mapping[str, RuleUse]
) -> None:
    plan = context.made or uow.plans.get(after.tenant_id, after.id, after.plan_hash or "")
    rules = {seat_of(code, plan.content.required): rule for code, rule in by_rule.items()}
    approved = uow.approvals.approve_by_rules(after.tenant_id, after.id, plan.hash, rules)
    seal_decisions(uow, context.seals, after, approved, plan)


def _voided(context: StageContext, after: TrackedOpportunity, count: int) -> list[Event]:
    if count == 0:
        return []
    voided = ApprovalVoided(
        opportunity_id=after.id,
        actor=stage_actor(context.stage),
        detail={"tasks": count, "plan": after.plan_hash},
        summary=f"{count} approval tasks no longer count",
    )
    return [voided]


def _void(uow: UnitOfWork, after: TrackedOpportunity, outcome: Advance) -> int:
    """Void tasks and return how many the audit trail has yet to name. After a rejection those still open, after
    a withdrawal all of them, with a new plan those of other plans."""
    if outcome.to is State.REFUSED:
        return uow.approvals.void_open(after.tenant_id, after.id)
    if outcome.void_tasks or outcome.to is State.WITHDRAWN:
        return uow.approvals.void(after.tenant_id, after.id, None)
    if outcome.plan is not None:
        return uow.approvals.void(after.tenant_id, after.id, after.plan_hash)
    return 0


def _state_changed(decided: Decided) -> StateChanged:
    before, after = decided.context.opportunity, decided.after
    return StateChanged(
        opportunity_id=after.id,
        actor=stage_actor(decided.context.stage),
        before={"state": before.state.value},
        after={"state": after.state.value},
        detail={"began": decided.began.isoformat(), "ended": decided.ended.isoformat()},
        summary=f"{before.state} -> {after.state}",
    )
