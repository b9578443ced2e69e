"""Approval tasks: list, read, decide."""

from __future__ import annotations

from http import HTTPStatus
from uuid import UUID

from oppsync.domain.approval.tasks import ApprovalTask
from oppsync.domain.reading.readings import ApprovalDetail, ApprovalSummary, Page
from oppsync.services.approvals.commands import (
    CommentApproval,
    DecideApproval,
    ReassignApproval,
    WithdrawApproval,
)
from web.api.auth import authenticate
from web.api.bridge import Blueprint
from web.api.schemas import approvals as schemas
from web.context import application, signed_in

approvals = Blueprint("approvals", __name__, description="Who must approve which plan.")
approvals.before_request(authenticate)


@approvals.route("/approvals")
@approvals.takes(schemas.ApprovalQuery, location="query")
@approvals.answers(schemas.ApprovalPage)
def list_approvals(query: schemas.ApprovalQuery) -> Page[ApprovalSummary]:
    """List approval tasks, oldest first"""
    me = signed_in()
    return application().queries.approvals(
        me.tenant_id,
        person=me.person if query.mine else None,
        status=query.status,
        opportunity_id=query.opportunity_id,
        after=query.cursor,
        limit=query.limit,
    )


@approvals.route("/approvals/<uuid:approval_id>")
@approvals.answers(schemas.ApprovalView)
@approvals.refuses(HTTPStatus.NOT_FOUND)
def get_approval(approval_id: UUID) -> ApprovalDetail:
    """Read one approval task with its plan"""
    return application().queries.approval(signed_in().tenant_id, approval_id)


@approvals.route("/approvals/<uuid:approval_id>/decision", methods=["POST"])
@approvals.takes(schemas.DecisionRequest)
@approvals.answers(ApprovalTask)
@approvals.refuses(HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT)
def decide_approval(request: schemas.DecisionRequest, approval_id: UUID) -> ApprovalTask:
    """Decide as this token's person

    The hash says which plan was read. A plan that changed meanwhile answers 409 and records nothing.
    """
    me = signed_in()
    return application().dispatch(
        DecideApproval(
            tenant_id=me.tenant_id,
            task_id=approval_id,
            plan_hash=request.plan_hash,
            actor=me.asker,
            decision=request.decision,
            comment=request.comment,
        )
    )


@approvals.route("/approvals/<uuid:approval_id>/comments", methods=["POST"])
@approvals.takes(schemas.CommentRequest)
@approvals.answers(schemas.ApprovalView)
@approvals.refuses(HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND)
def comment_approval(request: schemas.CommentRequest, approval_id: UUID) -> ApprovalDetail:
    """Comment on a plan without deciding it; answers the task with all notes"""
    me = signed_in()
    application().dispatch(CommentApproval(me.tenant_id, approval_id, me.asker, request.comment))
    return application().queries.approval(me.tenant_id, approval_id)


@approvals.route("/approvals/<uuid:approval_id>/withdraw", methods=["POST"])
@approvals.takes(schemas.WithdrawalRequest)
@approvals.answers(ApprovalTask)
@approvals.refuses(HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT)
def withdraw_approval(request: schemas.WithdrawalRequest, approval_id: UUID) -> ApprovalTask:
    """Take one's own approval back, until creation begins

    It is asked anew. Once something is created, or about to be, it answers 409.
    """
    me = signed_in()
    return application().dispatch(WithdrawApproval(me.tenant_id, approval_id, me.asker, request.comment))


@approvals.route("/approvals/<uuid:approval_id>/reassign", methods=["POST"])
@approvals.takes(schemas.ReassignRequest)
@approvals.answers(ApprovalTask)
@approvals.refuses(HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT)
def reassign_approval(request: schemas.ReassignRequest, approval_id: UUID) -> ApprovalTask:
    """Put an open task to colleagues who may decide it

    They are told by mail. Needs the approver role that the task asks for, operations or admin.
    """
    me = signed_in()
    command = ReassignApproval(me.tenant_id, approval_id, me.asker, request.to, request.comment)
    return application().dispatch(command)
