"""What a plan must have become in Tryton, derived from the plan alone, without our adapter."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from oppsync.domain.billing.terms_text import in_words
from oppsync.domain.plan.plan import BillingLine, LineKind, NodeKind, PlanContent, PlanNode
from oppsync.domain.values.keys import EffectKind, outside_key
from oppsync.domain.values.model import plain
from sandbox.demo.comparison import Fields

_NODE_KINDS = {
    NodeKind.PROJECT: EffectKind.PARENT,
    NodeKind.WORKSTREAM: EffectKind.CHILD,
    NodeKind.TASK: EffectKind.TASK,
}
_PRODUCTS = {
    LineKind.TIME: "CONS-HR",
    LineKind.DATED: "FIXED",
    LineKind.MILESTONE: "MS",
    LineKind.PROGRESS: "FIXED",
}
_METHODS = {LineKind.TIME: "timesheet", LineKind.MILESTONE: "effort", LineKind.PROGRESS: "progress"}


@dataclass(frozen=True)
class Expected:
    """One record: a `project.work`, or an `account.invoice`, under its key."""

    key: str
    what: str
    is_invoice: bool
    fields: Fields


@dataclass(frozen=True)
class Landing:
    """One deal's plan, and the currency of the books that it goes into."""

    tenant_id: str
    connection_id: str
    record_id: str
    plan: PlanContent
    currency: str

    def key(self, kind: EffectKind, path: str) -> str:
        return outside_key(self.tenant_id, self.connection_id, self.record_id, kind, path)

    @property
    def key_prefix(self) -> str:
        return f"oppsync:{self.tenant_id}:{self.connection_id}:{self.record_id}:"

    def records(self) -> Iterator[Expected]:
        """Every node and every billing line, each below its project."""
        for node in self.plan.nodes:
            yield Expected(self._node_key(node), f"{node.kind} {node.name}", False, self._node(node))
            for line in node.lines:
                yield self._line(node, line)

    def _short(self, key: str) -> str:
        """The key without the part that all keys of this deal share; a key of another deal stays whole."""
        return key.removeprefix(self.key_prefix)

    def _node_key(self, node: PlanNode) -> str:
        return self.key(_NODE_KINDS[node.kind], node.path)

    def _node(self, node: PlanNode) -> Fields:
        is_task = node.kind is NodeKind.TASK
        parent = self._short(self._node_key(self.plan.node(node.parent))) if node.parent else ""
        fields = {
            "name": node.name,
            "type": "task" if is_task else "project",
            "company": self.plan.erp_company,
            "customer": "" if is_task else self.plan.customer,
            "parent": parent,
            "invoicing": self._method(node),
            "dates": f"{node.starts_on} to {node.ends_on}",
            "cost centre": node.cost_centre,
            "service line": node.service_line,
            "template": node.template,
            "project number": node.number,
            "role": node.role,
            "time entry": "open" if node.time_entry else None,
            "billing model": node.billing_model,
            "hours": plain(node.hours) if node.hours else None,
            "amount": str(node.amount) if node.amount.amount else None,
            "tax": None if is_task else self._tax(),
            **in_words(node.terms, self.plan.currency),
        }
        return _given(fields | (self._of_the_deal() if node.parent is None else {}))

    def _of_the_deal(self) -> dict[str, str | None]:
        return {
            "payment terms": self.plan.payment_terms,
            "PO number": self.plan.po_number,
            "PO limit": str(self.plan.po_limit) if self.plan.po_limit else None,
            "delivery model": self.plan.delivery_model,
            **self.plan.compliance,
        }

    def _method(self, node: PlanNode) -> str:
        """Instalments and foreign money are draft invoices, so their project invoices nothing by itself."""
        methods = [_METHODS[line.kind] for line in node.lines if not self._is_invoice(line)]
        return methods[0] if methods else "manual"

    def _is_invoice(self, line: BillingLine) -> bool:
        return line.kind is LineKind.DATED or line.amount.currency != self.currency

    def _line(self, node: PlanNode, line: BillingLine) -> Expected:
        key = self.key(EffectKind.BILLING_LINE, line.path)
        if self._is_invoice(line):
            return Expected(key, f"invoice {line.description}", True, self._invoice(node, line))
        return Expected(key, f"{line.kind} {line.description}", False, self._task(node, line))

    def _task(self, node: PlanNode, line: BillingLine) -> Fields:
        price = line.rate if line.rate is not None else line.amount.amount
        fields = {
            "name": line.description,
            "type": "task",
            "company": self.plan.erp_company,
            "parent": self._short(self._node_key(node)),
            "product": _PRODUCTS[line.kind],
            "price": plain(price),
            "effort": plain(line.hours) if line.hours else None,
            "role": line.role,
            "planned for": str(line.due_on) if line.due_on else None,
            "cost centre": node.cost_centre,
            "tax": self._tax(),
            "amount": str(line.amount),
        }
        return _given(fields)

    def _invoice(self, node: PlanNode, line: BillingLine) -> Fields:
        fields = {
            "type": "out",
            "state": "draft",
            "name": line.description,
            "company": self.plan.erp_company,
            "customer": self.plan.customer,
            "date": str(line.due_on) if line.due_on else None,
            "payment terms": self.plan.payment_terms,
            "product": _PRODUCTS[line.kind],
            "quantity": "1",
            "tax": self.plan.tax,
            "cost centre": node.cost_centre,
            "PO number": self.plan.po_number,
            "period": f"{line.period_starts_on} to {line.period_ends_on}" if line.period_starts_on else None,
            "hours included": plain(line.hours) if line.hours else None,
            "amount": str(line.amount),
        }
        return _given(fields)

    def _tax(self) -> str:
        return f"{self.plan.tax} ({plain(self.plan.tax_percent)} %)"


def _given(fields: dict[str, str | None]) -> Fields:
    return {name: " ".join(value.split()) for name, value in fields.items() if value is not None}
