"""A dry run of the stages up to approval, by their functions. Reads CRM, ERP and Postgres, writes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import NamedTuple
from uuid import UUID

from oppsync.domain.approval.conditions import plan_context
from oppsync.domain.approval.matrix import steps_on, with_approvals
from oppsync.domain.approval.rules import rows_behind
from oppsync.domain.approval.who_may import Action
from oppsync.domain.configuration.bundle import fingerprint_of
from oppsync.domain.configuration.versions import ConfigurationUse
from oppsync.domain.deal.opportunity import Opportunity
from oppsync.domain.plan.approvals import DEFAULT_APPROVALS
from oppsync.domain.plan.overrides import PlanOverride
from oppsync.domain.plan.plan import Plan
from oppsync.domain.reading.judged import judge
from oppsync.domain.reading.preview import Approver, NeededApproval, PlanPreview, as_if_won
from oppsync.domain.reference.book import ReferenceBook
from oppsync.domain.validation.facts import ValidationFacts
from oppsync.domain.values.findings.finding import Finding, blocking, warnings
from oppsync.domain.values.model import changed, require
from oppsync.domain.work.connections import ConnectionRole
from oppsync.kernel.errors import Misconfigured
from oppsync.pipeline.approve import (
    NOT_JUDGED,
    UNKNOWN,
    ByRule,
    RuleFacts,
    by_rules,
    nobody_approves,
    rule_facts,
    rules_of_today,
)
from oppsync.pipeline.destination import Destination, choose
from oppsync.pipeline.duties import Candidates, Duties, duties
from oppsync.pipeline.preflight import preflight
from oppsync.pipeline.split_workstreams import plan_of
from oppsync.pipeline.stage import Sources
from oppsync.pipeline.validate import gather, today_at_the_entity
from oppsync.ports.clock import Clock
from oppsync.ports.storage.unit_of_work import UnitOfWorkFactory
from oppsync.ports.systems import Systems
from oppsync.services.admin.who_asks import admit
from oppsync.services.insight.commands import PreviewPlan

NO_RULES = RuleFacts()
# Who may decide for each step of a plan; of finance and delivery, where there is none.


class Deciders(NamedTuple):
    """`asked`: who would be asked for each step. `eligible`: who may decide it, also who is away; none where
    that is not known."""

    asked: Candidates
    eligible: Candidates = UNKNOWN


# Of a plan, and of the rules that approve it for some of its seats.
DecidersFor = Callable[[Plan | None, ByRule], Deciders]


def nothing_missing(plan: Plan) -> Sequence[Finding]:
    return ()


@dataclass(frozen=True)
class PreviewPlanHandler:
    uow: UnitOfWorkFactory
    systems: Systems
    clock: Clock

    def __call__(self, command: PreviewPlan) -> PlanPreview:
        with self.uow.reading() as uow:
            admit(uow, command.tenant_id, command.actor, Action.READ)
        deal, known, read_by = self._read(command.tenant_id, command.of)
        sources = Sources(command.tenant_id, self.systems, self.clock, self.uow)
        now = self.clock.now()
        asked = as_if_won(deal, today_at_the_entity(sources, deal))
        with self.uow.reading() as uow:
            tracked = uow.opportunities.get(command.tenant_id, known) if known else None
        facts = gather(sources, asked, tracked)
        book = sources.book()
        filled = facts.rules.fill(asked).deal
        destination = choose(self.systems, command.tenant_id, filled, book, read_by)
        customer = _customer_code(facts)
        with self.uow() as uow:
            overrides = uow.overrides.of(command.tenant_id, known) if known else ()
            dealt = duties(uow, command.tenant_id, known, deal)
            rules = rules_of_today(uow, command.tenant_id, now.date())
            new = asks_about_customer(book, now)
            rule_facts_now = rule_facts(uow, command.tenant_id, rules, known, customer, new=new)
            found = fingerprint_of(book)
            number = uow.configurations.number_of(command.tenant_id, found)
        shown = preview(
            deal,
            facts,
            book,
            partial(self._people_for, command.tenant_id, dealt),
            now,
            rules=rule_facts_now,
            shaped=bool(dealt.involved.editors),
            overrides=overrides,
            destination=destination,
            missing_for=partial(preflight, self.systems),
        )
        return changed(shown, configuration=ConfigurationUse(fingerprint=found, number=number))

    def _people_for(self, tenant_id: str, dealt: Duties, plan: Plan | None, by_rule: ByRule) -> Deciders:
        """Who may decide, also by who changed the configuration that the plan and its approval use."""
        if plan is None:
            return deciders(dealt, plan)
        with self.uow.reading() as uow:
            actors = uow.plans.changers_of_rows(tenant_id, rows_behind(plan.provenance.reference, by_rule))
        return deciders(dealt.with_changers(actors), plan)

    def _read(
        self, tenant_id: str, of: Opportunity | UUID | str
    ) -> tuple[Opportunity, UUID | None, str | None]:
        """The deal itself, or the CRM's record as it is now; its id here, None for a deal that is not stored;
        and the connection that it was read by."""
        if isinstance(of, Opportunity):
            return of, None, None
        with self.uow() as uow:
            if isinstance(of, UUID):
                tracked = uow.opportunities.get(tenant_id, of)
                connection_id, record_id = tracked.connection_id, tracked.source_id
            else:
                crm = uow.connections.of_role(tenant_id, ConnectionRole.CRM)
                if crm is None:
                    raise Misconfigured("No CRM is connected: add a connection of the role 'crm'.")
                connection_id, record_id = crm.id, of
        deal = self.systems.crm(connection_id).read_opportunity(record_id)
        with self.uow() as uow:  # by the id as the CRM writes it, which may be longer than what was asked for
            known = of if isinstance(of, UUID) else uow.opportunities.find(tenant_id, connection_id, deal.id)
        return deal, known, connection_id


def deciders(dealt: Duties, plan: Plan | None) -> Deciders:
    required = plan.content.required if plan else DEFAULT_APPROVALS
    return Deciders(dealt.candidates(required=required), dealt.eligible(required=required))


def preview(
    deal: Opportunity,
    facts: ValidationFacts,
    book: ReferenceBook,
    people_for: DecidersFor,
    now: datetime,
    *,
    rules: RuleFacts = NO_RULES,
    overrides: Sequence[PlanOverride] = (),
    shaped: bool = False,
    destination: Destination | None = None,
    missing_for: Callable[[Plan], Sequence[Finding]] = nothing_missing,
) -> PlanPreview:
    """The findings of each stage, one after the other, even where an earlier one would stop the deal;
    and the plan, where they leave one. `missing_for`: what the plan's systems do not know. `shaped`:
    whether people edited the plan, linked its customer or confirmed a finding."""
    judged = judge(deal, facts, book, overrides)
    wrong, later, priced = judged.wrong, judged.later, judged.priced
    plan: Plan | None = None
    judged_by_rules = NOT_JUDGED
    if judged.leaves_a_plan:
        enrichment = require(judged.enrichment, "the enrichment")
        workstreams = require(judged.workstreams, "the workstreams")
        customer = facts.customer.customer
        plan = plan_of(priced, enrichment, workstreams, now, destination, customer=customer)
        plan, unjudged = with_approvals(
            plan, priced, enrichment, book, now.date(), known_customer=rules.known_customer
        )
        later = (*later, *unjudged, *missing_for(plan))
        warned = bool(warnings((*wrong, *later)))
        context = partial(plan_context, plan.content, priced, enrichment)
        judged_by_rules = by_rules(plan.content, rules, warned=warned, edited=shaped, context=context)
    by_rule, later = judged_by_rules.by_rule, (*later, *judged_by_rules.failed)
    required = plan.content.required if plan else DEFAULT_APPROVALS
    people = people_for(plan, by_rule)
    return PlanPreview(
        system=deal.system,
        record_id=deal.id,
        source_version=deal.version,
        name=deal.name,
        is_won=deal.is_won,
        as_of=require(priced.won_on, "the close date"),
        findings=_once(
            (*wrong, *later, *nobody_approves(people.asked, required, by_rule, eligible=people.eligible))
        ),
        plan=plan,
        hash=plan.hash if plan else None,
        approvals=tuple(
            NeededApproval(
                role=step.step,
                name=step.name,
                count=step.count,
                order=step.order,
                candidates=tuple(
                    Approver(name=person.name, email=person.email) for person in people.asked[step.step]
                ),
                rule=by_rule.get(step.step),
            )
            for step in required
        ),
        waits_until=facts.waits_until,
    )


def asks_about_customer(book: ReferenceBook, now: datetime) -> bool:
    """Whether a step of the approval matrix asks whether the customer is new."""
    return any(step.new_customer for step, _use in steps_on(book, now.date()))


def _customer_code(facts: ValidationFacts) -> str | None:
    found = facts.customer
    return found.customer.code if found.customer else found.code


def _once(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Each finding once, because two stages may find the same thing. Blocking findings come first."""
    once: dict[tuple[str, str, str], Finding] = {}
    for found in findings:
        once.setdefault((found.code, found.path, found.value), found)
    return (*blocking(once.values()), *warnings(once.values()))
