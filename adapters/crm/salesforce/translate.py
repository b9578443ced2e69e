"""Translate Salesforce's records into the canonical opportunity."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import partial
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from adapters.crm.salesforce import wire
from adapters.crm.salesforce.ids import full_id
from adapters.crm.salesforce.labels import field_at, label
from oppsync.domain.deal.opportunity import Opportunity, Owner, StatedAmount
from oppsync.domain.deal.reading import read_typed
from oppsync.domain.deal.unread import UnreadField, unread
from oppsync.domain.values.model import changed
from oppsync.domain.work.backfill import WonDeal
from oppsync.kernel import canonical_json
from oppsync.kernel.errors import UnreadableDelivery
from oppsync.kernel.json_pointer import pointer

Read = TypeVar("Read", bound=wire.Record)
_LONGEST_NAME = 60
_AMOUNT: TypeAdapter[Decimal | None] = TypeAdapter(StatedAmount | None)
Typed = str | wire.Untaken | None


def opportunity(
    deal: wire.OpportunityRecord,
    lines: Sequence[wire.LineRecord],
    milestones: Sequence[wire.MilestoneRecord],
    org_url: str,
    *,
    currency: str | None,
    names: wire.FieldNames,
) -> Opportunity:
    """`currency`: that of an org with only one. What somebody typed and no field takes is `unread`.

    Raises UnreadableDelivery where what the CRM itself keeps is not as documented.
    """
    by_line, strays = _by_line(lines, milestones, names)
    attributes, odd = _attributes(deal, names)
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
        "created_by": _owner(deal.created_by),
        "starts_on": deal.starts_on,
        "ends_on": deal.ends_on,
        "billing_model": _billing_model_of_deal(deal.billing_model),
        "contract": _contract(deal),
        "contracting_entity": deal.contracting_entity,
        "region": deal.region,
        "service_line": deal.service_line,
        "delivery_model": deal.delivery_model,
        "lines": [_line(line, by_line[line.id], currency) for line in lines],
        "custom_attributes": attributes,
    }
    try:
        return read_typed(document, Opportunity.model_validate, partial(field_at, names=names), (*strays, *odd))
    except ValidationError as error:
        raise unreadable(f"opportunity {deal.id}", error.errors()) from None


def with_past_owners(deal: Opportunity, users: Sequence[wire.OwnerRecord]) -> Opportunity:
    return changed(deal, past_owners=tuple(Owner.model_validate(_owner(user)) for user in users))


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
        "country": account.country,
        "tax_id": account.tax_id,
        "subdivision": account.state.strip().upper() if isinstance(account.state, str) else account.state,
        "postal_code": account.postal_code,
        "po_required": account.po_required or False,
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
        "place_of_supply": record.place_of_supply,
        "billing_frequency": _code(wire.BILLING_FREQUENCIES, record.billing_frequency),
        "billing_periods": _code(wire.BILLING_PERIODS, record.billing_periods),
    }
    return _given(terms) | {"billing": _billing_terms(record)}


def _billing_model_of_deal(label: Typed) -> Typed:
    is_mixed = isinstance(label, str) and label.strip() == wire.MIXED
    return None if is_mixed else _code(wire.BILLING_MODELS, label)


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
        "amount": _listed_amount(record.amount),
        "currency": record.currency or currency,
        "won_on": record.closed_on,
    }
    try:
        return WonDeal.model_validate(document)
    except ValidationError as error:
        raise unreadable(f"opportunity {record.id}", error.errors()) from None


def _listed_amount(typed: Decimal | wire.Untaken | None) -> Decimal | None:
    """A list goes on without an amount that nobody can read: the deal itself says what is wrong with it."""
    try:
        return _AMOUNT.validate_python(typed)
    except ValidationError:
        return None


def _by_line(
    lines: Sequence[wire.LineRecord], milestones: Sequence[wire.MilestoneRecord], names: wire.FieldNames
) -> tuple[dict[str, list[wire.MilestoneRecord]], list[UnreadField]]:
    """The milestones of each line. One without a line would be money that is never billed: it is unread."""
    found: dict[str, list[wire.MilestoneRecord]] = {line.id: [] for line in lines}
    strays: list[UnreadField] = []
    for milestone in milestones:
        try:
            found[full_id(str(milestone.line_id or ""))].append(milestone)
        except (ValueError, KeyError):
            whose = f"{label(wire.MilestoneRecord, 'Opportunity_Line_Id__c', names)} of {milestone.name!r}"
            place = pointer(["milestones", milestone.id, "line_id"])
            strays.append(unread(place, whose, milestone.line_id, "the id of one of the opportunity's lines"))
    return found, strays


def _attributes(
    record: wire.OpportunityRecord, names: wire.FieldNames
) -> tuple[dict[str, str], list[UnreadField]]:
    """The JSON object of `Custom_Attributes__c`, its values as text."""
    field = label(wire.OpportunityRecord, "Custom_Attributes__c", names)
    typed = record.custom_attributes
    try:
        document = canonical_json.loads(str(typed)) if typed is not None else {}
    except canonical_json.UnreadableJson as error:
        return {}, [unread("/custom_attributes", field, typed, f"a JSON object, but this is none: {error}")]
    if not isinstance(document, dict):
        return {}, [unread("/custom_attributes", field, typed, "a JSON object")]
    texts, odd = dict[str, str](), list[UnreadField]()
    for name, value in document.items():
        match value:
            case None:
                pass
            case bool():
                texts[name] = str(value).lower()
            case str() | int() | Decimal():
                texts[name] = str(value)
            case _:
                at = pointer(["custom_attributes", name])
                kinds = "text, a number, true or false"
                odd.append(
                    unread(at, f"{name[:_LONGEST_NAME]!r} in {field}", canonical_json.dumps(value), kinds)
                )
    return texts, odd


def _code(codes: Mapping[str, str], label: Typed) -> Typed:
    """An unknown label is passed on, so that a finding can name it."""
    return codes.get(label.strip(), label) if isinstance(label, str) else label


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
