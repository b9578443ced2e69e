"""Find the ERP's customer for an account without a customer code, and store which one it is."""

from __future__ import annotations

from datetime import date

from oppsync.domain.deal.customers import CustomerLink, CustomerMatch, match
from oppsync.domain.deal.opportunity import Opportunity
from oppsync.domain.plan.systems import parent_values
from oppsync.domain.reference.book import ReferenceKind, ReferenceRow, reference_key
from oppsync.domain.work.events import CustomerLinked
from oppsync.domain.work.tracked import TrackedOpportunity
from oppsync.pipeline.stage import Sources
from oppsync.ports.storage.unit_of_work import UnitOfWork

LINKED = "cross-reference"
# A cross-reference holds for deals of any day.
ALWAYS = date(2000, 1, 1)


def find_customer(sources: Sources, record: Opportunity) -> CustomerMatch:
    """The stored link, or else a match in the ERP. Empty for a deal without account, or with its customer's
    code."""
    account = record.account
    if account is None or account.code is not None:
        return CustomerMatch()
    key = reference_key(record.system, account.id)
    linked = sources.book().find(CustomerLink, ReferenceKind.CUSTOMER_LINK, key, record.won_on or ALWAYS)
    if linked is not None:
        return CustomerMatch(customer=linked[0].customer, by=LINKED)
    _, erp = sources.systems.erp(sources.tenant_id, parent_values(record))
    return match(account, erp.find_customers(account.name, account.tax_id))


def link(
    uow: UnitOfWork,
    opportunity: TrackedOpportunity,
    record: Opportunity,
    *,
    customer: str,
    by: str,
    actor: str,
) -> CustomerLinked:
    """Store the cross-reference of the deal's account; the event names who made it."""
    account = record.account
    if account is None:
        raise ValueError(f"{opportunity.id} has no account to link")
    value = CustomerLink(customer=customer, linked_by=by).model_dump(mode="json")
    key = reference_key(record.system, account.id)
    row = ReferenceRow(kind=ReferenceKind.CUSTOMER_LINK, key=key, valid_from=ALWAYS, value=value)
    uow.references.put(opportunity.tenant_id, row)
    return CustomerLinked(
        opportunity_id=opportunity.id,
        actor=actor,
        after={"customer": customer},
        detail={"account": account.id, "by": by},
        summary=f"{account.name} is linked to the ERP's customer {customer}, by {by}",
    )
