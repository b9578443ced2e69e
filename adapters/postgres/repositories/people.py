"""People."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import bindparam, select
from sqlalchemy.dialects.postgresql import insert

from adapters.postgres.rows import to_person
from adapters.postgres.session import Session
from adapters.postgres.tables import people
from oppsync.domain.approval.tasks import Person
from oppsync.domain.values.roles import PersonRole
from oppsync.kernel.errors import Conflict, NotFound


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
            raise Conflict(f"A person with the e-mail {person.email} exists already.")

    def by_email(self, tenant_id: str, email: str) -> tuple[Person, str] | None:
        query = select(people).where(
            people.c.tenant_id == tenant_id, people.c.email == email.lower(), people.c.is_active
        )
        row = self._session.execute(query).mappings().one_or_none()
        return (to_person(row), row["password_hash"]) if row else None


# Read in every step or by every delivery, so it is built once.
_WITH_ROLE = (
    select(people)
    .where(
        people.c.tenant_id == bindparam("of_tenant"),
        people.c.is_active,
        people.c.roles.contains(bindparam("having", type_=people.c.roles.type)),
    )
    .order_by(people.c.name, people.c.id)
)
