"""Approve: finance and delivery must both approve this plan's hash. The stage opens their tasks and acts on
the decisions; the decisions are made by people, or by a rule that somebody set for plans like this one."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from uuid import UUID

from oppsync.domain.approval.rules import approved_by_rule, rules_on
from oppsync.domain.approval.tasks import REQUIRED_ROLES, ApprovalTask, Person, RuleUse, TaskStatus
from oppsync.domain.plan.plan import PlanContent, short_hash
from oppsync.domain.policy.approval_rule import ApprovalRule
from oppsync.domain.reference.book import ReferenceKind
from oppsync.domain.values.actor import stage_actor
from oppsync.domain.values.findings.codes import finding
from oppsync.domain.values.findings.finding import Finding
from oppsync.domain.values.roles import ApprovalRole
from oppsync.domain.work.events import ApprovalOpened, PlanApproved
from oppsync.domain.work.payload_references import record_reference
from oppsync.domain.work.states import State
from oppsync.domain.work.tracked import TrackedOpportunity
from oppsync.kernel.errors import VendorUnavailable
from oppsync.pipeline.across_deals import beside_other_deals
from oppsync.pipeline.duties import Candidates, Duties, duties_of, reconsider
from oppsync.pipeline.notify import notify, notify_of_fallen
from oppsync.pipeline.restore_check import APPROVAL_LOST, has_project_without_ledger_row
from oppsync.pipeline.signed import approved_plan, doubts
from oppsync.pipeline.stage import Advance, Await, Outcome, Park, StageContext
from oppsync.pipeline.warn import tell_warnings
from oppsync.ports.storage.unit_of_work import UnitOfWork

ACTOR = stage_actor("approve")
ByRule = Mapping[ApprovalRole, RuleUse]
Rules = Mapping[RuleUse, ApprovalRule]
NOTHING_BY_RULE: ByRule = {}


@dataclass(frozen=True)
class RuleFacts:
    """The facts that rules need besides a plan. `known_customer` is only looked up when a rule depends on it.

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
    decided: Collection[ApprovalRole] = (),
    lost: bool = False,
) -> Outcome:
    """From `planned`: each role gets its task unless a rule approves for it, and the deal goes straight on
    when rules approve for all. Parked when a role needs a person and nobody may decide for it.

    `decided`: the roles that approved this plan already. `lost`: its projects exist, but a restored backup lost
    their approval. They are taken over once the plan is approved anew; an exception item tells a person
    meanwhile.
    """
    asked = [role for role in REQUIRED_ROLES if role not in by_rule and role not in decided]
    alone = nobody_approves(candidates, asked)
    if alone:
        return Park(opportunity, alone, record_reference(opportunity.id))
    return Advance(
        State.AWAITING_APPROVAL if asked or decided else State.APPROVED,
        opportunity,
        items=[APPROVAL_LOST] if lost else (),
        open_tasks={role: tuple(person.id for person in candidates[role]) for role in asked},
        by_rule=by_rule,
        events=[
            *(_approved(opportunity, role, rule) for role, rule in by_rule.items()),
            *(_opened(opportunity, role, candidates[role]) for role in asked),
        ],
    )


def nobody_approves(candidates: Candidates, roles: Iterable[ApprovalRole] = REQUIRED_ROLES) -> list[Finding]:
    """A finding for each role that nobody may decide for."""
    return [
        finding("NO_APPROVER", f"No active user may approve for {role}", path="/owner", value=role)
        for role in roles
        if not candidates[role]
    ]


def _opened(opportunity: TrackedOpportunity, role: ApprovalRole, people: Sequence[Person]) -> ApprovalOpened:
    return ApprovalOpened(
        opportunity_id=opportunity.id,
        actor=ACTOR,
        after={"role": role.value, "plan": opportunity.plan_hash},
        detail={"candidates": [person.email for person in people]},
        summary=f"Waits for {role}: " + ", ".join(person.name for person in people),
    )


def _approved(opportunity: TrackedOpportunity, role: ApprovalRole, rule: RuleUse) -> PlanApproved:
    plan = opportunity.plan_hash or ""
    return PlanApproved(
        opportunity_id=opportunity.id,
        actor=ACTOR,
        after={"role": role.value, "plan": plan, "status": TaskStatus.APPROVED.value},
        detail={"rule": rule.model_dump(mode="json")},
        summary=f"{rule} approved plan {short_hash(plan)} for {role}",
    )


