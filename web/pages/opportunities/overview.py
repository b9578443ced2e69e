"""All opportunities: state, since when, and who acts next."""

from __future__ import annotations

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from oppsync.domain.work.states import State
from web.context import application, signed_in

page = Blueprint("opportunity_overview", __name__, url_prefix="/opportunities")


@page.get("")
def show() -> ResponseReturnValue:
    state = _state(request.args.get("state", ""))
    text = request.args.get("text", "").strip()[:200].replace("\x00", "")
    shown = application().queries.opportunities(
        signed_in().tenant_id, state=state, text=text or None, after=request.args.get("cursor")
    )
    return render_template(
        "opportunities/overview.html", page=shown, state=state, text=text, filtered=bool(state or text)
    )


def _state(text: str) -> State | None:
    return State(text) if text in set(State) else None
