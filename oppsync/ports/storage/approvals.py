"""Storage of approval tasks."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple, Protocol
from uuid import UUID

from oppsync.domain.approval.absences import Absences
from oppsync.domain.approval.refusals import Refusal
from oppsync.domain.approval.seals import Seal
from oppsync.domain.approval.tasks import ApprovalTask, Person, RuleUse, TaskStatus, VoidedAs
from oppsync.domain.deal.parties import Party
from oppsync.domain.plan.approvals import Seat
from oppsync.domain.plan.overrides import PlanOverride


class DecidingFacts(NamedTuple):
    """Who may decide about a deal rests on this. `shapers`: the actors of events that shape its plan. `kept`:
    who is kept as barred from the plan, and why."""

    people: Sequence[Person]
    absences: Absences
    parties: Sequence[Party]
    overrides: Sequence[PlanOverride]
    tasks: Sequence[ApprovalTask]
    shapers: Collection[str]
    kept: Mapping[UUID, Collection[Refusal]]


class Approvals(Protocol):
    def open(
        self,
        tenant_id: str,
        opportunity_id: UUID,
        plan_hash: str,
        seat: Seat,
        candidates: Iterable[UUID],
    ) -> ApprovalTask:
        """Open a task, or return the one that exists for this opportunity, plan and seat."""

    def approve_by_rules(
        self, tenant_id: str, opportunity_id: UUID, plan_hash: str, rules: Mapping[Seat, RuleUse]
    ) -> Sequence[ApprovalTask]:
        """For each seat add an approved task, or approve the open one of this opportunity and plan. Without
        those that were decided already."""

    def of(self, tenant_id: str, opportunity_id: UUID) -> Sequence[ApprovalTask]:
        """All tasks of an opportunity, oldest first, void ones too."""

    def deciding(self, tenant_id: str, opportunity_id: UUID, plan_hash: str | None) -> DecidingFacts:
        """One read for all of it."""

    def asked(self, tenant_id: str, person_id: UUID) -> Sequence[UUID]:
        """The opportunities with an open task that this person was asked to decide, in the order to lock
        them."""

    def deals_with_part(self, tenant_id: str, person: Person) -> Collection[UUID]:
        """The opportunities with an open task that the person owns or requested, or whose plan or configuration
        they changed."""

    def get(self, tenant_id: str, task_id: UUID) -> ApprovalTask:
        """Raises NotFound."""

    def decide(
        self,
        tenant_id: str,
        task: ApprovalTask,
        status: TaskStatus,
        by: UUID,
        comment: str,
        *,
        decided_for: UUID | None = None,
    ) -> ApprovalTask: ...

    def take_back(self, tenant_id: str, task_id: UUID, voided_as: VoidedAs) -> ApprovalTask:
        """Void one task with what ended it; who decided it, if anybody did, stays."""

    def request_changes(
        self,
        tenant_id: str,
        task: ApprovalTask,
        by: UUID,
        comment: str,
        *,
        decided_for: UUID | None = None,
    ) -> ApprovalTask:
        """Void one task with who wants which changes."""

    def ask(self, tenant_id: str, task_id: UUID, candidates: Iterable[UUID]) -> ApprovalTask:
        """Put an open task to these people instead; its times begin anew."""

    def widen(self, tenant_id: str, task_id: UUID, candidates: Iterable[UUID]) -> ApprovalTask:
        """Put an open task to further people: `candidates` are all of them. Its times go on."""

    def seal(self, tenant_id: str, seals: Mapping[UUID, Seal]) -> None:
        """Keep the seals of decisions that were recorded in this transaction."""

    def void(self, tenant_id: str, opportunity_id: UUID, keep_hash: str | None) -> int:
        """Void all tasks that are not of plan `keep_hash`, decided ones too. Returns how many."""

    def void_decision(self, tenant_id: str, task_id: UUID, because: str | None) -> None:
        """Void one task: its decision does not stand `because` of something, or nobody asked may decide it."""

    def bar(
        self, tenant_id: str, opportunity_id: UUID, plan_hash: str, barred: Mapping[UUID, Collection[str]]
    ) -> None:
        """Keep who may not decide the plan, and why: person -> codes of `domain.approval.refusals.Refusal`.
        From then on a decision of theirs is refused, whoever writes it."""

    def plans_barred_from(self, tenant_id: str, people: Collection[UUID]) -> Sequence[tuple[UUID, str]]:
        """The opportunities and hashes of the plans that one of these people is kept as barred from, in the
        order to lock them."""

    def free(
        self, tenant_id: str, opportunity_id: UUID, plan_hash: str, freed: Mapping[UUID, Collection[str]]
    ) -> None:
        """Keep these people no longer as barred from the plan for these reasons. The database refuses it unless
        this transaction's audit trail says so (`domain.work.events.ApproverFreed`)."""

    def void_open(self, tenant_id: str, opportunity_id: UUID) -> int:
        """Void the tasks that nobody decided yet. Returns how many."""