def weigh_decisions(opportunity: TrackedOpportunity, tasks: Sequence[ApprovalTask]) -> Outcome:
    """Approved by every role: go on. Rejected by one: refused. Otherwise wait for people."""
    now = [task for task in tasks if task.plan_hash == opportunity.plan_hash]
    approved = {task.role for task in now if task.status is TaskStatus.APPROVED}
    if any(task.status is TaskStatus.REJECTED for task in now):
        return Advance(State.REFUSED, opportunity)
    if approved.issuperset(REQUIRED_ROLES):
        return Advance(State.APPROVED, opportunity)
    return Await(opportunity)


def run(context: StageContext) -> Outcome:
    opportunity = context.opportunity
    known = duties_of(context, opportunity)
    if opportunity.state is State.PLANNED:
        notify_of_fallen(context, known)
        return _propose(context, known)
    with context.uow.reading() as uow:
        plan = approved_plan(uow, opportunity)
    asked_anew = doubts(context, plan, known.tasks) or reconsider(context, opportunity, known)
    if asked_anew is not None:
        return asked_anew
    outcome = weigh_decisions(opportunity, known.tasks)
    if isinstance(outcome, Await):
        return notify(context, plan, known)
    if isinstance(outcome, Advance) and outcome.to is State.APPROVED:
        beside = beside_other_deals(context)
        return beside if isinstance(beside, Park) else outcome
    return outcome


def _propose(context: StageContext, known: Duties) -> Outcome:
    opportunity = beside_other_deals(context)
    if isinstance(opportunity, Park):
        return opportunity
    told = tell_warnings(opportunity, opportunity.warnings, context.opportunity.warnings, ACTOR)
    lost, away = _is_lost(context, opportunity)
    with context.uow.reading() as uow:
        # What a restored backup forgot, people look at.
        edited = bool(known.involved.editors)
        by_rule = NOTHING_BY_RULE if lost else _by_rule(context, uow, opportunity, edited=edited)
    if by_rule and away is not None:
        raise away  # no rule approves what people would perhaps have to look at
    able, decided = known.candidates(known.of_plan(opportunity.plan_hash)), known.decided(opportunity.plan_hash)
    asked = open_tasks(opportunity, able, by_rule, decided=decided, lost=lost)
    return replace(asked, events=(*told, *asked.events))


def _is_lost(context: StageContext, opportunity: TrackedOpportunity) -> tuple[bool, VendorUnavailable | None]:
    """Whether the ERP has its projects though no approval is recorded. While it does not answer, people decide
    meanwhile: before anything is created it is asked again."""
    try:
        return has_project_without_ledger_row(context.uow, context.systems, opportunity), None
    except VendorUnavailable as away:
        return False, away


def _by_rule(
    context: StageContext, uow: UnitOfWork, opportunity: TrackedOpportunity, *, edited: bool
) -> ByRule:
    tenant_id = opportunity.tenant_id
    rules = rules_of_today(uow, tenant_id, context.clock.now().date())
    if not rules:
        return NOTHING_BY_RULE
    content = approved_plan(uow, opportunity).content
    facts = rule_facts(uow, tenant_id, rules, opportunity.id, content.customer)
    warned = bool(opportunity.warnings or (opportunity.enrichment and opportunity.enrichment.warnings))
    return by_rules(content, facts, warned=warned, edited=edited)


def by_rules(content: PlanContent, facts: RuleFacts, *, warned: bool, edited: bool) -> ByRule:
    """The approvals that rules give to this plan; for the stage and for previews of it.

    `edited`: a person changed something in the plan, so people have to approve it.
    """
    if edited:
        return NOTHING_BY_RULE
    return approved_by_rule(
        content, facts.rules, known_customer=facts.known_customer, warned=warned, before=facts.before
    )


def rule_facts(
    uow: UnitOfWork, tenant_id: str, rules: Rules, opportunity_id: UUID | None, customer: str | None
) -> RuleFacts:
    """`opportunity_id` is None for a deal that is not stored here."""
    before = uow.approvals.of(tenant_id, opportunity_id) if opportunity_id else ()
    return RuleFacts(rules, _knows(uow, tenant_id, rules, customer), before)


def rules_of_today(uow: UnitOfWork, tenant_id: str, today: date) -> Rules:
    """The rules valid today, whenever the deal was won: a rule that was ended approves nothing more."""
    return rules_on(uow.references.of_kind(tenant_id, ReferenceKind.APPROVAL_RULE), today)


def _knows(uow: UnitOfWork, tenant_id: str, rules: Rules, customer: str | None) -> bool:
    asks = any(rule.known_customers_only for rule in rules.values())
    return asks and customer is not None and uow.opportunities.knows_customer(tenant_id, customer)
