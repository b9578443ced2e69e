"""What rules make of their examples, on a page and by API."""

from __future__ import annotations

from collections.abc import Callable

from flask import Flask

from adapters.documents.bundle_files import read_rows
from oppsync.domain.reference.book import ReferenceKind
from tests.harness.builders import TENANT
from tests.unit.test_rule_files import RULE
from tests.web.browser import Browser
from tests.web.office import Office
from tests.web.test_configuration_api import FILES
from tests.web.test_connections import Api

# As an earlier release or somebody in the database could have left them.
RULES = (
    RULE
    + RULE.replace("name: large", "name: odd").replace("expect: true", "expect: false")
    + RULE[: RULE.index("  examples:")].replace("name: large", "name: bare")
)
SENT = FILES | {"rules.yaml": RULES}


def put_rules(office: Office) -> None:
    rows = read_rows({name: text.encode() for name, text in SENT.items()})
    with office.application.uow() as uow:
        for row in rows:
            if row.kind is ReferenceKind.RULE:
                uow.references.put(TENANT, row)
        uow.commit()


def test_the_page_shows_first_what_needs_somebody_and_is_reached_from_the_rules(
    office: Office, browser: Callable[[str], Browser]
) -> None:
    uma = browser("uma")
    assert "No rule has a condition yet." in uma.get("/configuration/rule-tests").words
    put_rules(office)

    rules = uma.get("/configuration/rows/rule")
    shown = uma.get("/configuration/rule-tests").words

    assert 'href="/configuration/rule-tests"' in rules.markup
    assert "rule-tests" not in uma.get("/configuration/rows/rate_card").markup
    assert "3 rules with a condition: 3 examples came out as expected, 1 otherwise." in shown
    assert "deal.amount 100001" in shown
    example = "Example 1:"
    of_row = "from 2026-01-01 deal.amount > 100000 rules.yaml"
    odd = shown.index(f"name odd {of_row} {example}")
    bare = shown.index(f"name bare {of_row} Not shown : It has no examples")
    assert odd < bare < shown.index(f"name large {of_row} {example}")
    assert 'href="/configuration/rows/rule/history?key=large"' in uma.get("/configuration/rule-tests").markup
    assert browser("ed").get("/configuration/rule-tests").status == 403


def test_programs_ask_for_those_of_now_and_for_those_of_files(office: Office, app: Flask) -> None:
    uma = Api(app, office.token("uma"))
    assert (uma("GET", "/configuration/rule-tests").json or {}) == {"rows": []}

    sent = uma("POST", "/configuration/rule-tests", {"files": SENT})
    put_rules(office)
    now = uma("GET", "/configuration/rule-tests")

    assert (sent.status_code, now.status_code) == (200, 200)
    rows = (now.json or {})["rows"]
    assert sorted(map(str, rows)) == sorted(map(str, (sent.json or {})["rows"]))
    assert {"example": 1, "expected": False, "came": True, "outcome": "failed", "why": ""}.items() <= next(
        each for each in rows if "odd" in each["row"]
    ).items()
    assert [each["outcome"] for each in rows if "bare" in each["row"]] == ["untested"]
