"""One approval with its plan and the decision."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from enum import StrEnum
from http import HTTPStatus
from typing import NamedTuple
from uuid import UUID

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from oppsync.domain.approval.refusals import REFUSAL_REASONS
from oppsync.domain.approval.tasks import ApprovalTask, Decision, TaskStatus
from oppsync.domain.approval.who_may import Action as Right
from oppsync.domain.approval.who_may import may
from oppsync.domain.plan.plan import short_hash
from oppsync.domain.reading.readings import ApprovalDetail, ApprovalNote, ApprovalSummary
from oppsync.domain.values.actor import actor_name
from oppsync.domain.work.states import PLANNABLE_ANEW
from oppsync.kernel.errors import Conflict, InvalidInput
from oppsync.services.approvals.commands import (
    CommentApproval,
    DecideApproval,
    ReassignApproval,
    WithdrawApproval,
)
from web.access.access import kept_input
from web.context import application, signed_in
from web.forms import FormError, posted, too_long
from web.pages.approvals.decision import (
    cannot_decide,
    later,
    may_reassign,
    may_withdraw,
    missing_besides,
    receipt_of,
    who_decided,
    why_me,
)
from web.pages.plan.plan_view import plan_view
from web.pages.plan.replaced import Replaced, asked_before, replaced_by
from web.pages.plan.why_view import groups_of
from web.problems import Problem

page = Blueprint("approval_page", __name__, url_prefix="/approvals")


class Action(StrEnum):
    """What the page's forms ask for besides a decision."""

    COMMENT = "comment"
    WITHDRAW = "withdraw"
    REASSIGN = "reassign"


@page.get("/<uuid:task_id>")
def show(task_id: UUID) -> ResponseReturnValue:
    detail, kept = application().queries.approval(signed_in().tenant_id, task_id), kept_input()
    return _page(detail, comment=kept.get("comment", ""), typed=kept)


@page.post("/<uuid:task_id>")
def act(task_id: UUID) -> ResponseReturnValue:
    me = signed_in()
    match request.form.get("action", ""):
        case "":
            return _decide(task_id)
        case Action.COMMENT:
            remark = CommentApproval(me.tenant_id, task_id, me.person.id, posted("remark"))
            return _act(task_id, "remark", lambda: application().dispatch(remark))
        case Action.WITHDRAW:
            withdrawal = WithdrawApproval(me.tenant_id, task_id, me.person.id, posted("withdrawal"))
            return _act(task_id, "withdrawal", lambda: application().dispatch(withdrawal))
        case Action.REASSIGN:
            why = posted("reassignment")
            reassignment = ReassignApproval(me.tenant_id, task_id, me.person.id, _people(), why)
            return _act(task_id, "reassignment", lambda: application().dispatch(reassignment))
    raise Problem(HTTPStatus.BAD_REQUEST, "UNKNOWN_ACTION", "This page does not offer that action.")


def _decide(task_id: UUID) -> ResponseReturnValue:
    """Record the decision, then 303 to the same address, which shows the receipt."""
    me = signed_in()
    detail = application().queries.approval(me.tenant_id, task_id)
    comment, decision = posted("comment"), _decision()
    errors = too_long("comment", comment)
    if decision is None:
        errors.insert(0, FormError("approve", "Choose to approve, to request changes or to reject."))
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


def _act(task_id: UUID, text_field: str, act: Callable[[], object]) -> ResponseReturnValue:
    """Do it, then 303 to the task's page; what is wrong is shown on it, with what was typed."""
    detail, typed = application().queries.approval(signed_in().tenant_id, task_id), posted(text_field)
    errors = too_long(text_field, typed)
    try:
        if not errors:
            act()
    except InvalidInput as error:
        errors = [FormError("to" if error.field == "to" else text_field, error.message)]
    except Conflict as conflict:
        detail = application().queries.approval(signed_in().tenant_id, task_id)
        return _page(detail, notice=conflict.message, typed={text_field: typed}), HTTPStatus.CONFLICT
    if errors:
        return _page(detail, errors=errors, typed={text_field: typed}), HTTPStatus.UNPROCESSABLE_ENTITY
    return redirect(url_for(".show", task_id=task_id), HTTPStatus.SEE_OTHER)


