"""Staffing requests in Kantata: an unnamed resource of the project, under our key, and how long it is wanted.

A resource has a role, and nobody in it until a person names somebody; its allocation has the days and all the
minutes. Kantata knows no place of either, so the location stands in the allocation's notes.
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
    """Makes what is missing. Raises AmbiguousAnswer when it broke off in between, whatever the reason: a search
    may not see the resource yet, so that it has to be waited for as long as for one that nobody is sure of."""
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
    """People may split an allocation: all of them together count. Raises ValueError when there is none."""
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
    """A soft one, as it has to be while nobody is named."""
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
