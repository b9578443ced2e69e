"""Close what was created of a deal, in reverse order, each step an effect of its own in the ledger.

The stage `compensate` closes all of it; `create_projects` and `write_back` what only an earlier plan had. What
the ledger has as closed is not closed again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from oppsync.domain.effects.effects import Effect, ExternalRecord, LedgerRow
from oppsync.domain.plan.orders import LineOrder, NodeOrder, StaffingOrder
from oppsync.domain.plan.plan import ROOT_PATH, BillingLine, PlanContent, PlanNode
from oppsync.domain.values.keys import EffectKind
from oppsync.domain.values.model import changed
from oppsync.kernel.errors import StillUnknown
from oppsync.pipeline.calls import Find
from oppsync.pipeline.outside_keys import KIND_OF, closing_path, key_of
from oppsync.pipeline.stage import StageContext
from oppsync.ports.erp import Erp
from oppsync.ports.psa import Psa

Close = Callable[[str], ExternalRecord]


@dataclass(frozen=True)
class Closing:
    """The external records of one deal in one outside system, and how each is closed."""

    context: StageContext
    rows: Mapping[str, LedgerRow]
    connection_id: str
    quarantine: timedelta

    def key(self, kind: EffectKind, path: str) -> str:
        return key_of(self.context.opportunity, kind, path)

    def close(self, kind: EffectKind, path: str, find: Find, close: Close) -> None:
        """Close what the effect of this kind and path created, if it ever created anything. `find` looks it up,
        `close` is given its outside id."""
        row = self.rows.get(self.key(kind, path))
        if row is None:
            return
        outside_id = self.context.effects.existing_id(row, self.quarantine, find)
        if outside_id is None:
            return
        self.context.effects.perform(
            self._effect(row, outside_id),
            partial(self._closed, row, find, outside_id),
            partial(close, outside_id),
        )
        self.context.effects.answers.cancelled(row.key, kind)

    def _closed(self, row: LedgerRow, find: Find, outside_id: str) -> ExternalRecord | None:
        """The external record if it is closed by now, whatever else it differs in; one that somebody deleted
        counts as closed. Raises StillUnknown for one that is too new to be found yet."""
        found = find()
        if found is not None:
            return changed(found, differences={}) if found.closed else None
        if row.confirmed_at is not None and self.context.clock.now() < row.confirmed_at + self.quarantine:
            not_before = row.confirmed_at + self.quarantine
            raise StillUnknown(f"{row.kind} {row.path}: not to be found yet", not_before=not_before)
        return ExternalRecord(outside_id=outside_id, closed=True)

    def outside_id(self, kind: EffectKind, path: str) -> str | None:
        """The outside id; None when it was never created, and then nothing was created below it either."""
        row = self.rows.get(self.key(kind, path))
        return row.outside_id if row else None

    def _effect(self, row: LedgerRow, outside_id: str) -> Effect:
        """The request says when it was confirmed and how often it was sent, so that closing again what was
        opened anew is another request."""
        path = closing_path(row.kind, row.path)
        confirmed = row.confirmed_at.isoformat() if row.confirmed_at else None
        request = {
            "cancels": row.key,
            "outside_id": outside_id,
            "confirmed_at": confirmed,
            "sent": row.attempts,
        }
        return Effect(
            key=self.key(EffectKind.CANCELLATION, path),
            kind=EffectKind.CANCELLATION,
            path=path,
            opportunity_id=self.context.opportunity.id,
            connection_id=self.connection_id,
            request=request,
            quarantine=self.quarantine,
        )


def close_in_erp(
    closing: Closing, erp: Erp, plans: Sequence[PlanContent], but: PlanContent | None = None
) -> None:
    """Close what `plans`, the current one first, ordered in the ERP; `but`: what this plan has stays."""
    lines: dict[str, list[tuple[PlanContent, PlanNode, BillingLine]]] = {}
    nodes: dict[str, tuple[PlanContent, PlanNode]] = {}
    for plan in plans:
        for node, line in plan.billing_lines():
            lines.setdefault(line.path, []).append((plan, node, line))
        for node in plan.nodes:
            nodes.setdefault(node.path, (plan, node))
    staying_lines = {line.path for _, line in but.billing_lines()} if but else set()
    staying_nodes = {(node.kind, node.path) for node in but.nodes} if but else set()
    for path in reversed(lines):
        if path not in staying_lines:
            _line(closing, erp, path, lines[path])
    for plan, node in reversed(nodes.values()):
        if (node.kind, node.path) not in staying_nodes:
            _node(closing, erp, plan, node)


def _node(closing: Closing, erp: Erp, plan: PlanContent, node: PlanNode) -> None:
    kind, parent_id = KIND_OF[node.kind], None
    if node.parent is not None:
        parent_id = closing.outside_id(KIND_OF[plan.node(node.parent).kind], node.parent)
        if parent_id is None:
            return
    order = NodeOrder(key=closing.key(kind, node.path), plan=plan, node=node, parent_id=parent_id)
    closing.close(kind, node.path, partial(erp.find_node, order), partial(erp.cancel_node, order))


def _line(
    closing: Closing, erp: Erp, path: str, orders: Sequence[tuple[PlanContent, PlanNode, BillingLine]]
) -> None:
    """Plans may have ordered it as different things, a task and an invoice, say: it is what it is found as."""
    key = closing.key(EffectKind.BILLING_LINE, path)
    wanted = [
        LineOrder(key=key, plan=plan, node=node, line=line, project_id=project_id)
        for plan, node, line in orders
        if (project_id := closing.outside_id(KIND_OF[node.kind], node.path)) is not None
    ]
    if not wanted:
        return

    def find() -> ExternalRecord | None:
        return next((found for order in wanted if (found := erp.find_line(order)) is not None), None)

    def cancel(outside_id: str) -> ExternalRecord:
        order = next((each for each in wanted[:-1] if erp.find_line(each) is not None), wanted[-1])
        return erp.cancel_line(order, outside_id)

    closing.close(EffectKind.BILLING_LINE, path, find, cancel)


def close_staffing(
    closing: Closing, psa: Psa, plans: Sequence[PlanContent], but: PlanContent | None = None
) -> None:
    """Withdraw the staffing requests of `plans`; those that the plan `but` has stay."""
    project_id = closing.outside_id(EffectKind.PSA_PROJECT, ROOT_PATH)
    if project_id is None:
        return
    asked = {request.path: request for plan in reversed(plans) for request in plan.staffing()}
    staying = {request.path for request in but.staffing()} if but else set()
    for path, request in reversed(asked.items()):
        if path not in staying:
            key = closing.key(EffectKind.STAFFING, path)
            order = StaffingOrder(key=key, project_id=project_id, request=request)
            find, cancel = partial(psa.find_staffing, order), partial(psa.cancel_staffing, order)
            closing.close(EffectKind.STAFFING, path, find, cancel)


def close_psa_project(closing: Closing, psa: Psa) -> None:
    find = partial(psa.find_archived, closing.key(EffectKind.PSA_PROJECT, ROOT_PATH))
    closing.close(EffectKind.PSA_PROJECT, ROOT_PATH, find, psa.archive_project)
