"""The rules that the firm wrote for itself, beside those of this product."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from oppsync.domain.deal.opportunity import Opportunity
from oppsync.domain.policy.context import Scope, fact
from oppsync.domain.policy.expressions import (
    BadCondition,
    ConditionFailed,
    Context,
    context_of_deal,
    holds,
    scope_of,
)
from oppsync.domain.policy.facts import deal_values, line_values, region_of
from oppsync.domain.policy.filling import FailedRule, FilledField
from oppsync.domain.policy.firm_rules import FirmRules, rule_failed
from oppsync.domain.policy.rule import PLACE_OF, NamedRule, RuleStage, name_of
from oppsync.domain.validation.facts import ValidationFacts
from oppsync.domain.values.findings.codes import finding
from oppsync.domain.values.findings.finding import Finding, Severity
from oppsync.domain.values.model import changed

_CODES = {Severity.BLOCKS: "RULE_BLOCKS", Severity.WARNS: "RULE_WARNS"}


class _Subject(NamedTuple):
    """What a rule is asked about: the deal, or one of its lines. `path`: where it is in the deal."""

    context: Context
    region: str | None
    path: str = ""
    title: str = ""


def rules_of_the_firm_hold(opportunity: Opportunity, facts: ValidationFacts) -> Iterator[Finding]:
    rules = facts.rules
    if not any(each.rule.on is RuleStage.VALIDATION for each in rules.rules):
        return
    for subject in _subjects(opportunity, rules):
        for each in rules.of(RuleStage.VALIDATION, subject.region):
            if _scope(each) is subject.context.scope:
                yield from _judged(each, subject)


def _subjects(opportunity: Opportunity, rules: FirmRules) -> Iterator[_Subject]:
    codes = rules.codes
    values = deal_values(opportunity, codes)
    deal = context_of_deal(Scope.DEAL, values)
    yield _Subject(deal, region_of(opportunity, codes))
    for at, line in enumerate(opportunity.lines):
        region = codes.region(opportunity.region_of(line))
        of_line = deal.with_line(line_values(opportunity, line, codes))
        yield _Subject(of_line, region, f"/lines/{at}", line.title)


def _scope(each: NamedRule) -> Scope:
    """A condition that this release cannot read is about the deal, where it fails."""
    try:
        return scope_of(each.rule.condition)
    except BadCondition:
        return Scope.DEAL


def told_of_its_rule(found: Finding, filled: Iterable[FilledField]) -> Finding:
    """What a rule filled is no fault of the field in the CRM, which is empty: the finding names the rule."""
    for each in filled:
        if (found.path, found.value) == (PLACE_OF[each.field], each.value):
            rule = name_of(each.use.key)
            told = finding(
                found.code,
                f"The rule {rule} filled {each.value}, as the CRM has nothing there: {found.message}",
                path=found.path,
                value=found.value,
                fix=f"Correct what the rule {rule} fills in the configuration, or fill the field in the CRM; "
                "then replay.",
                severity=found.severity,
            )
            return changed(told, owner=found.owner)
    return found


def _judged(each: NamedRule, subject: _Subject) -> Iterator[Finding]:
    rule = each.rule
    about = fact(rule.field, subject.context.scope) if rule.field else None
    of_line = about is not None and rule.field is not None and rule.field.startswith("line.")
    path = f"{subject.path}{about.place}" if about and of_line else about.place if about else subject.path
    try:
        if not holds(rule.condition, subject.context):
            return
    except ConditionFailed as error:
        yield rule_failed(FailedRule(each, error.why), path)
        return
    whose = f"{subject.title}: " if subject.title else ""
    message = f"{whose}{rule.message} (rule {each.name})"
    found = finding(_CODES[rule.severity], message, path=path, value=each.name, fix=rule.fix or "")
    yield changed(found, owner=rule.owner)
