"""The pages for people, server-rendered. One row a page: its place in the navigation and who may open it."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from flask import Blueprint, Flask, redirect, url_for
from flask.typing import ResponseReturnValue

from oppsync.domain.values.findings.codes import CODES
from oppsync.domain.values.findings.finding import CodeText
from oppsync.kernel.errors import Forbidden
from web.access import sign_in
from web.access.access import Roles, admit, may
from web.context import application, maybe_signed_in, signed_in
from web.pages import statuses
from web.pages.approvals import pages as approvals
from web.pages.exceptions import pages as exceptions
from web.pages.formats import register_formats
from web.pages.opportunities import pages as opportunities

EVERY_ROLE: Roles = opportunities.READERS


class PageRow(NamedTuple):
    """`counted` names the field of `OpenCounts` shown beside the title, where there is one."""

    title: str
    blueprint: Blueprint
    endpoint: str
    roles: Roles
    counted: str | None = None


PAGES = (
    PageRow("Approvals", approvals.approvals, ".inbox", approvals.READERS, "approvals"),
    PageRow("Opportunities", opportunities.opportunities, ".index", opportunities.READERS),
    PageRow("Exceptions", exceptions.exceptions, ".index", exceptions.READERS, "exceptions"),
)
home = Blueprint("home", __name__)


@home.get("/")
def first_permitted() -> ResponseReturnValue:
    refused = admit(EVERY_ROLE)
    if refused is not None:
        return refused
    row = next((row for row in PAGES if may(signed_in().person, row.roles)), None)
    if row is None:
        raise Forbidden("Your account has no role here yet. An administrator gives it.")
    return redirect(_address(row), 303)


def register_pages(app: Flask) -> None:
    for blueprint in (home, sign_in.sign_in, *(row.blueprint for row in PAGES)):
        app.register_blueprint(blueprint)
    sign_in.prepare(app)
    register_formats(app)
    app.add_template_global(navigation)
    app.add_template_global(asset)
    app.add_template_global(maybe_signed_in)
    app.add_template_global(code_text)
    app.add_template_global(may_open)
    app.jinja_env.globals.update(statuses=statuses, now=lambda: datetime.now(UTC))


def navigation(*, counts: bool) -> list[dict[str, Any]]:
    """The permitted pages with what is open in each; without `counts` nothing is asked of the database."""
    me = maybe_signed_in()
    if me is None:
        return []
    rows = [row for row in PAGES if may(me.person, row.roles)]
    open_ = application().queries.counts(me.tenant_id, me.person) if counts else None
    return [
        {
            "title": row.title,
            "href": _address(row),
            "blueprint": row.blueprint.name,
            "count": getattr(open_, row.counted) if open_ and row.counted else 0,
        }
        for row in rows
    ]


def may_open(title: str) -> bool:
    """Whether links to this page are shown to whoever is signed in."""
    row = next(row for row in PAGES if row.title == title)
    return may(signed_in().person, row.roles)


def _address(row: PageRow) -> str:
    return url_for(row.blueprint.name + row.endpoint)


@cache
def asset(name: str) -> str:
    """A static file's address, which changes with its content so that browsers may keep it."""
    content = (Path(__file__).parent.parent / "static" / name).read_bytes()
    return f"/static/{name}?v={hashlib.sha256(content).hexdigest()[:12]}"


def code_text(code: str) -> CodeText:
    """What an operator reads about an exception's code."""
    return CODES.get(code, CODES["BUG"])
