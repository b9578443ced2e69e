"""Which approvals a plan gets from rules instead of people. Without a rule that somebody set it gets none."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date

from oppsync.domain.approval.tasks import ApprovalTask, RuleUse
from oppsync.domain.plan.approvals import seats
from oppsync.domain.plan.plan import ROOT_PATH, PlanContent
from oppsync.domain.policy.approval_rule import ApprovalRule
from oppsync.domain.policy.expressions import ConditionFailed, Context, holds
from oppsync.domain.reference.book import ReferenceRow, ReferenceUse
from oppsync.domain.values.findings.codes import finding
from oppsync.domain.values.findings.finding import Finding, Severity

# Where such a finding is: at no field of the deal.
_OF_RULES = "/approval_rules/"


def rules_on(rows: Iterable[ReferenceRow], day: date) -> dict[RuleUse, ApprovalRule]:
    """The rules valid on `day`, by name."""
    valid = sorted((row for row in rows if row.covers(day)), key=lambda row: row.key)
    return {
        RuleUse(name=row.key, valid_from=row.valid_from, version=row.version): ApprovalRule.model_validate(
            row.value
        )
        for row in valid
    }


def approved_by_rule(
    content: PlanContent,
    rules: Mapping[RuleUse, ApprovalRule],
    *,
    known_customer: bool,
    warned: bool,
    before: Iterable[ApprovalTask],
    context: Callable[[], Context] | None = None,
) -> dict[str, RuleUse]:
    """The seats whose approval a rule gives, with the first rule that does: those of every step that a role of
    the rule may decide, whatever its order. A step of named people alone is theirs.

    `warned`: the deal has warnings; then no rule approves, because people have to read them. `before`: all
    tasks this deal ever had; once a person decided one of them, no rule approves. `context`: what conditions
    see, made only where a rule has one.
    """
    if warned or any(task.decided_by is not None for task in before):
        return {}
    approvals: dict[str, RuleUse] = {}
    for use, rule in rules.items():
        if _covers(rule, content, known_customer) and _condition_holds(rule, context):
            for seat in seats(content.required):
                if not set(rule.roles).isdisjoint(seat.asks.roles):
                    approvals.setdefault(seat.code, use)
    return approvals


def rows_behind(used: Iterable[ReferenceUse], by_rule: Mapping[str, RuleUse]) -> tuple[ReferenceUse, ...]:
    """Whoever changed one of these decides nothing of a plan: the rows that it uses, and those of the rules
    that approve it for some of its seats."""
    return tuple(dict.fromkeys((*used, *(rule.row for rule in by_rule.values()))))


def _covers(rule: ApprovalRule, content: PlanContent, known_customer: bool) -> bool:
    models = {node.billing_model for node in content.nodes if node.billing_model is not None}
    return (
        content.currency == rule.up_to.currency
        and 0 <= content.total.amount <= rule.up_to.amount
        and not _has_credit(content)
        and (not rule.legal_entities or content.legal_entity in rule.legal_entities)
        and (not rule.billing_models or models.issubset(rule.billing_models))
        and (known_customer or not rule.known_customers_only)
        and _is_profitable(rule, content)
    )


def _condition_holds(rule: ApprovalRule, context: Callable[[], Context] | None) -> bool:
    """A condition that cannot be evaluated approves nothing: people do."""
    if rule.condition is None:
        return True
    try:
        return context is not None and holds(rule.condition, context())
    except ConditionFailed:
        return False


def unjudged(
    content: PlanContent,
    rules: Mapping[RuleUse, ApprovalRule],
    *,
    known_customer: bool,
    context: Callable[[], Context],
) -> tuple[Finding, ...]:
    """A warning for each rule that would approve this plan, if its condition could be evaluated."""
    found = []
    for use, rule in rules.items():
        if rule.condition is None or not _covers(rule, content, known_customer):
            continue
        try:
            holds(rule.condition, context())
        except ConditionFailed as error:
            found.append(_failed(use, error.why))
    return tuple(found)


def is_unjudged(found: Finding) -> bool:
    return found.path.startswith(_OF_RULES)


def _failed(use: RuleUse, why: str) -> Finding:
    return finding(
        "RULE_FAILED",
        f"Whether the approval rule {use.name} approves this plan is not known, so people are asked: {why}",
        path=f"{_OF_RULES}{use.name}",
        value=use.name,
        severity=Severity.WARNS,
    )


def _has_credit(content: PlanContent) -> bool:
    """Whether it has a credit. Credits make a large deal look small, so people have to read it."""
    return any(line.amount.amount < 0 for _, line in content.billing_lines())


def _is_profitable(rule: ApprovalRule, content: PlanContent) -> bool:
    margin = content.node(ROOT_PATH).margin_percent
    return rule.least_margin_percent is None or (margin is not None and margin >= rule.least_margin_percent)
