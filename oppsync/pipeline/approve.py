"""Approve: finance and delivery must both approve this plan's hash. The stage opens their tasks and acts on
the decisions; the decisions are made by people, or by a rule that somebody set for plans like this one."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import partial
from typing import NamedTuple
from uuid import UUID

from oppsync.domain.approval.rules import approved_by_rule, rules_on
from oppsync.domain.approval.tasks import ApprovalTask, Person, RuleUse, TaskStatus
from oppsync.domain.approval.who_may import REFUSAL_REASONS, Refusal
from oppsync.domain.deal.parties import Party
from oppsync.domain.effects.effects import Effect, ExternalRecord
from oppsync.domain.plan.orders import Message
from oppsync.domain.plan.plan import PlanContent, short_hash
from oppsync.domain.policy.approval_rule import ApprovalRule
from oppsync.domain.reference.book import ReferenceKind
from oppsync.domain.values.actor import stage_actor
from oppsync.domain.values.findings.codes import finding
from oppsync.domain.values.findings.finding import Finding
from oppsync.domain.values.keys import EffectKind, outside_key
from oppsync.domain.values.roles import ApprovalRole
from oppsync.domain.work.events import ApprovalOpened, PlanApproved
from oppsync.domain.work.payload_references import record_reference
from oppsync.domain.work.states import State
from oppsync.domain.work.tracked import TrackedOpportunity
from oppsync.kernel.plain_text import quoted_in_mail
from oppsync.pipeline.duties import REQUIRED_ROLES, Candidates, Duties, duties_of, reconsider
from oppsync.pipeline.restore_check import APPROVAL_LOST, has_project_without_ledger_row
from oppsync.pipeline.stage import Advance, Await, Outcome, Park, StageContext
from oppsync.ports.storage.unit_of_work import UnitOfWork

ACTOR = stage_actor("approve")
ByRule = Mapping[ApprovalRole, RuleUse]
Rules = Mapping[RuleUse, ApprovalRule]
NOTHING_BY_RULE: ByRule = {}


@dataclass(frozen=True)
class RuleFacts:
    """What rules need to know besides a plan. `known_customer` is only looked up when a rule depends on it.

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
    _notify(context, _told_that_it_does_not_stand(context, known))
    if opportunity.state is State.PLANNED:
        return _propose(context, known)
    asked_anew = reconsider(context, opportunity, known)
    if asked_anew is not None:
        return asked_anew
    outcome = weigh_decisions(opportunity, known.tasks)
    if isinstance(outcome, Await):
        _notify(context, _asked(context, known))
    return outcome


def _propose(context: StageContext, known: Duties) -> Outcome:
    opportunity = context.opportunity
    lost = has_project_without_ledger_row(context.uow, context.systems, opportunity)
    with context.uow.reading() as uow:
        # What a restored backup forgot, people look at.
        by_rule = NOTHING_BY_RULE if lost else _by_rule(context, uow, edited=bool(known.involved.editors))
    able = known.candidates(known.of_plan(opportunity.plan_hash))
    return open_tasks(opportunity, able, by_rule, decided=known.decided(opportunity.plan_hash), lost=lost)


def _by_rule(context: StageContext, uow: UnitOfWork, *, edited: bool) -> ByRule:
    opportunity, tenant_id = context.opportunity, context.opportunity.tenant_id
    rules = rules_of_today(uow, tenant_id, context.clock.now().date())
    if not rules:
        return NOTHING_BY_RULE
    content = uow.plans.get(tenant_id, opportunity.id, opportunity.plan_hash or "").content
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


class Notification(NamedTuple):
    """A message, and how the ledger names it."""

    path: str
    message: Message


def _notify(context: StageContext, notifications: Sequence[Notification]) -> None:
    """Send each, once."""
    for path, message in notifications:
        effect = Effect(
            key=message.key,
            kind=EffectKind.NOTIFICATION,
            path=path,
            opportunity_id=context.opportunity.id,
            connection_id="notifier",
            request=message.model_dump(mode="json"),
            quarantine=timedelta(0),
        )
        context.effects.perform(effect, _cannot_look_up, partial(_send, context, message))


def _asked(context: StageContext, known: Duties) -> Sequence[Notification]:
    """For each candidate of each open task: a link, no amount."""
    plan_hash = context.opportunity.plan_hash or ""
    waiting = [task for task in known.of_plan(plan_hash) if task.status is TaskStatus.OPEN]
    if not waiting:
        return []
    # What others wrote is quoted: it may hold line ends and addresses, and the only link is ours.
    name, customer = _names(context, plan_hash)
    unmatched = "".join(f"\n{_not_known(owner)}\n" for owner in known.unmatched_owners())
    asked = []
    for task in waiting:
        words = f"{name} for {customer} needs your decision for {task.role} on plan {short_hash(plan_hash)}."
        for person in known.people:
            if person.id in task.candidates:
                key = _key(context, f"{task.id}/{person.id}")
                body = _body(context, task, person, words)
                message = Message(
                    key=key,
                    to=person.email,
                    subject=f"Approve the plan of {name}",
                    body=body + unmatched,
                )
                asked.append(Notification(f"{task.role}/{person.email}", message))
    return asked


def _not_known(owner: Party) -> str:
    address = f" ({quoted_in_mail(owner.email)})" if owner.email else ""
    who = f"{quoted_in_mail(owner.name)}{address}"
    return f"An owner in the CRM, {who}, matches no user here: make sure that it is not you."


def _told_that_it_does_not_stand(context: StageContext, known: Duties) -> Sequence[Notification]:
    """For each person whose approval does not stand any more."""
    people = {person.id: person for person in known.people}
    told = []
    for task in known.tasks:
        person = people.get(task.decided_by) if task.decided_by else None
        if task.void_because is None or person is None:
            continue
        name, _ = _names(context, task.plan_hash)
        words = (
            f"Your approval of plan {short_hash(task.plan_hash)} of {name} for {task.role} does not "
            f"stand any more: it came from somebody who {REFUSAL_REASONS[Refusal(task.void_because)]}. It is "
            "asked anew."
        )
        key = _key(context, f"{task.id}/{person.id}/void")
        subject = f"Your approval of {name} does not stand"
        message = Message(key=key, to=person.email, subject=subject, body=_body(context, task, person, words))
        told.append(Notification(f"{task.role}/{person.email}/void", message))
    return told


def _names(context: StageContext, plan_hash: str) -> tuple[str, str]:
    """What a plan and its customer are called, as a mail may quote them."""
    with context.uow.reading() as uow:
        plan = uow.plans.get(context.opportunity.tenant_id, context.opportunity.id, plan_hash)
    return quoted_in_mail(plan.content.name), quoted_in_mail(plan.content.customer_name)


def _key(context: StageContext, path: str) -> str:
    opportunity = context.opportunity
    return outside_key(opportunity.tenant_id, "notifier", opportunity.source_id, EffectKind.NOTIFICATION, path)


def _body(context: StageContext, task: ApprovalTask, person: Person, words: str) -> str:
    return f"Hello {quoted_in_mail(person.name)},\n\n{words}\n\n{context.base_url}/approvals/{task.id}\n"


def _cannot_look_up() -> ExternalRecord | None:
    """A mailbox cannot be asked: a message whose outcome is unknown is sent again rather than never."""
    return None


def _send(context: StageContext, message: Message) -> ExternalRecord:
    context.systems.notifier.send(message)
    return ExternalRecord(outside_id=message.to)
