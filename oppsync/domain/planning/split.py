"""Split: delivery lines become workstreams, by the split rules of reference data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from oppsync.domain.billing.caps import billable_of_lines
from oppsync.domain.billing.table import BILLING_MODELS
from oppsync.domain.billing.terms import with_periods
from oppsync.domain.deal.billing_terms import BillingTerms, CapScope, combine_terms
from oppsync.domain.deal.opportunity import Opportunity, OpportunityLine
from oppsync.domain.deal.signed_nets import rounding_of_lines
from oppsync.domain.plan.enrichment import Enrichment
from oppsync.domain.plan.margin import cost_of, total_cost
from oppsync.domain.plan.workstream import Workstream
from oppsync.domain.reference.splitting import LineAttribute, SplitPhase, SplitRule, key_part, line_facts
from oppsync.domain.values.date_ranges import consecutive
from oppsync.domain.values.hours import finest, shared_out
from oppsync.domain.values.model import changed, require
from oppsync.domain.values.money import Money, allocate, minor_unit
from oppsync.domain.values.pricing import net_of

# The rule for a line that no rule of the reference data takes.
ONE_EACH = SplitRule(code="one-each", order=0)
# Ends the key of a group's credits.
_CREDIT = ".credit"
# Fields that may differ between lines that are billed as one; all others have to be equal.
_NOT_TERMS = {
    "key",
    "line_ids",
    "name",
    "amount",
    "estimate",
    "rounding",
    "list_price",
    "hours",
    "cost",
    "enrichment",
}


def split(opportunity: Opportunity, enrichment: Enrichment) -> tuple[Workstream, ...]:
    """The workstreams of a validated and enriched deal, sorted by key: the CRM's own order does not count."""
    groups: dict[str, list[Workstream]] = {}
    lines = {line.id: line for line in opportunity.lines}
    money = _money_of_lines(with_periods(opportunity, enrichment.legal_entity.billing_policy))
    for line in sorted(opportunity.lines, key=lambda line: line.id):
        facts = _facts(opportunity, enrichment, line)
        rule = enrichment.line(line.id).split_rule or ONE_EACH
        base = rule.base_key(line.id, facts)
        if rule.group_by and line.net < 0:
            base += _CREDIT  # never billed as one with what is charged
        groups.setdefault(base, []).append(_of_line(opportunity, enrichment, line, money[line.id]))
    return tuple(
        workstream
        for base, parts in sorted(groups.items())
        for workstream in _by_rule(opportunity, enrichment, base, lines[parts[0].key], parts)
    )


def _by_rule(
    opportunity: Opportunity,
    enrichment: Enrichment,
    base: str,
    line: OpportunityLine,
    parts: Sequence[Workstream],
) -> Iterator[Workstream]:
    """`line` is that of the first part, by which the group is named."""
    first = parts[0].enrichment
    rule = first.split_rule or ONE_EACH
    shown = _facts(opportunity, enrichment, line) | {LineAttribute.SERVICE_LINE: first.service_line.name}
    name = rule.group_name(shown) if rule.group_by else line.title
    if rule.group_by and line.net < 0:
        name += ", credit"
    if not rule.phases:
        yield _grouped(base, name, parts)
        return
    spread = [_spread(part, rule.phases) for part in parts]
    for index, phase in enumerate(rule.phases):
        key = f"{base}.{key_part(phase.code)}"
        yield _grouped(key, f"{name}: {phase.name}", [phased[index] for phased in spread])


class _LineMoney(NamedTuple):
    """The part of a line that may be invoiced, what was sold on it, and the part of that which is rounding."""

    amount: Decimal
    sold: Decimal
    rounding: Decimal


def _money_of_lines(opportunity: Opportunity) -> dict[str, _LineMoney]:
    billable = billable_of_lines(opportunity)
    money: dict[str, _LineMoney] = {}
    for index, (line, rounding) in enumerate(
        zip(opportunity.lines, rounding_of_lines(opportunity), strict=True)
    ):
        sold = line.net + rounding
        money[line.id] = _LineMoney(billable.get(index, sold), sold, rounding)
    return money


def _of_line(
    opportunity: Opportunity, enrichment: Enrichment, line: OpportunityLine, money: _LineMoney
) -> Workstream:
    model = BILLING_MODELS[require(opportunity.billing_model_of(line), "the billing model")]
    currency, known = require(opportunity.currency, "the currency"), enrichment.line(line.id)
    return Workstream(
        key=line.id,
        line_ids=(line.id,),
        name=line.title,
        billing_model=model.code,
        amount=Money(amount=money.amount, currency=currency),
        estimate=Money(amount=money.sold, currency=currency) if money.sold != money.amount else None,
        rounding=Money(amount=money.rounding, currency=currency) if money.rounding else None,
        list_price=net_of(line.quantity, line.unit_price, Decimal(0)),
        is_discounted=bool(line.discount_percent),
        hours=line.hours,
        cost=cost_of(line, known.cost_rate, currency),
        role=line.role,
        discount_percent=line.discount_percent,
        starts_on=require(opportunity.start_of(line), "the start date"),
        ends_on=require(opportunity.end_of(line), "the end date"),
        signed_on=opportunity.contract.signed_on,
        terms=opportunity.billing_of(line),
        seller=enrichment.legal_entity,
        milestones=line.milestones,
        enrichment=known,
    )


