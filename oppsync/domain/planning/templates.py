"""What a project template makes of a workstream: name and number, phases and tasks, staffing requests.

As in Certinia PSA (project from template: tasks, resource requests) and Dynamics 365 Project Operations
(project template: phases, tasks, generic team members).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal

from oppsync.domain.plan.plan import NodeKind, PlanNode, StaffingRequest
from oppsync.domain.plan.workstream import Workstream
from oppsync.domain.reference.entities import TemplateTask
from oppsync.domain.values.date_ranges import consecutive
from oppsync.domain.values.hours import shared_out
from oppsync.domain.values.keys import slug
from oppsync.domain.values.model import changed
from oppsync.domain.values.money import Money
from oppsync.domain.values.patterns import filled


def name_of(workstream: Workstream, otherwise: str, values: Mapping[str, str]) -> str:
    """The name that a person gave it, or else the one by the template's naming pattern, or else
    `otherwise`."""
    if workstream.called is not None:
        return workstream.called
    pattern = workstream.enrichment.template.naming
    return filled(pattern, values) if pattern else otherwise


def number_of(workstream: Workstream, values: Mapping[str, str]) -> str | None:
    """The number by the template's numbering pattern; None without one: the ERP then numbers the project."""
    pattern = workstream.enrichment.template.numbering
    return filled(pattern, values) if pattern else None


def task_nodes(workstream: Workstream, path: str) -> Iterator[PlanNode]:
    """Phases, each before its tasks, then the tasks of no phase. `path` is the workstream's.

    A credit without hours is no work and has no tasks.
    """
    if workstream.is_credit and not workstream.hours:
        return
    template = workstream.enrichment.template
    runs = consecutive(workstream.starts_on, workstream.ends_on, [phase.percent for phase in template.phases])
    for phase, (begin, end) in zip(template.phases, runs, strict=True):
        node = _task(workstream, f"{path}/phase/{slug(phase.code)}", path, TemplateTask(name=phase.name))
        within = {"starts_on": begin, "ends_on": end}
        yield changed(node, **within)
        for task in phase.tasks:
            under = f"{node.path}/task/{slug(task.name)}"
            yield changed(_task(workstream, under, node.path, task), **within)
    for name in template.tasks:
        yield _task(workstream, f"{path}/task/{slug(name)}", path, TemplateTask(name=name))


def _task(workstream: Workstream, path: str, parent: str, task: TemplateTask) -> PlanNode:
    return PlanNode(
        path=path,
        parent=parent,
        kind=NodeKind.TASK,
        name=task.name,
        amount=Money.zero(workstream.amount.currency),
        starts_on=workstream.starts_on,
        ends_on=workstream.ends_on,
        role=task.role,
        time_entry=workstream.enrichment.template.time_entry,
    )


def staffing(workstream: Workstream) -> tuple[StaffingRequest, ...]:
    """The workstream's hours by the template's budget; or else the roles sold, where the template asks for
    them."""
    template = workstream.enrichment.template
    if template.budget and workstream.hours:
        shares = [line.percent for line in template.budget]
        hours = shared_out(workstream.hours, shares)
        return tuple(
            _request(workstream, line.role, line.location, share)
            for line, share in zip(template.budget, hours, strict=True)
        )
    if template.requests_roles_sold:
        return tuple(_roles_sold(workstream))
    return ()


def _roles_sold(workstream: Workstream) -> Iterator[StaffingRequest]:
    hours: dict[str, Decimal] = {}
    for part in workstream.parts or (workstream,):
        if part.role is not None and part.hours:
            hours[part.role] = hours.get(part.role, Decimal(0)) + part.hours
    return (_request(workstream, role, None, hours[role]) for role in sorted(hours))


def _request(workstream: Workstream, role: str, location: str | None, hours: Decimal) -> StaffingRequest:
    place = location or workstream.enrichment.region.code
    return StaffingRequest(
        path=f"{workstream.key}/staffing/{slug(role)}/{slug(place)}",
        role=role,
        location=place,
        hours=hours,
        starts_on=workstream.starts_on,
        ends_on=workstream.ends_on,
    )
