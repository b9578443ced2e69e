"""Deals that a rule of the firm finds something wrong with."""

from __future__ import annotations

from datetime import date
from typing import Any

from oppsync.domain.policy.firm_rules import FirmRules, firm_rules
from oppsync.domain.reference.book import ReferenceKind, ReferenceRow
from tests.harness import builders as make
from tests.unit.faults.case import Case


def ruled_by(**rule: Any) -> FirmRules:
    value = {"on": "validation", "message": "Deals of DACH need a clause", "owner": "sales", **rule}
    row = ReferenceRow(kind=ReferenceKind.RULE, key="clause", valid_from=date(2026, 1, 1), value=value)
    return firm_rules(make.book(row), make.opportunity(), make.WON_ON)


NO_CLAUSE = 'deal.region == "DACH" && deal.special_terms == ""'
CASES = [
    Case(
        "against a rule",
        "RULE_BLOCKS",
        "/contract/special_terms",
        "Deals of DACH need a clause (rule clause)",
        make.opportunity(),
        make.facts(rules=ruled_by(condition=NO_CLAUSE, field="deal.special_terms")),
    ),
    Case(
        "against a rule that warns",
        "RULE_WARNS",
        "",
        "Deals of DACH need a clause (rule clause)",
        make.opportunity(),
        make.facts(rules=ruled_by(condition=NO_CLAUSE, severity="warns")),
    ),
    Case(
        "a rule that cannot be evaluated",
        "RULE_FAILED",
        "",
        "The rule clause cannot be evaluated for this deal: column 1: there is no item 7",
        make.opportunity(),
        make.facts(rules=ruled_by(condition="lines[7].net > 5")),
    ),
]
