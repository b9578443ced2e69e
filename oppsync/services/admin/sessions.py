"""Sessions of people: how one begins, and everything that ends one."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import NamedTuple

from oppsync.domain.approval.tasks import Person, SignedIn
from oppsync.domain.approval.who_may import Action
from oppsync.domain.values.actor import person_actor, person_behind
from oppsync.domain.values.trace import new_traceparent
from oppsync.domain.work.attempts import UNKNOWN_ACCOUNT, AttemptKind
from oppsync.domain.work.events import SessionsEnded
from oppsync.kernel.errors import Forbidden, NotFound, TooManyAttempts
from oppsync.ports.identity import PasswordHasher
from oppsync.ports.storage.unit_of_work import Publish, UnitOfWork, UnitOfWorkFactory
from oppsync.services.admin.commands import (
    CodeAsked,
    EndSession,
    EndSessions,
    EnterCode,
    SignIn,
    SignOut,
    SignOutEverywhere,
)
from oppsync.services.admin.passwords import NO_PASSWORD
from oppsync.services.admin.people import person_of
from oppsync.services.admin.second_factor import CodeCheck
from oppsync.services.admin.secret_hash import hash_secret, hash_token
from oppsync.services.admin.session_life import CODE_ASKED_FOR, IDLE, SESSION_LASTS
from oppsync.services.admin.sign_in_brake import SignInBrake
from oppsync.services.admin.who_asks import admit

_LONGEST_ACCOUNT = 300
LONGEST_USER_AGENT = 300


class SignInHandler:
    """Takes the same time whether the e-mail or the password is wrong."""

    def __init__(self, uow: UnitOfWorkFactory, passwords: PasswordHasher, brake: SignInBrake) -> None:
        self._uow = uow
        self._passwords = passwords
        self._brake = brake
        self._nobody = passwords.hash_of_nobody()

    def __call__(self, command: SignIn) -> str | CodeAsked:
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
        with self._uow() as uow:
            if uow.people.hold_password(command.tenant_id, found[0].id) != found[1]:
                raise Forbidden("E-mail or password is wrong.", code="SIGN_IN_REFUSED")
            factor = uow.second_factors.get(command.tenant_id, found[0].id)
            if factor is not None and factor.is_confirmed:
                return _ask_for_code(uow, command.tenant_id, found[0])
            self._brake.succeeded(account, command.address)
            entry = Entry(command.address, command.user_agent, command.browser_session)
            return begin_session(uow, command.tenant_id, found[0], entry)

    def _count(self, kind: AttemptKind, subject: str, command: SignIn) -> None:
        with self._uow() as uow:
            uow.attempts.count(command.tenant_id, kind, subject, command.address)
            uow.commit()


class Entry(NamedTuple):
    """From where, and with which browser; `browser_session` is the one that it had before."""

    address: str
    user_agent: str
    browser_session: str


def begin_session(uow: UnitOfWork, tenant_id: str, person: Person, entry: Entry) -> str:
    """Returns the session's secret. Commits."""
    secret = secrets.token_urlsafe(32)
    if entry.browser_session:
        uow.credentials.end_session(hash_secret(entry.browser_session))
    uow.credentials.add_session(
        tenant_id,
        person.id,
        hash_secret(secret),
        SESSION_LASTS,
        address=entry.address,
        user_agent=entry.user_agent[:LONGEST_USER_AGENT],
    )
    uow.attempts.count(tenant_id, AttemptKind.SIGNED_IN, person.email, entry.address)
    uow.commit()
    return secret


def _ask_for_code(uow: UnitOfWork, tenant_id: str, person: Person) -> CodeAsked:
    secret = secrets.token_urlsafe(32)
    uow.credentials.begin_sign_in(tenant_id, person.id, hash_secret(secret), CODE_ASKED_FOR)
    uow.commit()
    return CodeAsked(secret)


@dataclass(frozen=True)
class EnterCodeHandler:
    uow: UnitOfWorkFactory
    check: CodeCheck

    def __call__(self, command: EnterCode) -> str:
        hashed = hash_secret(command.begun)
        with self.uow() as uow:
            found = uow.credentials.begun_sign_in(hashed)
            if found is None:
                raise NotFound("This sign-in waited for its code for too long: begin again.")
            tenant_id, person = found
            self.check.use(uow, tenant_id, person, command.code, command.address)
            if not uow.credentials.end_begun(hashed):
                raise NotFound("This sign-in was finished already.")
            return begin_session(
                uow, tenant_id, person, Entry(command.address, command.user_agent, command.browser_session)
            )


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
class EndSessionHandler:
    uow: UnitOfWorkFactory
    publish: Publish

    def __call__(self, command: EndSession) -> None:
        with self.uow() as uow:
            actor = admit(uow, command.tenant_id, command.actor, Action.OWN_SESSIONS)
            person = uow.people.get(command.tenant_id, person_behind(command.actor))
            uow.credentials.end_session_of(command.tenant_id, person.id, command.session_id)
            event = SessionsEnded(
                opportunity_id=None,
                actor=actor,
                detail={"person": str(person.id), "sessions_ended": 1},
                summary=f"{person.email} ended one of their sessions",
            )
            self.publish(uow, command.tenant_id, new_traceparent(), event)
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
    """Who a session's or a token's secret belongs to. `second_factor_for`: roles whose people need one."""

    uow: UnitOfWorkFactory
    second_factor_for: frozenset[str]

    def session(self, secret: str) -> SignedIn | None:
        with self.uow.reading() as uow:
            found = uow.credentials.session_person(hash_secret(secret), IDLE)
            if found is None:
                return None
            tenant_id, person = found
            is_asked = not person.roles.isdisjoint(self.second_factor_for)
            lacks = is_asked and not uow.second_factors.is_set(tenant_id, person.id)
            return SignedIn(tenant_id=tenant_id, person=person, lacks_second_factor=lacks)

    def token(self, secret: str) -> SignedIn | None:
        with self.uow.reading() as uow:
            return uow.credentials.token_person(hash_token(secret), hash_secret(secret))

    def invited(self, secret: str) -> Person | None:
        """Whose one-time link this is, while it is good."""
        with self.uow.reading() as uow:
            found = uow.credentials.invited(hash_secret(secret))
        return found[1] if found else None
