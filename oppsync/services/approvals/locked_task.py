"""How every command about one approval begins: who asks, what of, and the deal locked."""

from __future__ import annotations

from typing import NamedTuple
from uuid import UUID

from oppsync.domain.approval.tasks import ApprovalTask, Person
from oppsync.domain.approval.who_may import Action, check
from oppsync.domain.values.actor import AskingPerson, person_behind, scopes_of
from oppsync.domain.work.tracked import TrackedOpportunity
from oppsync.ports.storage.unit_of_work import UnitOfWork


class LockedTask(NamedTuple):
    person: Person
    task: ApprovalTask
    deal: TrackedOpportunity


def locked_task(
    uow: UnitOfWork, tenant_id: str, task_id: UUID, actor: AskingPerson, action: Action | None = None
) -> LockedTask:
    """Two people who act on one deal at once take turns, and see what the other did; so do a person and the
    worker that creates its projects. `action`: what the person needs the right for, None where that is judged
    with the rest. Raises NotFound, Forbidden."""
    person = uow.people.get(tenant_id, person_behind(actor))
    if action is not None:
        check(person, action, scopes_of(actor))
    deal = uow.opportunities.lock(tenant_id, uow.approvals.get(tenant_id, task_id).opportunity_id)
    return LockedTask(person, uow.approvals.get(tenant_id, task_id), deal)
