"""Approve: everybody whom the plan names must approve its hash; without more, finance and delivery. The stage
opens their tasks, those of a later order when the earlier are approved, and acts on the decisions; the
decisions are made by people, or by a rule that somebody set for plans like this one."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import partial
from typing import NamedTuple
from uuid import UUID

from oppsync.domain.approval.conditions import plan_context
from oppsync.domain.approval.enough import Short, too_few
from oppsync.domain.approval.rules import approved_by_rule, is_unjudged, rows_behind, rules_on, unjudged
from oppsync.domain.approval.tasks import ApprovalTask, Person, RuleUse, TaskStatus
from oppsync.domain.plan.approvals import DEFAULT_APPROVALS, RequiredApproval, Seat, seat_of, seats, to_ask
from oppsync.domain.plan.plan import PlanContent, short_hash
from oppsync.domain.policy.approval_rule import ApprovalRule
from oppsync.domain.policy.expressions import Context
from oppsync.domain.reference.book import ReferenceKind
from oppsync.domain.values.actor import person_actor, stage_actor
from oppsync.domain.values.findings.codes import finding
from oppsync.domain.values.findings.finding import Finding
from oppsync.domain.values.model import changed, require
from oppsync.domain.work.events import ApprovalOpened, ApprovalVoided, PlanApproved
from oppsync.domain.work.payload_references import record_reference
from oppsync.domain.work.states import State
from oppsync.domain.work.tracked import TrackedOpportunity
from oppsync.kernel.errors import NO_ANSWER, TransientError
from oppsync.pipeline.across_deals import beside_other_deals
from oppsync.pipeline.duties import Candidates, Duties, duties_of, reconsider, required_of
from oppsync.pipeline.notify import notify_of_fallen
from oppsync.pipeline.restore_check import APPROVAL_LOST, MadeNow, has_project_without_ledger_row
from oppsync.pipeline.signed import approved_plan, doubts
from oppsync.pipeline.stage import Advance, Await, Outcome, Park, StageContext
from oppsync.pipeline.waiting import wait_for_people
from oppsync.pipeline.warn import tell_warnings
from oppsync.ports.storage.unit_of_work import UnitOfWork

ACTOR = stage_actor("approve")
# By the code of the seat that the rule approves.
ByRule = Mapping[str, RuleUse]
Required = Sequence[RequiredApproval]
Rules = Mapping[RuleUse, ApprovalRule]
NOTHING_BY_RULE: ByRule = {}


class Judged(NamedTuple):
    """What approval rules say of a plan; `failed`: of which nobody can say whether they approve it."""

    by_rule: ByRule = NOTHING_BY_RULE
    failed: tuple[Finding, ...] = ()


NOT_JUDGED = Judged()
# By the code of a step, who would decide it if nothing barred them, and what does.
WhyNot = Mapping[str, Sequence[str]]
NOT_SAID: WhyNot = {}
UNKNOWN: Candidates = {}
_MOST_NAMED = 5


@dataclass(frozen=True)
class RuleFacts:
    """The facts that rules need besides a plan. `known_customer` is only looked up when something depends on
    it.

    `before`: all tasks the deal ever had.
    """

    rules: Rules = field(default_factory=dict)
    known_customer: bool = False
    before: Sequence[ApprovalTask] = ()


def open_tasks(
    opportunity: TrackedOpportunity,
    candidates: Candidates,
    by_rule: ByRule = NOTHING_BY_RULE,
    *,
    required: Required = DEFAULT_APPROVALS,
    decided: Collection[str] = (),
    why_not: WhyNot = NOT_SAID,
    eligible: Candidates = UNKNOWN,
    lost: bool = False,
) -> Outcome:
    """From `planned`: each step that is to be asked first gets its task unless a rule approves for it, and the
    deal goes straight on when rules approve for all. Parked when a step needs more people than may decide.

    `decided`: the seats that approved this plan already. `lost`: its projects exist, but a restored backup lost
    their approval. They are taken over once the plan is approved anew; an exception item tells a person
    meanwhile.
    """
    approved = {*by_rule, *decided}
    alone = nobody_approves(candidates, required, approved, why_not, eligible=eligible)
    if alone:
        return Park(opportunity, alone, record_reference(opportunity.id))
    asked = to_ask(required, approved)
    return Advance(
        State.AWAITING_APPROVAL if asked or decided else State.APPROVED,
        opportunity,
        items=[APPROVAL_LOST] if lost else (),
        open_tasks=_people_of(asked, candidates),
        by_rule=by_rule,
        events=[
            *(_approved(opportunity, seat_of(code, required), rule) for code, rule in by_rule.items()),
            *(_opened(opportunity, seat, candidates[seat.asks.step]) for seat in asked),
        ],
    )


def nobody_approves(
    candidates: Candidates,
    required: Required = DEFAULT_APPROVALS,
    approved: Collection[str] = (),
    why_not: WhyNot = NOT_SAID,
    *,
    eligible: Candidates = UNKNOWN,
) -> list[Finding]:
    """A finding for each step, also of a later order, for which fewer people may decide than it still needs; or
    one for steps that each have enough, but not for all of them, as one person decides once. `why_not`: who
    would, and what bars them. `eligible`: who may decide, also who is away."""
    alone = [
        _nobody(step, needed, len(candidates[step.step]), why_not.get(step.step, ()))
        for step in required
        if (needed := sum(seat.code not in approved for seat in seats([step]))) > len(candidates[step.step])
    ]
    missing = [seat for seat in seats(required) if seat.code not in approved]
    short = too_few(missing, eligible) if eligible and not alone else None
    return [_too_few(short, why_not)] if short else alone


def _too_few(short: Short, why_not: WhyNot) -> Finding:
    steps = " and ".join(step.name for step in short.steps)
    names = ", ".join(sorted(person.name for person in short.people)) or "nobody"
    needs = "need" if len(short.steps) > 1 else "needs"
    says = f"{steps} {needs} {short.needed} different people, and only {len(short.people)} may approve: {names}"
    others = dict.fromkeys(each for step in short.steps for each in why_not.get(step.step, ()))
    return finding("NO_APPROVER", _named(says, tuple(others)), path="/owner", value=short.steps[0].step)


def _nobody(step: RequiredApproval, needed: int, able: int, why_not: Sequence[str]) -> Finding:
    says = f"No active user may approve for {step.words}"
    if able:
        says = f"{step.words} needs {needed} more people, and only {able} may approve"
    return finding("NO_APPROVER", _named(says, why_not), path="/owner", value=step.step)


def _named(says: str, why_not: Sequence[str]) -> str:
    """With the first of those who would decide it, and what bars them."""
    if not why_not:
        return says
    more = f"; and {len(why_not) - _MOST_NAMED} more" if len(why_not) > _MOST_NAMED else ""
    return f"{says}: {'; '.join(why_not[:_MOST_NAMED])}{more}"


def _people_of(asked: Iterable[Seat], candidates: Candidates) -> dict[Seat, tuple[UUID, ...]]:
    return {seat: tuple(person.id for person in candidates[seat.asks.step]) for seat in asked}


def _opened(opportunity: TrackedOpportunity, seat: Seat, people: Sequence[Person]) -> ApprovalOpened:
    return ApprovalOpened(
        opportunity_id=opportunity.id,
        actor=ACTOR,
        after={"role": seat.code, "plan": opportunity.plan_hash},
        detail={"candidates": [person.email for person in people]},
        summary=f"Waits for {seat.words}: " + ", ".join(person.name for person in people),
    )


def _approved(opportunity: TrackedOpportunity, seat: Seat, rule: RuleUse) -> PlanApproved:
    plan = opportunity.plan_hash or ""
    return PlanApproved(
        opportunity_id=opportunity.id,
        actor=ACTOR,
        after={"role": seat.code, "plan": plan, "status": TaskStatus.APPROVED.value},
        detail={"rule": rule.model_dump(mode="json")},
        summary=f"{rule} approved plan {short_hash(plan)} for {seat.words}",
    )


def weigh_decisions(
    opportunity: TrackedOpportunity,
    tasks: Sequence[ApprovalTask],
    required: Required = DEFAULT_APPROVALS,
) -> Outcome:
    """Approved by every seat: go on. Rejected by one: refused. Otherwise wait for people."""
    now = [task for task in tasks if task.plan_hash == opportunity.plan_hash]
    approved = {task.role for task in now if task.status is TaskStatus.APPROVED}
    if any(task.status is TaskStatus.REJECTED for task in now):
        return Advance(State.REFUSED, opportunity)
    if approved.issuperset(seat.code for seat in seats(required)):
        return Advance(State.APPROVED, opportunity)
    return Await(opportunity)


def ask_next(opportunity: TrackedOpportunity, required: Required, known: Duties) -> Advance | Park | None:
    """From `awaiting_approval`: tasks for who decides next, once those before are approved; None while
    everybody who decides now was asked. Parked where too few are left for what is asked."""
    live = known.of_plan(opportunity.plan_hash)
    approved = {task.role for task in live if task.status is TaskStatus.APPROVED}
    asked = [seat for seat in to_ask(required, approved) if seat.code not in {task.role for task in live}]
    steps = tuple(dict.fromkeys(seat.asks for seat in to_ask(required, approved)))
    # While they are waited for, who is away or has to set a new password comes back; who left does not.
    able = known.eligible(live, steps) if asked else known.able(live, steps)
    alone = nobody_approves(able, steps, approved, known.why_not(steps, live), eligible=able)
    if alone:
        return Park(opportunity, alone, record_reference(opportunity.id), resume=State.PLANNED)
    if not asked:
        return None
    candidates = known.candidates(live, required)
    return Advance(
        State.AWAITING_APPROVAL,
        opportunity,
        open_tasks=_people_of(asked, candidates),
        events=[_opened(opportunity, seat, candidates[seat.asks.step]) for seat in asked],
    )


def run(context: StageContext) -> Outcome:
    known = duties_of(context, context.opportunity)
    outcome = _outcome(context, known)
    return outcome if isinstance(outcome, Park) or outcome.barred else replace(outcome, barred=known.barred())


def _outcome(context: StageContext, known: Duties) -> Outcome:
    opportunity = context.opportunity
    if opportunity.state is State.PLANNED:
        notify_of_fallen(context, known)
        return _propose(context, known)
    with context.uow.reading() as uow:
        plan = approved_plan(uow, opportunity)
    required = plan.content.required
    asked_anew = doubts(context, plan, known.tasks) or reconsider(context, opportunity, known, required)
    if asked_anew is not None:
        return asked_anew
    outcome = weigh_decisions(opportunity, known.tasks, required)
    if isinstance(outcome, Await):
        return ask_next(opportunity, required, known) or wait_for_people(context, plan, known)
    if isinstance(outcome, Advance) and outcome.to is State.APPROVED:
        beside = beside_other_deals(context)
        return beside if isinstance(beside, Park) else outcome
    return outcome


def _propose(context: StageContext, known: Duties) -> Outcome:
    opportunity = beside_other_deals(context)
    if isinstance(opportunity, Park):
        return opportunity
    lost, away = _is_lost(context, opportunity)
    with context.uow.reading() as uow:
        required = _required(context, uow)
        # What a restored backup forgot, people look at.
        edited = bool(known.involved.editors)
        judged = NOT_JUDGED if lost else _by_rules_of_today(context, uow, opportunity, edited=edited)
        known = _with_who_set(uow, opportunity, known, judged.by_rule)
    by_rule = judged.by_rule
    kept = [each for each in opportunity.warnings if not is_unjudged(each)]
    opportunity = changed(opportunity, warnings=(*kept, *judged.failed))
    told = tell_warnings(opportunity, opportunity.warnings, context.opportunity.warnings, ACTOR)
    if by_rule and away is not None:
        raise away  # no rule approves what people would perhaps have to look at
    live = known.of_plan(opportunity.plan_hash)
    asked = open_tasks(
        opportunity,
        known.candidates(live, required),
        by_rule,
        required=required,
        decided=known.decided(opportunity.plan_hash),
        why_not=known.why_not(required, live),
        eligible=known.eligible(live, required),
        lost=lost,
    )
    if not isinstance(asked, Advance):
        return replace(asked, events=(*told, *asked.events))
    early = _early(live, asked)
    again = [_asked_later(opportunity, task) for task in early]
    return replace(
        asked,
        fallen=dict.fromkeys(task.id for task in early),
        barred=known.barred(),
        events=(*told, *again, *asked.events),
    )


def _with_who_set(uow: UnitOfWork, opportunity: TrackedOpportunity, known: Duties, by_rule: ByRule) -> Duties:
    """With who set the rules that approve now: they decide no other seat of the plan."""
    used = rows_behind((), by_rule)
    if not used:
        return known
    before = {person_actor(each.email) for each in known.involved.changers}
    return known.with_changers({*before, *uow.plans.changers_of_rows(opportunity.tenant_id, used)})


def _early(live: Sequence[ApprovalTask], asked: Advance) -> Sequence[ApprovalTask]:
    """The open tasks of seats that are not to be decided yet, since one before them was taken back or fell."""
    now = {*(seat.code for seat in asked.open_tasks), *asked.by_rule}
    return [task for task in live if task.status is TaskStatus.OPEN and task.role not in now]


def _asked_later(opportunity: TrackedOpportunity, task: ApprovalTask) -> ApprovalVoided:
    return ApprovalVoided(
        opportunity_id=opportunity.id,
        actor=ACTOR,
        detail={"task": str(task.id), "role": task.role, "plan": task.plan_hash},
        summary=f"{task.seat.words} is asked again after what comes before it",
    )


def _is_lost(context: StageContext, opportunity: TrackedOpportunity) -> tuple[bool, TransientError | None]:
    """Whether the ERP has its projects though no approval is recorded. While it does not answer, people decide
    meanwhile: before anything is created it is asked again."""
    try:
        made = MadeNow(context.made, context.effects) if context.made else None
        return has_project_without_ledger_row(context.uow, context.systems, opportunity, made), None
    except NO_ANSWER as away:
        return False, away


def _required(context: StageContext, uow: UnitOfWork) -> Required:
    deal = context.opportunity
    if context.made is not None:
        return context.made.content.required
    return required_of(uow, deal.tenant_id, deal.id, deal.plan_hash)


def _by_rules_of_today(
    context: StageContext, uow: UnitOfWork, opportunity: TrackedOpportunity, *, edited: bool
) -> Judged:
    tenant_id = opportunity.tenant_id
    rules = rules_of_today(uow, tenant_id, context.clock.now().date())
    if not rules:
        return NOT_JUDGED
    content = (context.made or approved_plan(uow, opportunity)).content
    facts = rule_facts(uow, tenant_id, rules, opportunity.id, content.customer)
    warned = any(not is_unjudged(each) for each in opportunity.warnings) or bool(
        opportunity.enrichment and opportunity.enrichment.warnings
    )
    record = require(opportunity.record, "the record")
    enrichment = require(opportunity.enrichment, "the enrichment")
    seen = partial(plan_context, content, record, enrichment)
    return by_rules(content, facts, warned=warned, edited=edited, context=seen)


def by_rules(
    content: PlanContent,
    facts: RuleFacts,
    *,
    warned: bool,
    edited: bool,
    context: Callable[[], Context],
) -> Judged:
    """What rules say of this plan; for the stage and for previews of it.

    `edited`: a person changed something in the plan, so people have to approve it. `context`: what conditions
    see.
    """
    decided = any(task.decided_by is not None for task in facts.before)
    if edited or warned or decided:
        return NOT_JUDGED  # people approve it, whatever rules say
    known = facts.known_customer
    approved = approved_by_rule(
        content, facts.rules, known_customer=known, warned=warned, before=facts.before, context=context
    )
    return Judged(approved, unjudged(content, facts.rules, known_customer=known, context=context))


def rule_facts(
    uow: UnitOfWork,
    tenant_id: str,
    rules: Rules,
    opportunity_id: UUID | None,
    customer: str | None,
    *,
    new: bool = False,
) -> RuleFacts:
    """`opportunity_id` is None for a deal that is not stored here. `new`: an approval step asks whether the
    customer is new."""
    before = uow.approvals.of(tenant_id, opportunity_id) if opportunity_id else ()
    return RuleFacts(rules, _knows(uow, tenant_id, rules, customer, new=new), before)


def rules_of_today(uow: UnitOfWork, tenant_id: str, today: date) -> Rules:
    """The rules valid today, whenever the deal was won: a rule that was ended approves nothing more."""
    return rules_on(uow.references.of_kind(tenant_id, ReferenceKind.APPROVAL_RULE), today)


def _knows(uow: UnitOfWork, tenant_id: str, rules: Rules, customer: str | None, *, new: bool) -> bool:
    asks = new or any(rule.known_customers_only for rule in rules.values())
    return asks and customer is not None and uow.opportunities.knows_customer(tenant_id, customer)
