"""The guides of this release, for anybody: who sets an installation up has no account yet."""

from __future__ import annotations

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from oppsync.kernel.errors import NotFound
from web.pages.guides.rendering import guide, guides

page = Blueprint("guides", __name__, url_prefix="/guides")


@page.get("")
def index() -> ResponseReturnValue:
    return render_template("guides/index.html", guides=[(name, guide(name).title) for name in guides()])


@page.get("/<path:name>")
def show(name: str) -> ResponseReturnValue:
    if name not in guides():
        raise NotFound("There is no such guide. /guides lists them.")
    return render_template("guides/guide.html", guide=guide(name))
