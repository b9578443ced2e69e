"""The pages' guard and navigation, and what every template may ask for."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from flask import Blueprint, Flask, redirect, request, url_for
from flask.typing import ResponseReturnValue

from oppsync.domain.approval.who_may import Action, may
from oppsync.domain.values.findings.codes import CODES
from oppsync.domain.values.findings.finding import CodeText
from web.access import sign_in
from web.access.access import admit
from web.context import application, maybe_signed_in, signed_in
from web.pages import statuses
from web.pages.formats import register_formats
from web.pages.table import BY_BLUEPRINT, PAGES, Page

home = Blueprint("home", __name__)


@home.get("/")
def first_permitted() -> ResponseReturnValue:
    refused = admit(Action.READ)
    if refused is not None:
        return refused
    me = signed_in().person
    return redirect(next(_address(row) for row in PAGES if row.first and may(me, row.opens)), 303)


def register_pages(app: Flask) -> None:
    for blueprint in (home, sign_in.sign_in, *(row.blueprint for row in PAGES)):
        app.register_blueprint(blueprint)
    app.before_request(_guard)
    sign_in.prepare(app)
    register_formats(app)
    app.add_template_global(navigation)
    app.add_template_global(asset)
    app.add_template_global(maybe_signed_in)
    app.add_template_global(code_text)
    app.add_template_global(may_open)
    app.jinja_env.globals.update(statuses=statuses, now=lambda: datetime.now(UTC))


def _guard() -> ResponseReturnValue | None:
    """A page of the table needs a session, and a role that may open it."""
    row = BY_BLUEPRINT.get(request.blueprint or "")
    return admit(row.opens) if row else None


def navigation(*, counts: bool) -> list[dict[str, Any]]:
    """The permitted areas with what is open in each; without `counts` nothing is asked of the database."""
    me = maybe_signed_in()
    if me is None:
        return []
    open_ = application().queries.counts(me.tenant_id, me.person) if counts else None
    here = BY_BLUEPRINT.get(request.blueprint or "")
    return [
        {
            "title": row.area,
            "href": _address(row),
            "current": here is not None and here.area == row.area,
            "count": getattr(open_, row.counted) if open_ and row.counted else 0,
        }
        for row in PAGES
        if row.first and may(me.person, row.opens)
    ]


def may_open(page: str) -> bool:
    """Whether links to this page are shown to whoever is signed in."""
    return may(signed_in().person, BY_BLUEPRINT[page].opens)


def _address(row: Page) -> str:
    return url_for(f"{row.blueprint.name}.show")


@cache
def asset(name: str) -> str:
    """A static file's address, which changes with its content so that browsers may keep it."""
    content = (Path(__file__).parent.parent / "static" / name).read_bytes()
    return f"/static/{name}?v={hashlib.sha256(content).hexdigest()[:12]}"


def code_text(code: str) -> CodeText:
    """What an operator reads about an exception's code."""
    return CODES.get(code, CODES["BUG"])
