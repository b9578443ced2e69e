"""Whose way in no administrator of a live firm may hold: who could sign in as an approver or as the second
administrator would be two people at once."""

from __future__ import annotations

from oppsync.domain.approval.tasks import Person
from oppsync.domain.values.actor import Asker, Program
from oppsync.domain.work.access_proposals import needs_two
from oppsync.kernel.errors import Forbidden
from oppsync.ports.storage.unit_of_work import UnitOfWork


def is_guarded(uow: UnitOfWork, tenant_id: str, asker: Asker, person: Person) -> bool:
    """Whoever has the installation's command line has its database too, and is trusted."""
    if isinstance(asker, Program) or not needs_two(person.roles):
        return False
    return uow.configurations.live_since(tenant_id) is not None


def only_the_person(person: Person) -> Forbidden:
    """The refusal where an administrator would know the way in."""
    return Forbidden(
        f"{person.email} approves or administers, so that nobody else may know how they come in: a link has to "
        "be mailed to them, which takes a mail server, or the command line resets the account (`oppsync user "
        "reset`).",
        code="ONLY_THE_PERSON",
    )
