"""docs/api.md lists every operation of the API and every page, and no other."""

from __future__ import annotations

import re
from pathlib import Path

from flask import Flask

from web.pages.table import BY_BLUEPRINT

DOC = Path(__file__).parents[2] / "docs" / "api.md"
QUOTED = re.compile(r"`(?:(GET|POST|PUT|PATCH|DELETE) )?(/[^`?]*)[^`]*`")
PARAMETER = re.compile(r"<[^>]*>|\{[^}]*\}")


def listed(first_title: str) -> list[str]:
    """The first column of the table that begins with this title, such as `GET /approvals/{id}`. A method stands
    for what follows in its row too; a page is opened."""
    text = DOC.read_text(encoding="utf-8")
    rows = text.partition(f"| {first_title} | who |\n|---|---|\n")[2].partition("\n\n")[0].splitlines()
    found = []
    for row in rows:
        method = "GET"
        for named, path in QUOTED.findall(row.split(" | ")[0]):
            method = named or method
            found.append(f"{method} {plain(path)}")
    return found


def plain(path: str) -> str:
    return PARAMETER.sub("{id}", path)


def test_the_operations_are_those_of_the_openapi_document(app: Flask) -> None:
    document = app.test_client().get("/api/v1/openapi.json").json
    assert document is not None
    served = [
        f"{method.upper()} {plain(path).removeprefix('/api/v1')}"
        for path, item in document["paths"].items()
        for method in item
        if method != "parameters"
    ]

    assert sorted(listed("operation")) == sorted(served)


def test_the_pages_are_those_of_the_table(app: Flask) -> None:
    served = {
        f"GET {plain(rule.rule)}"
        for rule in app.url_map.iter_rules()
        if rule.endpoint.partition(".")[0] in BY_BLUEPRINT and "GET" in (rule.methods or ())
    }

    assert sorted(listed("page")) == sorted(served)
