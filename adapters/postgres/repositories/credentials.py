"""Sessions of people and API tokens."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Table, and_, delete, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from adapters.postgres.clock import clock
from adapters.postgres.rows import to_person, to_scopes
from adapters.postgres.session import Session
from adapters.postgres.tables import api_tokens, begun_sign_ins, invitations, people, sessions
from oppsync.domain.approval.tasks import Person, SignedIn
from oppsync.domain.values.scopes import Scopes
from oppsync.kernel.errors import Conflict, NotFound

# A page is not a reason to write each time.
_NOTE_EVERY = timedelta(minutes=1)
_NOTE_TOKEN_EVERY = timedelta(hours=1)


class PostgresCredentials:
    def __init__(self, session: Session) -> None:
        self._session = session

    def add_session(
        self,
        tenant_id: str,
        person_id: UUID,
        secret_hash: str,
        ttl: timedelta,
        *,
        address: str = "",
        user_agent: str = "",
    ) -> None:
        self._session.execute(delete(sessions).where(sessions.c.expires_at < clock()))
        statement = insert(sessions).values(
            tenant_id=tenant_id,
            person_id=person_id,
            secret_hash=secret_hash,
            expires_at=clock() + ttl,
            address=address,
            user_agent=user_agent,
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

    def begin_sign_in(self, tenant_id: str, person_id: UUID, secret_hash: str, ttl: timedelta) -> None:
        self._session.execute(delete(begun_sign_ins).where(begun_sign_ins.c.expires_at < clock()))
        statement = insert(begun_sign_ins).values(
            tenant_id=tenant_id, person_id=person_id, secret_hash=secret_hash, expires_at=clock() + ttl
        )
        self._session.execute(statement)

    def begun_sign_in(self, secret_hash: str) -> tuple[str, Person] | None:
        waiting = (begun_sign_ins.c.secret_hash == secret_hash, begun_sign_ins.c.expires_at > clock())
        return self._person(begun_sign_ins, *waiting)

    def end_begun(self, secret_hash: str) -> bool:
        ended = delete(begun_sign_ins).where(begun_sign_ins.c.secret_hash == secret_hash)
        return self._session.execute(ended).rowcount > 0

    def end_session(self, secret_hash: str) -> None:
        self._session.execute(delete(sessions).where(sessions.c.secret_hash == secret_hash))

    def end_session_of(self, tenant_id: str, person_id: UUID, session_id: UUID) -> None:
        theirs = (sessions.c.tenant_id == tenant_id, sessions.c.person_id == person_id)
        ended = self._session.execute(delete(sessions).where(*theirs, sessions.c.id == session_id))
        if not ended.rowcount:
            raise NotFound("This session is over already.")

    def end_sessions(self, tenant_id: str, person_id: UUID, *, but: str | None = None) -> int:
        theirs = delete(sessions).where(sessions.c.tenant_id == tenant_id, sessions.c.person_id == person_id)
        if but is not None:
            theirs = theirs.where(sessions.c.secret_hash != but)
        begun = (begun_sign_ins.c.tenant_id == tenant_id, begun_sign_ins.c.person_id == person_id)
        self._session.execute(delete(begun_sign_ins).where(*begun))
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

    def add_token(
        self,
        tenant_id: str,
        name: str,
        secret_hash: str,
        person_id: UUID,
        *,
        scopes: Scopes,
        ends: datetime,
    ) -> None:
        statement = insert(api_tokens).values(
            tenant_id=tenant_id,
            name=name,
            secret_hash=secret_hash,
            person_id=person_id,
            scopes=sorted(scopes),
            expires_at=ends,
        )
        unique = ["tenant_id", "name"]
        added = statement.on_conflict_do_nothing(index_elements=unique).returning(api_tokens.c.name)
        if self._session.execute(added).one_or_none() is None:
            raise Conflict(f"A token named {name} exists already.")

    def owner_of_token(self, tenant_id: str, name: str) -> UUID | None:
        which = (api_tokens.c.tenant_id == tenant_id, api_tokens.c.name == name)
        query = select(api_tokens.c.person_id).where(*which)
        owner: UUID | None = self._session.execute(query).scalar_one_or_none()
        return owner

    def token_person(self, secret_hash: str, hash_without_scopes: str) -> SignedIn | None:
        of_now = and_(api_tokens.c.secret_hash == secret_hash, api_tokens.c.scopes.is_not(None))
        of_before = and_(api_tokens.c.secret_hash == hash_without_scopes, api_tokens.c.scopes.is_(None))
        same = (people.c.tenant_id == api_tokens.c.tenant_id) & (people.c.id == api_tokens.c.person_id)
        unnoted = or_(
            api_tokens.c.last_used_at.is_(None), api_tokens.c.last_used_at < clock() - _NOTE_TOKEN_EVERY
        )
        token = (api_tokens.c.name.label("token"), api_tokens.c.scopes, api_tokens.c.expires_at)
        query = (
            select(people, *token, unnoted.label("unnoted"))
            .join(api_tokens, same)
            .where(or_(of_now, of_before), *token_in_use(), people.c.is_active)
        )
        row = self._session.execute(query).mappings().one_or_none()
        if row is None:
            return None
        if row["unnoted"]:
            which = (api_tokens.c.tenant_id == row["tenant_id"], api_tokens.c.name == row["token"])
            self._session.execute(update(api_tokens).where(*which).values(last_used_at=clock()))
        scopes = None if row["scopes"] is None else to_scopes(row["scopes"])
        return SignedIn(
            tenant_id=row["tenant_id"], person=to_person(row), scopes=scopes, ends=row["expires_at"]
        )

    def _person(self, table: Table, *where: Any) -> tuple[str, Person] | None:
        same = (people.c.tenant_id == table.c.tenant_id) & (people.c.id == table.c.person_id)
        query = select(people).join(table, same).where(*where, people.c.is_active)
        row = self._session.execute(query).mappings().one_or_none()
        return (row["tenant_id"], to_person(row)) if row else None


def token_in_use() -> tuple[ColumnElement[bool], ...]:
    """Neither revoked nor at its end; one from before has none."""
    return (
        or_(api_tokens.c.revoked_at.is_(None), api_tokens.c.revoked_at > clock()),
        or_(api_tokens.c.expires_at.is_(None), api_tokens.c.expires_at > clock()),
    )
