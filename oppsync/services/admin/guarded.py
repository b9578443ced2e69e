"""Whose way in no administrator of a live firm may hold: who could sign in as an approver or as the second
administrator would be two people at once."""

from __future__ import annotations

from collections.abc import Iterable

from oppsync.domain.values.actor import Asker, Program
from oppsync.domain.values.limits import Granted
from oppsync.domain.work.access_proposals import needs_two
from oppsync.kernel.errors import Forbidden
from oppsync.ports.storage.unit_of_work import UnitOfWork

ONLY_THE_PERSON = "ONLY_THE_PERSON"


def is_guarded(uow: UnitOfWork, tenant_id: str, asker: Asker, roles: Iterable[str]) -> bool:
    """Whether the link or password of an account with these roles is kept from `asker`. Whoever has the
    installation's command line has its database too, and is trusted."""
    if isinstance(asker, Program) or not needs_two(roles):
        return False
    return uow.configurations.live_since(tenant_id) is not None


def becomes_guarded(uow: UnitOfWork, tenant_id: str, before: Granted, after: Granted) -> bool:
    """Whether the account gets such a role with this. Whatever opened it until now may be known to others: to
    who set it up before going live, or reset it while it had no such role. That holds too for an account that
    has another such role already. A wider limit is no new role."""
    if not needs_two(after.roles - before.roles):
        return False
    return uow.configurations.live_since(tenant_id) is not None


def only_the_person(email: str) -> Forbidden:
    """The refusal where an administrator would know the way in."""
    return Forbidden(
        f"{email} approves or administers, so that nobody else may know how they come in: a link has to "
        "be mailed to them, which takes a mail server, or the command line resets the account (`oppsync user "
        "reset`).",
        code=ONLY_THE_PERSON,
    )
