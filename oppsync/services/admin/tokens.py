"""API tokens, each acting as a person."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from oppsync.domain.approval.who_may import Action
from oppsync.domain.values.trace import new_traceparent
from oppsync.domain.work.events import TokenMade, TokenRevoked
from oppsync.ports.storage.unit_of_work import Publish, UnitOfWorkFactory
from oppsync.services.admin.commands import CreateToken, RevokeToken
from oppsync.services.admin.people import person_of
from oppsync.services.admin.secret_hash import hash_secret
from oppsync.services.admin.who_asks import admit


@dataclass(frozen=True)
class CreateTokenHandler:
    uow: UnitOfWorkFactory
    publish: Publish

    def __call__(self, command: CreateToken) -> str:
        secret = secrets.token_urlsafe(32)
        with self.uow() as uow:
            actor = admit(uow, command.tenant_id, command.actor, Action.CREATE_TOKEN)
            person = person_of(uow, command.tenant_id, command.email)
            uow.credentials.add_token(command.tenant_id, command.name, hash_secret(secret), person.id)
            event = TokenMade(
                opportunity_id=None,
                actor=actor,
                after={"name": command.name, "email": person.email},
                detail={"person": str(person.id)},
                summary=f"The API token {command.name} acts as {person.email}",
            )
            self.publish(uow, command.tenant_id, new_traceparent(), event)
            uow.commit()
        return secret


@dataclass(frozen=True)
class RevokeTokenHandler:
    uow: UnitOfWorkFactory
    publish: Publish

    def __call__(self, command: RevokeToken) -> None:
        with self.uow() as uow:
            actor = admit(uow, command.tenant_id, command.actor, Action.REVOKE_TOKEN)
            person_id = uow.credentials.revoke_token(command.tenant_id, command.name)
            event = TokenRevoked(
                opportunity_id=None,
                actor=actor,
                before={"name": command.name},
                detail={"person": str(person_id)},
                summary=f"The API token {command.name} opens nothing any more",
            )
            self.publish(uow, command.tenant_id, new_traceparent(), event)
            uow.commit()
