"""Deliveries, plans, approvals, exceptions, audit and outbox in memory."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from oppsync.domain.approval.seals import Seal
from oppsync.domain.approval.tasks import ApprovalTask, RuleUse, TaskStatus, VoidedAs
from oppsync.domain.deal.opportunity import OpportunityRef
from oppsync.domain.plan.approvals import DEFAULT_APPROVALS, Seat
from oppsync.domain.plan.baseline import Baseline
from oppsync.domain.plan.overrides import PlanOverride
from oppsync.domain.plan.plan import Plan
from oppsync.domain.plan.systems import PlanSystems
from oppsync.domain.plan.tampering import checked
from oppsync.domain.planning.inputs import PlanInputs
from oppsync.domain.reference.book import ReferenceUse
from oppsync.domain.values.model import changed
from oppsync.domain.work.events import SHAPES_THE_PLAN, Event, StateChanged
from oppsync.domain.work.exceptions import ExceptionItem, ExceptionStatus, NewException
from oppsync.domain.work.intake import Delivery, ReceivedDeal, StoredDelivery
from oppsync.domain.work.states import State
from oppsync.kernel.errors import NotFound

if TYPE_CHECKING:
    from oppsync.ports.storage.approvals import DecidingFacts
    from tests.stateful.memory import MemoryOpportunities, Tables

Now = Callable[[], datetime]
NewId = Callable[[], UUID]
OutboxRow = tuple[UUID, str]  # opportunity, stage


class MemoryDeliveries:
    def __init__(
        self, tables: Tables, now: Now, new_id: NewId, opportunities: MemoryOpportunities, outbox: MemoryOutbox
    ) -> None:
        self._rows = tables.deliveries
        self._now = now
        self._new_id = new_id
        self._opportunities = opportunities
        self._outbox = outbox

    def add(self, delivery: Delivery) -> tuple[UUID, bool]:
        same = (delivery.tenant_id, delivery.connection_id, delivery.delivery_id)
        for row in self._rows.values():
            if (row.tenant_id, row.connection_id, row.delivery_id) == same:
                return row.id, False
        stored = StoredDelivery(id=self._new_id(), received_at=self._now(), **dict(delivery))
        self._rows[stored.id] = stored
        return stored.id, True

    def accept(
        self, delivery: Delivery, named: Sequence[OpportunityRef], stage: str
    ) -> tuple[UUID, Sequence[ReceivedDeal] | None]:
        event_id, is_new = self.add(delivery)
        return event_id, self.receive(delivery, event_id, named, stage) if is_new else None

    def receive(
        self, delivery: Delivery, event_id: UUID, named: Sequence[OpportunityRef], stage: str
    ) -> Sequence[ReceivedDeal]:
        of, deals = (delivery.tenant_id, delivery.connection_id), []
        for ref in named:
            opportunity_id, is_new = self._opportunities.receive(*of, ref, delivery.traceparent)
            self._outbox.add(delivery.tenant_id, opportunity_id, stage, delivery.traceparent)
            deals.append(ReceivedDeal(ref.id, opportunity_id, is_new))
        row = self._rows[event_id]
        linked = dict.fromkeys((*row.opportunities, *(deal.opportunity_id for deal in deals)))
        self._rows[event_id] = changed(row, opportunities=tuple(linked))
        return deals

    def get(self, tenant_id: str, delivery_id: UUID) -> StoredDelivery:
        if delivery_id not in self._rows:
            raise NotFound("There is no such delivery.")
        return self._rows[delivery_id]


class MemoryPlanOverrides:
    """There are no overrides in these histories."""

    def of(self, tenant_id: str, opportunity_id: UUID) -> Sequence[PlanOverride]:
        return []


class MemoryPlanInputs:
    def __init__(self, tables: Tables) -> None:
        self._rows = tables.plan_inputs

    def keep(self, tenant_id: str, opportunity_id: UUID, plan_hash: str, inputs: PlanInputs) -> None:
        self._rows.setdefault((opportunity_id, plan_hash), inputs)


class MemoryBaselines:
    def __init__(self, tables: Tables) -> None:
        self._rows = tables.baselines

    def freeze(self, tenant_id: str, opportunity_id: UUID, baseline: Baseline) -> None:
        self._rows.setdefault(opportunity_id, baseline)


class MemoryPlans:
    def __init__(self, tables: Tables) -> None:
        self._rows = tables.plans

    def add(self, tenant_id: str, opportunity_id: UUID, plan: Plan) -> int:
        self._rows[opportunity_id, plan.hash] = plan
        hashes = [known for owner, known in self._rows if owner == opportunity_id]
        return hashes.index(plan.hash) + 1

    def get(self, tenant_id: str, opportunity_id: UUID, plan_hash: str) -> Plan:
        if (opportunity_id, plan_hash) not in self._rows:
            raise NotFound("There is no such plan.")
        return checked(self._rows[opportunity_id, plan_hash], plan_hash)

    def changers(self, tenant_id: str, opportunity_id: UUID, plan_hash: str) -> Collection[str]:
        """Nobody changes the configuration in these histories."""
        return ()

    def changers_of_rows(
        self, tenant_id: str, used: Sequence[ReferenceUse], up_to: int | None = None
    ) -> Collection[str]:
        return ()

    def others(self, tenant_id: str, opportunity_id: UUID, plan_hash: str) -> Sequence[Plan]:
        mine = [hash_ for owner, hash_ in self._rows if owner == opportunity_id and hash_ != plan_hash]
        return [self.get(tenant_id, opportunity_id, hash_) for hash_ in reversed(mine)]

    def systems_of(self, tenant_id: str, opportunity_id: UUID, plan_hash: str) -> PlanSystems | None:
        plan = self._rows.get((opportunity_id, plan_hash))
        return plan.systems if plan else None


class MemoryApprovals:
    def __init__(
        self,
        tables: Tables,
        now: Now,
        new_id: NewId,
        deciding: Callable[[str, UUID, str | None], DecidingFacts],
    ) -> None:
        self.deciding = deciding
        self._rows = tables.tasks
        self._now = now
        self._new_id = new_id

    def open(
        self,
        tenant_id: str,
        opportunity_id: UUID,
        plan_hash: str,
        seat: Seat,
        candidates: Iterable[UUID],
    ) -> ApprovalTask:
        for task in self.of(tenant_id, opportunity_id):
            if (task.plan_hash, task.role) == (plan_hash, seat.code) and task.status is not TaskStatus.VOID:
                return task
        opened = ApprovalTask(
            id=self._new_id(),
            opportunity_id=opportunity_id,
            plan_hash=plan_hash,
            role=seat.code,
            asks=None if seat.asks in DEFAULT_APPROVALS else seat.asks,
            status=TaskStatus.OPEN,
            candidates=tuple(candidates),
            opened_at=self._now(),
        )
        self._rows[opened.id] = opened
        return opened

    def approve_by_rules(
        self, tenant_id: str, opportunity_id: UUID, plan_hash: str, rules: Mapping[Seat, RuleUse]
    ) -> Sequence[ApprovalTask]:
        approved = []
        for seat, rule in rules.items():
            task = self.open(tenant_id, opportunity_id, plan_hash, seat, ())
            if task.status is TaskStatus.OPEN:
                values = {"status": TaskStatus.APPROVED, "decided_at": self._now(), "rule": rule}
                self._rows[task.id] = changed(task, **values)
                approved.append(self._rows[task.id])
        return approved

    def bar(
        self, tenant_id: str, opportunity_id: UUID, plan_hash: str, barred: Mapping[UUID, Collection[str]]
    ) -> None:
        """Only Postgres refuses what the code lets through."""

    def asked(self, tenant_id: str, person_id: UUID) -> Sequence[UUID]:
        waiting = [task for task in self._rows.values() if task.status is TaskStatus.OPEN]
        return sorted({task.opportunity_id for task in waiting if person_id in task.candidates})

    def of(self, tenant_id: str, opportunity_id: UUID) -> Sequence[ApprovalTask]:
        return [task for task in self._rows.values() if task.opportunity_id == opportunity_id]

    def get(self, tenant_id: str, task_id: UUID) -> ApprovalTask:
        if task_id not in self._rows:
            raise NotFound("There is no such approval.")
        return self._rows[task_id]

    def decide(
        self,
        tenant_id: str,
        task: ApprovalTask,
        status: TaskStatus,
        by: UUID,
        comment: str,
        *,
        decided_for: UUID | None = None,
    ) -> ApprovalTask:
        decision = {"status": status, "comment": comment, "decided_at": self._now()}
        return self._change(task, **decision, decided_by=by, decided_for=decided_for)

    def take_back(self, tenant_id: str, task_id: UUID, voided_as: VoidedAs) -> ApprovalTask:
        return self._change(self._rows[task_id], status=TaskStatus.VOID, voided_as=voided_as)

    def request_changes(
        self,
        tenant_id: str,
        task: ApprovalTask,
        by: UUID,
        comment: str,
        *,
        decided_for: UUID | None = None,
    ) -> ApprovalTask:
        ended = {"status": TaskStatus.VOID, "voided_as": VoidedAs.CHANGES_REQUESTED}
        asked = {"decided_by": by, "decided_for": decided_for, "decided_at": self._now(), "comment": comment}
        return self._change(task, **ended, **asked)

    def ask(self, tenant_id: str, task_id: UUID, candidates: Iterable[UUID]) -> ApprovalTask:
        return self._change(self._rows[task_id], candidates=tuple(candidates), asked_at=self._now())

    def widen(self, tenant_id: str, task_id: UUID, candidates: Iterable[UUID]) -> ApprovalTask:
        return self._change(self._rows[task_id], candidates=tuple(candidates))

    def _change(self, task: ApprovalTask, **values: Any) -> ApprovalTask:
        self._rows[task.id] = changed(self._rows[task.id], **values)
        return self._rows[task.id]

    def seal(self, tenant_id: str, seals: Mapping[UUID, Seal]) -> None:
        for task_id, seal in seals.items():
            self._rows[task_id] = changed(self._rows[task_id], seal=seal)

    def void(self, tenant_id: str, opportunity_id: UUID, keep_hash: str | None) -> int:
        return self._void(
            task
            for task in self.of(tenant_id, opportunity_id)
            if task.plan_hash != keep_hash and task.status is not TaskStatus.VOID
        )

    def void_decision(self, tenant_id: str, task_id: UUID, because: str | None) -> None:
        self._rows[task_id] = changed(self._rows[task_id], status=TaskStatus.VOID, void_because=because)

    def void_open(self, tenant_id: str, opportunity_id: UUID) -> int:
        return self._void(task for task in self.of(tenant_id, opportunity_id) if task.status is TaskStatus.OPEN)

    def _void(self, tasks: Iterable[ApprovalTask]) -> int:
        voided = [changed(task, status=TaskStatus.VOID) for task in tasks]
        self._rows.update({task.id: task for task in voided})
        return len(voided)


class MemoryExceptions:
    def __init__(self, tables: Tables, now: Now, new_id: NewId) -> None:
        self._rows = tables.items
        self._audit = tables.audit
        self._closed_after = tables.closed_after
        self._now = now
        self._new_id = new_id

    def raise_item(self, new: NewException) -> UUID:
        for item in self._rows.values():
            same = (item.subject, item.code) == (new.subject, new.code)
            if same and item.status is ExceptionStatus.OPEN:
                again = {**dict(new), "last_seen": self._now(), "occurrences": item.occurrences + 1}
                self._rows[item.id] = changed(item, **again)
                return item.id
        item = ExceptionItem(
            **dict(new),
            id=self._new_id(),
            status=ExceptionStatus.OPEN,
            first_seen=self._now(),
            last_seen=self._now(),
        )
        self._rows[item.id] = item
        return item.id

    def last(self, new: NewException) -> ExceptionItem | None:
        same = [each for each in self._rows.values() if (each.subject, each.code) == (new.subject, new.code)]
        return max(same, key=lambda item: (item.last_seen, item.id), default=None)

    def went_on(self, item: ExceptionItem, states: Collection[State]) -> bool:
        since = self._audit[self._closed_after[item.id] :]
        return any(
            isinstance(event, StateChanged)
            and event.opportunity_id == item.opportunity_id
            and event.before["state"] in states
            and event.after["state"] != State.PARKED
            for event in since
        )

    def reopen(self, item_id: UUID, new: NewException) -> None:
        item = self._rows[item_id]
        opened = {"status": ExceptionStatus.OPEN, "closed_by": None, "closed_at": None, "reason": ""}
        again = {**dict(new), **opened, "last_seen": self._now(), "occurrences": item.occurrences + 1}
        self._rows[item_id] = changed(item, **again)

    def reported(self, tenant_id: str, opportunity_id: UUID) -> Sequence[ExceptionItem]:
        wanted = (ExceptionStatus.OPEN, ExceptionStatus.DISMISSED)
        items = self._rows.values()
        return [item for item in items if item.opportunity_id == opportunity_id and item.status in wanted]

    def get(self, tenant_id: str, item_id: UUID) -> ExceptionItem:
        if item_id not in self._rows:
            raise NotFound("There is no such exception.")
        return self._rows[item_id]

    def close(self, tenant_id: str, item_id: UUID, status: ExceptionStatus, by: str, reason: str) -> None:
        closed = {"status": status, "closed_by": by, "closed_at": self._now(), "reason": reason}
        self._rows[item_id] = changed(self._rows[item_id], **closed)
        self._closed_after[item_id] = len(self._audit)

    def close_open(
        self,
        tenant_id: str,
        subject: UUID | str,
        by: str,
        reason: str,
        status: ExceptionStatus = ExceptionStatus.REPLAYED,
        *,
        codes: Collection[str] | None = None,
        but: Collection[str] = (),
    ) -> int:
        open_ones = [
            item.id
            for item in self._rows.values()
            if item.subject == str(subject) and item.status is ExceptionStatus.OPEN
            if (codes is None or item.code in codes) and item.code not in but
        ]
        for item_id in open_ones:
            self.close(tenant_id, item_id, status, by, reason)
        return len(open_ones)


class MemoryAudit:
    def __init__(self, tables: Tables) -> None:
        self._entries = tables.audit

    def append(self, tenant_id: str, event: Event, traceparent: str) -> None:
        self._entries.append(event)

    def shapers(self, tenant_id: str, opportunity_id: UUID) -> Collection[str]:
        shaping = [each for each in self._entries if each.type in SHAPES_THE_PLAN]
        return {each.actor for each in shaping if each.opportunity_id == opportunity_id}


class MemoryOutbox:
    def __init__(self, tables: Tables) -> None:
        self._rows = tables.outbox

    def add(self, tenant_id: str, opportunity_id: UUID, stage: str, traceparent: str) -> None:
        self._rows[max(self._rows, default=0) + 1] = (opportunity_id, stage)
