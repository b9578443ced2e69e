"""The pages' guard and navigation, and the functions that every template may call."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from flask import Blueprint, Flask, current_app, redirect, request, url_for
from flask.typing import ResponseReturnValue

from oppsync.domain.approval.who_may import Action, may
from oppsync.domain.deal.field_words import place_words
from oppsync.domain.reading.set_up import set_up
from oppsync.domain.validation.across_deals import OF_OTHER_DEALS
from oppsync.domain.values.actor import actor_name
from oppsync.domain.values.findings.codes import CODES
from oppsync.domain.values.findings.finding import CodeText
from oppsync.domain.values.roles import role_name
from oppsync.domain.values.scopes import scopes_in_words
from web.access import invitation, sign_in
from web.access.access import admit
from web.context import application, maybe_signed_in, signed_in
from web.pages import statuses
from web.pages.formats import register_formats
from web.pages.guides import guides
from web.pages.table import BY_BLUEPRINT, PAGES, PageRow

home = Blueprint("home", __name__)


@home.get("/")
def first_permitted() -> ResponseReturnValue:
    refused = admit(Action.READ)
    if refused is not None:
        return refused
    me = signed_in().person
    return redirect(
        next(_address(row) for row in PAGES if row.first and may(me, row.opens) and _comes_first(row)), 303
    )


def register_pages(app: Flask) -> None:
    for_anybody = (home, sign_in.sign_in, invitation.invitation, guides.page)
    for blueprint in (*for_anybody, *(row.blueprint for row in PAGES)):
        app.register_blueprint(blueprint)
    app.before_request(_guard)
    register_formats(app)
    app.add_template_filter(place_words)
    app.add_template_filter(actor_name)
    app.add_template_filter(role_name)
    app.add_template_global(navigation)
    app.add_template_global(asset)
    app.add_template_global(maybe_signed_in)
    app.add_template_global(code_text)
    app.add_template_global(may_open)
    app.add_template_global(may_go)
    app.add_template_global(scopes_in_words)
    app.jinja_env.globals.update(
        statuses=statuses, of_other_deals=OF_OTHER_DEALS, now=lambda: datetime.now(UTC)
    )


def _guard() -> ResponseReturnValue | None:
    """Require a session for a page of the table, and a role that may open it."""
    row = BY_BLUEPRINT.get(request.blueprint or "")
    return admit(row.opens) if row else None


def navigation(*, counts: bool) -> list[dict[str, Any]]:
    """The areas that this person may open, with their open counts; without `counts` the database is not
    read."""
    me = maybe_signed_in()
    if me is None:
        return []
    open_ = application().queries.counts(me.tenant_id, me.person) if counts else None
    current_page = BY_BLUEPRINT.get(request.blueprint or "")
    return [
        {
            "title": row.area,
            "href": _address(row),
            "current": current_page is not None and current_page.area == row.area,
            "count": getattr(open_, row.counted) if open_ and row.counted else 0,
        }
        for row in PAGES
        if row.first and may(me.person, row.opens) and (not row.until_set_up or (counts and not _is_set_up()))
    ]


def _comes_first(row: PageRow) -> bool:
    """Who works in a live firm begins with their work, whatever is left to set up."""
    return not row.until_set_up or not _is_live()


def _is_set_up() -> bool:
    return _is_live() and not set_up(application().queries.set_up_facts(signed_in().tenant_id)).missing


def _is_live() -> bool:
    return application().queries.is_live(signed_in().tenant_id)


def may_go(path: str) -> bool:
    """Whether the signed-in person may open the page at this path."""
    endpoint, _values = current_app.url_map.bind("").match(path.partition("#")[0])
    return may_open(endpoint.partition(".")[0])


def may_open(page: str) -> bool:
    """Whether to show the signed-in person links to this page."""
    return may(signed_in().person, BY_BLUEPRINT[page].opens)


def _address(row: PageRow) -> str:
    return url_for(f"{row.blueprint.name}.show")


@cache
def asset(name: str) -> str:
    """A static file's URL. It changes with the file's content, so browsers may cache it."""
    content = (Path(__file__).parent.parent / "static" / name).read_bytes()
    return f"/static/{name}?v={hashlib.sha256(content).hexdigest()[:12]}"


def code_text(code: str) -> CodeText:
    """The operators' text for an exception's code."""
    return CODES.get(code, CODES["BUG"])
