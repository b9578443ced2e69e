"""Tryton's own books of one deal, read without our adapter and compared with the plan."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from oppsync.domain.plan.plan import BillingLine, LineKind, NodeKind, PlanContent, PlanNode
from sandbox.firm.install import CRM_CONNECTION
from tests.harness.tryton import Books

KIND = {NodeKind.PROJECT: "parent", NodeKind.WORKSTREAM: "child", NodeKind.TASK: "task"}
WORK = ("name", "number", "type", "comment", "parent", "party.code", "company.party.code", "list_price")
INVOICE = ("reference", "state", "party.code", "company.party.code", "currency.code", "untaxed_amount")
Record = Mapping[str, Any]


def key(record_id: str, kind: str, path: str) -> str:
    return f"oppsync:default:{CRM_CONNECTION}:{record_id}:{kind}:{path}"


def works(books: Books, record_id: str) -> dict[str, Record]:
    """Projects and tasks by our key. Two under one key fail the test."""
    mine = [["comment", "like", f"oppsync:%:{record_id}:%"]]
    found = books.find("project.work", mine, *WORK, "effort_duration")
    return _by_key((str(work["comment"]).split("\n")[0], work) for work in found)


def invoices(books: Books, record_id: str) -> dict[str, Record]:
    """Draft invoices by our key. Two under one key fail the test."""
    mine = [["reference", "like", f"oppsync:%:{record_id}:%"]]
    found = books.find("account.invoice", mine, *INVOICE, "invoice_date")
    return _by_key((str(invoice["reference"]), invoice) for invoice in found)


def _by_key(found: Any) -> dict[str, Record]:
    pairs = list(found)
    assert len(dict(pairs)) == len(pairs), [key for key, _record in pairs]
    return dict(pairs)


def number(value: Mapping[str, str] | None) -> Decimal | None:
    return Decimal(value["decimal"]) if value else None


def check_landed(books: Books, record_id: str, plan: PlanContent) -> None:
    """The ERP has the plan: every node and line once, field by field, and nothing else under our keys."""
    projects, drafts = works(books, record_id), invoices(books, record_id)
    expected = {key(record_id, KIND[node.kind], node.path) for node in plan.nodes}
    expected |= {key(record_id, "billing", line.path) for _node, line in plan.billing_lines()}
    assert set(projects) | set(drafts) == expected
    for node in plan.nodes:
        _check_node(projects, record_id, plan, node)
    for node, line in plan.billing_lines():
        parent = projects[key(record_id, KIND[node.kind], node.path)]
        own_key = key(record_id, "billing", line.path)
        if line.kind is LineKind.DATED:
            _check_invoice(drafts[own_key], plan, line)
        else:
            _check_task(projects[own_key], parent, line)


def _check_node(projects: Mapping[str, Record], record_id: str, plan: PlanContent, node: PlanNode) -> None:
    project = projects[key(record_id, KIND[node.kind], node.path)]
    assert project["name"] == node.name
    assert project["type"] == ("task" if node.kind is NodeKind.TASK else "project")
    assert project["company"]["party"]["code"] == plan.erp_company
    if node.kind is not NodeKind.TASK:
        assert project["party"]["code"] == plan.customer
    if node.parent is not None:
        above = plan.node(node.parent)
        assert project["parent"] == projects[key(record_id, KIND[above.kind], above.path)]["id"]


def _check_invoice(draft: Record, plan: PlanContent, line: BillingLine) -> None:
    due = draft["invoice_date"]
    assert draft["state"] == "draft"
    assert draft["party"]["code"] == plan.customer
    assert draft["company"]["party"]["code"] == plan.erp_company
    assert (number(draft["untaxed_amount"]), draft["currency"]["code"]) == (
        line.amount.amount,
        line.amount.currency,
    )
    assert date(due["year"], due["month"], due["day"]) == line.due_on


def _check_task(task: Record, parent: Record, line: BillingLine) -> None:
    assert (task["type"], task["parent"]) == ("task", parent["id"])
    if line.kind is LineKind.TIME:
        assert number(task["list_price"]) == line.rate
        assert timedelta(seconds=task["effort_duration"]["seconds"]) == timedelta(hours=float(line.hours or 0))
    else:
        assert number(task["list_price"]) == line.amount.amount
