"""A deal of before, judged by other rows than those that planned it, from what was kept of its plan."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import NamedTuple
from uuid import UUID

from oppsync.domain.approval.conditions import plan_context
from oppsync.domain.approval.matrix import Needed, asked_of, with_needed
from oppsync.domain.approval.rules import approved_by_rule, rows_behind
from oppsync.domain.approval.tasks import RuleUse
from oppsync.domain.deal.customers import CustomerMatch
from oppsync.domain.plan.approvals import seats
from oppsync.domain.plan.enrichment import Enrichment
from oppsync.domain.plan.plan import PlanContent
from oppsync.domain.planning.inputs import PlanInputs
from oppsync.domain.planning.planning import content_of
from oppsync.domain.planning.workstreams import rows_used
from oppsync.domain.policy.approval_rule import ApprovalRule
from oppsync.domain.policy.firm_rules import firm_rules
from oppsync.domain.reading.judged import Judged, judge
from oppsync.domain.reference.book import ReferenceBook, ReferenceKind, ReferenceUse
from oppsync.domain.reference.entities import LegalEntity
from oppsync.domain.validation.across_deals import ACROSS_DEALS
from oppsync.domain.validation.facts import ValidationFacts
from oppsync.domain.values.findings.finding import Finding, blocking, warnings
from oppsync.domain.values.model import require

Rules = Mapping[RuleUse, ApprovalRule]


class PastDeal(NamedTuple):
    """`read_by`: the connection to its CRM. `inputs`: of its latest plan. `is_shaped`: whether people edited
    the plan, linked its customer or confirmed a finding; `knew_customer`: whether a deal of this customer had
    been active by then.

    `goes_to`: the systems in words, where some rows would lead it elsewhere than others; `stopped`: by routes
    that lead nowhere; `rows`: those that lead it to its systems and say what these map."""

    id: UUID
    source_id: str
    read_by: str
    inputs: PlanInputs
    is_shaped: bool = False
    knew_customer: bool = False
    goes_to: str = ""
    stopped: tuple[Finding, ...] = ()
    rows: tuple[ReferenceUse, ...] = ()


class Tried(NamedTuple):
    """`content` is None where the findings leave no plan. `approved`: for each person that the plan needs the
    name of the rule that approves instead, None where people are asked; empty for a deal that is stopped.
    `rows`: whoever changed one of these decides nothing of it."""

    wrong: tuple[Finding, ...]
    later: tuple[Finding, ...]
    content: PlanContent | None
    approved: Mapping[str, str | None]
    goes_to: str = ""
    rows: tuple[ReferenceUse, ...] = ()

    @property
    def is_blocked(self) -> bool:
        return bool(blocking((*self.wrong, *self.later)))


def tried_by(deal: PastDeal, book: ReferenceBook, rules: Rules) -> Tried:
    """Pure. By the rows of the day on which the deal was won; what is judged by today, such as who approves, is
    judged by the day on which it was planned. `rules`: those of approval, of that day.

    Of the ERP and of other deals counts what was found then: neither is asked.
    """
    inputs, known = deal.inputs, book.adding(deal.inputs.links)
    judged = judge(inputs.record, _facts(inputs, known), known, inputs.overrides)
    beside = tuple(found for found in inputs.warnings if found.code in ACROSS_DEALS)
    wrong, later = (*judged.wrong, *beside), judged.later
    if not judged.leaves_a_plan:
        return Tried(wrong, later, None, {}, deal.goes_to)
    enrichment = require(judged.enrichment, "the enrichment")
    content, needed = _content(deal, judged, enrichment, known)
    later = (*later, *needed.findings, *deal.stopped)
    if blocking((*wrong, *later)):
        return Tried(wrong, later, content, {}, deal.goes_to)
    by_rule: Mapping[str, RuleUse] = {}
    if not deal.is_shaped:
        by_rule = approved_by_rule(
            content,
            rules,
            known_customer=deal.knew_customer,
            warned=bool(warnings((*wrong, *later))),
            before=(),
            context=partial(plan_context, content, inputs.record, enrichment),
        )
    names = {code: use.name for code, use in by_rule.items()}
    asked = {seat.words: names.get(seat.code) for seat in seats(content.required)}
    of_matrix = needed.rows if content.approvals else ()
    used = (*rows_used(enrichment, require(judged.workstreams, "the workstreams")), *of_matrix, *deal.rows)
    return Tried(wrong, later, content, asked, deal.goes_to, rows_behind(used, by_rule))


def _content(
    deal: PastDeal, judged: Judged, enrichment: Enrichment, book: ReferenceBook
) -> tuple[PlanContent, Needed]:
    """With who has to approve it."""
    inputs = deal.inputs
    workstreams = require(judged.workstreams, "the workstreams").wanted
    decimals = inputs.erp.price_decimals
    content = content_of(inputs.record, enrichment, workstreams, decimals, inputs.customer)
    day, known = inputs.moment.date(), deal.knew_customer
    needed = asked_of(content, inputs.record, enrichment, book, day, known_customer=known)
    return with_needed(content, needed), needed


def _facts(inputs: PlanInputs, book: ReferenceBook) -> ValidationFacts:
    record = inputs.record
    day, named = require(record.won_on, "the close date"), record.contracting_entity
    found = book.find(LegalEntity, ReferenceKind.LEGAL_ENTITY, named, day) if named else None
    entity, rules = found[0] if found else None, firm_rules(book, record, day)
    said = inputs.erp_facts.of(rules.fill(record).deal, entity) if inputs.erp_facts else {}
    # Of an overridden end the ERP was asked besides.
    open_until = {"books_open_until": inputs.books_open_until} if inputs.books_open_until else {}
    return ValidationFacts(
        legal_entity=entity,
        erp=inputs.erp,
        today=entity.today(inputs.moment) if entity else inputs.moment.date(),
        **said | open_until,
        customer=CustomerMatch(customer=inputs.customer, code=record.account.code if record.account else None),
        confirmations=inputs.confirmations,
        legal_entities=book.keys(ReferenceKind.LEGAL_ENTITY, day),
        rules=rules,
    )
