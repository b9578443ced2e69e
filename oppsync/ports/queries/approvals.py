"""What pages and API read about approvals."""

from __future__ import annotations

from typing import Protocol
from uuid import UUID

from oppsync.domain.approval.tasks import Person, TaskStatus
from oppsync.domain.reading.readings import ApprovalDetail, ApprovalSummary, Page


class ApprovalQueries(Protocol):
    def approvals(
        self,
        tenant_id: str,
        *,
        person: Person | None = None,
        status: TaskStatus | None = None,
        opportunity_id: UUID | None = None,
        after: str | None = None,
        limit: int = 25,
    ) -> Page[ApprovalSummary]:
        """With `person`: tasks of that person's roles; of the open ones only those that the person may decide.
        Oldest first."""

    def approval(self, tenant_id: str, task_id: UUID) -> ApprovalDetail:
        """Raises NotFound."""
