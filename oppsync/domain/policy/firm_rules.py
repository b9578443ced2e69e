"""The rules of a firm together with what they need to know of one deal."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from oppsync.domain.deal.opportunity import Opportunity
from oppsync.domain.policy.facts import Codes, codes_of, region_of
from oppsync.domain.policy.filling import FailedRule, Filling, fill
from oppsync.domain.policy.rule import NamedRule, RuleStage, narrowest, rules_on
from oppsync.domain.reference.book import ReferenceBook, ReferenceUse
from oppsync.domain.values.findings.codes import finding
from oppsync.domain.values.findings.finding import Finding
from oppsync.domain.values.model import Frozen


class FirmRules(Frozen):
    """`rules`: all that are valid on the day of the deal. Without any, nothing is looked up for them."""

    rules: tuple[NamedRule, ...] = ()
    codes: Codes = Codes()

    def fill(self, deal: Opportunity) -> Filling:
        return fill(deal, self.rules, self.codes)

    def of(self, stage: RuleStage, region: str | None) -> tuple[NamedRule, ...]:
        """Of each name the one that holds at the deal's entity and in this region."""
        entity = self.codes.entity.code if self.codes.entity else None
        return narrowest(self.rules, stage, entity, region)

    def judging(self, deal: Opportunity) -> Iterator[ReferenceUse]:
        """The rules of validation by which the deal is judged, or any of its lines."""
        names = {deal.region_of(line) for line in deal.lines}
        regions = {region_of(deal, self.codes), *map(self.codes.region, names)}
        by_region = (self.of(RuleStage.VALIDATION, each) for each in sorted(regions, key=str))
        return (each.use for of_region in by_region for each in of_region)


def firm_rules(book: ReferenceBook, deal: Opportunity, day: date) -> FirmRules:
    """The rules for this deal. `day`: when it was won."""
    rules = rules_on(book, day)
    return FirmRules(rules=rules, codes=codes_of(book, deal, day)) if rules else FirmRules()


def rule_failed(failed: FailedRule, path: str = "") -> Finding:
    """The finding for a rule that could not be evaluated: it never passes in silence."""
    message = f"The rule {failed.rule.name} cannot be evaluated for this deal: {failed.why}"
    return finding("RULE_FAILED", message, path=path, value=failed.rule.name)
