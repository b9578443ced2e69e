"""The security log: who changed what about people, tokens, connections and rules, and who tried to come in."""

from __future__ import annotations

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from oppsync.domain.values.actor import actor_name
from oppsync.domain.work.attempts import KIND_TEXTS
from web.context import application, signed_in

page = Blueprint("security_log", __name__, url_prefix="/security")
VIEWS = ("changes", "attempts")


@page.get("")
def show() -> ResponseReturnValue:
    tenant, queries = signed_in().tenant_id, application().queries
    if request.args.get("view") == "attempts":
        return render_template(
            "security/log.html",
            view="attempts",
            views=VIEWS,
            attempts=queries.attempts(tenant),
            kind_texts=KIND_TEXTS,
        )
    changes = queries.changes(tenant, after=request.args.get("cursor"))
    return render_template(
        "security/log.html", view="changes", views=VIEWS, page=changes, actor_name=actor_name
    )
