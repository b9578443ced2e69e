"""Which systems a deal goes to. Chosen once, at planning; every later stage uses the choice stored with the
plan."""

from __future__ import annotations

from dataclasses import dataclass

from oppsync.domain.deal.opportunity import Opportunity
from oppsync.domain.plan.capabilities import ErpCapabilities
from oppsync.domain.plan.plan import PlanContent
from oppsync.domain.plan.systems import PlanSystems, parent_values
from oppsync.domain.policy.filling import with_filled
from oppsync.domain.policy.route import NamedPlace, Route, routes_of
from oppsync.domain.reference.book import ReferenceBook, ReferenceUse
from oppsync.domain.values.model import changed
from oppsync.domain.work.tracked import TrackedOpportunity
from oppsync.ports.erp import Erp
from oppsync.ports.psa import Psa
from oppsync.ports.systems import Systems


@dataclass(frozen=True)
class Destination:
    """The systems that a plan goes to, what the ERP among them can do, and the rows that lead there and say
    what these systems and the deal's CRM map."""

    systems: PlanSystems
    erp: ErpCapabilities
    rows: tuple[ReferenceUse, ...] = ()

    def systems_for(self, content: PlanContent) -> PlanSystems:
        """The systems, with the limits of this plan that the ERP does not hold."""
        watched = tuple(limit for limit in content.limits() if limit not in self.erp.holds)
        return changed(self.systems, watched=watched) if watched else self.systems


def choose(
    systems: Systems, tenant_id: str, record: Opportunity, book: ReferenceBook, crm: str | None = None
) -> Destination:
    """By the routes of these rows. `crm`: the connection that the record was read by; None for one that was
    not. Raises Misconfigured without an ERP, or for a route that leads nowhere."""
    parent = parent_values(record)
    erp_id, erp = systems.erp(tenant_id, parent, book)
    psa = systems.psa(tenant_id, parent, book)
    chosen = PlanSystems(erp=erp_id, psa=psa[0] if psa else None)
    routes = (use for _route, use in routes_for(record, book))
    maps = systems.maps_of(tenant_id, [each for each in (crm, chosen.erp, chosen.psa) if each], book)
    return Destination(chosen, erp.capabilities, (*routes, *maps))


def routes_for(record: Opportunity, book: ReferenceBook) -> tuple[tuple[Route, ReferenceUse], ...]:
    """The routes of the day on which the deal was won; none of one whose day is not known."""
    if record.won_on is None:
        return ()
    place = NamedPlace(record.contracting_entity, record.region, record.service_line)
    return routes_of(book, place, record.won_on)


def as_filled(opportunity: TrackedOpportunity) -> Opportunity | None:
    """The record with what rules filled, by which the deal's systems are chosen."""
    if opportunity.record is None or opportunity.enrichment is None:
        return opportunity.record
    return with_filled(opportunity.record, opportunity.enrichment.filled)


def erp_of(systems: Systems, opportunity: TrackedOpportunity, chosen: PlanSystems | None) -> tuple[str, Erp]:
    """`chosen` is None for a deal without a plan, or with a plan of a release that supported one ERP only."""
    if chosen is None:
        return systems.erp(opportunity.tenant_id, parent_values(as_filled(opportunity)))
    return chosen.erp, systems.erp_at(chosen.erp)


def psa_of(
    systems: Systems, opportunity: TrackedOpportunity, chosen: PlanSystems | None
) -> tuple[str, Psa] | None:
    """As `erp_of`; None when no PSA takes part."""
    if chosen is None:
        return systems.psa(opportunity.tenant_id, parent_values(as_filled(opportunity)))
    return None if chosen.psa is None else (chosen.psa, systems.psa_at(chosen.psa))