def _facts(
    opportunity: Opportunity, enrichment: Enrichment, line: OpportunityLine
) -> dict[LineAttribute, str | None]:
    reference = enrichment.line(line.id)
    model = require(opportunity.billing_model_of(line), "the billing model")
    return line_facts(
        line, enrichment.legal_entity.code, reference.service_line.code, reference.region.code, model
    )


def _grouped(key: str, name: str, parts: Sequence[Workstream]) -> Workstream:
    """One workstream of all parts: billed as one where every line has the same terms, or else line by line."""
    first = parts[0]
    hours = [part.hours for part in parts if part.hours is not None]
    terms = _terms(first)
    same = all(_terms(part) == terms and not _has_own_limit(part) for part in parts)
    currency = first.amount.currency
    amount = Money.total((part.amount for part in parts), currency)
    sold = Money.total((part.sold for part in parts), currency)
    rounding = Money.total((part.rounding for part in parts if part.rounding), currency)
    return changed(
        first,
        key=key,
        line_ids=tuple(line_id for part in parts for line_id in part.line_ids),
        name=name,
        amount=amount,
        estimate=sold if sold != amount else None,
        rounding=rounding if rounding.amount else None,
        list_price=sum((part.list_price for part in parts), start=Decimal(0)),
        is_discounted=any(part.is_discounted for part in parts),
        hours=sum(hours, start=Decimal(0)) if hours else None,
        cost=total_cost((part.cost for part in parts), currency),
        starts_on=min(part.starts_on for part in parts),
        ends_on=max(part.ends_on for part in parts),
        terms=combine_terms([part.terms for part in parts]),
        parts=() if same or len(parts) == 1 else tuple(parts),
    )


def _has_own_limit(part: Workstream) -> bool:
    """Whether more was sold than a cap of its own allows: room under another line's cap is no room for it."""
    cap = part.terms.cap
    return part.estimate is not None and cap is not None and cap.scope is not CapScope.CONTRACT


def _terms(workstream: Workstream) -> dict[str, Any]:
    return workstream.model_dump(exclude=_NOT_TERMS) | workstream.enrichment.model_dump(
        exclude={"line_id", "rows", "cost_rate"}
    )


def _spread(part: Workstream, phases: Sequence[SplitPhase]) -> list[Workstream]:
    """A line's share in each phase: money, hours and days by the phases' percents."""
    percents = [phase.percent for phase in phases]
    amounts = part.amount.allocate(percents)
    beyond = (part.sold - part.amount).allocate(percents)
    roundings = part.rounding.allocate(percents) if part.rounding else [None] * len(phases)
    list_prices = [part.list_price * percent / 100 for percent in percents]
    hours: Sequence[Decimal | None] = [None] * len(phases)
    if part.hours is not None:
        hours = shared_out(part.hours, percents)
    costs = part.cost.allocate(percents) if part.cost else [None] * len(phases)
    runs = consecutive(part.starts_on, part.ends_on, percents)
    return [
        changed(
            part,
            key=f"{part.key}.{key_part(phase.code)}",
            name=f"{part.name}: {phase.name}"[:200],
            amount=amount,
            estimate=amount + left_over if left_over.amount else None,
            rounding=rounding if rounding and rounding.amount else None,
            list_price=list_price,
            hours=phase_hours,
            cost=cost,
            starts_on=begin,
            ends_on=end,
            terms=terms,
        )
        for phase, amount, left_over, rounding, list_price, phase_hours, cost, (begin, end), terms in zip(
            phases,
            amounts,
            beyond,
            roundings,
            list_prices,
            hours,
            costs,
            runs,
            _spread_terms(part, percents),
            strict=True,
        )
    ]


def _spread_terms(part: Workstream, percents: Sequence[Decimal]) -> list[BillingTerms]:
    """A cap for the workstream is divided among its phases; every other term holds in each of them."""
    terms, cap = part.terms, part.terms.cap
    if cap is None or cap.amount is None or cap.scope is not CapScope.WORKSTREAM:
        return [terms] * len(percents)
    amounts = allocate(cap.amount, percents, finest(cap.amount, minor_unit(part.amount.currency)))
    caps = [changed(cap, amount=amount) for amount in amounts]
    return [changed(terms, cap=each) for each in caps]
