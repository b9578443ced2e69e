"""A page and a command are added by the steps of *Where new things go* (docs/architecture.md), in a copy of the
project."""

from __future__ import annotations

from pathlib import Path

from tests.harness.copied_tree import CopiedTree

PAGE = '''"""Greets whoever is signed in."""

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from oppsync.services.insight.commands import Greet
from web.context import application, signed_in

page = Blueprint("greeting", __name__, url_prefix="/greeting")


@page.get("")
def show() -> ResponseReturnValue:
    me = signed_in()
    return render_template(
        "opportunities/greeting.html", greeting=application().dispatch(Greet(me.tenant_id, me.person.name))
    )
'''
TEMPLATE = """{% extends "layout.html" %}
{% block title %}Greeting{% endblock %}
{% block main %}<h1>{{ greeting }}</h1>{% endblock %}
"""
COMMAND = '''

@dataclass(frozen=True)
class Greet(Command[str]):
    """A greeting for this person."""

    tenant_id: str
    name: str
'''
HANDLER = '''"""Greet people."""

from dataclasses import dataclass

from oppsync.services.insight.commands import Greet


@dataclass(frozen=True)
class GreetHandler:
    def __call__(self, command: Greet) -> str:
        return f"Good morning, {command.name}"
'''
VISIT = """
from collections.abc import Callable

from flask import Flask

from tests.web.browser import Browser


def test_it_greets_people_and_asks_strangers_to_sign_in(browser: Callable[[str], Browser], app: Flask) -> None:
    assert browser("ana").get("/greeting").words == "Good morning, Ana"
    assert Browser(app).get("/greeting").status == 303
"""


def test_a_page_is_a_module_a_template_and_a_row_a_command_a_class_a_handler_and_a_line(tmp_path: Path) -> None:
    tree = CopiedTree(tmp_path)
    tree.append("oppsync/services/insight/commands.py", COMMAND)
    tree.write("oppsync/services/insight/greet.py", HANDLER)
    bootstrap = "adapters/bootstrap.py"
    known = "from oppsync.services.insight.commands import FindOpportunity, PreviewPlan, RecomputePlan"
    tree.replace(bootstrap, known, f"{known}, Greet\nfrom oppsync.services.insight.greet import GreetHandler")
    line = "    bus.register(FindOpportunity, FindOpportunityHandler(uow, systems))"
    tree.add(bootstrap, line, "    bus.register(Greet, GreetHandler())")
    tree.write("web/pages/opportunities/greeting.py", PAGE)
    tree.write("web/templates/opportunities/greeting.html", TEMPLATE)
    pages = "web/pages/table.py"
    modules = "from web.pages.opportunities import opportunity, overview"
    tree.add(pages, modules, "from web.pages.opportunities import greeting")
    row = '    PageRow("Opportunities", opportunity.page, Action.READ),'
    tree.add(pages, row, '    PageRow("Opportunities", greeting.page, Action.READ),')
    tree.write("tests/web/test_greeting.py", VISIT)

    tree.test("tests/web/test_greeting.py")
