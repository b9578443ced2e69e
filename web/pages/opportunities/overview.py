"""All opportunities: state, since when, and who acts next."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue
from pydantic import ValidationError

from oppsync.domain.reading.deal_filter import DealFilter
from oppsync.domain.work.states import State
from web.context import application, signed_in

page = Blueprint("opportunity_overview", __name__, url_prefix="/opportunities")


@page.get("")
def show() -> ResponseReturnValue:
    state = _state(request.args.get("state", ""))
    text = request.args.get("text", "").strip()[:200].replace("\x00", "")
    wanted, kept = _wanted(request.args)
    shown = application().queries.opportunities(
        signed_in().tenant_id, state=state, text=text or None, wanted=wanted, after=request.args.get("cursor")
    )
    return render_template(
        "opportunities/overview.html",
        page=shown,
        state=state,
        text=text,
        wanted=wanted,
        kept=kept,
        filtered=bool(state or text or kept),
    )


def _wanted(args: Mapping[str, str]) -> tuple[DealFilter, Mapping[str, str]]:
    """The further filters of the address; one that cannot be read is none."""
    kept = {}
    for name in DealFilter.model_fields:
        with suppress(ValidationError):
            if text := args.get(name, "").strip():
                DealFilter.model_validate({name: text})
                kept[name] = text
    return DealFilter.model_validate(kept), kept


def _state(text: str) -> State | None:
    return State(text) if text in set(State) else None
