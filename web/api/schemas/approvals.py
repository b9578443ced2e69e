"""Approvals and their decisions."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import Field, field_serializer

from oppsync.domain.approval.tasks import Decision, TaskStatus
from oppsync.domain.reading.readings import ApprovalDetail, ApprovalSummary
from oppsync.domain.values.model import Code, Frozen, Text
from web.api.schemas.amounts import exact
from web.api.schemas.paging import PageQuery


class ApprovalQuery(PageQuery):
    status: TaskStatus | None = Field(default=None, description="Only tasks of this status.")
    mine: bool = Field(default=False, description="Only tasks this token's person may be asked to decide.")
    opportunity_id: UUID | None = Field(default=None, description="Only tasks of this opportunity.")


class DecisionRequest(Frozen):
    """A decision on exactly the plan with this hash. Rejecting needs a comment, and requesting changes one that
    says what to change, a line each."""

    plan_hash: Code
    decision: Decision
    comment: Text = ""


class CommentRequest(Frozen):
    """What is said about the plan. It is shown to whoever decides, and decides nothing."""

    comment: Annotated[Text, Field(min_length=1)]


class WithdrawalRequest(Frozen):
    """Why the approval is taken back: kept on the timeline."""

    comment: Annotated[Text, Field(min_length=1)]


class ReassignRequest(Frozen):
    """Ids of the people to ask instead of those who were asked; each must be able to decide it."""

    to: Annotated[tuple[UUID, ...], Field(min_length=1, max_length=20)]
    comment: Text = ""


class ApprovalItem(ApprovalSummary):
    """One role's task on one plan."""

    _amount = field_serializer("amount")(exact)


class ApprovalView(ApprovalDetail):
    """One task with the plan it is about."""

    _amount = field_serializer("amount")(exact)


class ApprovalPage(Frozen):
    rows: tuple[ApprovalItem, ...]
    next_cursor: Code | None = None
