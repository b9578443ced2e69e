"""The rules of the configuration, tried on the examples that they give."""

from __future__ import annotations

from collections import Counter

from flask import Blueprint, render_template

from oppsync.domain.configuration.rule_tests import Outcome, rule_tests
from web.context import application, signed_in

page = Blueprint("rule_tests", __name__, url_prefix="/configuration/rule-tests")
MOST_SHOWN = 500
# What needs somebody comes first.
_ORDER = (Outcome.FAILED, Outcome.UNTESTED, Outcome.MET)


@page.get("")
def show() -> str:
    with application().uow.reading() as uow:
        rows = uow.configurations.rows(signed_in().tenant_id)
    found = sorted(rule_tests(rows), key=lambda each: _ORDER.index(each.outcome))
    counted = Counter(each.outcome for each in found)
    return render_template(
        "configuration/rule_tests.html",
        listed=found[:MOST_SHOWN],
        more=max(0, len(found) - MOST_SHOWN),
        counted={outcome.value: counted[outcome] for outcome in Outcome},
        rules=len({(each.file, each.row) for each in found}),
    )
