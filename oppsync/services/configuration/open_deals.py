"""Plan the deals that are not approved yet by other rows, in memory: nothing outside is asked, nothing is
written."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from oppsync.domain.approval.rules import rules_on
from oppsync.domain.configuration.files import UNGOVERNED
from oppsync.domain.deal.customers import CustomerMatch
from oppsync.domain.deal.opportunity import Opportunity
from oppsync.domain.plan.capabilities import ErpCapabilities
from oppsync.domain.plan.plan import LineKind
from oppsync.domain.reading.open_deals import DealEffect, OpenDealEffects, fate_of, total_of
from oppsync.domain.reading.preview import PlanPreview
from oppsync.domain.reference.book import ReferenceBook, ReferenceKind, ReferenceRow
from oppsync.domain.reference.entities import LegalEntity
from oppsync.domain.validation.facts import ValidationFacts
from oppsync.domain.values.model import require
from oppsync.domain.work.states import BEFORE_APPROVAL
from oppsync.domain.work.tracked import TrackedOpportunity
from oppsync.kernel.errors import Misconfigured
from oppsync.pipeline.approve import rule_facts
from oppsync.pipeline.destination import Destination, choose
from oppsync.pipeline.duties import duties
from oppsync.ports.clock import Clock
from oppsync.ports.storage.unit_of_work import UnitOfWork
from oppsync.ports.systems import Systems
from oppsync.services.insight.preview_plan import preview

# About a second and a half.
MOST_TRIED = 50
_ANY_ERP = ErpCapabilities(line_kinds=frozenset(LineKind))


@dataclass(frozen=True)
class OpenDeals:
    """What the ERP says of a deal is left as it was found when the deal was validated: only rows differ."""

    uow: UnitOfWork
    systems: Systems
    clock: Clock

    def effects_of(self, tenant_id: str, rows: Iterable[ReferenceRow]) -> OpenDealEffects:
        """`rows`: those of a bundle. Links of customers stay as they are."""
        now = self.uow.references.book(tenant_id)
        others = ReferenceBook([*rows, *(row for row in now.rows if row.kind in UNGOVERNED)])
        found, count = self.uow.opportunities.newest(tenant_id, BEFORE_APPROVAL, MOST_TRIED)
        tried = tuple(self._effect(each, now, others) for each in found)
        return OpenDealEffects(rows=tried, not_tried=count - len(tried))

    def _effect(self, deal: TrackedOpportunity, now: ReferenceBook, others: ReferenceBook) -> DealEffect:
        before, after = self._planned(deal, now), self._planned(deal, others)
        fate, what = fate_of(before, after)
        return DealEffect(
            id=deal.id,
            source_id=deal.source_id,
            name=before.name,
            state=deal.state,
            fate=fate,
            total_before=total_of(before),
            total_after=total_of(after),
            what=what,
        )

    def _planned(self, deal: TrackedOpportunity, book: ReferenceBook) -> PlanPreview:
        record, moment = require(deal.record, "the record"), self.clock.now()
        destination = self._destination(deal.tenant_id, record)
        rules = rules_on([row for row in book.rows if row.kind is ReferenceKind.APPROVAL_RULE], moment.date())
        customer = deal.customer.code if deal.customer else None
        dealt = duties(self.uow, deal.tenant_id, deal.id, record)
        return preview(
            record,
            _facts(deal, record, book, destination, moment),
            book,
            dealt.candidates(),
            moment,
            rules=rule_facts(self.uow, deal.tenant_id, rules, deal.id, customer),
            shaped=bool(dealt.involved.editors),
            overrides=self.uow.overrides.of(deal.tenant_id, deal.id),
            destination=destination,
        )

    def _destination(self, tenant_id: str, record: Opportunity) -> Destination | None:
        """None while no ERP is connected: a firm begins with its rules."""
        with suppress(Misconfigured):
            return choose(self.systems, tenant_id, record)
        return None


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
    entity = found[0] if found else None
    return ValidationFacts(
        legal_entity=entity,
        erp=destination.erp if destination else _ANY_ERP,
        today=entity.today(now) if entity else now.date(),
        customer=CustomerMatch(customer=deal.customer, code=record.account.code if record.account else None),
        confirmations=deal.confirmations,
        legal_entities=book.keys(ReferenceKind.LEGAL_ENTITY, day),
    )
