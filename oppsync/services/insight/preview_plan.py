"""A dry run of the stages up to approval, by their functions. Reads CRM, ERP and Postgres, writes nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from oppsync.domain.approval.rules import approved_by_rule
from oppsync.domain.deal.customers import with_customer
from oppsync.domain.deal.opportunity import Opportunity
from oppsync.domain.enrichment.enrich import enrich
from oppsync.domain.plan.enrichment import Enrichment
from oppsync.domain.plan.overrides import PlanOverride, editors
from oppsync.domain.plan.plan import Plan
from oppsync.domain.planning.apply_overrides import apply
from oppsync.domain.planning.split import split
from oppsync.domain.reading.preview import Approver, NeededApproval, PlanPreview, as_if_won, leaves_a_plan
from oppsync.domain.reference.book import ReferenceBook
from oppsync.domain.validation.facts import ValidationFacts
from oppsync.domain.validation.table import validate
from oppsync.domain.values.findings.finding import Finding, blocking, warnings
from oppsync.domain.values.model import given
from oppsync.domain.work.connections import ConnectionRole
from oppsync.kernel.errors import Misconfigured
from oppsync.pipeline.approve import (
    NOTHING_BY_RULE,
    ByRule,
    Candidates,
    RuleFacts,
    candidates,
    nobody_approves,
    owner_email,
    rule_facts,
)
from oppsync.pipeline.destination import Destination, choose
from oppsync.pipeline.split_workstreams import plan_of
from oppsync.pipeline.stage import Sources
from oppsync.pipeline.validate import gather
from oppsync.ports.clock import Clock
from oppsync.ports.storage.unit_of_work import UnitOfWorkFactory
from oppsync.ports.systems import Systems
from oppsync.services.insight.commands import PreviewPlan

NO_RULES = RuleFacts()


@dataclass(frozen=True)
class PreviewPlanHandler:
    uow: UnitOfWorkFactory
    systems: Systems
    clock: Clock

    def __call__(self, command: PreviewPlan) -> PlanPreview:
        deal, overrides = self._read(command.tenant_id, command.of)
        sources = Sources(command.tenant_id, self.systems, self.clock, self.uow)
        now = self.clock.now()
        asked = as_if_won(deal, now.date())
        facts = gather(sources, asked)
        destination = choose(self.systems, command.tenant_id, asked)
        with self.uow() as uow:
            people = candidates(uow, command.tenant_id, owner_email(deal), editors(overrides))
            account = with_customer(deal, facts.customer).account
            rules = rule_facts(uow, command.tenant_id, account.code if account else None, now.date())
        return preview(
            deal,
            facts,
            sources.book(),
            people,
            now,
            rules=rules,
            overrides=overrides,
            destination=destination,
        )

    def _read(self, tenant_id: str, of: Opportunity | UUID | str) -> tuple[Opportunity, Sequence[PlanOverride]]:
        """The deal itself, or the CRM's record as it is now and what people said of it here."""
        if isinstance(of, Opportunity):
            return of, ()
        with self.uow() as uow:
            if isinstance(of, UUID):
                tracked = uow.opportunities.get(tenant_id, of)
                connection_id, record_id = tracked.connection_id, tracked.source_id
            else:
                crm = uow.connections.of_role(tenant_id, ConnectionRole.CRM)
                if crm is None:
                    raise Misconfigured("No CRM is connected: add a connection of the role 'crm'.")
                connection_id, record_id = crm.id, of
            overrides = uow.overrides.of_record(tenant_id, connection_id, record_id)
        return self.systems.crm(connection_id).read_opportunity(record_id), overrides


def preview(
    deal: Opportunity,
    facts: ValidationFacts,
    book: ReferenceBook,
    people: Candidates,
    now: datetime,
    *,
    rules: RuleFacts = NO_RULES,
    overrides: Sequence[PlanOverride] = (),
    destination: Destination | None = None,
) -> PlanPreview:
    """Pure: what each stage would say of the deal, one after the other, though an earlier one would stop it."""
    priced = with_customer(as_if_won(deal, now.date()), facts.customer)
    wrong = validate(deal if deal.is_won else priced, facts)
    is_planned = all(leaves_a_plan(found) for found in wrong)
    enrichment = enrich(priced, book, overrides if is_planned else ())
    met = enrichment.warnings if isinstance(enrichment, Enrichment) else enrichment
    plan: Plan | None = None
    unfit: tuple[Finding, ...] = ()
    if isinstance(enrichment, Enrichment) and is_planned:
        plan, unfit = _plan(priced, enrichment, overrides, book, now, destination=destination)
    warned = bool(warnings((*wrong, *met)))
    # What a person changed, people look at.
    by_rule = NOTHING_BY_RULE if editors(overrides) else _by_rule(plan, rules, warned=warned)
    asked = [role for role in people if role not in by_rule]
    return PlanPreview(
        system=deal.system,
        record_id=deal.id,
        source_version=deal.version,
        name=deal.name,
        is_won=deal.is_won,
        as_of=given(priced.won_on, "the close date"),
        findings=_once((*wrong, *met, *unfit, *nobody_approves(people, asked))),
        plan=plan,
        hash=plan.hash if plan else None,
        approvals=tuple(
            NeededApproval(
                role=role,
                candidates=tuple(Approver(name=person.name, email=person.email) for person in able),
                rule=by_rule.get(role),
            )
            for role, able in people.items()
        ),
    )


def _plan(
    priced: Opportunity,
    enrichment: Enrichment,
    overrides: Sequence[PlanOverride],
    book: ReferenceBook,
    now: datetime,
    *,
    destination: Destination | None,
) -> tuple[Plan | None, tuple[Finding, ...]]:
    """None with what keeps people's words from being done."""
    overridden = apply(priced, enrichment, split(priced, enrichment), overrides, book)
    if overridden.findings:
        return None, overridden.findings
    return plan_of(priced, enrichment, overridden, now, destination), ()


def _by_rule(plan: Plan | None, rules: RuleFacts, *, warned: bool) -> ByRule:
    if plan is None:
        return NOTHING_BY_RULE
    known = rules.known_customer
    return approved_by_rule(plan.content, rules.rules, known_customer=known, warned=warned, before=())


def _once(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Two stages may miss the same thing. What stops the deal comes first."""
    once: dict[tuple[str, str, str], Finding] = {}
    for found in findings:
        once.setdefault((found.code, found.path, found.value), found)
    return (*blocking(once.values()), *warnings(once.values()))
