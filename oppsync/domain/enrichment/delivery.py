"""Who delivers a workstream, and on which cost centre: the same rules for enrichment and for overrides."""

from __future__ import annotations

from datetime import date

from oppsync.domain.enrichment.lookup import Lookup
from oppsync.domain.plan.enrichment import IntercompanyDelivery
from oppsync.domain.reference.book import ReferenceKind
from oppsync.domain.reference.entities import CostCentre, LegalEntity
from oppsync.domain.reference.rates import TransferPrice
from oppsync.domain.values.findings.codes import finding
from oppsync.domain.values.findings.finding import Severity


def intercompany_delivery(
    lookup: Lookup,
    selling: LegalEntity,
    deliverer: str | None,
    service_line: str,
    *,
    ends_on: date | None,
    path: str,
) -> IntercompanyDelivery | None:
    """None when the selling entity delivers itself, and when something is missing, which is then a finding."""
    if deliverer is None or deliverer == selling.code:
        return None
    entity = lookup.find(LegalEntity, ReferenceKind.LEGAL_ENTITY, path, deliverer)
    price = lookup.find(TransferPrice, ReferenceKind.TRANSFER_PRICE, path, selling.code, deliverer)
    revenue = cost_centre_of(lookup, selling.code, service_line, ends_on=ends_on, path=path)
    if entity is not None and (why := entity.not_approved_on(lookup.day)):
        lookup.findings.append(
            finding(
                "LEGAL_ENTITY_NOT_APPROVED",
                f"{entity.name} ({deliverer}), which is to deliver, {why}",
                path=path,
                value=deliverer,
            )
        )
    if entity is None or price is None or revenue is None:
        return None
    return IntercompanyDelivery(entity=entity, transfer_price=price, revenue_cost_centre=revenue)


def cost_centre_of(
    lookup: Lookup, entity: str | None, service_line: str | None, *, ends_on: date | None, path: str
) -> CostCentre | None:
    """The entity's cost centre for work of this service line that ends on `ends_on`."""
    centre = lookup.find(CostCentre, ReferenceKind.COST_CENTRE, path, entity, service_line)
    if centre is not None:
        check_open(lookup, centre, ends_on=ends_on, path=path)
    return centre


def check_open(lookup: Lookup, centre: CostCentre, *, ends_on: date | None, path: str) -> None:
    """A cost centre that closed before the deal was won blocks; one that closes before the work ends warns."""
    day, closed_on = lookup.day, centre.closed_on
    if closed_on is None or (closed_on > day and (ends_on is None or closed_on > ends_on)):
        return
    lookup.findings.append(
        finding(
            "COST_CENTRE_CLOSED",
            f"The cost centre {centre.code} closes on {closed_on}, the work ends on {ends_on}",
            path=path,
            value=centre.code,
            severity=Severity.BLOCKS if closed_on <= day else Severity.WARNS,
        )
    )
