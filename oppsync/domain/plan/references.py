"""What a plan names that the ERP has to know before anything is made of it."""

from __future__ import annotations

from datetime import date
from enum import StrEnum

from oppsync.domain.plan.plan import LineKind, PlanContent, PlanNode
from oppsync.domain.values.model import Code, Frozen, Text, changed
from oppsync.domain.values.money import Currency


class ErpReferenceKind(StrEnum):
    """`SETUP`: whatever else an invoice needs there; it is named in words."""

    COMPANY = "company"
    CUSTOMER = "customer"
    COST_CENTRE = "cost_centre"
    TAX = "tax"
    PAYMENT_TERMS = "payment_terms"
    CUSTOMER_ADDRESS = "customer_address"
    FISCAL_YEAR = "fiscal_year"
    SETUP = "setup"


class CentreOfCompany(Frozen):
    """A cost centre of one of the ERP's companies: a delivering entity books on its own."""

    company: Code
    code: Code


class ErpReferences(Frozen):
    """All that one plan needs of its ERP. `customer` is None where the customer is to be created, in `country`.

    `invoice_days`: on which its invoices are planned.
    """

    company: Code
    customer: Code | None
    country: Code | None
    currency: Currency
    tax: Code
    payment_terms: Code
    line_kinds: frozenset[LineKind]
    cost_centres: tuple[CentreOfCompany, ...]
    invoice_days: tuple[date, ...]


class MissingReference(Frozen):
    """Something that the ERP lacks. `name`: its code, the day of a fiscal year, or words where it has none."""

    kind: ErpReferenceKind
    company: Code
    name: Text


def references_of(plan: PlanContent) -> ErpReferences:
    new = plan.new_customer
    lines = [line for _node, line in plan.billing_lines()]
    centres = [centre for node in plan.nodes for centre in centres_of(plan, node)]
    return ErpReferences(
        company=plan.erp_company,
        customer=None if new else plan.customer,
        country=new.country if new else None,
        currency=plan.currency,
        tax=plan.tax,
        payment_terms=plan.payment_terms,
        line_kinds=frozenset(line.kind for line in lines),
        cost_centres=tuple(dict.fromkeys(centres)),
        invoice_days=tuple(sorted({line.due_on for line in lines if line.due_on})),
    )


def booked_on(wanted: ErpReferences) -> ErpReferences:
    """Of these, what the plan names by code: that people end. Whatever else its invoices need was there."""
    return changed(wanted, line_kinds=frozenset(), invoice_days=())


def centres_of(plan: PlanContent, node: PlanNode) -> tuple[CentreOfCompany, ...]:
    """The cost centres of a node: the deliverer's, and the seller's where another entity delivers."""
    if node.cost_centre is None:
        return ()
    delivery = node.intercompany
    if delivery is None:
        return (CentreOfCompany(company=plan.erp_company, code=node.cost_centre),)
    return (
        CentreOfCompany(company=delivery.erp_company, code=node.cost_centre),
        CentreOfCompany(company=plan.erp_company, code=delivery.revenue_cost_centre),
    )
