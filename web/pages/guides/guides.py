"""The guides of this release, for anybody: who sets an installation up has no account yet."""

from __future__ import annotations

from http import HTTPStatus

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from web.pages.guides.rendering import guide, guides
from web.problems import Problem

page = Blueprint("guides", __name__, url_prefix="/guides")


@page.get("")
def index() -> ResponseReturnValue:
    return render_template("guides/index.html", guides=[(name, guide(name).title) for name in guides()])


@page.get("/<path:name>")
def show(name: str) -> ResponseReturnValue:
    if name not in guides():
        raise Problem(HTTPStatus.NOT_FOUND, "NOT_FOUND", "There is no such guide. /guides lists them.")
    return render_template("guides/guide.html", guide=guide(name))
