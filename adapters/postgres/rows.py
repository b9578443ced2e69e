"""Mappers: rows to domain shapes and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, TypeVar

from pydantic import ValidationError
from sqlalchemy import RowMapping

from oppsync.domain.approval.tasks import ApprovalTask, Person
from oppsync.domain.deal.customers import ErpCustomer
from oppsync.domain.deal.opportunity import Opportunity
from oppsync.domain.effects.effects import LedgerRow
from oppsync.domain.plan.enrichment import Enrichment
from oppsync.domain.plan.plan import Plan
from oppsync.domain.plan.systems import PlanSystems
from oppsync.domain.plan.tampering import PlanTampered, checked
from oppsync.domain.validation.erp_facts import ErpFacts
from oppsync.domain.validation.other_deals import OtherDeal
from oppsync.domain.values.limits import Granted, RoleLimit, in_order
from oppsync.domain.values.model import Frozen
from oppsync.domain.values.roles import roles_in_order
from oppsync.domain.values.scopes import Scope, Scopes
from oppsync.domain.work.exceptions import ExceptionItem
from oppsync.domain.work.tracked import TrackedOpportunity
from oppsync.kernel import canonical_json
from oppsync.kernel.errors import NewerRelease
from oppsync.services.admin.passwords import NO_PASSWORD

Shape = TypeVar("Shape", bound=Frozen)

LARGEST = Decimal(10) ** 16
# The pydantic errors that a field or a choice of a later release causes; all others mean damage.
_OF_A_NEWER_RELEASE = {"extra_forbidden", "enum", "literal_error", "union_tag_invalid"}


def pick(row: Mapping[Any, Any], shape: Any) -> dict[str, Any]:
    """The columns that are fields of `shape`."""
    return {name: row[name] for name in shape.model_fields if name in row}


def to_tracked(row: RowMapping) -> TrackedOpportunity:
    values = pick(row, TrackedOpportunity)
    values["record"] = document(Opportunity, row["record"]) if row["record"] else None
    approved = row["approved_record"]
    values["approved_record"] = document(Opportunity, approved) if approved else None
    values["enrichment"] = document(Enrichment, row["enrichment"]) if row["enrichment"] else None
    values["customer"] = document(ErpCustomer, row["customer"]) if row["customer"] else None
    values["erp_facts"] = document(ErpFacts, row["erp_facts"]) if row["erp_facts"] else None
    return TrackedOpportunity(**values)


def to_other_deal(row: RowMapping) -> OtherDeal | None:
    """None for a record that only a later release can read: during a deploy, that one judges it."""
    try:
        record = document(Opportunity, row["record"])
    except NewerRelease:
        return None
    amount = record.amount if row["amount"] is None else row["amount"]
    return OtherDeal(**{**pick(row, OtherDeal), "record": record, "amount": amount})


def from_tracked(before: TrackedOpportunity, after: TrackedOpportunity) -> dict[str, Any]:
    """The columns that an outcome may change; the large documents only where it changed them."""
    values: dict[str, Any] = {
        "state": after.state,
        "resume_state": after.resume_state,
        "tries": after.tries,
        "crashes": after.crashes,
        "reread_done": after.reread_done,
        "record_digest": after.record_digest,
        "plan_hash": after.plan_hash,
        "activated_at": after.activated_at,
        "compensation_reason": after.compensation_reason,
        "waits_for": after.waits_for,
        "confirmations": [each.model_dump(mode="json") for each in after.confirmations],
        "warnings": [warning.model_dump(mode="json") for warning in after.warnings],
    }
    if before.record is not after.record or before.approved_record is not after.approved_record:
        values |= _of_record(after.record, after.approved_record or after.record)
    if before.approved_record is not after.approved_record:
        approved = after.approved_record
        values["approved_record"] = approved.model_dump(mode="json") if approved else None
    if before.changes_since_approval != after.changes_since_approval:
        values["changes_since_approval"] = [
            each.model_dump(mode="json") for each in after.changes_since_approval
        ]
    if before.customer != after.customer:
        values["customer"] = after.customer.model_dump(mode="json") if after.customer else None
    if before.erp_facts != after.erp_facts:
        values["erp_facts"] = after.erp_facts.model_dump(mode="json") if after.erp_facts else None
    if before.enrichment is not after.enrichment:
        values["enrichment"] = after.enrichment.model_dump(mode="json") if after.enrichment else None
    return values


def _of_record(record: Opportunity | None, priced: Opportunity | None) -> dict[str, Any]:
    """`priced`: whose amount lists show. What the CRM says after a plan was approved is not what is billed."""
    return {
        "record": record.model_dump(mode="json") if record else None,
        "name": record.name if record else None,
        "account": record.account.name if record and record.account else None,
        "amount": _bookable(priced.amount) if priced else None,
        "currency": priced.currency if priced else None,
    }


def to_plan(row: RowMapping) -> Plan:
    """Load a plan and hash it: a plan that is shown, approved or applied is the one that its hash names.

    Raises PlanTampered; NewerRelease for one that only a later release wrote, as its hash proves.
    """
    made_by = row["configuration_fingerprint"]
    stored = {
        "content": row["content"],
        "provenance": row["provenance"],
        "systems": to_systems(row),
        "configuration": {"fingerprint": made_by, "number": row["configuration_version"]} if made_by else None,
    }
    try:
        plan = document(Plan, stored)
    except (NewerRelease, ValidationError):
        if _digest(row["content"]) != row["hash"]:
            raise PlanTampered(row["hash"]) from None
        raise
    return checked(plan, row["hash"])


def _digest(stored: Any) -> str | None:
    """None of what no release ever stored."""
    try:
        return canonical_json.digest(stored)
    except ValueError:
        return None


def to_systems(row: RowMapping) -> PlanSystems | None:
    """None for a plan of a release that knew one ERP only."""
    if not row["erp"]:
        return None
    return document(PlanSystems, {"erp": row["erp"], "psa": row["psa"], "watched": row["watched"]})


def document(shape: type[Shape], stored: Any) -> Shape:
    """Parse a stored document. Raises NewerRelease for fields and choices of a later release, ValidationError
    for damage."""
    try:
        return shape.model_validate(stored)
    except ValidationError as error:
        faults = error.errors(include_input=False, include_url=False)
        unknown = [fault for fault in faults if fault["type"] in _OF_A_NEWER_RELEASE]
        if not unknown:
            raise
        where = ".".join(map(str, unknown[0]["loc"]))
        raise NewerRelease(
            f"{shape.__name__} as stored has fields that this release does not know: {where}"
        ) from None


def to_task(row: Mapping[Any, Any]) -> ApprovalTask:
    return ApprovalTask.model_validate(pick(row, ApprovalTask))


def to_ledger_row(row: RowMapping) -> LedgerRow:
    return LedgerRow.model_validate(pick(row, LedgerRow))


def to_scopes(stored: Sequence[str]) -> Scopes:
    """One that only a later release knows gives nothing here."""
    return frozenset(scope for scope in Scope if scope in stored)


def to_granted(row: Mapping[Any, Any]) -> Granted:
    """A role that only a later release knows gives no right in this one, nor does an approver's
    that no step asks for. A limited role that stands among the others too (an older release gave it meanwhile)
    stays limited."""
    limited: Mapping[str, Mapping[str, Any]] = row["limited_roles"]
    roles = roles_in_order([*row["roles"], *limited])
    limits = (RoleLimit(role=role, **limited[role]) for role in roles if role in limited)
    return Granted(frozenset(roles), in_order(limits))


def from_granted(granted: Granted) -> dict[str, Any]:
    limited = {str(each.role): each.model_dump(mode="json", exclude={"role"}) for each in granted.limits}
    return {"roles": sorted(granted.without_limit()), "limited_roles": limited}


def to_person(row: Mapping[Any, Any]) -> Person:
    values = pick(row, Person)
    values |= to_granted(row)._asdict()
    values["can_sign_in"] = row["password_hash"] != NO_PASSWORD
    return Person(**values)


def to_exception(row: RowMapping) -> ExceptionItem:
    return ExceptionItem.model_validate(pick(row, ExceptionItem))


def _bookable(amount: Decimal | None) -> Decimal | None:
    """The amount if numeric(20,4) can hold it. A larger one is a finding, and only the record shows it."""
    return amount if amount is not None and abs(amount) < LARGEST else None
