"""People, their sessions and tokens, connections with their encrypted secrets, and reference data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from cryptography.fernet import InvalidToken, MultiFernet
from sqlalchemy import ColumnElement, Table, bindparam, delete, func, literal_column, or_, select
from sqlalchemy.dialects.postgresql import insert

from adapters.postgres.opportunities import clock
from adapters.postgres.rows import document, pick, to_person
from adapters.postgres.session import Session
from adapters.postgres.tables import api_tokens, connections, people, reference_rows, sessions
from oppsync import canonical_json
from oppsync.domain.approvals import Person, PersonRole
from oppsync.domain.connections import Connection, ConnectionRole
from oppsync.domain.reference import SHAPES, ReferenceBook, ReferenceKind, ReferenceRow
from oppsync.errors import Conflict, InvalidInput, Misconfigured, NotFound


class PostgresPeople:
    def __init__(self, session: Session) -> None:
        self._session = session

    def get(self, tenant_id: str, person_id: UUID) -> Person:
        query = select(people).where(people.c.tenant_id == tenant_id, people.c.id == person_id)
        row = self._session.execute(query).mappings().one_or_none()
        if row is None:
            raise NotFound("There is no such person.")
        return to_person(row)

    def with_role(self, tenant_id: str, role: PersonRole) -> Sequence[Person]:
        which = {"of_tenant": tenant_id, "having": [role]}
        return [to_person(row) for row in self._session.execute(_WITH_ROLE, which).mappings()]

    def add(self, tenant_id: str, person: Person, password_hash: str) -> None:
        statement = insert(people).values(
            tenant_id=tenant_id,
            id=person.id,
            email=person.email.lower(),
            name=person.name,
            roles=sorted(person.roles),
            is_active=person.is_active,
            password_hash=password_hash,
        )
        unique = ["tenant_id", "email"]
        added = statement.on_conflict_do_nothing(index_elements=unique).returning(people.c.id)
        if self._session.execute(added).one_or_none() is None:
            raise Conflict(f"There is a person with the e-mail {person.email} already.")

    def by_email(self, tenant_id: str, email: str) -> tuple[Person, str] | None:
        query = select(people).where(
            people.c.tenant_id == tenant_id, people.c.email == email.lower(), people.c.is_active
        )
        row = self._session.execute(query).mappings().one_or_none()
        return (to_person(row), row["password_hash"]) if row else None


class PostgresCredentials:
    def __init__(self, session: Session) -> None:
        self._session = session

    def add_session(self, tenant_id: str, person_id: UUID, secret_hash: str, ttl: timedelta) -> None:
        self._session.execute(delete(sessions).where(sessions.c.expires_at < clock()))
        statement = insert(sessions).values(
            tenant_id=tenant_id, person_id=person_id, secret_hash=secret_hash, expires_at=clock() + ttl
        )
        self._session.execute(statement)

    def session_person(self, secret_hash: str) -> tuple[str, Person] | None:
        return self._person(sessions, sessions.c.secret_hash == secret_hash, sessions.c.expires_at > clock())

    def end_session(self, secret_hash: str) -> None:
        self._session.execute(delete(sessions).where(sessions.c.secret_hash == secret_hash))

    def add_token(self, tenant_id: str, name: str, secret_hash: str, person_id: UUID) -> None:
        statement = insert(api_tokens).values(
            tenant_id=tenant_id, name=name, secret_hash=secret_hash, person_id=person_id
        )
        unique = ["tenant_id", "name"]
        added = statement.on_conflict_do_nothing(index_elements=unique).returning(api_tokens.c.name)
        if self._session.execute(added).one_or_none() is None:
            raise Conflict(f"There is a token named {name} already.")

    def token_person(self, secret_hash: str) -> tuple[str, Person] | None:
        live = or_(api_tokens.c.revoked_at.is_(None), api_tokens.c.revoked_at > clock())
        return self._person(api_tokens, api_tokens.c.secret_hash == secret_hash, live)

    def _person(self, table: Table, *where: Any) -> tuple[str, Person] | None:
        same = (people.c.tenant_id == table.c.tenant_id) & (people.c.id == table.c.person_id)
        query = select(people).join(table, same).where(*where, people.c.is_active)
        row = self._session.execute(query).mappings().one_or_none()
        return (row["tenant_id"], to_person(row)) if row else None


class PostgresConnections:
    """Secrets are a MultiFernet token of `{tenant, connection, secrets}`: Fernet has no associated data, so the
    row it belongs to is named inside and checked."""

    def __init__(self, session: Session, keys: MultiFernet) -> None:
        self._session = session
        self._keys = keys
        self._got: dict[str, Any] = {}

    def get(self, connection_id: str) -> Connection:
        row = self._got[connection_id] = self._row(connection_id)
        return Connection.model_validate(pick(row, Connection))

    def of_role(self, tenant_id: str, role: ConnectionRole) -> Connection | None:
        which = {"of_tenant": tenant_id, "of_role": role}
        row = self._session.execute(_CONNECTION_OF_ROLE, which).mappings().one_or_none()
        return Connection.model_validate(pick(row, Connection)) if row else None

    def of_tenant(self, tenant_id: str) -> Sequence[Connection]:
        query = select(connections).where(connections.c.tenant_id == tenant_id).order_by(connections.c.id)
        rows = self._session.execute(query).mappings()
        return [Connection.model_validate(pick(row, Connection)) for row in rows]

    def secrets(self, connection_id: str) -> Mapping[str, Any]:
        # Those of the connection that was just got, without another trip.
        row = self._got.pop(connection_id, None) or self._row(connection_id)
        try:
            opened = canonical_json.loads(self._keys.decrypt(row["secrets"]))
        except InvalidToken:
            raise Misconfigured(
                f"The secrets of connection {connection_id} cannot be opened with OPPSYNC_SECRET_KEYS."
            ) from None
        if (opened["tenant"], opened["connection"]) != (row["tenant_id"], row["id"]):
            raise Misconfigured(f"The secrets of connection {connection_id} belong to another connection.")
        secrets: Mapping[str, Any] = opened["secrets"]
        return secrets

    def put(self, connection: Connection, secrets: Mapping[str, Any]) -> None:
        inside = {"tenant": connection.tenant_id, "connection": connection.id, "secrets": dict(secrets)}
        values = {
            **connection.model_dump(mode="json"),
            "secrets": self._keys.encrypt(canonical_json.dumps(inside).encode()),
        }
        statement = insert(connections).values(**values)
        changed = {name: value for name, value in values.items() if name not in ("tenant_id", "id")}
        self._session.execute(
            statement.on_conflict_do_update(
                index_elements=["tenant_id", "id"], set_={**changed, "updated_at": clock()}
            )
        )

    def _row(self, connection_id: str) -> Any:
        row = self._session.execute(_CONNECTION, {"of_id": connection_id}).mappings().one_or_none()
        if row is None:
            raise NotFound("There is no such connection.")
        return row


# Asked for in every step or by every delivery: built once.
_WITH_ROLE = (
    select(people)
    .where(
        people.c.tenant_id == bindparam("of_tenant"),
        people.c.is_active,
        people.c.roles.contains(bindparam("having", type_=people.c.roles.type)),
    )
    .order_by(people.c.name, people.c.id)
)
_WRITERS: ColumnElement[int] = literal_column("sum(xmin::text::bigint)")
_LOOKS = select(func.count(), _WRITERS).where(reference_rows.c.tenant_id == bindparam("of_tenant"))
_OF_KIND = (
    select(reference_rows)
    .where(reference_rows.c.tenant_id == bindparam("of_tenant"), reference_rows.c.kind == bindparam("wanted"))
    .order_by(reference_rows.c.key, reference_rows.c.valid_from)
)
_CONNECTION = select(connections).where(connections.c.id == bindparam("of_id"))
_CONNECTION_OF_ROLE = (
    select(connections)
    .where(connections.c.tenant_id == bindparam("of_tenant"), connections.c.role == bindparam("of_role"))
    .order_by(connections.c.id)
    .limit(1)
)


# Tenant -> what its rows looked like, and the book made of them.
Books = dict[str, tuple[Any, ReferenceBook]]


class PostgresReferences:
    """`books` is kept by the process: a book is made anew only when the number of its rows or the transactions
    that wrote them (`xmin`) are others, which holds for rows that somebody changed by hand too."""

    def __init__(self, session: Session, books: Books) -> None:
        self._session = session
        self._books = books

    def book(self, tenant_id: str) -> ReferenceBook:
        looks = tuple(self._session.execute(_LOOKS, {"of_tenant": tenant_id}).one())
        known = self._books.get(tenant_id)
        if known is not None and known[0] == looks:
            return known[1]
        of_tenant = select(reference_rows).where(reference_rows.c.tenant_id == tenant_id)
        rows = self._session.execute(of_tenant).mappings()
        book = ReferenceBook(document(ReferenceRow, pick(row, ReferenceRow)) for row in rows)
        self._books[tenant_id] = looks, book
        return book

    def of_kind(self, tenant_id: str, kind: ReferenceKind) -> Sequence[ReferenceRow]:
        rows = self._session.execute(_OF_KIND, {"of_tenant": tenant_id, "wanted": kind}).mappings()
        return [document(ReferenceRow, pick(row, ReferenceRow)) for row in rows]

    def put(self, tenant_id: str, row: ReferenceRow) -> None:
        SHAPES[row.kind].model_validate(row.value)
        same_key = (
            reference_rows.c.tenant_id == tenant_id,
            reference_rows.c.kind == row.kind,
            reference_rows.c.key == row.key,
        )
        clash = select(reference_rows.c.valid_from).where(
            *same_key,
            reference_rows.c.valid_from != row.valid_from,
            or_(reference_rows.c.valid_to.is_(None), reference_rows.c.valid_to > row.valid_from),
        )
        if row.valid_to is not None:
            clash = clash.where(reference_rows.c.valid_from < row.valid_to)
        other = self._session.execute(clash.with_for_update()).scalars().first()
        if other is not None:
            raise InvalidInput(
                f"{row.kind} {row.key!r} from {row.valid_from} overlaps the row from {other}: "
                "end that one first.",
                field="valid_from",
            )
        values = row.model_dump(mode="json", exclude={"version", "valid_from", "valid_to"})
        days = {"valid_from": row.valid_from, "valid_to": row.valid_to}
        statement = insert(reference_rows).values(tenant_id=tenant_id, **values, **days)
        changed = reference_rows.c.value.is_distinct_from(statement.excluded.value) | (
            reference_rows.c.valid_to.is_distinct_from(statement.excluded.valid_to)
        )
        self._session.execute(
            statement.on_conflict_do_update(
                index_elements=["tenant_id", "kind", "key", "valid_from"],
                set_={
                    "value": statement.excluded.value,
                    "valid_to": row.valid_to,
                    "version": reference_rows.c.version + 1,
                    "updated_at": clock(),
                },
                where=changed,
            )
        )
