"""One approval with its plan and the decision."""

from __future__ import annotations

from http import HTTPStatus
from uuid import UUID

from flask import Blueprint, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from oppsync.domain.approval.tasks import ApprovalTask, Decision, TaskStatus
from oppsync.domain.approval.who_may import REFUSAL_REASONS
from oppsync.domain.reading.readings import ApprovalDetail
from oppsync.kernel.errors import Conflict, InvalidInput
from oppsync.services.approvals.commands import DecideApproval
from web.access.access import kept_input
from web.context import application, signed_in
from web.forms import FormError, posted, too_long
from web.pages.approvals.decision import cannot_decide, later, missing_besides, receipt_of, why_me
from web.pages.plan.plan_view import plan_view
from web.pages.plan.replaced import Replaced, replaced_by
from web.pages.plan.why_view import groups_of

page = Blueprint("approval_page", __name__, url_prefix="/approvals")


@page.get("/<uuid:task_id>")
def show(task_id: UUID) -> ResponseReturnValue:
    detail = application().queries.approval(signed_in().tenant_id, task_id)
    return _page(detail, comment=kept_input().get("comment", ""))


@page.post("/<uuid:task_id>")
def decide(task_id: UUID) -> ResponseReturnValue:
    """Record the decision, then 303 to the same address, which shows the receipt."""
    me = signed_in()
    detail = application().queries.approval(me.tenant_id, task_id)
    comment, decision = posted("comment"), _decision()
    errors = too_long("comment", comment)
    if decision is None:
        errors.insert(0, FormError("approve", "Choose to approve or to reject."))
    if decision is None or errors:
        return _page(detail, comment, decision, errors=errors), HTTPStatus.UNPROCESSABLE_ENTITY
    command = DecideApproval(
        tenant_id=me.tenant_id,
        task_id=task_id,
        plan_hash=posted("plan_hash"),
        actor=me.person.id,
        decision=decision,
        comment=comment,
    )
    try:
        application().dispatch(command)
    except InvalidInput as error:
        errors = [FormError(error.field, error.message)]
        return _page(detail, comment, decision, errors=errors), HTTPStatus.UNPROCESSABLE_ENTITY
    except Conflict as conflict:
        return _not_recorded(task_id, comment, decision, conflict)
    return redirect(url_for(".show", task_id=task_id), HTTPStatus.SEE_OTHER)


def _decision() -> Decision | None:
    try:
        return Decision(posted("decision"))
    except ValueError:
        return None


def _not_recorded(task_id: UUID, comment: str, decision: Decision, conflict: Conflict) -> ResponseReturnValue:
    """Show the page as it is now. The same form sent twice gets the receipt of the first."""
    me = signed_in()
    detail = application().queries.approval(me.tenant_id, task_id)
    if detail.task.decided_by == me.person.id and detail.task.status is _STATUS_AFTER[decision]:
        return redirect(url_for(".show", task_id=task_id), HTTPStatus.SEE_OTHER)
    notice = f"{conflict.message} Your comment is kept below." if comment else conflict.message
    return _page(detail, comment, notice=notice), HTTPStatus.CONFLICT


_STATUS_AFTER = {Decision.APPROVE: TaskStatus.APPROVED, Decision.REJECT: TaskStatus.REJECTED}


def _page(
    detail: ApprovalDetail,
    comment: str = "",
    decision: Decision | None = None,
    *,
    errors: list[FormError] | None = None,
    notice: str = "",
) -> str:
    me = signed_in().person
    note, origins = groups_of(detail.plan)
    return render_template(
        "approvals/approval.html",
        detail=detail,
        task=detail.task,
        view=plan_view(detail.plan, detail.plan_number),
        cannot_decide=cannot_decide(detail, me),
        receipt=receipt_of(detail, me),
        why_me=why_me(detail, me),
        later=later(detail),
        missing=missing_besides(detail),
        refusal_reasons=REFUSAL_REASONS,
        comment=comment,
        decision=decision,
        errors=errors or [],
        notice=notice,
        others=_others(detail.others),
        origins_note=note,
        origins=origins,
        replaced=_replaced(detail),
        next_task=_replacement(detail),
    )


def _replaced(detail: ApprovalDetail) -> Replaced | None:
    """Find the plan that the current one replaces. An earlier plan names another."""
    task = detail.task
    if task.plan_hash != detail.current_hash:
        return None
    tenant = signed_in().tenant_id
    replaces = application().queries.opportunity(tenant, task.opportunity_id).replaces
    return replaced_by(tenant, task.opportunity_id, replaces, detail.plan)


def _others(tasks: tuple[ApprovalTask, ...]) -> tuple[ApprovalTask, ...]:
    return tuple(sorted(tasks, key=lambda task: task.role))


def _replacement(detail: ApprovalDetail) -> UUID | None:
    """The same step's task on the plan that replaced this one, if there is one already."""
    if detail.task.status is not TaskStatus.VOID:
        return None
    tasks = application().queries.approvals(
        signed_in().tenant_id, opportunity_id=detail.task.opportunity_id, limit=100
    )
    return next(
        (
            row.task.id
            for row in reversed(tasks.rows)
            if row.task.role == detail.task.role
            and row.task.plan_hash == detail.current_hash
            and row.task.status is not TaskStatus.VOID
        ),
        None,
    )
