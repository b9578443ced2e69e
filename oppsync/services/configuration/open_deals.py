"""Plan the deals that are not approved yet by other rows, in memory: nothing outside is asked, nothing is
written."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from typing import NamedTuple

from oppsync.domain.approval.rules import rows_behind, rules_on
from oppsync.domain.configuration.files import UNGOVERNED
from oppsync.domain.deal.customers import CustomerMatch
from oppsync.domain.deal.opportunity import Opportunity
from oppsync.domain.plan.capabilities import ErpCapabilities
from oppsync.domain.plan.overrides import PlanOverride
from oppsync.domain.plan.plan import LineKind, Plan
from oppsync.domain.plan.tampering import PlanTampered
from oppsync.domain.policy.firm_rules import firm_rules
from oppsync.domain.reading.open_deals import DealEffect, OpenDealEffects, as_it_waits, fate_of, total_of
from oppsync.domain.reading.preview import PlanPreview
from oppsync.domain.reference.book import ReferenceBook, ReferenceKind, ReferenceRow
from oppsync.domain.reference.entities import LegalEntity
from oppsync.domain.validation.facts import ValidationFacts
from oppsync.domain.values.model import require
from oppsync.domain.work.states import BEFORE_APPROVAL, State
from oppsync.domain.work.tracked import TrackedOpportunity
from oppsync.kernel.errors import NotFound
from oppsync.pipeline.approve import ByRule, RuleFacts, Rules, rule_facts
from oppsync.pipeline.destination import Destination
from oppsync.pipeline.duties import Duties, duties
from oppsync.ports.clock import Clock
from oppsync.ports.storage.unit_of_work import UnitOfWork, UnitOfWorkFactory
from oppsync.ports.systems import Systems
from oppsync.services.configuration.changers import ChangersOfRows
from oppsync.services.configuration.destinations import Destinations, destinations
from oppsync.services.insight.preview_plan import Deciders, asks_about_customer, deciders, preview

# About a second and a half.
MOST_TRIED = 50
_ANY_ERP = ErpCapabilities(line_kinds=frozenset(LineKind))


class _Deal(NamedTuple):
    """A deal with what Postgres says of it; `now` and `then`: what rules need to know, by both. `stored`: the
    plan that waits for approval, of a deal that waits."""

    tracked: TrackedOpportunity
    dealt: Duties
    shaped: bool
    overrides: Sequence[PlanOverride]
    now: RuleFacts
    then: RuleFacts
    stored: Plan | None = None


class _By(NamedTuple):
    """By which rows a deal is planned, and what rules need to know then."""

    book: ReferenceBook
    rules: RuleFacts


@dataclass(frozen=True)
class OpenDeals:
    """What the ERP says of a deal is left as it was found when the deal was validated: only rows differ."""

    uow: UnitOfWorkFactory
    systems: Systems
    clock: Clock

    def effects_of(
        self, tenant_id: str, rows: Iterable[ReferenceRow], maps: Sequence[str] = ()
    ) -> OpenDealEffects:
        """`rows`: those of a bundle. Links of customers stay as they are. `maps`: connections whose maps these
        rows change."""
        today = self.clock.now().date()
        with self.uow.reading() as uow:
            now = uow.references.book(tenant_id)
            then = ReferenceBook([*rows, *(row for row in now.rows if row.kind in UNGOVERNED)])
            found, count = uow.opportunities.newest(tenant_id, BEFORE_APPROVAL, MOST_TRIED)
            both = _rules(now, today), _rules(then, today)
            new = any(asks_about_customer(book, self.clock.now()) for book in (now, then))
            deals = [_gathered(uow, each, *both, new=new) for each in found]
            where_to = destinations(self.systems, uow, tenant_id)
        changers = ChangersOfRows(self.uow, tenant_id, now.rows)
        tried = tuple(self._effect(each, now, then, where_to, changers) for each in deals)
        return OpenDealEffects(rows=tried, not_tried=count - len(tried), maps_not_tried=tuple(maps))

    def _effect(
        self,
        deal: _Deal,
        now: ReferenceBook,
        then: ReferenceBook,
        where_to: Destinations,
        changers: ChangersOfRows,
    ) -> DealEffect:
        tracked = deal.tracked
        before = as_it_waits(self._planned(deal, _By(now, deal.now), where_to, changers), deal.stored)
        after = self._planned(deal, _By(then, deal.then), where_to, changers)
        fate, what = fate_of(before, after, where_to.in_words)
        return DealEffect(
            id=tracked.id,
            source_id=tracked.source_id,
            name=before.name,
            state=tracked.state,
            fate=fate,
            total_before=total_of(before),
            total_after=total_of(after),
            what=what,
        )

    def _planned(
        self,
        deal: _Deal,
        by: _By,
        where_to: Destinations,
        changers: ChangersOfRows,
    ) -> PlanPreview:
        book, moment, record = by.book, self.clock.now(), require(deal.tracked.record, "the record")
        filled = firm_rules(book, record, record.won_on or moment.date()).fill(record).deal
        goes = where_to.of(filled, book, deal.tracked.connection_id)
        return preview(
            record,
            _facts(deal.tracked, record, book, goes.destination, moment),
            book,
            partial(_deciders, deal, changers),
            moment,
            rules=by.rules,
            shaped=deal.shaped,
            overrides=deal.overrides,
            destination=goes.destination,
            missing_for=lambda _plan: goes.wrong,
        )


def _deciders(deal: _Deal, changers: ChangersOfRows, plan: Plan | None, by_rule: ByRule) -> Deciders:
    if plan is None:
        return deciders(deal.dealt, plan)
    actors = changers.of(rows_behind(plan.provenance.reference, by_rule))
    return deciders(deal.dealt.with_changers(actors), plan)


def _rules(book: ReferenceBook, today: date) -> Rules:
    return rules_on([row for row in book.rows if row.kind is ReferenceKind.APPROVAL_RULE], today)


def _gathered(uow: UnitOfWork, deal: TrackedOpportunity, now: Rules, then: Rules, *, new: bool) -> _Deal:
    tenant_id, customer = deal.tenant_id, deal.customer.code if deal.customer else None
    dealt = duties(uow, tenant_id, deal.id, deal.record)
    return _Deal(
        tracked=deal,
        dealt=dealt,
        shaped=bool(dealt.involved.editors),
        overrides=uow.overrides.of(tenant_id, deal.id),
        now=rule_facts(uow, tenant_id, now, deal.id, customer, new=new),
        then=rule_facts(uow, tenant_id, then, deal.id, customer, new=new),
        stored=_waiting_plan(uow, deal),
    )


def _waiting_plan(uow: UnitOfWork, deal: TrackedOpportunity) -> Plan | None:
    """None also where earlier plans of the deal gave its lines paths that a trial does not know, where a
    release made the plan that kept no configuration with it, and where somebody changed it in the database."""
    if deal.state is not State.AWAITING_APPROVAL or deal.plan_hash is None or deal.replaces is not None:
        return None
    try:
        plan = uow.plans.get(deal.tenant_id, deal.id, deal.plan_hash)
    except (NotFound, PlanTampered):
        return None
    return plan if plan.configuration else None


def _facts(
    deal: TrackedOpportunity,
    record: Opportunity,
    book: ReferenceBook,
    destination: Destination | None,
    now: datetime,
) -> ValidationFacts:
    day = record.won_on or now.date()
    named = record.contracting_entity
    found = book.find(LegalEntity, ReferenceKind.LEGAL_ENTITY, named, day) if named else None
    entity, rules = found[0] if found else None, firm_rules(book, record, day)
    said = deal.erp_facts.of(rules.fill(record).deal, entity) if deal.erp_facts else {}
    return ValidationFacts(
        legal_entity=entity,
        **said,
        erp=destination.erp if destination else _ANY_ERP,
        today=entity.today(now) if entity else now.date(),
        customer=CustomerMatch(customer=deal.customer, code=record.account.code if record.account else None),
        confirmations=deal.confirmations,
        legal_entities=book.keys(ReferenceKind.LEGAL_ENTITY, day),
        rules=rules,
    )
