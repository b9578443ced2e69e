"""What pages and API read for the navigation."""

from __future__ import annotations

from typing import Protocol

from oppsync.domain.approval.tasks import Person
from oppsync.domain.reading.readings import OpenCounts


class NavigationQueries(Protocol):
    def counts(self, tenant_id: str, person: Person) -> OpenCounts: ...

    def time_zone(self, tenant_id: str) -> str | None:
        """The firm's, by which pages show times; None until somebody named the firm."""

    def is_live(self, tenant_id: str) -> bool:
        """Whether the firm went live."""
