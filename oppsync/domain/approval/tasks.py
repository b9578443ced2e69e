"""Approval tasks: one for each seat of a plan's approvals, and who decided it."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from pydantic import AwareDatetime, Field

from oppsync.domain.approval.seals import Seal
from oppsync.domain.plan.approvals import DEFAULT_APPROVALS, RequiredApproval, Seat, seat_of
from oppsync.domain.reference.book import ReferenceKind, ReferenceUse
from oppsync.domain.values.actor import AskingPerson, Bearer
from oppsync.domain.values.limits import NO_LIMITS, Granted, Limits
from oppsync.domain.values.model import Code, Frozen, Text
from oppsync.domain.values.roles import Role
from oppsync.domain.values.scopes import Scopes


class TaskStatus(StrEnum):
    OPEN = "open"
    APPROVED = "approved"
    REJECTED = "rejected"
    VOID = "void"  # the plan changed, the deal was withdrawn, or another role rejected it


class VoidedAs(StrEnum):
    """Why a task is void that nobody is barred from and whose plan did not change."""

    CHANGES_REQUESTED = "changes_requested"  # its decider wants the deal changed first
    WITHDRAWN = "withdrawn"  # its decider took the approval back
    EXPIRED = "expired"  # nobody decided it in time


class Decision(StrEnum):
    APPROVE = "approve"
    REJECT = "reject"
    REQUEST_CHANGES = "request_changes"


class Person(Frozen):
    """`further_emails` and `crm_user_ids`: what else the CRM knows this person by. They bar from approving and
    do nothing more: people sign in with `email`, and are written to there. `can_sign_in`: whether there is a
    password; who was invited sets it first. `limits`: of roles that count for some entities and regions
    only. `calendar`: the code of the one they work by; None: as the legal entity of what they decide."""

    id: UUID
    email: Code
    name: Text
    roles: frozenset[Role]
    is_active: bool = True
    further_emails: tuple[Code, ...] = ()
    crm_user_ids: tuple[Code, ...] = ()
    can_sign_in: bool = True
    limits: Limits = NO_LIMITS
    calendar: Code | None = None

    @property
    def granted(self) -> Granted:
        return Granted(self.roles, self.limits)


class RuleUse(Frozen):
    """Which rule approved: its name, and which row of it, as in `ReferenceRow`."""

    name: Code
    valid_from: date
    version: int

    @property
    def row(self) -> ReferenceUse:
        """The row of the configuration that says it."""
        kind = ReferenceKind.APPROVAL_RULE
        return ReferenceUse(kind=kind, key=self.name, valid_from=self.valid_from, version=self.version)

    def __str__(self) -> str:
        return f"Rule {self.name} (from {self.valid_from}, version {self.version})"


class ApprovalTask(Frozen):
    """One person's decision on one plan. `role`: the seat that it is for, which is the step's code
    (`finance`), and `finance#2` for the second person of a step. `asks`: the step, as the plan has it, to be
    listed by; None for finance and delivery of a plan that names no steps. `candidates` are the people
    notified when it was opened.

    Approved by a person (`decided_by`) or by a rule (`rule`), never by both. `void_because`: why a decision
    does not stand any more, a code of `domain.approval.refusals.Refusal`; `voided_as`: what else ended it.
    `decided_for`: the absent colleague for whom `decided_by` decided. `asked_at`: when a person put it to
    others. `seal`: what was decided, sealed;
    None while it is open, and of a decision that a release before seals recorded.
    """

    id: UUID
    opportunity_id: UUID
    plan_hash: Code
    role: Code
    asks: RequiredApproval | None = None
    status: TaskStatus
    candidates: tuple[UUID, ...]
    opened_at: AwareDatetime
    decided_at: AwareDatetime | None = None
    decided_by: UUID | None = None
    comment: Text = ""
    rule: RuleUse | None = None
    void_because: Code | None = None
    voided_as: VoidedAs | None = None
    decided_for: UUID | None = None
    asked_at: AwareDatetime | None = Field(default=None, exclude=True)
    seal: Seal | None = Field(default=None, exclude=True, repr=False)

    @property
    def asked_since(self) -> datetime:
        """From when the times of its step count."""
        return self.asked_at or self.opened_at

    @property
    def seat(self) -> Seat:
        return seat_of(self.role, (self.asks,) if self.asks else DEFAULT_APPROVALS)


class SignedIn(Frozen):
    """The person who asks, and their tenant. `scopes` and `ends` are those of an API token; without them all is
    permitted that the person may do. `lacks_second_factor`: a role of theirs asks for one."""

    tenant_id: Code
    person: Person
    scopes: Scopes | None = None
    ends: AwareDatetime | None = None
    lacks_second_factor: bool = False

    @property
    def asker(self) -> AskingPerson:
        if self.scopes is None or self.ends is None:
            return self.person.id
        return Bearer(self.person.id, self.scopes, self.ends)
