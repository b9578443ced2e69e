"""Fields of a deal that its record leaves empty and a rule of enrichment fills."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from oppsync.domain.deal.opportunity import Opportunity
from oppsync.domain.policy.context import Scope
from oppsync.domain.policy.expressions import ConditionFailed, context_of_deal, holds
from oppsync.domain.policy.facts import Codes, deal_values, region_of
from oppsync.domain.policy.rule import Fillable, NamedRule, RuleStage, narrowest
from oppsync.domain.reference.book import ReferenceUse
from oppsync.domain.values.model import Code, Frozen, changed


class FilledField(Frozen):
    """`use`: the rule that filled it."""

    field: Fillable
    value: Code
    use: ReferenceUse


class FailedRule(NamedTuple):
    """A rule whose condition could not be evaluated, and why."""

    rule: NamedRule
    why: str


class Filling(NamedTuple):
    deal: Opportunity
    filled: tuple[FilledField, ...] = ()
    failed: tuple[FailedRule, ...] = ()


def fill(deal: Opportunity, rules: Sequence[NamedRule], codes: Codes) -> Filling:
    """Fill what is empty by the rules of enrichment, asked by their names: the first that holds fills a field.
    Every condition sees the deal as its record is."""
    entity = codes.entity.code if codes.entity else None
    wanted = narrowest(rules, RuleStage.ENRICHMENT, entity, region_of(deal, codes))
    if not wanted:
        return Filling(deal)
    context = context_of_deal(Scope.DEAL, deal_values(deal, codes))
    filled: dict[Fillable, FilledField] = {}
    failed = []
    for each in wanted:
        empty = {
            field: value
            for field, value in each.rule.fills.items()
            if field not in filled and _value(deal, field) is None
        }
        try:
            if empty and holds(each.rule.condition, context):
                filled |= {
                    field: FilledField(field=field, value=value, use=each.use) for field, value in empty.items()
                }
        except ConditionFailed as error:
            failed.append(FailedRule(each, error.why))
    return Filling(with_filled(deal, filled.values()), tuple(filled.values()), tuple(failed))


def with_filled(deal: Opportunity, filled: Iterable[FilledField]) -> Opportunity:
    """The deal with these fields, as it was planned."""
    values = {each.field: each.value for each in filled}
    if not values:
        return deal
    terms = values.pop(Fillable.PAYMENT_TERMS, None)
    if terms is not None:
        deal = changed(deal, contract=changed(deal.contract, payment_terms=terms))
    return changed(deal, **{field.value: value for field, value in values.items()})


def _value(deal: Opportunity, field: Fillable) -> str | None:
    if field is Fillable.PAYMENT_TERMS:
        return deal.contract.payment_terms
    value: str | None = getattr(deal, field.value)
    return value
