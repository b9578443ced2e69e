"""What was approved is what is applied: decisions are sealed, and seal and plan are checked before anything
is created by them.

A decision whose seal does not fit what is stored was changed by somebody: the deal is parked. One without a
seal, or with one of a key that is gone, was recorded by an earlier release: it is asked for again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC
from typing import Any

from oppsync.domain.approval.seals import SealCheck
from oppsync.domain.approval.tasks import ApprovalTask, TaskStatus
from oppsync.domain.plan.approvals import seats
from oppsync.domain.plan.plan import Plan, PlanContent, short_hash
from oppsync.domain.plan.tampering import PlanTampered, differences
from oppsync.domain.values.actor import stage_actor
from oppsync.domain.values.findings.codes import finding
from oppsync.domain.values.money import Money
from oppsync.domain.work.events import ApprovalVoided, TamperingFound
from oppsync.domain.work.payload_references import record_reference
from oppsync.domain.work.states import State
from oppsync.domain.work.tracked import TrackedOpportunity
from oppsync.kernel.errors import NotFound, OppsyncError
from oppsync.pipeline import split_workstreams
from oppsync.pipeline.stage import Advance, Park, StageContext
from oppsync.ports.seals import Seals
from oppsync.ports.storage.unit_of_work import UnitOfWork

DECIDED = (TaskStatus.APPROVED, TaskStatus.REJECTED)
# As many places are named; the rest is counted.
_MOST_PLACES = 5


def document_of(opportunity: TrackedOpportunity, task: ApprovalTask, plan: Plan) -> dict[str, Any]:
    """The document that is sealed: who decided what, about which plan of which deal, where it goes, and
    when."""
    return {
        "tenant": opportunity.tenant_id,
        "opportunity": str(opportunity.id),
        "connection": opportunity.connection_id,
        "record": opportunity.source_id,
        "task": str(task.id),
        "plan": task.plan_hash,
        "total": plan.content.total.model_dump(mode="json"),
        "erp": plan.systems.erp if plan.systems else None,
        "psa": plan.systems.psa if plan.systems else None,
        "role": task.role,
        "decision": task.status.value,
        "person": str(task.decided_by) if task.decided_by else None,
        "rule": task.rule.model_dump(mode="json") if task.rule else None,
        "comment": task.comment,
        "at": task.decided_at.astimezone(UTC).isoformat() if task.decided_at else None,
        # Left out of the others, so that the seals of earlier releases fit.
        **({"for": str(task.decided_for)} if task.decided_for else {}),
    }


def seal_decisions(
    uow: UnitOfWork,
    seals: Seals,
    opportunity: TrackedOpportunity,
    decided: Iterable[ApprovalTask],
    plan: Plan,
) -> None:
    """Seal decisions about `plan` in the transaction that records them."""
    sealed = {task.id: seals.seal(document_of(opportunity, task, plan)) for task in decided}
    uow.approvals.seal(opportunity.tenant_id, sealed)


def approved_plan(uow: UnitOfWork, opportunity: TrackedOpportunity) -> Plan:
    """The deal's plan, hashed anew. Raises PlanTampered, also where it is gone."""
    wanted = opportunity.plan_hash or ""
    try:
        return uow.plans.get(opportunity.tenant_id, opportunity.id, wanted)
    except NotFound:
        raise PlanTampered(wanted) from None


def doubts(
    context: StageContext, plan: Plan, tasks: Sequence[ApprovalTask], *, unsealed_count: bool = False
) -> Advance | Park | None:
    """Stop a deal with a decision that is not as it was taken; None when all are.

    `unsealed_count`: leave those of a release before seals alone, since what they allowed is done.
    """
    opportunity = context.opportunity
    decided = [task for task in tasks if task.plan_hash == opportunity.plan_hash and task.status in DECIDED]
    changed = {
        task.role: places for task in decided if (places := _changed(context.seals, opportunity, task, plan))
    }
    if changed:
        return _forged(context, changed)
    unsealed = [] if unsealed_count else [task for task in decided if _is_unsealed(context.seals, task)]
    if unsealed:
        return _ask_again(context, unsealed)
    return None


def not_approved(
    context: StageContext, plan: Plan, tasks: Sequence[ApprovalTask], *, unsealed_count: bool = False
) -> Advance | Park | None:
    """As `doubts`, of a deal that is to be created: every seat must have approved this plan."""
    doubtful = doubts(context, plan, tasks, unsealed_count=unsealed_count)
    if doubtful is not None:
        return doubtful
    opportunity = context.opportunity
    approved = {
        task.role
        for task in tasks
        if task.plan_hash == opportunity.plan_hash and task.status is TaskStatus.APPROVED
    }
    missing = [seat.code for seat in seats(plan.content.required) if seat.code not in approved]
    if missing:
        return _forged(context, {role: ["/decision: nothing signed, approved found"] for role in missing})
    return None


