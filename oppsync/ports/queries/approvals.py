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
        """With `person`: tasks of the roles that person has; of open ones those that person may decide. Oldest
        first."""

    def approval(self, tenant_id: str, task_id: UUID) -> ApprovalDetail:
        """Raises NotFound."""
