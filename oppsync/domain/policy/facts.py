"""The facts that conditions see, of a deal as the CRM has it."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from oppsync.domain.deal.opportunity import Account, Opportunity, OpportunityLine
from oppsync.domain.reference.book import ReferenceBook, ReferenceKind
from oppsync.domain.reference.entities import LegalEntity, Region, ServiceLine
from oppsync.domain.values.model import Frozen
from oppsync.domain.values.pricing import net_of

Values = dict[str, Any]


class Codes(Frozen):
    """What the configuration calls what the CRM names: the contracting entity, and a code for each name of a
    service line or region."""

    entity: LegalEntity | None = None
    service_lines: dict[str, str] = {}
    regions: dict[str, str] = {}

    def region(self, named: str | None) -> str | None:
        """A name that nobody knows stays as it is: validation or enrichment says so."""
        return None if named is None else self.regions.get(named, named)

    def service_line(self, named: str | None) -> str | None:
        return None if named is None else self.service_lines.get(named, named)


def codes_of(book: ReferenceBook, deal: Opportunity, day: date) -> Codes:
    """By the rows valid on `day`."""
    entity = deal.contracting_entity
    found = book.find(LegalEntity, ReferenceKind.LEGAL_ENTITY, entity, day) if entity else None
    services = {deal.service_line, *(line.service_line for line in deal.lines)}
    regions = {deal.region, *(line.delivery_region for line in deal.lines)}
    service_rows = {
        name: book.find(ServiceLine, ReferenceKind.SERVICE_LINE, name, day) for name in services if name
    }
    region_rows = {name: book.find(Region, ReferenceKind.REGION, name, day) for name in regions if name}
    return Codes(
        entity=found[0] if found else None,
        service_lines={name: row[0].code for name, row in service_rows.items() if row},
        regions={name: row[0].code for name, row in region_rows.items() if row},
    )


def deal_values(deal: Opportunity, codes: Codes) -> Values:
    """The variables that every condition sees: `deal`, `lines`, `entity` and `customer`."""
    return {
        "deal": _deal(deal, codes),
        "lines": [line_values(deal, line, codes) for line in deal.lines],
        "entity": _entity(codes.entity),
        "customer": _customer(deal.account),
    }


def line_values(deal: Opportunity, line: OpportunityLine, codes: Codes) -> Values:
    starts_on, ends_on = deal.start_of(line), deal.end_of(line)
    return {
        "title": line.title,
        "product_code": line.product_code,
        "product_family": line.product_family,
        "quantity": line.quantity,
        "unit": line.unit.value,
        "unit_price": line.unit_price,
        "discount_percent": line.discount_percent,
        "net": line.net,
        "starts_on": starts_on,
        "ends_on": ends_on,
        "days": _days(starts_on, ends_on),
        "billing_model": deal.billing_model_of(line),
        "service_line": codes.service_line(deal.service_line_of(line)),
        "region": codes.region(deal.region_of(line)),
        "role": line.role,
        "hours": line.hours,
        "phase": line.phase,
    }


def region_of(deal: Opportunity, codes: Codes) -> str | None:
    """The deal's own region, or the one that all its lines have."""
    named = {deal.region} if deal.region else {line.delivery_region for line in deal.lines}
    return codes.region(named.pop()) if len(named) == 1 else None


def _deal(deal: Opportunity, codes: Codes) -> Values:
    contract = deal.contract
    return {
        "name": deal.name,
        "amount": deal.amount,
        "currency": deal.currency,
        "probability": deal.probability,
        "won_on": deal.won_on,
        "starts_on": deal.starts_on,
        "ends_on": deal.ends_on,
        "days": _days(deal.starts_on, deal.ends_on),
        "billing_model": deal.billing_model,
        "service_line": codes.service_line(deal.service_line),
        "region": codes.region(deal.region),
        "delivery_model": deal.delivery_model,
        "contract_type": contract.type,
        "payment_terms": contract.payment_terms,
        "billing_frequency": contract.billing_frequency.value,
        "signed_on": contract.signed_on,
        "po_number": contract.po_number,
        "po_limit": contract.po_limit,
        "po_expires_on": contract.po_expires_on,
        "special_terms": contract.special_terms,
        "document_url": contract.document_url,
        "discount_percent": _discount(deal),
        "owner": deal.owner.email if deal.owner else None,
        "custom": deal.custom_attributes,
    }


def _entity(entity: LegalEntity | None) -> Values:
    if entity is None:
        return {}
    return {"code": entity.code, "name": entity.name, "country": entity.country, "currency": entity.currency}


def _customer(account: Account | None) -> Values:
    if account is None:
        return {}
    return {
        "code": account.code,
        "name": account.name,
        "country": account.country,
        "subdivision": account.subdivision,
        "tax_id": account.tax_id,
        "po_required": account.po_required,
    }


def _discount(deal: Opportunity) -> Decimal | None:
    """None without a list price. A line that is sold above it gives no discount on others."""
    listed = sum((net_of(line.quantity, line.unit_price, Decimal(0)) for line in deal.lines), Decimal(0))
    if listed <= 0:
        return None
    net = sum((line.net for line in deal.lines), Decimal(0))
    return round(max(Decimal(0), (listed - net) * 100 / listed), 2)


def _days(starts_on: date | None, ends_on: date | None) -> int | None:
    return None if starts_on is None or ends_on is None else (ends_on - starts_on).days + 1
