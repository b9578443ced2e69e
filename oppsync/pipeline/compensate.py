"""Stage `compensate`: close what was created for a deal, in reverse order, each step an effect of its own.

A person chose this for a deal that cannot be finished. The stage survives crashes as the others do: what the
ledger has as closed is not closed again. At the end the CRM gets the reason, and the deal is withdrawn.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from oppsync.domain.effects.effects import Effect, ExternalRecord, LedgerRow
from oppsync.domain.plan.orders import LineOrder, NodeOrder, WriteBack
from oppsync.domain.plan.plan import ROOT_PATH, BillingLine, Plan, PlanNode, StaffingRequest
from oppsync.domain.values.keys import EffectKind
from oppsync.domain.values.model import changed
from oppsync.domain.work.states import State
from oppsync.kernel.crash_points import crash_point
from oppsync.kernel.errors import StillUnknown
from oppsync.pipeline.create_projects import KIND_OF, key_of
from oppsync.pipeline.destination import erp_of, psa_of
from oppsync.pipeline.effects import Find
from oppsync.pipeline.signed import approved_plan
from oppsync.pipeline.stage import Advance, Outcome, StageContext
from oppsync.pipeline.write_back import staffing_order, tell_crm_of_the_end
from oppsync.ports.erp import Erp
from oppsync.ports.psa import Psa

Close = Callable[[str], ExternalRecord]


def run(context: StageContext) -> Outcome:
    opportunity = context.opportunity
    with context.uow() as uow:
        plan = approved_plan(uow, opportunity)
        rows = {row.key: row for row in uow.ledger.of(opportunity.tenant_id, opportunity.id)}
    connected = psa_of(context.systems, opportunity, plan.systems)
    if connected is not None:
        _psa_project(_Closing(context, plan, rows, connected[0], connected[1].quarantine), connected[1])
    connection_id, erp = erp_of(context.systems, opportunity, plan.systems)
    closing = _Closing(context, plan, rows, connection_id, erp.quarantine)
    for node, line in reversed(list(plan.content.billing_lines())):
        _line(closing, erp, node, line)
    for node in reversed(plan.content.nodes):
        _node(closing, erp, node)
    tell_crm_of_the_end(context, WriteBack(status="withdrawn", message=opportunity.compensation_reason or ""))
    return Advance(State.WITHDRAWN, opportunity)


@dataclass(frozen=True)
class _Closing:
    """What was created for one deal in one outside system, and how it is closed there."""

    context: StageContext
    plan: Plan
    rows: Mapping[str, LedgerRow]
    connection_id: str
    quarantine: timedelta

    def close(self, kind: EffectKind, path: str, find: Find, close: Close) -> None:
        """Close what the effect of this kind and path created, if it ever created anything. `find` looks it up,
        `close` is given its outside id."""
        row = self.rows.get(key_of(self.context.opportunity, kind, path))
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
        with self.context.uow() as uow:
            uow.ledger.cancelled(self.context.opportunity.tenant_id, row.key, self.context.lease)
            crash_point("cancelled.uncommitted", kind)
            uow.commit()
        crash_point("cancelled.committed", kind)

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
        row = self.rows.get(key_of(self.context.opportunity, kind, path))
        return row.outside_id if row else None

    def _effect(self, row: LedgerRow, outside_id: str) -> Effect:
        """The request has the time of confirmation in it, so that closing again what was opened anew is
        another request."""
        path = f"{row.kind}/{row.path}"
        confirmed = row.confirmed_at.isoformat() if row.confirmed_at else None
        return Effect(
            key=key_of(self.context.opportunity, EffectKind.CANCELLATION, path),
            kind=EffectKind.CANCELLATION,
            path=path,
            opportunity_id=self.context.opportunity.id,
            connection_id=self.connection_id,
            request={"cancels": row.key, "outside_id": outside_id, "confirmed_at": confirmed},
            quarantine=self.quarantine,
        )


def _node(closing: _Closing, erp: Erp, node: PlanNode) -> None:
    content, kind, parent_id = closing.plan.content, KIND_OF[node.kind], None
    if node.parent is not None:
        parent_id = closing.outside_id(KIND_OF[content.node(node.parent).kind], node.parent)
        if parent_id is None:
            return
    key = key_of(closing.context.opportunity, kind, node.path)
    order = NodeOrder(key=key, plan=content, node=node, parent_id=parent_id)
    closing.close(kind, node.path, partial(erp.find_node, order), partial(erp.cancel_node, order))


def _line(closing: _Closing, erp: Erp, node: PlanNode, line: BillingLine) -> None:
    project_id = closing.outside_id(KIND_OF[node.kind], node.path)
    if project_id is None:
        return
    key = key_of(closing.context.opportunity, EffectKind.BILLING_LINE, line.path)
    order = LineOrder(key=key, plan=closing.plan.content, node=node, line=line, project_id=project_id)
    find, cancel = partial(erp.find_line, order), partial(erp.cancel_line, order)
    closing.close(EffectKind.BILLING_LINE, line.path, find, cancel)


def _staffing(closing: _Closing, psa: Psa, asked: StaffingRequest) -> None:
    project_id = closing.outside_id(EffectKind.PSA_PROJECT, ROOT_PATH)
    if project_id is None:
        return
    order = staffing_order(closing.context.opportunity, project_id, asked)
    find, cancel = partial(psa.find_staffing, order), partial(psa.cancel_staffing, order)
    closing.close(EffectKind.STAFFING, asked.path, find, cancel)


def _psa_project(closing: _Closing, psa: Psa) -> None:
    for asked in reversed(list(closing.plan.content.staffing())):
        _staffing(closing, psa, asked)
    key = key_of(closing.context.opportunity, EffectKind.PSA_PROJECT, ROOT_PATH)
    find = partial(psa.find_archived, key)
    closing.close(EffectKind.PSA_PROJECT, ROOT_PATH, find, psa.archive_project)
