"""Staffing requests in Kantata: an unnamed resource of the project, under our key, with its allocation.

A resource has a role, and nobody in it until a person names somebody; its allocation has the days and all the
minutes. Kantata has no field for a place in either, so the location is in the allocation's notes.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal

from adapters.psa.kantata.client import VENDOR, KantataClient
from adapters.psa.kantata.wire import WorkspaceAllocation, WorkspaceResource
from oppsync.domain.plan.orders import StaffingOrder
from oppsync.domain.plan.plan import StaffingRequest
from oppsync.kernel.errors import AmbiguousAnswer, TransientError


def request(client: KantataClient, order: StaffingOrder, role_id: int) -> WorkspaceResource:
    """Create what is missing of the request. Raises AmbiguousAnswer when it broke off in between, for whatever
    reason: a search may not show the resource yet, so the quarantine has to pass first."""
    found = client.resources(order.project_id, order.key)
    if found:
        client.create_allocation(_allocation(found[0], order.request))
        return found[0]
    resource = client.create_resource(order.project_id, role_id, order.key)
    try:
        client.create_allocation(_allocation(resource, order.request))
    except TransientError as error:
        half = f"{VENDOR}: resource {resource.id} is made, its allocation is not: {error.message}"
        raise AmbiguousAnswer(half, retry_after=error.retry_after) from error
    return resource


def wanted(asked: StaffingRequest) -> dict[str, str]:
    return _told(1, asked.starts_on, asked.ends_on, _minutes(asked))


def as_asked(
    resources: Sequence[WorkspaceResource], allocations: Sequence[WorkspaceAllocation]
) -> dict[str, str]:
    """The request as found. People may split an allocation, so all of them together count. Raises ValueError
    when there is none."""
    begin, end = min(each.start_date for each in allocations), max(each.end_date for each in allocations)
    return _told(len(resources), begin, end, sum(each.minutes for each in allocations))


def _told(resources: int, begin: date, end: date, minutes: int) -> dict[str, str]:
    return {
        "requests": str(resources),
        "starts on": begin.isoformat(),
        "ends on": end.isoformat(),
        "hours": f"{minutes // 60}:{minutes % 60:02}",
    }


def _allocation(resource: WorkspaceResource, asked: StaffingRequest) -> dict[str, str | int | bool]:
    """A soft allocation: Kantata allows no other while nobody is named."""
    return {
        "resource_id": int(resource.id),
        "start_date": asked.starts_on.isoformat(),
        "end_date": asked.ends_on.isoformat(),
        "minutes": _minutes(asked),
        "hard": False,
        "notes": f"{asked.role} in {asked.location}",
    }


def _minutes(asked: StaffingRequest) -> int:
    return int((asked.hours * 60).quantize(Decimal(1), ROUND_HALF_EVEN))
