"""Passwords: which are taken, and setting one. Only hashes are stored."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from oppsync.domain.approval.tasks import Person
from oppsync.domain.approval.who_may import Action
from oppsync.domain.reference.book import ReferenceKind
from oppsync.domain.reference.entities import LegalEntity
from oppsync.domain.values.actor import person_actor
from oppsync.domain.values.trace import new_traceparent
from oppsync.domain.work.attempts import AttemptKind
from oppsync.domain.work.events import PasswordSet
from oppsync.kernel.errors import Forbidden, InvalidInput, NotFound, TooManyAttempts
from oppsync.ports.identity import PasswordCheck, PasswordHasher
from oppsync.ports.storage.unit_of_work import Publish, UnitOfWork, UnitOfWorkFactory
from oppsync.services.admin.commands import ChangePassword, SetPassword
from oppsync.services.admin.guarded import is_guarded, only_the_person
from oppsync.services.admin.reset_notice import ResetNotice
from oppsync.services.admin.secret_hash import hash_secret
from oppsync.services.admin.session_life import IDLE
from oppsync.services.admin.sign_in_brake import SignInBrake
from oppsync.services.admin.who_asks import admit

SHORTEST_PASSWORD = 12
# The present one and those before it that are not taken again.
REMEMBERED = 5
# Stands where the hash would: no password opens it.
NO_PASSWORD = ""


@dataclass(frozen=True)
class Passwords:
    hasher: PasswordHasher
    check: PasswordCheck

    def accept(self, person: Person, password: str, firm: Sequence[str], former: Sequence[str] = ()) -> str:
        """The hash of a password that may be this person's; `firm`: the names their firm is known by. Raises
        InvalidInput."""
        if len(password) < SHORTEST_PASSWORD:
            raise InvalidInput(f"A password has at least {SHORTEST_PASSWORD} characters.", field="password")
        about = [person.email, person.name, *person.further_emails, *firm, "oppsync"]
        words = re.split(r"[\W_]+", " ".join(about))
        if self.check.is_common(password, [word for word in (*about, *words) if word]):
            raise InvalidInput(
                "This password is common, or easy to guess: take some words that have nothing to do with each "
                "other, or what a password manager makes.",
                field="password",
            )
        if any(self.hasher.verify(hashed, password) for hashed in former):
            raise InvalidInput(
                f"This is one of the last {REMEMBERED} passwords: take another one.", field="password"
            )
        return self.hasher.hash(password)


@dataclass(frozen=True)
class SetPasswordHandler:
    uow: UnitOfWorkFactory
    publish: Publish
    passwords: Passwords
    notice: ResetNotice

    def __call__(self, command: SetPassword) -> None:
        with self.uow() as uow:
            actor = admit(uow, command.tenant_id, command.actor, Action.CHANGE_PERSON)
            found = uow.people.by_email(command.tenant_id, command.email)
            if found is None:
                raise NotFound(f"There is no active person with the e-mail {command.email}.")
            person = found[0]
            if is_guarded(uow, command.tenant_id, command.actor, person.roles):
                raise only_the_person(person.email)
            event = set_password(
                uow,
                command.tenant_id,
                person,
                command.password,
                passwords=self.passwords,
                actor=actor,
                ends_tokens=True,
            )
            self.publish(uow, command.tenant_id, new_traceparent(), event)
            uow.commit()
        self.notice.send(command.tenant_id, person, "password", command.actor, actor)


@dataclass(frozen=True)
class CurrentPassword:
    """As slow to guess at as at signing in: somebody else may sit before a browser that is signed in."""

    hasher: PasswordHasher
    brake: SignInBrake

    def check(self, uow: UnitOfWork, tenant_id: str, person: Person, password: str, address: str) -> None:
        """Raises Forbidden, which is counted and kept; TooManyAttempts."""
        account = f"{tenant_id} {person.email}"
        wait = self.brake.wait_seconds(account, address)
        present = uow.people.former_passwords(tenant_id, person.id)[0]
        if not wait and self.hasher.verify(present, password):
            self.brake.succeeded(account, address)
            return
        kind = AttemptKind.SIGN_IN_BRAKED if wait else AttemptKind.SIGN_IN_FAILED
        uow.attempts.count(tenant_id, kind, person.email, address)
        uow.commit()
        if wait:
            raise TooManyAttempts("Too many attempts.", wait_seconds=wait)
        self.brake.failed(account, address)
        raise Forbidden("The current password is not right.", code="SIGN_IN_REFUSED")


@dataclass(frozen=True)
class ChangePasswordHandler:
    uow: UnitOfWorkFactory
    publish: Publish
    passwords: Passwords
    current: CurrentPassword

    def __call__(self, command: ChangePassword) -> None:
        session = hash_secret(command.session_secret)
        with self.uow() as uow:
            found = uow.credentials.session_person(session, IDLE)
            if found is None:
                raise Forbidden("Sign in first.")
            tenant_id, person = found
            self.current.check(uow, tenant_id, person, command.old, command.address)
            actor = person_actor(person.email)
            event = set_password(
                uow, tenant_id, person, command.new, passwords=self.passwords, actor=actor, but=session
            )
            self.publish(uow, tenant_id, new_traceparent(), event)
            uow.commit()


def known_passwords(uow: UnitOfWork, tenant_id: str, person: Person) -> Sequence[str]:
    """The hashes that are not taken again, newest first."""
    return [each for each in uow.people.former_passwords(tenant_id, person.id) if each != NO_PASSWORD][
        :REMEMBERED
    ]


def names_of_firm(uow: UnitOfWork, tenant_id: str) -> Sequence[str]:
    """The tenant, and its legal entities."""
    entities = uow.references.of_kind(tenant_id, ReferenceKind.LEGAL_ENTITY)
    return (tenant_id, *dict.fromkeys(LegalEntity.model_validate(row.value).name for row in entities))


def set_password(
    uow: UnitOfWork,
    tenant_id: str,
    person: Person,
    password: str,
    *,
    passwords: Passwords,
    actor: str,
    but: str | None = None,
    ends_tokens: bool = False,
) -> PasswordSet:
    """Store the password and end the sessions that the old one opened, all `but` one. Tokens end where another
    than their person sets it."""
    former = known_passwords(uow, tenant_id, person)
    hashed = passwords.accept(person, password, names_of_firm(uow, tenant_id), former)
    uow.people.set_password(tenant_id, person.id, hashed, former[: REMEMBERED - 1])
    uow.credentials.end_invitation(tenant_id, person.id)
    ended = uow.credentials.end_sessions(tenant_id, person.id, but=but)
    revoked = uow.credentials.revoke_tokens(tenant_id, person.id) if ends_tokens else ()
    return PasswordSet(
        opportunity_id=None,
        actor=actor,
        detail={"person": str(person.id), "sessions_ended": ended, "tokens_revoked": list(revoked)},
        summary=f"{person.email} has a new password",
    )
