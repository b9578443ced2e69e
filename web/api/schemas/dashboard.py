"""What the dashboard is asked for."""

from __future__ import annotations

from datetime import date

from pydantic import Field

from oppsync.domain.values.model import Code, Frozen


class DashboardQuery(Frozen):
    won_from: date | None = Field(default=None, description="The first day of the period.")
    won_to: date | None = Field(default=None, description="The last day of the period; today without it.")
    currency: Code | None = Field(default=None, description="The currency of the sums.")
    entity: Code | None = Field(default=None, description="Only deals of this legal entity.")
