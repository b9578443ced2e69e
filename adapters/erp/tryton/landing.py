"""What an order becomes in Tryton, as text: invoice method, comment, and the fields compared afterwards.

Stock Tryton has no field for cost centre, service line, tax or planned dates of a project, so they are lines
`label: value` of its comment; the first line is our key alone. People may add lines of their own.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from decimal import Decimal

from adapters.erp.tryton.wire import Invoice, Work
from oppsync.domain.billing.terms_text import in_words
from oppsync.domain.plan.orders import LineOrder, NodeOrder
from oppsync.domain.plan.plan import BillingLine, LineKind, NodeKind, PlanContent, PlanNode
from oppsync.domain.values.model import plain, require

Fields = dict[str, str]
PO_EXPIRES, SPECIAL_TERMS, CONTRACT = "PO expires", "special terms", "contract"
# Releases before these notes wrote projects without them; such a project is still what was ordered.
SINCE_LATER = frozenset({PO_EXPIRES, SPECIAL_TERMS, CONTRACT})
# Releases before wrote amounts as `EUR 40000.00`, which is what was ordered as well.
OF_MONEY = frozenset({"amount", "estimate", "beyond the cap", "PO limit", "not to exceed"})
_UNGROUPED = re.compile(r"\b([A-Z]{3} -?)(\d{4,20})(?!\d)")
OPEN, CLOSED, CANCELLED = "open", "closed", "cancelled"

INVOICE_METHODS = {
    LineKind.TIME: "timesheet",
    LineKind.MILESTONE: "effort",
    LineKind.PROGRESS: "progress",
    LineKind.DATED: "manual",
}


def is_invoice(line: BillingLine, company_currency: str) -> bool:
    """Whether the line becomes a draft invoice; otherwise it becomes a task.

    A task's price is always in the company's currency, so a line in another currency has its money on an
    invoice only.
    """
    return makes_invoices([line.kind], line.amount.currency, company_currency)


def makes_invoices(kinds: Collection[LineKind], currency: str, company_currency: str) -> bool:
    return LineKind.DATED in kinds or (bool(kinds) and currency != company_currency)


def invoice_method(node: PlanNode, company_currency: str) -> str:
    """How Tryton invoices this project's tasks, so that the same money is never both a task's and an
    invoice's."""
    tasks = [line.kind for line in node.lines if not is_invoice(line, company_currency)]
    return INVOICE_METHODS[tasks[0]] if tasks else "manual"


def comment(notes: Mapping[str, str], key: str = "") -> str:
    lines = [f"{label}: {value}" for label, value in notes.items()]
    return "\n".join([key, *lines] if key else lines)


def key_of(text: str | None) -> str:
    """Our key, if this comment begins with one."""
    return (text or "").split("\n", 1)[0].rstrip("\r")


def node_notes(plan: PlanContent, node: PlanNode) -> Fields:
    """The values without a field of their own. Those of the whole deal are written on the root only."""
    notes = {
        "cost centre": node.cost_centre,
        "service line": node.service_line,
        **_intercompany(node),
        "tax": _tax(plan) if node.kind is not NodeKind.TASK else None,
        "dates": f"{node.starts_on} to {node.ends_on}",
        "template": node.template,
        "project number": node.number,
        "role": node.role,
        "billing model": node.billing_model,
        "amount": str(node.amount) if node.amount.amount else None,
        **_beyond_cap(node),
        "hours": plain(node.hours) if node.hours else None,
        **in_words(node.terms, plan.currency),
    }
    deal = {
        "payment terms": plan.payment_terms,
        "PO number": plan.po_number,
        "PO limit": str(plan.po_limit) if plan.po_limit else None,
        PO_EXPIRES: str(plan.po_expires_on) if plan.po_expires_on else None,
        SPECIAL_TERMS: plan.contract.special_terms,
        CONTRACT: plan.contract.document_url,
        "delivery model": plan.delivery_model,
        **plan.compliance,
    }
    return _filled(notes | deal if node.parent is None else notes)


def line_notes(order: LineOrder) -> Fields:
    line = order.line
    return _filled(
        {
            "role": line.role,
            "planned for": str(line.due_on) if line.due_on else None,
            "amount": str(line.amount),
            **_beyond_cap(line),
            "cost centre": order.node.cost_centre,
            "tax": _tax(order.plan),
        }
    )


def invoice_notes(order: LineOrder) -> Fields:
    line = order.line
    period = f"{line.period_starts_on} to {line.period_ends_on}" if line.period_starts_on else None
    included = plain(line.hours) if line.kind is LineKind.DATED and line.hours else None
    return _filled({"PO number": order.plan.po_number, "period": period, "hours included": included})


def wanted_node(order: NodeOrder, company_currency: str) -> Fields:
    is_task = order.node.kind is NodeKind.TASK
    return node_notes(order.plan, order.node) | {
        "type": "task" if is_task else "project",
        "name": one_line(order.node.name),
        "company": order.plan.erp_company,
        "customer": "" if is_task else order.plan.customer,
        "parent": order.parent_id or "",
        "invoice method": "manual" if is_task else invoice_method(order.node, company_currency),
        "price": "",
        "status": OPEN,
    }


