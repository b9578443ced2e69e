"""The approval inbox: the tasks that wait for this person, and those that were decided."""

from __future__ import annotations

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from oppsync.domain.approval.tasks import TaskStatus
from oppsync.domain.approval.who_may import Action, may
from web.context import application, signed_in

page = Blueprint("approval_inbox", __name__, url_prefix="/approvals")
VIEWS: dict[str, TaskStatus] = {
    "waiting": TaskStatus.OPEN,
    "approved": TaskStatus.APPROVED,
    "rejected": TaskStatus.REJECTED,
    "superseded": TaskStatus.VOID,
}


@page.get("")
def show() -> ResponseReturnValue:
    me = signed_in()
    view = request.args.get("view", "waiting")
    if view not in VIEWS:
        view = "waiting"
    shown = application().queries.approvals(
        me.tenant_id,
        person=None if may(me.person, Action.SEE_ALL_APPROVALS) else me.person,
        status=VIEWS[view],
        after=request.args.get("cursor"),
    )
    return render_template("approvals/inbox.html", page=shown, view=view, views=tuple(VIEWS))
