"""Approval tasks."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, cast, delete, literal, literal_column, select, text, update
from sqlalchemy.dialects.postgresql import insert
from uuid_utils.compat import uuid7

from adapters.postgres.clock import clock
from adapters.postgres.repositories.absences import ABSENCES, to_absences
from adapters.postgres.repositories.audit import SHAPERS
from adapters.postgres.repositories.overrides import OVERRIDES
from adapters.postgres.repositories.part_in_deals import KEPT_OF_PLAN, deals_with_part, to_kept
from adapters.postgres.repositories.parties import PARTIES_OF_DEAL, to_party
from adapters.postgres.repositories.people import PEOPLE
from adapters.postgres.rows import pick, to_person, to_task
from adapters.postgres.session import Session, read_together, rows_of
from adapters.postgres.tables import approval_tasks, barred_approvers, opportunities
from oppsync.domain.approval.seals import Seal
from oppsync.domain.approval.tasks import ApprovalTask, Person, RuleUse, TaskStatus, VoidedAs
from oppsync.domain.plan.approvals import DEFAULT_APPROVALS, Seat
from oppsync.domain.plan.overrides import PlanOverride
from oppsync.kernel.errors import NotFound
from oppsync.ports.storage.approvals import DecidingFacts

_TASKS_OF = (
    approval_tasks.c.tenant_id == bindparam("of_tenant"),
    approval_tasks.c.opportunity_id == bindparam("of_opportunity"),
)

_TASKS = select(approval_tasks).where(*_TASKS_OF).order_by(approval_tasks.c.id)

_DECIDING = read_together(
    people=PEOPLE,
    absences=ABSENCES,
    parties=PARTIES_OF_DEAL,
    overrides=OVERRIDES,
    tasks=_TASKS,
    shapers=SHAPERS,
    kept=KEPT_OF_PLAN,
)

_VOIDING = update(approval_tasks).where(*_TASKS_OF).values(status=TaskStatus.VOID)

_VOID = _VOIDING.where(
    approval_tasks.c.plan_hash != bindparam("kept"), approval_tasks.c.status != TaskStatus.VOID
)

_VOID_OPEN = _VOIDING.where(approval_tasks.c.status == TaskStatus.OPEN)

_NOBODY = cast(literal_column("'{}'"), approval_tasks.c.candidates.type)
_RULED = ("tenant_id", "id", "opportunity_id", "plan_hash", "role", "asks", "rule")
_GIVEN = rows_of("by_rule", [approval_tasks.c[name] for name in _RULED])
_APPROVED = {"status": literal(TaskStatus.APPROVED.value), "decided_at": clock(), "candidates": _NOBODY}
_BY_RULE = insert(approval_tasks).from_select(
    [*_RULED, *_APPROVED], select(*(_GIVEN.c[name] for name in _RULED), *_APPROVED.values())
)
_APPROVE_BY_RULES = _BY_RULE.on_conflict_do_update(
    index_elements=["tenant_id", "opportunity_id", "plan_hash", "role"],
    index_where=approval_tasks.c.status != text("'void'"),
    set_={name: _BY_RULE.excluded[name] for name in ("status", "decided_at", "rule")},
    where=approval_tasks.c.status == TaskStatus.OPEN,
).returning(approval_tasks)

_SEALED = rows_of("sealed", [approval_tasks.c.id, approval_tasks.c.seal])
_SEAL = (
    update(approval_tasks)
    .where(approval_tasks.c.tenant_id == bindparam("of_tenant"), approval_tasks.c.id == _SEALED.c.id)
    .values(seal=_SEALED.c.seal)
)


class PostgresApprovals:
    def __init__(self, session: Session) -> None:
        self._session = session

    def open(
        self,
        tenant_id: str,
        opportunity_id: UUID,
        plan_hash: str,
        seat: Seat,
        candidates: Iterable[UUID],
    ) -> ApprovalTask:
        live = self._select(
            approval_tasks.c.tenant_id == tenant_id,
            approval_tasks.c.opportunity_id == opportunity_id,
            approval_tasks.c.plan_hash == plan_hash,
            approval_tasks.c.role == seat.code,
            approval_tasks.c.status != TaskStatus.VOID,
        )
        if live:
            return live[0]
        statement = (
            insert(approval_tasks)
            .values(
                tenant_id=tenant_id,
                id=uuid7(),
                opportunity_id=opportunity_id,
                plan_hash=plan_hash,
                role=seat.code,
                asks=_asks(seat),
                status=TaskStatus.OPEN,
                candidates=list(candidates),
            )
            .returning(approval_tasks)
        )
        return to_task(self._session.execute(statement).mappings().one())

    def approve_by_rules(
        self, tenant_id: str, opportunity_id: UUID, plan_hash: str, rules: Mapping[Seat, RuleUse]
    ) -> Sequence[ApprovalTask]:
        tasks = [
            {
                "tenant_id": tenant_id,
                "id": str(uuid7()),
                "opportunity_id": str(opportunity_id),
                "plan_hash": plan_hash,
                "role": seat.code,
                "asks": _asks(seat),
                "rule": rule.model_dump(mode="json"),
            }
            for seat, rule in rules.items()
        ]
        found = self._session.execute(_APPROVE_BY_RULES, {"by_rule": tasks}).mappings()
        return [to_task(row) for row in found]

    def of(self, tenant_id: str, opportunity_id: UUID) -> Sequence[ApprovalTask]:
        which = {"of_tenant": tenant_id, "of_opportunity": opportunity_id}
        return [to_task(row) for row in self._session.execute(_TASKS, which).mappings()]

    def deciding(self, tenant_id: str, opportunity_id: UUID, plan_hash: str | None) -> DecidingFacts:
        which = {"of_tenant": tenant_id, "of_opportunity": opportunity_id, "of_hash": plan_hash or ""}
        read = self._session.execute(_DECIDING, which).one()
        return DecidingFacts(
            people=[to_person(row) for row in read.people],
            absences=to_absences(read.absences),
            parties=[to_party(row) for row in read.parties],
            overrides=[PlanOverride(**pick(row, PlanOverride)) for row in read.overrides],
            tasks=[to_task(row) for row in read.tasks],
            shapers={row["actor"] for row in read.shapers},
            kept=to_kept(read.kept),
        )

    def asked(self, tenant_id: str, person_id: UUID) -> Sequence[UUID]:
        query = (
            select(approval_tasks.c.opportunity_id)
            .where(
                approval_tasks.c.tenant_id == tenant_id,
                approval_tasks.c.status == TaskStatus.OPEN,
                approval_tasks.c.candidates.contains([person_id]),
            )
            .distinct()
            .order_by(approval_tasks.c.opportunity_id)
        )
        return self._session.execute(query).scalars().all()

    def deals_with_part(self, tenant_id: str, person: Person) -> Collection[UUID]:
        return deals_with_part(self._session, tenant_id, person)

    def get(self, tenant_id: str, task_id: UUID) -> ApprovalTask:
        found = self._select(approval_tasks.c.tenant_id == tenant_id, approval_tasks.c.id == task_id)
        if not found:
            raise NotFound("There is no such approval.")
        return found[0]

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
        decision = {"status": status, "comment": comment, "decided_at": clock()}
        return self._change(tenant_id, task.id, decision | {"decided_by": by, "decided_for": decided_for})

    def take_back(self, tenant_id: str, task_id: UUID, voided_as: VoidedAs) -> ApprovalTask:
        return self._change(tenant_id, task_id, {"status": TaskStatus.VOID, "voided_as": voided_as})

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
        asked = {"decided_by": by, "decided_for": decided_for, "decided_at": clock(), "comment": comment}
        return self._change(tenant_id, task.id, ended | asked)

    def ask(self, tenant_id: str, task_id: UUID, candidates: Iterable[UUID]) -> ApprovalTask:
        return self._change(tenant_id, task_id, {"candidates": list(candidates), "asked_at": clock()})

    def widen(self, tenant_id: str, task_id: UUID, candidates: Iterable[UUID]) -> ApprovalTask:
        return self._change(tenant_id, task_id, {"candidates": list(candidates)})

    def _change(self, tenant_id: str, task_id: UUID, values: Mapping[str, Any]) -> ApprovalTask:
        statement = (
            update(approval_tasks)
            .where(approval_tasks.c.tenant_id == tenant_id, approval_tasks.c.id == task_id)
            .values(values)
            .returning(approval_tasks)
        )
        return to_task(self._session.execute(statement).mappings().one())

    def seal(self, tenant_id: str, seals: Mapping[UUID, Seal]) -> None:
        sealed = [{"id": str(task), "seal": seal.model_dump(mode="json")} for task, seal in seals.items()]
        if sealed:
            self._session.execute(_SEAL, {"of_tenant": tenant_id, "sealed": sealed})

    def void(self, tenant_id: str, opportunity_id: UUID, keep_hash: str | None) -> int:
        which = {"of_tenant": tenant_id, "of_opportunity": opportunity_id, "kept": keep_hash or ""}
        return self._session.execute(_VOID, which).rowcount

    def void_decision(self, tenant_id: str, task_id: UUID, because: str | None) -> None:
        which = update(approval_tasks).where(
            approval_tasks.c.tenant_id == tenant_id, approval_tasks.c.id == task_id
        )
        self._session.execute(which.values(status=TaskStatus.VOID, void_because=because))

    def bar(
        self, tenant_id: str, opportunity_id: UUID, plan_hash: str, barred: Mapping[UUID, Collection[str]]
    ) -> None:
        if not barred:
            return
        of_plan = {"tenant_id": tenant_id, "opportunity_id": opportunity_id, "plan_hash": plan_hash}
        kept = select(barred_approvers.c.person_id, barred_approvers.c.reason).filter_by(**of_plan)
        known = {(row.person_id, row.reason) for row in self._session.execute(kept)}
        rows = [
            {**of_plan, "person_id": person, "reason": reason}
            for person, reasons in barred.items()
            for reason in reasons
            if (person, reason) not in known
        ]
        if rows:
            # A decision locks the deal and may add the same rows: who adds some waits for it first, or each
            # would wait for the other.
            deal = select(opportunities.c.id).filter_by(tenant_id=tenant_id, id=opportunity_id)
            self._session.execute(deal.with_for_update(read=True, key_share=True))
            self._session.execute(insert(barred_approvers).values(rows).on_conflict_do_nothing())

    def plans_barred_from(self, tenant_id: str, people: Collection[UUID]) -> Sequence[tuple[UUID, str]]:
        kept = barred_approvers.c
        query = (
            select(kept.opportunity_id, kept.plan_hash)
            .where(kept.tenant_id == tenant_id, kept.person_id.in_(people))
            .distinct()
            .order_by(kept.opportunity_id, kept.plan_hash)
        )
        return [(row.opportunity_id, row.plan_hash) for row in self._session.execute(query)]

    def free(
        self, tenant_id: str, opportunity_id: UUID, plan_hash: str, freed: Mapping[UUID, Collection[str]]
    ) -> None:
        of_plan = {"tenant_id": tenant_id, "opportunity_id": opportunity_id, "plan_hash": plan_hash}
        kept = barred_approvers.c
        for person, reasons in freed.items():
            row = kept.person_id == person, kept.reason.in_(reasons)
            self._session.execute(delete(barred_approvers).filter_by(**of_plan).where(*row))

    def void_open(self, tenant_id: str, opportunity_id: UUID) -> int:
        which = {"of_tenant": tenant_id, "of_opportunity": opportunity_id}
        return self._session.execute(_VOID_OPEN, which).rowcount

    def _select(self, *where: Any) -> list[ApprovalTask]:
        query = select(approval_tasks).where(*where).order_by(approval_tasks.c.id)
        return [to_task(row) for row in self._session.execute(query).mappings()]


def _asks(seat: Seat) -> dict[str, Any] | None:
    """Finance and delivery of a plan without a matrix are stored as they always were."""
    return None if seat.asks in DEFAULT_APPROVALS else seat.asks.model_dump(mode="json")
