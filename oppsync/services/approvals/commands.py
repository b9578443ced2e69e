"""Commands about approvals."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from oppsync.domain.approval.tasks import ApprovalTask, Decision
from oppsync.domain.reference.book import ReferenceRow
from oppsync.domain.values.actor import Asker, AskingPerson
from oppsync.kernel.bus import Command


@dataclass(frozen=True)
class DecideApproval(Command[ApprovalTask]):
    """Raises NotFound; Forbidden (codes of `domain.approval.refusals.Refusal`); Conflict
    (codes PLAN_CHANGED, ALREADY_DECIDED, REREAD_DUE); InvalidInput for a rejection without a comment, and for a
    request without what is to change."""

    tenant_id: str
    task_id: UUID
    plan_hash: str
    actor: AskingPerson
    decision: Decision
    comment: str = ""


@dataclass(frozen=True)
class CommentApproval(Command[None]):
    """Say something about a plan without deciding. Raises NotFound, Forbidden; InvalidInput without a text."""

    tenant_id: str
    task_id: UUID
    actor: AskingPerson
    comment: str


@dataclass(frozen=True)
class WithdrawApproval(Command[ApprovalTask]):
    """Take one's own approval back; it is asked anew. Raises NotFound; Forbidden (code NOT_YOUR_APPROVAL);
    Conflict (codes NOTHING_TO_WITHDRAW, CREATION_BEGUN); InvalidInput without a reason."""

    tenant_id: str
    task_id: UUID
    actor: AskingPerson
    comment: str


@dataclass(frozen=True)
class ReassignApproval(Command[ApprovalTask]):
    """Put an open task to these people, who are told. Raises NotFound, Forbidden; Conflict as
    `DecideApproval`; InvalidInput (field `to`) for somebody who may not decide it."""

    tenant_id: str
    task_id: UUID
    actor: AskingPerson
    to: tuple[UUID, ...]
    comment: str = ""


@dataclass(frozen=True)
class EnterAbsence(Command[UUID]):
    """Be out of office from the `first` day to the `last`, where the firm is; one's own without an `email`.
    `delegate`: the address of an approver who may decide meanwhile what the person may. `confirmed`: although
    the delegate may not decide deals that wait, since the person has a part in them. Raises Forbidden,
    NotFound; Conflict (codes ABSENT_ALREADY, DELEGATE_BARRED); InvalidInput, which names the field."""

    tenant_id: str
    actor: Asker
    first: date
    last: date
    delegate: str | None = None
    email: str = ""
    confirmed: bool = False


@dataclass(frozen=True)
class EndAbsence(Command[None]):
    """End it now, or before it begins. Raises NotFound, Forbidden; Conflict (code ABSENCE_OVER)."""

    tenant_id: str
    actor: Asker
    absence_id: UUID


@dataclass(frozen=True)
class SetCalendar(Command[None]):
    """Choose the calendar that a person works by; None: as the legal entity of what they decide. Their own
    without an `email`. Raises Forbidden, NotFound; InvalidInput for one that is not configured."""

    tenant_id: str
    actor: Asker
    calendar: str | None
    email: str = ""


@dataclass(frozen=True)
class SetApprovalRule(Command[None]):
    """Set a rule from a day on, or until one: a row of kind `approval_rule`. Raises InvalidInput when it would
    overlap another row of its name; Forbidden."""

    tenant_id: str
    row: ReferenceRow
    actor: Asker