def _people() -> tuple[UUID, ...]:
    """Those who were ticked; an id that is none is nobody's."""
    found = []
    for ticked in request.form.getlist("to"):
        with suppress(ValueError):
            found.append(UUID(ticked))
    return tuple(found)


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


_STATUS_AFTER = {
    Decision.APPROVE: TaskStatus.APPROVED,
    Decision.REJECT: TaskStatus.REJECTED,
    Decision.REQUEST_CHANGES: TaskStatus.VOID,
}


def _page(
    detail: ApprovalDetail,
    comment: str = "",
    decision: Decision | None = None,
    *,
    errors: list[FormError] | None = None,
    notice: str = "",
    typed: Mapping[str, str] | None = None,
) -> str:
    me = signed_in().person
    note, origins = groups_of(detail.plan)
    receipt = receipt_of(detail, me)
    return render_template(
        "approvals/approval.html",
        detail=detail,
        task=detail.task,
        view=plan_view(detail.plan, detail.plan_number),
        cannot_decide=cannot_decide(detail, me),
        receipt=receipt,
        next_waiting=_next_waiting() if receipt else None,
        why_me=why_me(detail, me),
        later=later(detail),
        missing=missing_besides(detail),
        refusal_reasons=REFUSAL_REASONS,
        comment=comment,
        decision=decision,
        errors=errors or [],
        notice=notice,
        who_decided=who_decided,
        others=_others(detail.others),
        origins_note=note,
        origins=origins,
        replaced=_replaced(detail),
        next_task=_replacement(detail),
        requests=[_note(note) for note in detail.notes if note.asks_for_changes],
        remarks=[_note(note) for note in detail.notes if not note.asks_for_changes],
        waits_by_earlier=_waits_by_earlier(detail),
        may_plan_anew=may(me, Right.PLAN_ANEW),
        may_comment=may(me, Right.COMMENT_APPROVAL),
        may_withdraw=may_withdraw(detail, me),
        able=[each for each in detail.may_decide if each != me.id] if may_reassign(detail, me) else (),
        typed=typed or {},
    )


def _next_waiting() -> ApprovalSummary | None:
    """The approval that waits longest for whoever just decided one."""
    me = signed_in()
    waiting = application().queries.approvals(me.tenant_id, person=me.person, status=TaskStatus.OPEN, limit=1)
    return next(iter(waiting.rows), None)


class _Note(NamedTuple):
    who: str
    at: datetime
    plan: str
    lines: list[str]


def _note(note: ApprovalNote) -> _Note:
    return _Note(actor_name(note.by), note.at, short_hash(note.plan), note.text.splitlines())


def _replaced(detail: ApprovalDetail) -> Replaced | None:
    """Find the approved plan that the current one replaces, or else the one that was put to people before it.
    An earlier plan names another."""
    task = detail.task
    if task.plan_hash != detail.current_hash:
        return None
    tenant = signed_in().tenant_id
    replaces = application().queries.opportunity(tenant, task.opportunity_id).replaces
    if replaces is None:
        return asked_before(tenant, task.opportunity_id, detail.plan, detail.plan_number)
    return replaced_by(tenant, task.opportunity_id, replaces, detail.plan)


def _others(tasks: tuple[ApprovalTask, ...]) -> tuple[ApprovalTask, ...]:
    return tuple(sorted(tasks, key=lambda task: task.role))


def _waits_by_earlier(detail: ApprovalDetail) -> bool:
    """Whether the current plan of a deal that can be planned anew was made by another version than holds."""
    is_current = detail.task.plan_hash == detail.current_hash
    return is_current and detail.opportunity_state in PLANNABLE_ANEW and detail.configuration_now is not None


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
