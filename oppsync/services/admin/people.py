"""People, their sessions and their API tokens. Only hashes of secrets are stored."""

from __future__ import annotations

import hashlib
import re
import secrets
import uuid
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from oppsync.domain.approval.tasks import Person, SignedIn
from oppsync.domain.approval.who_may import Action
from oppsync.domain.values.trace import new_traceparent
from oppsync.domain.work.events import PersonIdentified
from oppsync.kernel.errors import Forbidden, InvalidInput, NotFound
from oppsync.ports.identity import PasswordHasher
from oppsync.ports.storage.unit_of_work import Publish, UnitOfWorkFactory
from oppsync.services.admin.commands import CreatePerson, CreateToken, IdentifyPerson, SignIn, SignOut
from oppsync.services.admin.who_asks import admit

SESSION_LASTS = timedelta(hours=12)
SHORTEST_PASSWORD = 12
_EMAIL = re.compile(r"^[^@\s]+@[^@\s]+$")


def hash_secret(secret: str) -> str:
    """SHA-256. The secrets have 256 random bits, so a plain digest is enough, and it can be looked up."""
    return hashlib.sha256(secret.encode()).hexdigest()


@dataclass(frozen=True)
class CreatePersonHandler:
    uow: UnitOfWorkFactory
    passwords: PasswordHasher

    def __call__(self, command: CreatePerson) -> UUID:
        with self.uow.reading() as uow:
            admit(uow, command.tenant_id, command.actor, Action.CREATE_PERSON)
        _check_emails("email", command.email)
        _check_emails("further_emails", *command.further_emails)
        if len(command.password) < SHORTEST_PASSWORD:
            raise InvalidInput(f"A password has at least {SHORTEST_PASSWORD} characters.", field="password")
        person = Person(
            id=uuid.uuid4(),
            email=command.email.lower(),
            name=command.name,
            roles=command.roles,
            further_emails=command.further_emails,
            crm_user_ids=command.crm_user_ids,
        )
        hashed = self.passwords.hash(command.password)
        with self.uow() as uow:
            uow.people.add(command.tenant_id, person, hashed)
            uow.commit()
        return person.id


def _check_emails(field: str, *addresses: str) -> None:
    for address in addresses:
        if not _EMAIL.match(address):
            raise InvalidInput(f"{address!r} is not an e-mail address.", field=field)


@dataclass(frozen=True)
class IdentifyPersonHandler:
    uow: UnitOfWorkFactory
    publish: Publish

    def __call__(self, command: IdentifyPerson) -> None:
        with self.uow() as uow:
            actor = admit(uow, command.tenant_id, command.actor, Action.IDENTIFY_PERSON)
            _check_emails("further_emails", *command.further_emails)
            found = uow.people.by_email(command.tenant_id, command.email)
            if found is None:
                raise NotFound(f"There is no active person with the e-mail {command.email}.")
            person, _ = found
            known_by = Person.model_validate(
                dict(person) | {"further_emails": command.further_emails, "crm_user_ids": command.crm_user_ids}
            )
            uow.people.identify(command.tenant_id, person.id, known_by.further_emails, known_by.crm_user_ids)
            event = PersonIdentified(
                opportunity_id=None,
                actor=actor,
                before=_known_by(person),
                after=_known_by(known_by),
                detail={"person": str(person.id)},
                summary=f"{person.name} is known by {_words(known_by)}",
            )
            self.publish(uow, command.tenant_id, new_traceparent(), event)
            uow.commit()


def _known_by(person: Person) -> dict[str, list[str]]:
    return {"further_emails": list(person.further_emails), "crm_user_ids": list(person.crm_user_ids)}


def _words(person: Person) -> str:
    users = [f"user {user_id} of the CRM" for user_id in person.crm_user_ids]
    return ", ".join([*person.further_emails, *users]) or "the address of the account alone"


@dataclass(frozen=True)
class CreateTokenHandler:
    uow: UnitOfWorkFactory

    def __call__(self, command: CreateToken) -> str:
        secret = secrets.token_urlsafe(32)
        with self.uow() as uow:
            admit(uow, command.tenant_id, command.actor, Action.CREATE_TOKEN)
            found = uow.people.by_email(command.tenant_id, command.email)
            if found is None:
                raise NotFound(f"There is no active person with the e-mail {command.email}.")
            uow.credentials.add_token(command.tenant_id, command.name, hash_secret(secret), found[0].id)
            uow.commit()
        return secret


class SignInHandler:
    """Takes the same time whether the e-mail or the password is wrong."""

    def __init__(self, uow: UnitOfWorkFactory, passwords: PasswordHasher) -> None:
        self._uow = uow
        self._passwords = passwords
        self._nobody = passwords.hash(secrets.token_urlsafe(16))

    def __call__(self, command: SignIn) -> str:
        with self._uow() as uow:
            found = uow.people.by_email(command.tenant_id, command.email)
        matches = self._passwords.verify(found[1] if found else self._nobody, command.password)
        if found is None or not matches:
            raise Forbidden("E-mail or password is wrong.", code="SIGN_IN_REFUSED")
        secret = secrets.token_urlsafe(32)
        with self._uow() as uow:
            uow.credentials.add_session(command.tenant_id, found[0].id, hash_secret(secret), SESSION_LASTS)
            uow.commit()
        return secret


@dataclass(frozen=True)
class SignOutHandler:
    uow: UnitOfWorkFactory

    def __call__(self, command: SignOut) -> None:
        with self.uow() as uow:
            uow.credentials.end_session(hash_secret(command.session_secret))
            uow.commit()


@dataclass(frozen=True)
class Identity:
    """Who a session's or a token's secret belongs to."""

    uow: UnitOfWorkFactory

    def session(self, secret: str) -> SignedIn | None:
        with self.uow.reading() as uow:
            return _signed_in(uow.credentials.session_person(hash_secret(secret)))

    def token(self, secret: str) -> SignedIn | None:
        with self.uow.reading() as uow:
            return _signed_in(uow.credentials.token_person(hash_secret(secret)))


def _signed_in(found: tuple[str, Person] | None) -> SignedIn | None:
    return SignedIn(tenant_id=found[0], person=found[1]) if found else None
