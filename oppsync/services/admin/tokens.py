"""API tokens, each acting as a person, within its scopes and until it ends."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from oppsync.domain.approval.tasks import Person
from oppsync.domain.approval.who_may import Action, may, needed_for
from oppsync.domain.values.actor import Asker, Bearer, Program, person_behind, scopes_of
from oppsync.domain.values.scopes import LONGEST_TOKEN, READS_ONLY
from oppsync.domain.values.trace import new_traceparent
from oppsync.domain.work.events import TokenMade, TokenRevoked
from oppsync.kernel.errors import Forbidden, InvalidInput
from oppsync.kernel.text_input import words
from oppsync.ports.clock import Clock
from oppsync.ports.storage.unit_of_work import Publish, UnitOfWork, UnitOfWorkFactory
from oppsync.services.admin.commands import CreateToken, RevokeToken
from oppsync.services.admin.passwords import NO_PASSWORD
from oppsync.services.admin.people import person_of
from oppsync.services.admin.secret_hash import hash_token
from oppsync.services.admin.who_asks import admit

LONGEST_NAME = 100


@dataclass(frozen=True)
class CreateTokenHandler:
    uow: UnitOfWorkFactory
    publish: Publish
    clock: Clock

    def __call__(self, command: CreateToken) -> str:
        secret = secrets.token_urlsafe(32)
        scopes = command.scopes | READS_ONLY
        with self.uow() as uow:
            action = Action.CREATE_TOKEN if isinstance(command.actor, Program) else Action.OWN_TOKENS
            actor = admit(uow, command.tenant_id, command.actor, action)
            person = person_of(uow, command.tenant_id, command.email)
            if not _is_of(command.actor, person):
                raise Forbidden(needed_for(Action.CREATE_TOKEN))
            if not isinstance(command.actor, Program):
                _has_password(uow, command.tenant_id, person)
            name = words(command.name, "name", empty="Say what the token is for.", longest=LONGEST_NAME)
            ends = self._end(command.actor, command.lasts)
            if isinstance(command.actor, Bearer) and not scopes <= command.actor.scopes:
                lacking = ", ".join(sorted(scopes - command.actor.scopes))
                raise Forbidden(
                    f"This token lacks the scope {lacking}, and cannot give it to another.",
                    code="SCOPE_MISSING",
                )
            hashed = hash_token(secret)
            uow.credentials.add_token(command.tenant_id, name, hashed, person.id, scopes=scopes, ends=ends)
            event = TokenMade(
                opportunity_id=None,
                actor=actor,
                after={"name": name, "email": person.email, "scopes": sorted(scopes), "ends": ends.isoformat()},
                detail={"person": str(person.id)},
                summary=f"The API token {name} acts as {person.email}: {', '.join(sorted(scopes))}",
            )
            self.publish(uow, command.tenant_id, new_traceparent(), event)
            uow.commit()
        return secret

    def _end(self, asker: Asker, lasts: timedelta) -> datetime:
        if not timedelta(0) < lasts <= LONGEST_TOKEN:
            raise InvalidInput("A token lasts for a day to two years.", field="days")
        ends = self.clock.now() + lasts
        return min(ends, asker.ends) if isinstance(asker, Bearer) else ends


@dataclass(frozen=True)
class RevokeTokenHandler:
    uow: UnitOfWorkFactory
    publish: Publish

    def __call__(self, command: RevokeToken) -> None:
        with self.uow() as uow:
            actor = admit(uow, command.tenant_id, command.actor, self._asked(uow, command))
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

    def _asked(self, uow: UnitOfWork, command: RevokeToken) -> Action:
        """Asked before the token is looked up, so that nobody learns the names of others'."""
        if isinstance(command.actor, Program):
            return Action.REVOKE_TOKEN
        asking = uow.people.get(command.tenant_id, person_behind(command.actor))
        if may(asking, Action.REVOKE_TOKEN, scopes_of(command.actor)):
            return Action.REVOKE_TOKEN
        is_own = uow.credentials.owner_of_token(command.tenant_id, command.name) == asking.id
        return Action.OWN_TOKENS if is_own else Action.REVOKE_TOKEN


def _has_password(uow: UnitOfWork, tenant_id: str, person: Person) -> None:
    """Raises Forbidden where the password ended since they came in, so that what they came in by is over."""
    if uow.people.hold_password(tenant_id, person.id) in (None, NO_PASSWORD):
        raise Forbidden("Your password was ended: set a new one by the one-time link, then make the token.")


def _is_of(asker: Asker, person: Person) -> bool:
    return isinstance(asker, Program) or person_behind(asker) == person.id
