"""Find the ERP's customer of an account, and remember who it is where the account carries no code of it."""

from __future__ import annotations

from datetime import date

from oppsync.domain.deal.customers import CustomerLink, CustomerMatch, ErpCustomer
from oppsync.domain.deal.opportunity import Account, Opportunity
from oppsync.domain.reference.book import ReferenceKind, ReferenceRow, reference_key
from oppsync.domain.validation.customers import BY_CODE, BY_LINK, match, match_code, with_tax_id
from oppsync.domain.values.model import changed
from oppsync.domain.work.events import CustomerLinked
from oppsync.domain.work.tracked import TrackedOpportunity
from oppsync.pipeline.stage import Sources
from oppsync.ports.erp import Erp
from oppsync.ports.storage.unit_of_work import UnitOfWork

# A cross-reference holds for deals of any day.
ALWAYS = date(2000, 1, 1)


def find_customer(sources: Sources, record: Opportunity, erp: Erp) -> CustomerMatch:
    """The ERP's customer of the deal's account, read once: by the account's code, by the cross-reference where
    the code is missing or the ERP does not have it, or else by tax id, or name and country.

    A code that the ERP does not have is a new customer's only where nobody has its tax id; and a link holds
    only where nobody else has it.
    """
    account = record.account
    if account is None:
        return CustomerMatch()
    found = CustomerMatch(code=account.code)
    if account.code is not None:
        found = match_code(account.code, BY_CODE, erp.customers_of_code(account.code))
    if found.customer:
        return found
    key = reference_key(record.system, account.id)
    linked = sources.book().find(CustomerLink, ReferenceKind.CUSTOMER_LINK, key, record.won_on or ALWAYS)
    if linked is not None:
        return _by_link(linked[0].customer, account, erp)
    if account.code is None:
        return match(account, erp.find_customers(account.name, account.tax_id))
    same = found.candidates or customers_with_tax_id(erp, account.name, account.tax_id)
    return CustomerMatch(code=account.code, candidates=same)


def _by_link(code: str, account: Account, erp: Erp) -> CustomerMatch:
    """Find the linked customer. Where it has no tax id and other customers have the account's, those are the
    `candidates`: the account may have become another company since it was linked."""
    found = match_code(code, BY_LINK, erp.customers_of_code(code))
    if found.customer is None or found.customer.tax_ids:
        return found
    return changed(found, candidates=customers_with_tax_id(erp, account.name, account.tax_id))


def customers_with_tax_id(erp: Erp, name: str, tax_id: str | None) -> tuple[ErpCustomer, ...]:
    return with_tax_id(tax_id, erp.find_customers(name, tax_id)) if tax_id else ()


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
