"""A second factor at signing in: a code by time from a key that only the person's own device has."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from oppsync.domain.approval.tasks import Person
from oppsync.domain.approval.who_may import Action
from oppsync.domain.values.actor import person_actor
from oppsync.domain.values.trace import new_traceparent
from oppsync.domain.work.attempts import AttemptKind
from oppsync.domain.work.events import RecoveryCodeUsed, SecondFactorRemoved, SecondFactorSet
from oppsync.kernel.errors import Conflict, Forbidden, InvalidInput, NotFound, TooManyAttempts
from oppsync.ports.clock import Clock
from oppsync.ports.identity import OneTimeCodes
from oppsync.ports.storage.unit_of_work import Publish, UnitOfWork, UnitOfWorkFactory
from oppsync.services.admin.access import not_oneself
from oppsync.services.admin.commands import (
    BeginSecondFactor,
    ConfirmSecondFactor,
    RemoveSecondFactor,
    ResetSecondFactor,
)
from oppsync.services.admin.passwords import CurrentPassword
from oppsync.services.admin.people import person_of
from oppsync.services.admin.reset_notice import ResetNotice
from oppsync.services.admin.secret_hash import hash_secret
from oppsync.services.admin.session_life import IDLE
from oppsync.services.admin.sign_in_brake import SignInBrake
from oppsync.services.admin.who_asks import admit

STEP = 30  # seconds that a code is shown
_NEAR = (-1, 0, 1)  # steps: clocks differ, and typing takes time
RECOVERY_CODES = 8
_RECOVERY_GROUPS, _GROUP = 4, 5
_RECOVERY_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
WRONG = "The code is not right, or was used already. Codes change every 30 seconds: try the next one."


@dataclass(frozen=True)
class CodeCheck:
    """Judge codes; each is accepted once. As slow to guess at as a password."""

    codes: OneTimeCodes
    clock: Clock
    brake: SignInBrake
    publish: Publish

    def step_of(self, key: str, typed: str) -> int | None:
        """The step whose code it is, of those near now."""
        now = step_at(self.clock.now())
        near = (now + each for each in _NEAR)
        return next((step for step in near if hmac.compare_digest(self.codes.at(key, step), typed)), None)

    def use(self, uow: UnitOfWork, tenant_id: str, person: Person, typed: str, address: str) -> None:
        """Use a code, or one of those for when the key is lost. Raises Forbidden, which is counted and kept;
        TooManyAttempts."""
        account = f"{tenant_id} {person.email}"
        wait = self.brake.wait_seconds(account, address)
        if not wait and self._is_right(uow, tenant_id, person, plain_code(typed)):
            self.brake.succeeded(account, address)
            return
        kind = AttemptKind.SIGN_IN_BRAKED if wait else AttemptKind.CODE_WRONG
        uow.attempts.count(tenant_id, kind, person.email, address)
        uow.commit()
        if wait:
            raise TooManyAttempts("Too many attempts.", wait_seconds=wait)
        self.brake.failed(account, address)
        raise Forbidden(WRONG, code="SIGN_IN_REFUSED")

    def _is_right(self, uow: UnitOfWork, tenant_id: str, person: Person, typed: str) -> bool:
        factor = uow.second_factors.get(tenant_id, person.id)
        if factor is None or not factor.is_confirmed or not typed.isascii():
            return False
        step = self.step_of(factor.key, typed)
        if step is not None:
            return uow.second_factors.use_step(tenant_id, person.id, step)
        if not uow.second_factors.use_recovery(tenant_id, person.id, hash_secret(typed)):
            return False
        left = uow.second_factors.recovery_left(tenant_id, person.id)
        event = RecoveryCodeUsed(
            opportunity_id=None,
            actor=person_actor(person.email),
            detail={"person": str(person.id), "left": left},
            summary=f"{person.email} used a recovery code: {left} of {RECOVERY_CODES} are left",
        )
        self.publish(uow, tenant_id, new_traceparent(), event)
        return True


@dataclass(frozen=True)
class BeginSecondFactorHandler:
    uow: UnitOfWorkFactory
    codes: OneTimeCodes
    password: CurrentPassword

    def __call__(self, command: BeginSecondFactor) -> str:
        with self.uow() as uow:
            tenant_id, person = _signed_in(uow, command.session_secret)
            self.password.check(uow, tenant_id, person, command.password, command.address)
            factor = uow.second_factors.get(tenant_id, person.id)
            if factor is not None and factor.is_confirmed:
                raise Conflict("There is a second factor already: remove it first.")
            key = self.codes.new_key()
            uow.second_factors.begin(tenant_id, person.id, key)
            uow.commit()
        return key


@dataclass(frozen=True)
class ConfirmSecondFactorHandler:
    uow: UnitOfWorkFactory
    publish: Publish
    check: CodeCheck

    def __call__(self, command: ConfirmSecondFactor) -> Sequence[str]:
        recovery = [recovery_code() for _ in range(RECOVERY_CODES)]
        with self.uow() as uow:
            tenant_id, person = _signed_in(uow, command.session_secret)
            factor = uow.second_factors.get(tenant_id, person.id)
            if factor is None or factor.is_confirmed:
                raise Conflict("There is no second factor to confirm.")
            typed = plain_code(command.code)
            step = self.check.step_of(factor.key, typed) if typed.isascii() else None
            if step is None:
                raise InvalidInput(WRONG, field="code")
            hashes = [hash_secret(plain_code(each)) for each in recovery]
            if not uow.second_factors.confirm(tenant_id, person.id, step, hashes):
                raise Conflict("There is no second factor to confirm.")
            ended = uow.credentials.end_sessions(tenant_id, person.id, but=hash_secret(command.session_secret))
            event = SecondFactorSet(
                opportunity_id=None,
                actor=person_actor(person.email),
                detail={"person": str(person.id), "sessions_ended": ended},
                summary=f"{person.email} signs in with a second factor",
            )
            self.publish(uow, tenant_id, new_traceparent(), event)
            uow.commit()
        return recovery


@dataclass(frozen=True)
class RemoveSecondFactorHandler:
    uow: UnitOfWorkFactory
    publish: Publish
    check: CodeCheck

    def __call__(self, command: RemoveSecondFactor) -> None:
        with self.uow() as uow:
            tenant_id, person = _signed_in(uow, command.session_secret)
            self.check.use(uow, tenant_id, person, command.code, command.address)
            remove(uow, self.publish, tenant_id, person, person_actor(person.email))
            uow.commit()


@dataclass(frozen=True)
class ResetSecondFactorHandler:
    uow: UnitOfWorkFactory
    publish: Publish
    notice: ResetNotice

    def __call__(self, command: ResetSecondFactor) -> None:
        with self.uow() as uow:
            actor = admit(uow, command.tenant_id, command.actor, Action.CHANGE_PERSON)
            person = person_of(uow, command.tenant_id, command.email)
            not_oneself(command.actor, person)
            remove(uow, self.publish, command.tenant_id, person, actor)
            uow.credentials.end_sessions(command.tenant_id, person.id)
            uow.credentials.revoke_tokens(command.tenant_id, person.id)
            uow.commit()
        self.notice.send(command.tenant_id, person, "second factor", command.actor, actor)


def remove(uow: UnitOfWork, publish: Publish, tenant_id: str, person: Person, actor: str) -> None:
    """Raises NotFound where there is none."""
    if not uow.second_factors.remove(tenant_id, person.id):
        raise NotFound(f"{person.email} has no second factor.")
    event = SecondFactorRemoved(
        opportunity_id=None,
        actor=actor,
        detail={"person": str(person.id)},
        summary=f"{person.email} signs in without a second factor",
    )
    publish(uow, tenant_id, new_traceparent(), event)


def _signed_in(uow: UnitOfWork, session_secret: str) -> tuple[str, Person]:
    found = uow.credentials.session_person(hash_secret(session_secret), IDLE)
    if found is None:
        raise Forbidden("Sign in first.")
    return found


def step_at(now: datetime) -> int:
    return int(now.timestamp()) // STEP


def recovery_code() -> str:
    """Almost a hundred random bits, in groups that a person can type."""
    groups = (
        "".join(secrets.choice(_RECOVERY_LETTERS) for _ in range(_GROUP)) for _ in range(_RECOVERY_GROUPS)
    )
    return "-".join(groups)


def plain_code(typed: str) -> str:
    """As it is compared: without the spaces and dashes that it is shown with."""
    return "".join(typed.split()).replace("-", "").lower()
