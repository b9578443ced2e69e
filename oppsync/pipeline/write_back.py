"""Write back: report to the CRM and the PSA what was created, and to the CRM also what was rejected and
why."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import Any

from oppsync.domain.approval.tasks import ApprovalTask, TaskStatus
from oppsync.domain.effects.effects import Effect, LedgerRow
from oppsync.domain.plan.baseline import baseline_of
from oppsync.domain.plan.enrichment import Enrichment
from oppsync.domain.plan.orders import PsaOrder, StaffingOrder, WriteBack
from oppsync.domain.plan.plan import ROOT_PATH, Plan, StaffingRequest
from oppsync.domain.values.findings.codes import finding
from oppsync.domain.values.keys import EffectKind
from oppsync.domain.values.model import changed, require
from oppsync.domain.work.payload_references import record_reference
from oppsync.domain.work.states import State
from oppsync.domain.work.tracked import TrackedOpportunity
from oppsync.kernel.errors import RecordGone
from oppsync.pipeline.calls import Wanted
from oppsync.pipeline.closing import Closing, close_staffing
from oppsync.pipeline.destination import psa_of
from oppsync.pipeline.outside_keys import closing_path, key_of
from oppsync.pipeline.replacing import Replacing, has_begun, replacing
from oppsync.pipeline.signed import approved_plan, doubts, not_approved
from oppsync.pipeline.stage import Advance, Outcome, Park, StageContext
from oppsync.ports.psa import Psa


def activation(parent: LedgerRow) -> WriteBack:
    """Active since the parent project was confirmed, so that a replay writes the same time again."""
    return WriteBack(
        status="active",
        project_number=parent.number or parent.outside_id or "",
        project_url=parent.url or "",
        activated_at=parent.confirmed_at,
    )


def rejection(plan_hash: str | None, tasks: Sequence[ApprovalTask]) -> WriteBack:
    rejected = [task for task in tasks if task.plan_hash == plan_hash and task.status is TaskStatus.REJECTED]
    reason = "; ".join(f"{task.seat.words}: {task.comment}" for task in rejected)
    return WriteBack(status="rejected", message=reason)


def run(context: StageContext) -> Outcome:
    opportunity = context.opportunity
    if opportunity.state is State.REFUSED:
        with context.uow.reading() as uow:
            plan = approved_plan(uow, opportunity)
            tasks = uow.approvals.of(opportunity.tenant_id, opportunity.id)
        doubtful = doubts(context, plan, tasks)
        if doubtful is not None:
            return doubtful
        if has_begun(context):
            return _rejected_in_the_middle(opportunity, rejection(opportunity.plan_hash, tasks).message)
        return Advance(State.REJECTED, told_crm_of_the_end(context, rejection(opportunity.plan_hash, tasks)))
    with context.uow.reading() as uow:
        parent = uow.ledger.get(opportunity.tenant_id, key_of(opportunity, EffectKind.PARENT, ROOT_PATH))
        plan = approved_plan(uow, opportunity)
        tasks = uow.approvals.of(opportunity.tenant_id, opportunity.id)
    doubtful = not_approved(context, plan, tasks, unsealed_count=True)
    if doubtful is not None:
        return doubtful
    if parent is None:
        raise RuntimeError(f"{opportunity.id} is created without a parent project in the ledger")
    wanted = activation(parent)
    _tell(context, plan, wanted)
    active = changed(opportunity, activated_at=wanted.activated_at, enrichment=_replacing_none(opportunity))
    since = require(wanted.activated_at, "the time the parent project was confirmed")
    return Advance(State.ACTIVE, active, baseline=baseline_of(plan, since))


def _rejected_in_the_middle(opportunity: TrackedOpportunity, reason: str) -> Park:
    """Projects of an earlier plan exist, so the deal does not end here: a person corrects or gives it up."""
    message = f"The new plan was rejected, and projects of the approved plan exist: {reason}"
    return Park(
        opportunity,
        [finding("REJECTED_AFTER_CREATION", message)],
        record_reference(opportunity.id),
        resume=State.VALIDATED,
        void_tasks=True,
    )


def _replacing_none(opportunity: TrackedOpportunity) -> Enrichment | None:
    """Its enrichment; the plan that it was planned anew in place of has been replaced."""
    enrichment = opportunity.enrichment
    if enrichment is None or enrichment.replaces is None:
        return enrichment
    return changed(enrichment, replaces=None)


def _effect(
    context: StageContext,
    connection_id: str,
    kind: EffectKind,
    request: dict[str, Any],
    quarantine: timedelta,
    *,
    repeatable: bool,
    path: str = ROOT_PATH,
) -> Effect:
    return Effect(
        key=key_of(context.opportunity, kind, path),
        kind=kind,
        path=path,
        opportunity_id=context.opportunity.id,
        connection_id=connection_id,
        request=request,
        repeatable=repeatable,
        quarantine=quarantine,
    )


def _for_crm(context: StageContext, wanted: WriteBack) -> Wanted:
    """Sets fields of the opportunity: harmless to repeat, so a new status overwrites the old one."""
    connection_id, record_id = context.opportunity.connection_id, context.opportunity.source_id
    crm = context.systems.crm(connection_id)
    request = wanted.model_dump(mode="json")
    return Wanted(
        _effect(context, connection_id, EffectKind.CRM_WRITE_BACK, request, crm.quarantine, repeatable=True),
        lambda: crm.find_write_back(record_id, wanted),
        lambda: crm.write_back(record_id, wanted),
    )


def told_crm_of_the_end(context: StageContext, wanted: WriteBack) -> TrackedOpportunity:
    """Report a rejection or a withdrawal, and return the deal. A record that was deleted meanwhile needs no
    write-back, and what was read of it is forgotten: should it come back, that is news."""
    try:
        context.effects.perform_all([_for_crm(context, wanted)])
    except RecordGone:
        return changed(context.opportunity, record_digest=None)
    return context.opportunity


def _tell(context: StageContext, plan: Plan, wanted: WriteBack) -> None:
    """Set the opportunity's fields in the CRM, and beside that find the PSA's project under our key or create
    it with its status. Then request staffing by its templates where the PSA takes requests, and set the status
    of a project that was found. Each is an effect of its own. Requests that only an earlier plan has are
    withdrawn."""
    connected = psa_of(context.systems, context.opportunity, plan.systems)
    if connected is None:
        context.effects.perform_all([_for_crm(context, wanted)])
        return
    connection_id, psa = connected
    replaced = replacing(context, plan)
    order = _psa_order(context, plan, replaced, wanted.project_number)
    request, told = order.model_dump(mode="json"), wanted.model_dump(mode="json")
    status = _effect(context, connection_id, EffectKind.PSA_WRITE_BACK, told, psa.quarantine, repeatable=True)
    for_psa = Wanted(
        _effect(context, connection_id, EffectKind.PSA_PROJECT, request, psa.quarantine, repeatable=False),
        lambda: psa.find_project(order),
        lambda: psa.create_project(order, wanted),
        lambda outside_id: psa.revise_project(order, outside_id),
        carries=status,
    )
    _, project = context.effects.perform_all([_for_crm(context, wanted), for_psa])
    if replaced.plans:
        closing = Closing(context, replaced.rows, connection_id, psa.quarantine)
        close_staffing(closing, psa, replaced.plans, but=plan.content)
    asked = plan.content.staffing() if psa.capabilities.staffing else ()
    orders = [staffing_order(context.opportunity, project.outside_id, each) for each in asked]
    context.effects.perform_all([_staffing(context, connection_id, psa, each) for each in orders])
    context.effects.perform(
        status,
        lambda: psa.find_write_back(project.outside_id, wanted),
        lambda: psa.write_back(project.outside_id, wanted),
    )


def _psa_order(context: StageContext, plan: Plan, replaced: Replacing, number: str) -> PsaOrder:
    opportunity, kind = context.opportunity, EffectKind.PSA_PROJECT
    key = key_of(opportunity, kind, ROOT_PATH)
    closing = key_of(opportunity, EffectKind.CANCELLATION, closing_path(kind, ROOT_PATH))
    return PsaOrder(
        key=key,
        title=plan.content.name,
        project_number=number,
        was=tuple(PsaOrder(key=key, title=each.name, project_number=number) for each in replaced.plans),
        closed_by_us=context.effects.closed_by_us(key, closing),
    )


def staffing_order(opportunity: TrackedOpportunity, project_id: str, asked: StaffingRequest) -> StaffingOrder:
    key = key_of(opportunity, EffectKind.STAFFING, asked.path)
    return StaffingOrder(key=key, project_id=project_id, request=asked)


def _staffing(context: StageContext, connection_id: str, psa: Psa, order: StaffingOrder) -> Wanted:
    effect = _effect(
        context,
        connection_id,
        EffectKind.STAFFING,
        order.model_dump(mode="json"),
        psa.quarantine,
        repeatable=False,
        path=order.request.path,
    )
    return Wanted(effect, partial(psa.find_staffing, order), partial(psa.request_staffing, order))
