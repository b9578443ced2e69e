"""Check that whoever asks may do what they ask for: every handler does this before anything else."""

from __future__ import annotations

from oppsync.domain.approval.who_may import Action, check, name_of
from oppsync.domain.values.actor import Asker, Program
from oppsync.ports.storage.unit_of_work import UnitOfWork


def admit(uow: UnitOfWork, tenant_id: str, asker: Asker, action: Action) -> str:
    """The asker as the timeline names them. Raises Forbidden; NotFound for a person who is not of this
    tenant."""
    who = asker if isinstance(asker, Program) else uow.people.get(tenant_id, asker)
    check(who, action)
    return name_of(who)