def price(line: BillingLine) -> Decimal:
    """A task's price: that of an hour, or the whole amount."""
    return require(line.rate, "the rate") if line.kind is LineKind.TIME else line.amount.amount


def wanted_task(order: LineOrder, product: str) -> Fields:
    return line_notes(order) | {
        "type": "task",
        "name": one_line(order.line.description),
        "company": order.plan.erp_company,
        "parent": order.project_id,
        "product": product,
        "price": plain(price(order.line)),
        "effort": _effort(order.line.hours or Decimal(0)),
        "status": OPEN,
    }


def wanted_invoice(order: LineOrder, product: str) -> Fields:
    line = order.line
    return invoice_notes(order) | {
        "state": "draft",
        "description": one_line(line.description),
        "company": order.plan.erp_company,
        "customer": order.plan.customer,
        "currency": line.amount.currency,
        "amount": plain(line.amount.amount),
        "date": str(line.due_on or ""),
        "payment terms": order.plan.payment_terms,
        "product": product,
        "tax": order.plan.tax,
        "cost centre": order.node.revenue_cost_centre or "",
    }


def found_work(work: Work, closed_status: str) -> Fields:
    """The fields of a task or project as found. Of its status only whether it is the one that we close with,
    because people move work through statuses of their own."""
    seconds = work.effort_duration.total_seconds() if work.effort_duration else 0
    return read_notes(work.comment) | {
        "type": work.type,
        "name": work.name,
        "company": work.company.party.code or "",
        "customer": (work.party.code or "") if work.party else "",
        "parent": str(work.parent or ""),
        "invoice method": work.project_invoice_method or "",
        "product": (work.product.code or "") if work.product else "",
        "price": plain(work.list_price) if work.list_price is not None else "",
        "effort": _effort(Decimal(str(seconds)) / 3600),
        "status": CLOSED if work.status.name == closed_status else OPEN,
    }


def found_invoice(invoice: Invoice) -> Fields:
    """The fields of an invoice as found. A draft that was posted or paid since is still what was ordered; a
    cancelled one is not."""
    lines = invoice.lines
    return read_notes(invoice.comment) | {
        "state": CANCELLED if invoice.state == CANCELLED else "draft",
        "description": invoice.description or "",
        "company": invoice.company.party.code or "",
        "customer": invoice.party.code or "",
        "currency": invoice.currency.code or "",
        "amount": plain(invoice.untaxed_amount),
        "date": str(invoice.invoice_date or ""),
        "payment terms": invoice.payment_term.name if invoice.payment_term else "",
        "product": _joined(line.product.code if line.product else "" for line in lines),
        "tax": _joined(tax.name for line in lines for tax in line.taxes),
        "cost centre": _joined(
            entry.account.code for line in lines for entry in line.analytic_accounts if entry.account
        ),
    }


def differences(wanted: Fields, found: Fields) -> dict[str, tuple[str, str]]:
    """Field -> (wanted, found), for the fields that were ordered."""
    return {
        name: (value, found.get(name, ""))
        for name, value in wanted.items()
        if found.get(name, "") != value and not (name in SINCE_LATER and name not in found)
    }


def one_line(text: str) -> str:
    return " ".join(text.split())


def _effort(hours: Decimal) -> str:
    """Tryton stores microseconds, so ten thousandths of an hour survive the way back exactly."""
    return plain(hours.quantize(Decimal("0.0001")))


def _tax(plan: PlanContent) -> str:
    return f"{plan.tax} ({plain(plan.tax_percent)} %)"


def _beyond_cap(thing: PlanNode | BillingLine) -> dict[str, str | None]:
    if thing.estimate is None:
        return {}
    return {"estimate": str(thing.estimate), "beyond the cap": f"{thing.beyond_cap}, not billable"}


def _intercompany(node: PlanNode) -> dict[str, str | None]:
    """Who delivers, and at what price, is only a note: stock Tryton has no intercompany projects."""
    delivery = node.intercompany
    if delivery is None:
        return {}
    return {
        "delivered by": f"{delivery.delivery_entity} (intercompany)",
        "transfer price": str(delivery.transfer_price),
        "revenue cost centre": delivery.revenue_cost_centre,
    }


def _filled(notes: Mapping[str, str | None]) -> Fields:
    lined = {one_line(label.replace(":", "")): one_line(value) for label, value in notes.items() if value}
    return {label: value for label, value in lined.items() if label and value}


def read_notes(text: str | None) -> Fields:
    parts = (line.rstrip("\r").partition(": ") for line in (text or "").split("\n"))
    notes = {label: value for label, colon, value in parts if colon}
    return notes | {label: _UNGROUPED.sub(_grouped, notes[label]) for label in OF_MONEY & notes.keys()}


def _grouped(amount: re.Match[str]) -> str:
    return f"{amount[1]}{int(amount[2]):,}"


def _joined(values: Iterable[str | None]) -> str:
    return ", ".join(value or "" for value in values)
