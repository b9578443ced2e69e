"""Sessions of people: how one begins, and everything that ends one."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from oppsync.domain.approval.tasks import Person, SignedIn
from oppsync.domain.approval.who_may import Action
from oppsync.domain.values.actor import person_actor
from oppsync.domain.values.trace import new_traceparent
from oppsync.domain.work.attempts import UNKNOWN_ACCOUNT, AttemptKind
from oppsync.domain.work.events import SessionsEnded
from oppsync.kernel.errors import Forbidden, TooManyAttempts
from oppsync.ports.identity import PasswordHasher
from oppsync.ports.storage.unit_of_work import Publish, UnitOfWork, UnitOfWorkFactory
from oppsync.services.admin.commands import EndSessions, SignIn, SignOut, SignOutEverywhere
from oppsync.services.admin.passwords import NO_PASSWORD
from oppsync.services.admin.people import person_of
from oppsync.services.admin.secret_hash import hash_secret
from oppsync.services.admin.session_life import IDLE, SESSION_LASTS
from oppsync.services.admin.sign_in_brake import SignInBrake
from oppsync.services.admin.who_asks import admit

_LONGEST_ACCOUNT = 300


class SignInHandler:
    """Takes the same time whether the e-mail or the password is wrong."""

    def __init__(self, uow: UnitOfWorkFactory, passwords: PasswordHasher, brake: SignInBrake) -> None:
        self._uow = uow
        self._passwords = passwords
        self._brake = brake
        self._nobody = passwords.hash_of_nobody()

    def __call__(self, command: SignIn) -> str:
        account = f"{command.tenant_id} {command.email.strip().lower()}"[:_LONGEST_ACCOUNT]
        wait = self._brake.wait_seconds(account, command.address)
        with self._uow.reading() as uow:
            found = uow.people.by_email(command.tenant_id, command.email)
        subject = found[0].email if found else UNKNOWN_ACCOUNT
        if wait:
            self._count(AttemptKind.SIGN_IN_BRAKED, subject, command)
            raise TooManyAttempts("Too many attempts.", wait_seconds=wait)
        hashed = found[1] if found and found[1] != NO_PASSWORD else self._nobody
        matches = self._passwords.verify(hashed, command.password)
        if found is None or not matches:
            self._brake.failed(account, command.address)
            self._count(AttemptKind.SIGN_IN_FAILED, subject, command)
            raise Forbidden("E-mail or password is wrong.", code="SIGN_IN_REFUSED")
        self._brake.succeeded(account, command.address)
        return self._begin(command, found[0])

    def _begin(self, command: SignIn, person: Person) -> str:
        secret = secrets.token_urlsafe(32)
        with self._uow() as uow:
            if command.browser_session:
                uow.credentials.end_session(hash_secret(command.browser_session))
            uow.credentials.add_session(command.tenant_id, person.id, hash_secret(secret), SESSION_LASTS)
            uow.attempts.count(command.tenant_id, AttemptKind.SIGNED_IN, person.email, command.address)
            uow.commit()
        return secret

    def _count(self, kind: AttemptKind, subject: str, command: SignIn) -> None:
        with self._uow() as uow:
            uow.attempts.count(command.tenant_id, kind, subject, command.address)
            uow.commit()


@dataclass(frozen=True)
class SignOutHandler:
    uow: UnitOfWorkFactory

    def __call__(self, command: SignOut) -> None:
        with self.uow() as uow:
            uow.credentials.end_session(hash_secret(command.session_secret))
            uow.commit()


@dataclass(frozen=True)
class SignOutEverywhereHandler:
    uow: UnitOfWorkFactory
    publish: Publish

    def __call__(self, command: SignOutEverywhere) -> None:
        with self.uow() as uow:
            found = uow.credentials.session_person(hash_secret(command.session_secret), IDLE)
            if found is None:
                return  # its end is what was asked for
            tenant_id, person = found
            end_sessions(uow, self.publish, tenant_id, person, person_actor(person.email))
            uow.commit()


@dataclass(frozen=True)
class EndSessionsHandler:
    uow: UnitOfWorkFactory
    publish: Publish

    def __call__(self, command: EndSessions) -> int:
        with self.uow() as uow:
            actor = admit(uow, command.tenant_id, command.actor, Action.CHANGE_PERSON)
            person = person_of(uow, command.tenant_id, command.email)
            ended = end_sessions(uow, self.publish, command.tenant_id, person, actor)
            uow.commit()
        return ended


def end_sessions(uow: UnitOfWork, publish: Publish, tenant_id: str, person: Person, actor: str) -> int:
    ended = uow.credentials.end_sessions(tenant_id, person.id)
    event = SessionsEnded(
        opportunity_id=None,
        actor=actor,
        detail={"person": str(person.id), "sessions_ended": ended},
        summary=f"{person.email} was signed out everywhere",
    )
    publish(uow, tenant_id, new_traceparent(), event)
    return ended


@dataclass(frozen=True)
class Identity:
    """Who a session's or a token's secret belongs to."""

    uow: UnitOfWorkFactory

    def session(self, secret: str) -> SignedIn | None:
        with self.uow.reading() as uow:
            return _signed_in(uow.credentials.session_person(hash_secret(secret), IDLE))

    def token(self, secret: str) -> SignedIn | None:
        with self.uow.reading() as uow:
            return _signed_in(uow.credentials.token_person(hash_secret(secret)))

    def invited(self, secret: str) -> Person | None:
        """Whose one-time link this is, while it is good."""
        with self.uow.reading() as uow:
            found = uow.credentials.invited(hash_secret(secret))
        return found[1] if found else None


def _signed_in(found: tuple[str, Person] | None) -> SignedIn | None:
    return SignedIn(tenant_id=found[0], person=found[1]) if found else None
