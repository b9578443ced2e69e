"""What is posted to Tryton for an order: codes become ids, values take their form on the wire.

Every function raises VendorRejected, with what is missing, when Tryton does not know a code.
"""

from __future__ import annotations

from decimal import Decimal

from adapters.erp.tryton import landing, wire
from adapters.erp.tryton.landing import Fields
from adapters.erp.tryton.named import JOURNAL_OF_INVOICES, PIECE, Named, Status, of_all, setting
from adapters.erp.tryton.sources import COUNTRY, CURRENCY, JOURNAL, REVENUE, UNIT
from oppsync.domain.master_data.rows import MasterKind
from oppsync.domain.plan.orders import CustomerOrder, LineOrder, NodeOrder
from oppsync.domain.plan.plan import LineKind, NodeKind
from oppsync.kernel.errors import VendorRejected


def customer_values(order: CustomerOrder, named: Named) -> wire.Wire:
    """A `party.party` with an address for invoices. Of its tax id Tryton stores the number only."""
    customer = order.customer
    address = {"country": named.id(setting(COUNTRY, customer.country)), "invoice": True}
    identifiers = [["create", [{"code": customer.tax_id}]]] if customer.tax_id else []
    return {
        "name": customer.name,
        "code": customer.code,
        "addresses": [["create", [address]]],
        "identifiers": identifiers,
    }


def node_values(order: NodeOrder, wanted: Fields, named: Named) -> wire.Wire:
    """A `project.work`: a project, or a task of a template, which has neither customer nor invoice method."""
    values: wire.Wire = {
        "type": wanted["type"],
        "name": wanted["name"],
        "comment": landing.comment(landing.node_notes(order.plan, order.node), order.key),
        "company": named.company.id,
        "parent": record_id(order.parent_id) if order.parent_id else None,
    }
    if order.node.time_entry:
        values["timesheet_available"] = True
    if order.node.kind is not NodeKind.TASK:
        values["party"] = int(named.customer(order.plan.customer).record)
        values["project_invoice_method"] = wanted["invoice method"]
    return values


def task_values(order: LineOrder, wanted: Fields, named: Named) -> wire.Wire:
    """A `project.work` with a price: that of an hour for time, the whole amount for milestone and progress."""
    line = order.line
    return {
        "type": "task",
        "name": wanted["name"],
        "comment": landing.comment(landing.line_notes(order), order.key),
        "company": named.company.id,
        "parent": record_id(order.project_id),
        "product": named.id(of_all(MasterKind.PRODUCT, wanted["product"])),
        "list_price": wire.decimal(landing.price(line)),
        "timesheet_available": line.kind is LineKind.TIME and order.node.time_entry is not False,
        "effort_duration": wire.hours(line.hours) if line.hours else None,
    }


def invoice_values(order: LineOrder, wanted: Fields, named: Named) -> wire.Wire:
    """A draft `account.invoice` with one line, dated on its due date."""
    plan, line = order.plan, order.line
    customer = named.customer(plan.customer)
    if customer.invoice_address is None:
        raise VendorRejected(f"Tryton's customer {plan.customer} has no address to invoice")
    both = {
        "company": named.company.id,
        "currency": named.id(setting(CURRENCY, line.amount.currency)),
        "description": wanted["description"],
    }
    centre = order.node.revenue_cost_centre
    invoice_line = both | {
        "type": "line",
        "account": named.account(REVENUE),
        "product": named.id(of_all(MasterKind.PRODUCT, wanted["product"])),
        "unit": named.id(setting(UNIT, PIECE)),
        # Tryton's own credit notes have a negative quantity at the price, and so has ours.
        "quantity": -1 if line.amount.amount < 0 else 1,
        "unit_price": wire.decimal(abs(line.amount.amount)),
        "taxes": [["add", [named.of_company(MasterKind.TAX, plan.tax)]]],
        "analytic_accounts": [["create", [named.cost_centre(centre)]]] if centre else [],
    }
    return both | {
        "type": "out",
        "reference": order.key,
        "comment": landing.comment(landing.invoice_notes(order)),
        "party": int(customer.record),
        "invoice_address": int(customer.invoice_address),
        "account": named.receivable(customer),
        "journal": named.id(setting(JOURNAL, JOURNAL_OF_INVOICES)),
        "payment_term": named.id(of_all(MasterKind.PAYMENT_TERMS, plan.payment_terms)),
        "invoice_date": wire.day(line.due_on) if line.due_on else None,
        "lines": [["create", [invoice_line]]],
    }


def closing_values(status: Status, *, is_project: bool) -> wire.Wire:
    """The values that close a project or a template's task. A project's tasks are no longer invoiced."""
    progress = {} if status.progress is None else {"progress": float(status.progress)}
    method = {"project_invoice_method": "manual"} if is_project else {}
    return {"status": status.id, **progress, **method}


def opening_values(status: Status) -> wire.Wire:
    """The values that open again what we closed. How far it had come is not known any more."""
    return {"status": status.id, "progress": None if status.progress is None else float(status.progress)}


def priceless_values(status: Status) -> wire.Wire:
    """The values that close a task with a price. It gets no price, because a done task would be invoiced."""
    return closing_values(status, is_project=False) | {"list_price": wire.decimal(Decimal(0))}


def record_id(outside_id: str) -> int:
    """The record's id as a number. Raises VendorRejected for anything else."""
    if not outside_id.isdecimal():
        raise VendorRejected(f"{outside_id!r} is not a Tryton record id")
    return int(outside_id)
