"""Send a plan back to sales with what is to change: its tasks are void, and the deal waits."""

from __future__ import annotations

from collections.abc import Sequence

from oppsync.domain.approval.tasks import ApprovalTask, Person
from oppsync.domain.approval.who_may import name_of
from oppsync.domain.plan.plan import short_hash
from oppsync.domain.values.findings.codes import finding
from oppsync.domain.values.findings.finding import Finding
from oppsync.domain.values.model import changed
from oppsync.domain.work.events import ChangesRequested, StateChanged
from oppsync.domain.work.states import State, check_move
from oppsync.domain.work.tracked import TrackedOpportunity
from oppsync.ports.storage.opportunities import ON_ACTION
from oppsync.ports.storage.unit_of_work import Publish, UnitOfWork
from oppsync.services.queue.items import raise_for_deal

CODE = "CHANGES_REQUESTED"


def request_changes(
    uow: UnitOfWork,
    publish: Publish,
    opportunity: TrackedOpportunity,
    task: ApprovalTask,
    *,
    by: Person,
    wanted: str,
) -> ApprovalTask:
    """Park a deal that is locked in this transaction. `wanted`: what is to change, a line each."""
    tenant_id, actor = opportunity.tenant_id, name_of(by)
    asked = uow.approvals.request_changes(tenant_id, task, by.id, wanted)
    others = uow.approvals.void(tenant_id, opportunity.id, None)
    check_move(opportunity.state, State.PARKED)
    parked = changed(
        opportunity, state=State.PARKED, resume_state=State.RECEIVED, tries=0, crashes=0, waits_for=None
    )
    uow.opportunities.change(opportunity, parked, ON_ACTION)
    raised = raise_for_deal(
        uow, tenant_id, opportunity.id, _findings(task, by, wanted), actor=actor, stage="approve"
    )
    event = ChangesRequested(
        opportunity_id=opportunity.id,
        actor=actor,
        after={"role": task.role, "plan": task.plan_hash},
        detail={"task": str(task.id), "comment": wanted, "void": others + 1},
        summary=f"{by.name} wants plan {short_hash(task.plan_hash)} changed for {task.seat.words}: {wanted}",
    )
    moved = StateChanged(
        opportunity_id=opportunity.id,
        actor=actor,
        before={"state": opportunity.state.value},
        after={"state": parked.state.value},
        summary=f"{opportunity.state} -> {parked.state}",
    )
    publish(uow, tenant_id, opportunity.traceparent, event, raised, moved)
    return asked


def _findings(task: ApprovalTask, person: Person, wanted: str) -> Sequence[Finding]:
    """One for each line, so that the exception shows a list."""
    lines = (line.strip().removeprefix("- ") for line in wanted.splitlines())
    return [
        finding(CODE, f"{person.name}: {line}", path="/approvals", value=task.role) for line in lines if line
    ]
