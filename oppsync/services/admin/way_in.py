"""The way into an account: everything that opens it ends at once, and a one-time link sets a new password."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import NamedTuple

from oppsync.domain.approval.tasks import Person
from oppsync.ports.storage.unit_of_work import UnitOfWork
from oppsync.services.admin.passwords import NO_PASSWORD, known_passwords
from oppsync.services.admin.secret_hash import hash_secret

LINK_LASTS = timedelta(days=7)


class NewWayIn(NamedTuple):
    """`secret`: of the one-time link."""

    secret: str
    sessions_ended: int
    tokens_revoked: tuple[str, ...]

    def ended(self) -> dict[str, object]:
        """For audit events."""
        return {"sessions_ended": self.sessions_ended, "tokens_revoked": list(self.tokens_revoked)}


def renew(uow: UnitOfWork, tenant_id: str, person: Person) -> NewWayIn:
    """End password, sessions, API tokens and the link before, and make a new link. The password ends first:
    a sign-in with it that is under way is waited for, and its session ends too."""
    secret = secrets.token_urlsafe(32)
    former = known_passwords(uow, tenant_id, person)
    uow.people.set_password(tenant_id, person.id, NO_PASSWORD, former)
    uow.credentials.invite(tenant_id, person.id, hash_secret(secret), LINK_LASTS)
    ended = uow.credentials.end_sessions(tenant_id, person.id)
    return NewWayIn(secret, ended, tuple(uow.credentials.revoke_tokens(tenant_id, person.id)))
