"""Second factors, their keys encrypted.

Where one is confirmed, `LOCKED` stands before the hash of the person's password: a release that knows no second
factor takes that for no hash at all and lets nobody in by the password alone, beside this release during a
deploy, or after going back to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from cryptography.fernet import InvalidToken, MultiFernet
from sqlalchemy import ColumnElement, Update, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert

from adapters.postgres.clock import clock
from adapters.postgres.session import Session
from adapters.postgres.tables import people, second_factors
from oppsync.kernel import canonical_json
from oppsync.kernel.errors import Misconfigured
from oppsync.ports.storage.people import SecondFactor

LOCKED = "second-factor:"


class PostgresSecondFactors:
    """Keys are a MultiFernet token of `{tenant, person, key}`. Fernet has no associated data, so the token
    names its row inside, which is checked."""

    def __init__(self, session: Session, keys: MultiFernet) -> None:
        self._session = session
        self._keys = keys

    def get(self, tenant_id: str, person_id: UUID) -> SecondFactor | None:
        query = select(second_factors).where(*_of(tenant_id, person_id))
        row = self._session.execute(query).one_or_none()
        if row is None:
            return None
        try:
            opened = canonical_json.loads_stored(self._keys.decrypt(row.key))
        except InvalidToken:
            raise _unopened() from None
        if (opened["tenant"], opened["person"]) != (tenant_id, str(person_id)):
            raise Misconfigured("The second factor of a person belongs to another one.")
        return SecondFactor(opened["key"], row.confirmed_at is not None)

    def is_set(self, tenant_id: str, person_id: UUID) -> bool:
        return bool(self._session.execute(select(is_locked(tenant_id, person_id))).scalar_one())

    def begin(self, tenant_id: str, person_id: UUID, key: str) -> None:
        inside = {"tenant": tenant_id, "person": str(person_id), "key": key}
        sealed = self._keys.encrypt(canonical_json.dumps(inside).encode())
        statement = insert(second_factors).values(tenant_id=tenant_id, person_id=person_id, key=sealed)
        self._session.execute(
            statement.on_conflict_do_update(
                index_elements=["tenant_id", "person_id"],
                set_={"key": sealed, "created_at": clock()},
                where=second_factors.c.confirmed_at.is_(None),
            )
        )

    def confirm(self, tenant_id: str, person_id: UUID, step: int, recovery_hashes: Sequence[str]) -> bool:
        values = {"confirmed_at": clock(), "last_step": step, "recovery_hashes": list(recovery_hashes)}
        begun = self._change(tenant_id, person_id).where(second_factors.c.confirmed_at.is_(None))
        if self._session.execute(begun.values(**values)).rowcount == 0:
            return False
        locked = update(people).where(*_person(tenant_id, person_id))
        self._session.execute(locked.values(password_hash=func.concat(LOCKED, people.c.password_hash)))
        return True

    def reencrypt(self, tenant_id: str) -> int:
        query = select(second_factors).where(second_factors.c.tenant_id == tenant_id).with_for_update()
        rows = self._session.execute(query.order_by(second_factors.c.person_id)).all()
        for row in rows:
            try:
                key = self._keys.rotate(row.key)
            except InvalidToken:
                raise _unopened() from None
            self._session.execute(self._change(tenant_id, row.person_id).values(key=key))
        return len(rows)

    def use_step(self, tenant_id: str, person_id: UUID, step: int) -> bool:
        later = self._change(tenant_id, person_id).where(second_factors.c.last_step < step)
        return self._session.execute(later.values(last_step=step)).rowcount > 0

    def use_recovery(self, tenant_id: str, person_id: UUID, recovery_hash: str) -> bool:
        known = self._change(tenant_id, person_id).where(
            second_factors.c.recovery_hashes.contains([recovery_hash])
        )
        without = func.array_remove(second_factors.c.recovery_hashes, recovery_hash)
        return self._session.execute(known.values(recovery_hashes=without)).rowcount > 0

    def recovery_left(self, tenant_id: str, person_id: UUID) -> int:
        left = select(func.cardinality(second_factors.c.recovery_hashes)).where(*_of(tenant_id, person_id))
        return self._session.execute(left).scalar() or 0

    def remove(self, tenant_id: str, person_id: UUID) -> bool:
        unlocked = update(people).where(
            *_person(tenant_id, person_id), people.c.password_hash.startswith(LOCKED, autoescape=True)
        )
        bare = func.substr(people.c.password_hash, len(LOCKED) + 1)
        self._session.execute(unlocked.values(password_hash=bare))
        removed = delete(second_factors).where(*_of(tenant_id, person_id))
        return self._session.execute(removed.returning(second_factors.c.confirmed_at)).scalar() is not None

    def _change(self, tenant_id: str, person_id: UUID) -> Update:
        return update(second_factors).where(*_of(tenant_id, person_id))


def _unopened() -> Misconfigured:
    return Misconfigured("The second factor of a person cannot be opened with OPPSYNC_SECRET_KEYS.")


def _of(tenant_id: str, person_id: UUID) -> tuple[ColumnElement[bool], ...]:
    return second_factors.c.tenant_id == tenant_id, second_factors.c.person_id == person_id


def _person(tenant_id: str, person_id: UUID) -> tuple[ColumnElement[bool], ...]:
    return people.c.tenant_id == tenant_id, people.c.id == person_id


def is_locked(tenant_id: str, person_id: UUID) -> Any:
    """Whether a code is asked for besides the password."""
    confirmed = second_factors.c.confirmed_at.is_not(None)
    return select(second_factors.c.person_id).where(*_of(tenant_id, person_id), confirmed).exists()
