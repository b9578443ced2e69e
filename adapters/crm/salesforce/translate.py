"""Translate Salesforce's records into the canonical opportunity."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from adapters.crm.salesforce import wire
from adapters.crm.salesforce.ids import full_id
from oppsync.domain.deal.opportunity import Opportunity
from oppsync.domain.work.backfill import WonDeal
from oppsync.kernel import canonical_json
from oppsync.kernel.errors import UnreadableDelivery

Read = TypeVar("Read", bound=wire.Record)


def opportunity(
    deal: wire.OpportunityRecord,
    lines: Sequence[wire.LineRecord],
    milestones: Sequence[wire.MilestoneRecord],
    org_url: str,
    currency: str | None,
) -> Opportunity:
    """`currency`: that of an org with only one. Raises UnreadableDelivery."""
    by_line = _by_line(lines, milestones)
    document: dict[str, Any] = {
        "system": "salesforce",
        "id": deal.id,
        "version": deal.modified_at.isoformat(),
        "modified_at": deal.modified_at,
        "url": f"{org_url}/{deal.id}",
        "name": deal.name,
        "stage": deal.stage,
        "is_won": deal.is_won,
        "won_on": deal.closed_on if deal.is_won else None,
        "probability": deal.probability,
        "amount": deal.amount,
        "currency": deal.currency or currency,
        "account": _account(deal.account),
        "owner": _owner(deal.owner),
        "starts_on": deal.starts_on,
        "ends_on": deal.ends_on,
        "billing_model": _billing_model_of_deal(deal.billing_model),
        "contract": _contract(deal),
        "contracting_entity": deal.contracting_entity,
        "region": deal.region,
        "service_line": deal.service_line,
        "delivery_model": deal.delivery_model,
        "lines": [_line(line, by_line[line.id], currency) for line in lines],
        "custom_attributes": _attributes(deal),
    }
    try:
        return Opportunity.model_validate(document)
    except ValidationError as error:
        raise unreadable(f"opportunity {deal.id}", error.errors()) from None


def record(shape: type[Read], answered: Mapping[str, Any], names: wire.FieldNames) -> Read:
    """One record of the REST API. Raises UnreadableDelivery, which names it."""
    try:
        return shape.read(answered, names)
    except ValidationError as error:
        raise unreadable(f"{shape.sobject} {answered.get('Id', '')}", error.errors()) from None


def _account(account: wire.AccountRecord | None) -> dict[str, Any] | None:
    if account is None:
        return None
    return {
        "id": account.id,
        "name": account.name,
        "code": account.account_number,
        "country": account.country and account.country.strip().upper(),
        "tax_id": account.tax_id,
        "subdivision": account.state and account.state.strip().upper(),
        "postal_code": account.postal_code,
        "po_required": bool(account.po_required),
    }


def _owner(owner: wire.OwnerRecord | None) -> dict[str, Any] | None:
    return {"id": owner.id, "name": owner.name, "email": owner.email} if owner else None


def _contract(record: wire.OpportunityRecord) -> dict[str, Any]:
    terms = {
        "type": record.contract_type,
        "payment_terms": record.payment_terms,
        "po_number": record.po_number,
        "po_limit": record.po_limit,
        "po_expires_on": record.po_expires_on,
        "signed_on": record.signed_on,
        "document_url": record.document_url,
        "special_terms": record.special_terms,
        "place_of_supply": record.place_of_supply and record.place_of_supply.strip().upper(),
        "billing_frequency": _code(wire.BILLING_FREQUENCIES, record.billing_frequency),
    }
    return _given(terms) | {"billing": _billing_terms(record)}


def _billing_model_of_deal(label: str | None) -> str | None:
    return None if label is not None and label.strip() == wire.MIXED else _code(wire.BILLING_MODELS, label)


def _billing_terms(record: wire.BillingTermsRecord) -> dict[str, Any]:
    cap = {
        "amount": record.cap_amount,
        "scope": _code(wire.CAP_SCOPES, record.cap_scope),
        "warning_percent": record.cap_warning_percent,
    }
    retainer = {
        "hours": record.included_hours,
        "rollover": _code(wire.ROLLOVERS, record.rollover),
        "rollover_hours": record.rollover_hours,
    }
    terms = {
        "day": record.billing_day,
        "timing": _code(wire.BILLING_TIMINGS, record.billing_timing),
        "cap": _given(cap) or None,
        "deposit": _given({"percent": record.deposit_percent, "final_percent": record.final_percent}) or None,
        "retainer": _given(retainer) or None,
        "indexation_percent": record.indexation_percent,
    }
    return _given(terms)


def _line(
    line: wire.LineRecord, milestones: Sequence[wire.MilestoneRecord], currency: str | None
) -> dict[str, Any]:
    product = line.product
    frequency = _given({"frequency": _code(wire.BILLING_FREQUENCIES, line.billing_frequency)})
    optional = {
        "product_code": product and product.code,
        "product_name": product and product.name,
        "product_family": product and product.family,
        "description": line.description,
        "unit": _code(wire.UNITS, line.unit),
        "discount_percent": line.discount,
        "currency": line.currency or currency,
        "starts_on": line.starts_on,
        "ends_on": line.ends_on,
        "service_line": line.service_line,
        "delivery_region": line.delivery_region,
        "phase": line.phase,
        "role": line.role,
        "planned_hours": line.planned_hours,
        "billing_model": _code(wire.BILLING_MODELS, line.billing_model),
    }
    return _given(optional) | {
        "id": line.id,
        "quantity": line.quantity,
        "unit_price": line.unit_price,
        "net": line.total,
        "billing": _billing_terms(line) | frequency,
        "milestones": [
            {"id": m.id, "name": m.name, "percent": m.percent, "planned_on": m.planned_on} for m in milestones
        ],
    }


def won_deal(record: wire.WonRecord, currency: str | None) -> WonDeal:
    """Raises UnreadableDelivery."""
    document = {
        "id": record.id,
        "version": record.modified_at.isoformat(),
        "modified_at": record.modified_at,
        "name": record.name,
        "account": record.account and record.account.name,
        "amount": record.amount,
        "currency": record.currency or currency,
        "won_on": record.closed_on,
    }
    try:
        return WonDeal.model_validate(document)
    except ValidationError as error:
        raise unreadable(f"opportunity {record.id}", error.errors()) from None


def _by_line(
    lines: Sequence[wire.LineRecord], milestones: Sequence[wire.MilestoneRecord]
) -> dict[str, list[wire.MilestoneRecord]]:
    """The milestones of each line. One without a line would be money that is never billed:
    UnreadableDelivery."""
    found: dict[str, list[wire.MilestoneRecord]] = {line.id: [] for line in lines}
    for milestone in milestones:
        try:
            found[full_id(milestone.line_id or "")].append(milestone)
        except (ValueError, KeyError):
            where = f"Billing_Milestone__c {milestone.id}: Opportunity_Line_Id__c"
            words = f"The milestone {milestone.name!r} names no line of its opportunity: give it the line's id"
            raise UnreadableDelivery(f"{where}: {words}", where=where) from None
    return found


def _attributes(record: wire.OpportunityRecord) -> dict[str, str]:
    """The JSON object of `Custom_Attributes__c`, its values as text. Raises UnreadableDelivery."""
    where = f"opportunity {record.id}: Custom_Attributes__c"
    try:
        document = canonical_json.loads(record.custom_attributes or "{}")
    except canonical_json.UnreadableJson as error:
        raise UnreadableDelivery(f"{where} is not JSON: {error}", where=where) from None
    if not isinstance(document, dict):
        raise UnreadableDelivery(f"{where} must be a JSON object", where=where)
    return {name: _as_text(value, f"{where}.{name}") for name, value in document.items() if value is not None}


def _as_text(value: Any, where: str) -> str:
    match value:
        case bool():
            return str(value).lower()
        case str() | int() | Decimal():
            return str(value)
        case _:
            raise UnreadableDelivery(f"{where} must be text, a number, true or false", where=where)


def _code(codes: Mapping[str, str], label: str | None) -> str | None:
    """Our code for a picklist's label. An unknown label is passed on, so that a finding can name it."""
    return label if label is None else codes.get(label.strip(), label)


def _given(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that have a value; the others keep their default."""
    return {name: value for name, value in fields.items() if value is not None}


def unreadable(what: str, faults: Sequence[ErrorDetails]) -> UnreadableDelivery:
    """The error for a body with these faults: `where` is the JSON path of the first, the message names
    three."""
    named = [(_path(fault["loc"]), fault["msg"]) for fault in faults[:3]]
    words = "; ".join(f"{path}: {message}" for path, message in named)
    return UnreadableDelivery(f"{what} cannot be read: {words}", where=named[0][0])


def _path(location: tuple[int | str, ...]) -> str:
    return "$" + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in location)
