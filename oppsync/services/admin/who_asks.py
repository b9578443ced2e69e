"""Check that whoever asks may do what they ask for: every handler does this before anything else."""

from __future__ import annotations

from oppsync.domain.approval.who_may import Action, check, name_of
from oppsync.domain.values.actor import Asker, Program, person_behind, scopes_of
from oppsync.ports.storage.unit_of_work import UnitOfWork


def admit(uow: UnitOfWork, tenant_id: str, asker: Asker, action: Action) -> str:
    """The asker as the timeline names them. Raises Forbidden; NotFound for a person who is not of this
    tenant."""
    who = asker if isinstance(asker, Program) else uow.people.get(tenant_id, person_behind(asker))
    check(who, action, scopes_of(asker))
    return name_of(who)
