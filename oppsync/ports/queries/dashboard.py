"""What the dashboard is made of."""

from __future__ import annotations

from typing import Protocol

from oppsync.domain.reading.dashboard import DashboardFacts, DashboardWanted


class DashboardQueries(Protocol):
    def dashboard_facts(self, tenant_id: str, wanted: DashboardWanted, zone: str) -> DashboardFacts:
        """`zone`: where a close date begins. The cycle times are by month of the close date, then those of the
        whole period. What waits, and its planned revenue, is all that waits now, whenever it was won."""
