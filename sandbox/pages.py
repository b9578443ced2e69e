"""The product's own page of a deal. Project numbers link to it, because Tryton's links open only in its
client."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from adapters.bootstrap import Application
from oppsync.domain.work.states import State
from sandbox.home import Addresses

LATEST = 5


def page_of(addresses: Addresses, opportunity_id: UUID) -> str:
    return f"{addresses.web}/opportunities/{opportunity_id}"


def latest_projects(application: Application, addresses: Addresses) -> Sequence[str]:
    """A line for each of the last few."""
    rows = application.queries.opportunities(application.tenant_id, state=State.ACTIVE, limit=LATEST).rows
    lines = [f"  {row.project_number}  {page_of(addresses, row.id)}  {row.name}" for row in rows]
    return ["Projects", *lines] if lines else []
