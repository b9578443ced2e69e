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
from oppsync.kernel.errors import InvalidInput
from oppsync.ports.storage.opportunities import ON_ACTION
from oppsync.ports.storage.unit_of_work import Publish, UnitOfWork
from oppsync.services.queue.items import raise_for_deal

CODE = "CHANGES_REQUESTED"
SAY_WHAT = "Say what is to change; sales reads it."


def request_changes(
    uow: UnitOfWork,
    publish: Publish,
    opportunity: TrackedOpportunity,
    task: ApprovalTask,
    *,
    by: Person,
    absent: Person | None = None,
    wanted: str,
) -> ApprovalTask:
    """Park a deal that is locked in this transaction. `absent`: for whom `by` stands in. `wanted`: what is to
    change, a line each. Raises InvalidInput where no line says anything."""
    tenant_id, actor = opportunity.tenant_id, name_of(by)
    name = f"{by.name} for {absent.name}" if absent else by.name
    findings = _findings(task, name, wanted)
    if not findings:
        raise InvalidInput(SAY_WHAT, field="comment", code="REASON_MISSING")
    in_place_of = absent.id if absent else None
    asked = uow.approvals.request_changes(tenant_id, task, by.id, wanted, decided_for=in_place_of)
    others = uow.approvals.void(tenant_id, opportunity.id, None)
    check_move(opportunity.state, State.PARKED)
    parked = changed(
        opportunity, state=State.PARKED, resume_state=State.RECEIVED, tries=0, crashes=0, waits_for=None
    )
    uow.opportunities.change(opportunity, parked, ON_ACTION)
    raised = raise_for_deal(
        uow,
        tenant_id,
        opportunity.id,
        findings,
        actor=actor,
        record=opportunity.record,
        stage="approve",
    )
    event = ChangesRequested(
        opportunity_id=opportunity.id,
        actor=actor,
        after={"role": task.role, "plan": task.plan_hash},
        detail={"task": str(task.id), "comment": wanted, "void": others + 1, **in_place_of_whom(asked)},
        summary=f"{name} wants plan {short_hash(task.plan_hash)} changed for {task.seat.words}: {wanted}",
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


def in_place_of_whom(task: ApprovalTask) -> dict[str, str]:
    """For the audit trail: for whom the decider of a task stood in."""
    return {"decided_for": str(task.decided_for)} if task.decided_for else {}


def _findings(task: ApprovalTask, name: str, wanted: str) -> Sequence[Finding]:
    """One for each line that says something, so that the exception shows a list."""
    lines = (line.strip().removeprefix("- ").strip() for line in wanted.splitlines())
    said = [line for line in lines if any(each.isalnum() for each in line)]
    return [finding(CODE, f"{name}: {line}", path="/approvals", value=task.role) for line in said]
