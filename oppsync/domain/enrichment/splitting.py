"""Which split rule takes a line."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from oppsync.domain.deal.opportunity import Opportunity, OpportunityLine
from oppsync.domain.enrichment.lookup import Lookup
from oppsync.domain.policy.context import Scope
from oppsync.domain.policy.expressions import ConditionFailed, Context, context_of_deal, holds
from oppsync.domain.policy.facts import Codes, deal_values, line_values
from oppsync.domain.reference.splitting import LineFacts, SplitRule, first_that_takes
from oppsync.domain.values.findings.codes import finding

Holds = Callable[[str], bool]


def conditions_of(opportunity: Opportunity, codes: Callable[[], Codes]) -> Callable[[OpportunityLine], Holds]:
    """How conditions are asked about a line of the deal. What they see is made once, and only if one asks."""

    @cache
    def deal() -> Context:
        return context_of_deal(Scope.DEAL, deal_values(opportunity, codes()) | {"lines": []})

    def of_line(line: OpportunityLine) -> Context:
        return deal().with_line(line_values(opportunity, line, codes()))

    return lambda line: lambda condition: holds(condition, of_line(line))


def split_rule_of(
    line: OpportunityLine, facts: LineFacts, path: str, lookup: Lookup, condition_holds: Holds
) -> SplitRule | None:
    """The rule that takes the line. Milestones have dates and amounts of their own: no phases for them. Where
    the condition of a rule cannot be evaluated, nobody knows which one does."""
    try:
        rule = first_that_takes(lookup.split_rules(), facts, condition_holds)
    except ConditionFailed as error:
        message = f"No split rule can be chosen for {line.title}, because a condition cannot be evaluated: "
        lookup.findings.append(finding("RULE_FAILED", f"{message}{error.why}", path=path, value="split rules"))
        return None
    if rule is None:
        return None
    lookup.use(rule)
    if rule.phases and line.milestones:
        lookup.findings.append(
            finding(
                "SPLIT_NOT_POSSIBLE",
                f"The split rule {rule.code} spreads {line.title} over phases, but it is billed by milestones",
                path=path,
                value=rule.code,
            )
        )
    return rule
