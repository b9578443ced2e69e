"""The exception queue: the items that wait for a person, and those that were settled."""

from __future__ import annotations

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from oppsync.domain.work.exceptions import ExceptionStatus
from web.context import application, signed_in

page = Blueprint("exception_queue", __name__, url_prefix="/exceptions")


@page.get("")
def show() -> ResponseReturnValue:
    view = request.args.get("view", ExceptionStatus.OPEN)
    status = ExceptionStatus(view) if view in set(ExceptionStatus) else ExceptionStatus.OPEN
    shown = application().queries.exceptions(
        signed_in().tenant_id, status=status, after=request.args.get("cursor")
    )
    return render_template("exceptions/queue.html", page=shown, view=status, views=tuple(ExceptionStatus))
