"""Rules that a firm writes for itself: what stops a deal, and what fills what its record leaves empty."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from enum import StrEnum
from functools import lru_cache

from pydantic import model_validator

from oppsync.domain.reference.book import ReferenceBook, ReferenceKind, ReferenceUse
from oppsync.domain.values.condition import Condition, Example
from oppsync.domain.values.findings.finding import OwnerRole, Severity
from oppsync.domain.values.model import Code, Frozen, Text


class RuleStage(StrEnum):
    VALIDATION = "validation"  # what is wrong with a deal
    ENRICHMENT = "enrichment"  # what fills an empty field


class Fillable(StrEnum):
    """The fields of a deal that rules may fill."""

    DELIVERY_MODEL = "delivery_model"
    REGION = "region"
    SERVICE_LINE = "service_line"
    PAYMENT_TERMS = "payment_terms"


# Where the canonical opportunity has them.
PLACE_OF: dict[Fillable, str] = {
    Fillable.DELIVERY_MODEL: "/delivery_model",
    Fillable.REGION: "/region",
    Fillable.SERVICE_LINE: "/service_line",
    Fillable.PAYMENT_TERMS: "/contract/payment_terms",
}


class Rule(Frozen):
    """Key: its name, or `<name>|<overlay>`. Where the condition holds, a rule of validation makes a finding,
    and one of enrichment fills the fields of `fills` that are empty, with what the CRM would say there.

    `regions` and `entities`: it holds there only, by their codes. Of the rules of one name only the narrowest
    holds for a deal. `field`: what the finding is about, as conditions call it.
    """

    on: RuleStage
    condition: Condition
    message: Text
    owner: OwnerRole
    severity: Severity = Severity.BLOCKS
    fix: Text | None = None
    field: Code | None = None
    fills: dict[Fillable, Code] = {}
    regions: tuple[Code, ...] = ()
    entities: tuple[Code, ...] = ()
    examples: tuple[Example, ...] = ()

    @model_validator(mode="after")
    def _of_its_stage(self) -> Rule:
        if self.on is RuleStage.ENRICHMENT and not self.fills:
            raise ValueError("a rule of enrichment has to fill something: give `fills`")
        if self.on is RuleStage.VALIDATION and self.fills:
            raise ValueError("a rule of validation fills nothing: leave `fills` out")
        return self

    @property
    def narrowness(self) -> int:
        """An entity is narrower than a region, both together are narrowest."""
        return 2 * bool(self.entities) + bool(self.regions)

    def holds_at(self, entity: str | None, region: str | None) -> bool:
        return (not self.entities or entity in self.entities) and (not self.regions or region in self.regions)


class NamedRule(Frozen):
    """A rule with its name and the row that it came from."""

    name: Code
    rule: Rule
    use: ReferenceUse


def name_of(key: str) -> str:
    return key.partition("|")[0]


@lru_cache(maxsize=8)
def rules_on(book: ReferenceBook, day: date) -> tuple[NamedRule, ...]:
    """The rules valid on `day`, by their keys. Kept: each deal asks several times, and a book stays until rows
    change."""
    found = book.all(Rule, ReferenceKind.RULE, day)
    return tuple(NamedRule(name=name_of(use.key), rule=rule, use=use) for rule, use in found)


def narrowest(
    rules: Iterable[NamedRule], stage: RuleStage, entity: str | None, region: str | None
) -> tuple[NamedRule, ...]:
    """Of each name the narrowest rule that holds for a deal of this entity and region."""
    found: dict[str, NamedRule] = {}
    for each in rules:
        known = found.get(each.name)
        if not each.rule.holds_at(entity, region):
            continue
        if known is None or each.rule.narrowness > known.rule.narrowness:
            found[each.name] = each
    return tuple(each for each in found.values() if each.rule.on is stage)
