"""Sessions of people and API tokens."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Table, delete, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from adapters.postgres.clock import clock
from adapters.postgres.rows import to_person
from adapters.postgres.session import Session
from adapters.postgres.tables import api_tokens, invitations, people, sessions
from oppsync.domain.approval.tasks import Person
from oppsync.kernel.errors import Conflict, NotFound

# A page is not a reason to write each time.
_NOTE_EVERY = timedelta(minutes=1)


class PostgresCredentials:
    def __init__(self, session: Session) -> None:
        self._session = session

    def add_session(self, tenant_id: str, person_id: UUID, secret_hash: str, ttl: timedelta) -> None:
        self._session.execute(delete(sessions).where(sessions.c.expires_at < clock()))
        statement = insert(sessions).values(
            tenant_id=tenant_id, person_id=person_id, secret_hash=secret_hash, expires_at=clock() + ttl
        )
        self._session.execute(statement)

    def session_person(self, secret_hash: str, idle: timedelta) -> tuple[str, Person] | None:
        live = (
            sessions.c.secret_hash == secret_hash,
            sessions.c.expires_at > clock(),
            sessions.c.last_seen > clock() - idle,
        )
        found = self._person(sessions, *live)
        if found is not None:
            unnoted = sessions.c.last_seen < clock() - _NOTE_EVERY
            used = update(sessions).where(*live, unnoted).values(last_seen=clock())
            self._session.execute(used)
        return found

    def end_session(self, secret_hash: str) -> None:
        self._session.execute(delete(sessions).where(sessions.c.secret_hash == secret_hash))

    def end_sessions(self, tenant_id: str, person_id: UUID, *, but: str | None = None) -> int:
        theirs = delete(sessions).where(sessions.c.tenant_id == tenant_id, sessions.c.person_id == person_id)
        if but is not None:
            theirs = theirs.where(sessions.c.secret_hash != but)
        return self._session.execute(theirs).rowcount

    def revoke_token(self, tenant_id: str, name: str) -> UUID:
        which = (api_tokens.c.tenant_id == tenant_id, api_tokens.c.name == name)
        statement = (
            update(api_tokens)
            .where(*which, api_tokens.c.revoked_at.is_(None))
            .values(revoked_at=clock())
            .returning(api_tokens.c.person_id)
        )
        person_id: UUID | None = self._session.execute(statement).scalar_one_or_none()
        if person_id is None:
            raise NotFound(f"No token named {name} is in use.")
        return person_id

    def revoke_tokens(self, tenant_id: str, person_id: UUID) -> Sequence[str]:
        theirs = (api_tokens.c.tenant_id == tenant_id, api_tokens.c.person_id == person_id)
        statement = (
            update(api_tokens)
            .where(*theirs, api_tokens.c.revoked_at.is_(None))
            .values(revoked_at=clock())
            .returning(api_tokens.c.name)
        )
        return sorted(self._session.execute(statement).scalars())

    def invite(self, tenant_id: str, person_id: UUID, secret_hash: str, ttl: timedelta) -> None:
        link = {"secret_hash": secret_hash, "created_at": clock(), "expires_at": clock() + ttl}
        statement = insert(invitations).values(tenant_id=tenant_id, person_id=person_id, **link)
        self._session.execute(
            statement.on_conflict_do_update(index_elements=["tenant_id", "person_id"], set_=link)
        )

    def invited(self, secret_hash: str) -> tuple[str, Person] | None:
        good = (invitations.c.secret_hash == secret_hash, invitations.c.expires_at > clock())
        return self._person(invitations, *good)

    def use_invitation(self, secret_hash: str) -> tuple[str, Person] | None:
        found = self.invited(secret_hash)
        used = delete(invitations).where(invitations.c.secret_hash == secret_hash)
        return found if self._session.execute(used).rowcount else None

    def end_invitation(self, tenant_id: str, person_id: UUID) -> None:
        theirs = (invitations.c.tenant_id == tenant_id, invitations.c.person_id == person_id)
        self._session.execute(delete(invitations).where(*theirs))

    def add_token(self, tenant_id: str, name: str, secret_hash: str, person_id: UUID) -> None:
        statement = insert(api_tokens).values(
            tenant_id=tenant_id, name=name, secret_hash=secret_hash, person_id=person_id
        )
        unique = ["tenant_id", "name"]
        added = statement.on_conflict_do_nothing(index_elements=unique).returning(api_tokens.c.name)
        if self._session.execute(added).one_or_none() is None:
            raise Conflict(f"A token named {name} exists already.")

    def token_person(self, secret_hash: str) -> tuple[str, Person] | None:
        live = or_(api_tokens.c.revoked_at.is_(None), api_tokens.c.revoked_at > clock())
        return self._person(api_tokens, api_tokens.c.secret_hash == secret_hash, live)

    def _person(self, table: Table, *where: Any) -> tuple[str, Person] | None:
        same = (people.c.tenant_id == table.c.tenant_id) & (people.c.id == table.c.person_id)
        query = select(people).join(table, same).where(*where, people.c.is_active)
        row = self._session.execute(query).mappings().one_or_none()
        return (row["tenant_id"], to_person(row)) if row else None