def tampered(context: StageContext, error: PlanTampered) -> Park:
    """Parked with what differs, as far as that is known. A deal that is being given up goes on with that
    once the plan is put right; every other one is planned and approved anew."""
    opportunity = context.opportunity
    signed, found = _made_again(context), error.stored.content if error.stored else None
    places = list(differences(signed.document(), found.document())) if signed and found else []
    total = signed.total if signed else _signed_total(context)
    sums = f" The sum that was signed is {total}." if total else ""
    message = f"{error.message}{sums}{_in_words(places)}"
    event = TamperingFound(
        opportunity_id=opportunity.id,
        actor=stage_actor(context.stage),
        before={"plan": error.wanted, "total": str(total) if total else None},
        after={"plan": error.found, "total": str(found.total) if found else None},
        detail={"code": error.code, "places": places[:_MOST_PLACES], "count": len(places)},
        summary=message,
    )
    anew = opportunity.state is not State.COMPENSATING
    return Park(
        opportunity,
        [finding(error.code, message, path="/plan", value=error.wanted)],
        record_reference(opportunity.id),
        events=[event],
        resume=State.RECEIVED if anew else None,
        void_tasks=anew,
    )


def _ask_again(context: StageContext, unsealed: Sequence[ApprovalTask]) -> Advance:
    opportunity = context.opportunity
    roles = [task.role for task in unsealed]
    event = ApprovalVoided(
        opportunity_id=opportunity.id,
        actor=stage_actor(context.stage),
        detail={"tasks": len(unsealed), "roles": roles, "plan": opportunity.plan_hash},
        summary=f"Asked again: the decision of {' and '.join(roles)} has no seal that can be checked: an "
        "earlier release recorded it, or its key is gone",
    )
    return Advance(
        State.PLANNED, opportunity, fallen=dict.fromkeys(task.id for task in unsealed), events=[event]
    )


def _is_unsealed(seals: Seals, task: ApprovalTask) -> bool:
    return task.seal is None or seals.check(task.seal) is SealCheck.UNKNOWN_KEY


def _changed(seals: Seals, opportunity: TrackedOpportunity, task: ApprovalTask, plan: Plan) -> Sequence[str]:
    """Where a sealed decision differs from what was sealed."""
    if task.seal is None or _is_unsealed(seals, task):
        return ()
    if seals.check(task.seal) is SealCheck.FORGED:
        return ["/seal: it was not made by this installation"]
    return differences(task.seal.signed, document_of(opportunity, task, plan))


def _forged(context: StageContext, changed: Mapping[str, Collection[str]]) -> Park:
    opportunity = context.opportunity
    plan = short_hash(opportunity.plan_hash or "")
    message = " ".join(
        f"The decision of {role} on plan {plan} is not as it was taken.{_in_words([*places])}"
        for role, places in changed.items()
    )
    event = TamperingFound(
        opportunity_id=opportunity.id,
        actor=stage_actor(context.stage),
        detail={
            "code": "APPROVAL_FORGED",
            "plan": opportunity.plan_hash,
            "places": {role: [*places][:_MOST_PLACES] for role, places in changed.items()},
        },
        summary=message,
    )
    return Park(
        opportunity,
        [finding("APPROVAL_FORGED", message, path="/approvals", value=", ".join(changed))],
        record_reference(opportunity.id),
        events=[event],
        resume=State.RECEIVED,
        void_tasks=True,
    )


def _made_again(context: StageContext) -> PlanContent | None:
    """The signed plan, made again of what it was made of; None when that is not all as it was, as its hash
    shows. Only to tell what differs: it is never applied."""
    opportunity = context.opportunity
    if opportunity.record is None or opportunity.enrichment is None:
        return None
    try:
        plan = split_workstreams.proposed(context).plan
    except (OppsyncError, ValueError):
        return None
    return plan.content if plan is not None and plan.hash == opportunity.plan_hash else None


def _signed_total(context: StageContext) -> str | None:
    opportunity = context.opportunity
    with context.uow.reading() as uow:
        tasks = uow.approvals.of(opportunity.tenant_id, opportunity.id)
    for task in tasks:
        seal = task.seal
        if seal and task.plan_hash == opportunity.plan_hash and context.seals.check(seal) is SealCheck.GENUINE:
            return str(Money.model_validate(seal.signed["total"]))
    return None


def _in_words(places: Sequence[str]) -> str:
    if not places:
        return ""
    more = f"; and {len(places) - _MOST_PLACES} more" if len(places) > _MOST_PLACES else ""
    return f" {'; '.join(places[:_MOST_PLACES])}{more}."
