"""The approval matrix: who has to approve a plan. Without a step that somebody set: finance and delivery.

Pure: the plan's content and a few facts of the deal decide, by the steps that are valid today.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import date
from decimal import Decimal
from functools import cache
from typing import NamedTuple

from oppsync.domain.approval.conditions import plan_context
from oppsync.domain.deal.opportunity import Opportunity
from oppsync.domain.plan.approvals import APPROVALS, DEFAULT_APPROVALS, RequiredApproval
from oppsync.domain.plan.enrichment import Enrichment
from oppsync.domain.plan.plan import ROOT_PATH, Origin, Plan, PlanContent
from oppsync.domain.policy.approval_step import ApprovalStep
from oppsync.domain.policy.expressions import ConditionFailed, Context, holds
from oppsync.domain.reference.book import ReferenceBook, ReferenceKind, ReferenceUse, reference_key
from oppsync.domain.reference.exchange import ExchangeRate
from oppsync.domain.values.findings.codes import finding
from oppsync.domain.values.findings.finding import Finding, Severity
from oppsync.domain.values.model import changed, require
from oppsync.domain.values.money import Money

Steps = Sequence[tuple[ApprovalStep, ReferenceUse]]


class DealFacts(NamedTuple):
    """What a plan's content does not say. `discount_percent`: off the list price of all lines; None where there
    is no list price. `won_on`: the day whose exchange rates count."""

    regions: Collection[str]
    discount_percent: Decimal | None
    known_customer: bool
    won_on: date


class Needed(NamedTuple):
    """`approvals` in the order in which they are asked. `rows`: the steps that apply, and the rates they were
    judged by. `findings`: what is missing to judge a step."""

    approvals: tuple[RequiredApproval, ...]
    rows: tuple[ReferenceUse, ...] = ()
    findings: tuple[Finding, ...] = ()


def steps_on(book: ReferenceBook, day: date) -> Steps:
    return book.all(ApprovalStep, ReferenceKind.APPROVAL_STEP, day)


def with_approvals(
    plan: Plan,
    deal: Opportunity,
    enrichment: Enrichment,
    book: ReferenceBook,
    today: date,
    *,
    known_customer: bool,
) -> tuple[Plan, tuple[Finding, ...]]:
    """The plan with who has to approve it by the steps of today, and what is missing to judge one.

    Where these are finance and delivery, the plan does not name them: its hash is that of a plan without a
    matrix.
    """
    needed = asked_of(plan.content, deal, enrichment, book, today, known_customer=known_customer)
    content = with_needed(plan.content, needed)
    if content is plan.content:
        return plan, needed.findings
    before = plan.provenance
    origin = Origin(rule="matrix", rows=needed.rows, places=("/approvals",))
    provenance = changed(
        before,
        reference=tuple(dict.fromkeys((*before.reference, *needed.rows))),
        origins=(*before.origins, origin),
    )
    return changed(plan, content=content, provenance=provenance), needed.findings


def with_needed(content: PlanContent, needed: Needed) -> PlanContent:
    if needed.approvals == DEFAULT_APPROVALS:
        return content
    return changed(content, approvals=needed.approvals)


def asked_of(
    content: PlanContent,
    deal: Opportunity,
    enrichment: Enrichment,
    book: ReferenceBook,
    today: date,
    *,
    known_customer: bool,
) -> Needed:
    """Who has to approve this content by the steps of today."""
    steps = steps_on(book, today)
    if not steps:
        return Needed(DEFAULT_APPROVALS)
    facts = DealFacts(
        regions={line.region.code for line in enrichment.lines},
        discount_percent=_discount(deal),
        known_customer=known_customer,
        won_on=require(deal.won_on, "the close date"),
    )
    return needed_approvals(content, facts, steps, book, lambda: plan_context(content, deal, enrichment))


def needed_approvals(
    content: PlanContent,
    facts: DealFacts,
    steps: Steps,
    book: ReferenceBook,
    context: Callable[[], Context],
) -> Needed:
    """`context`: what conditions see, made only where a step has one."""
    seen = cache(context)
    applied: list[RequiredApproval] = []
    rows: list[ReferenceUse] = []
    findings: list[Finding] = []
    for step, use in steps:
        if not _holds(step, content, facts):
            continue
        if step.from_amount is not None:
            total, rate = _total_in(step.from_amount.currency, content, facts.won_on, book)
            if total is None:
                findings.append(_no_rate(content, step, use, facts.won_on))
                continue
            if abs(total.amount) < step.from_amount.amount:
                continue
            rows += [rate] if rate else []
        try:
            if step.condition is not None and not holds(step.condition, seen()):
                continue
        except ConditionFailed as error:  # rather one person too many than one too few
            findings.append(_failed(step, use, error.why))
        applied.append(_required(step, use))
        rows.append(use)
    return Needed(_in_order(applied), tuple(dict.fromkeys(rows)), tuple(findings))


def _required(step: ApprovalStep, use: ReferenceUse) -> RequiredApproval:
    return RequiredApproval(
        step=use.key, name=step.name, roles=step.roles, people=step.people, count=step.count, order=step.order
    )


def _in_order(applied: Iterable[RequiredApproval]) -> tuple[RequiredApproval, ...]:
    """Finance and delivery are among them unless a step asks nobody but holders of that role: it stands for
    it, with a count and an order of its own."""
    steps = tuple(applied)
    alone = {step.roles for step in steps if not step.people}
    always = [each for each in DEFAULT_APPROVALS if each.roles not in alone]
    default = [each.roles for each in DEFAULT_APPROVALS]

    def place(step: RequiredApproval) -> tuple[int, int]:
        is_default = step.roles in default and not step.people
        return step.order, default.index(step.roles) if is_default else len(default)

    return tuple(sorted([*always, *steps], key=place))


def _holds(step: ApprovalStep, content: PlanContent, facts: DealFacts) -> bool:
    """Every condition but the amount, which may need an exchange rate."""
    nodes = content.nodes
    return (
        _meets(step.entities, [content.legal_entity])
        and _meets(step.payment_terms, [content.payment_terms])
        and _meets(step.billing_models, [node.billing_model for node in nodes])
        and _meets(step.service_lines, [node.service_line for node in nodes])
        and _meets(step.regions, facts.regions)
        and _is_below(content.node(ROOT_PATH).margin_percent, step.margin_below)
        and _is_from(facts.discount_percent, step.discount_from)
        and not (step.new_customer and facts.known_customer)
        and not (step.special_terms and not content.contract.special_terms)
        and not (step.intercompany and all(node.intercompany is None for node in nodes))
    )


def _meets(wanted: Collection[str], found: Iterable[str | None]) -> bool:
    return not wanted or any(each in wanted for each in found)


def _is_below(figure: Decimal | None, bound: Decimal | None) -> bool:
    return bound is None or figure is None or figure < bound


def _is_from(figure: Decimal | None, bound: Decimal | None) -> bool:
    return bound is None or figure is None or figure >= bound


def _discount(deal: Opportunity) -> Decimal | None:
    """Credits left aside: they are no discount, and would hide one."""
    charged = [line for line in deal.lines if line.net >= 0]
    listed = sum((line.quantity * line.unit_price for line in charged), start=Decimal(0))
    if listed <= 0:
        return None
    return (listed - sum((line.net for line in charged), start=Decimal(0))) * 100 / listed


def _total_in(
    currency: str, content: PlanContent, day: date, book: ReferenceBook
) -> tuple[Money | None, ReferenceUse | None]:
    """The contract's total in `currency`, as the plan shows it, or else at the rate of the day; None without
    one."""
    if currency == content.currency:
        return content.total, None
    shown = next((each.total for each in content.conversions if each.total.currency == currency), None)
    if shown is not None:
        return shown, None
    key = reference_key(content.currency, currency)
    quote = book.find(ExchangeRate, ReferenceKind.EXCHANGE_RATE, key, day)
    if quote is None:
        return None, None
    rate, use = quote
    return Money.rounded(content.total.amount * rate.rate, currency), use


def _failed(step: ApprovalStep, use: ReferenceUse, why: str) -> Finding:
    return finding(
        "RULE_FAILED",
        f"Whether the approval step {use.key} ({step.name}) asks for this deal is not known, so it does: {why}",
        path=f"{APPROVALS}{use.key}",
        value=use.key,
        severity=Severity.WARNS,
    )


def _no_rate(content: PlanContent, step: ApprovalStep, use: ReferenceUse, day: date) -> Finding:
    currency = require(step.from_amount, "the amount").currency
    return finding(
        "EXCHANGE_RATE_MISSING",
        f"No exchange rate is set for {content.currency}, {currency} on {day}: whether the approval step "
        f"{use.key} ({step.name}) asks for this deal is not known",
        path=f"{APPROVALS}{use.key}",
        value=reference_key(content.currency, currency),
    )
