"""People."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Connection, any_, bindparam, case, func, literal, select, update
from sqlalchemy.dialects.postgresql import insert

from adapters.postgres.repositories.second_factors import LOCKED, is_locked
from adapters.postgres.rows import from_granted, to_person
from adapters.postgres.session import Session
from adapters.postgres.tables import people
from oppsync.domain.approval.tasks import Person
from oppsync.domain.values.limits import Granted
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

    def everyone(self, tenant_id: str) -> Sequence[Person]:
        return everyone(self._session, tenant_id)

    def add(self, tenant_id: str, person: Person, password_hash: str) -> None:
        statement = insert(people).values(
            tenant_id=tenant_id,
            id=person.id,
            email=person.email.lower(),
            name=person.name,
            **from_granted(person.granted),
            is_active=person.is_active,
            further_emails=list(person.further_emails),
            crm_user_ids=list(person.crm_user_ids),
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
        return (to_person(row), row["password_hash"].removeprefix(LOCKED)) if row else None

    def known(self, tenant_id: str, email: str) -> Person | None:
        query = select(people).where(people.c.tenant_id == tenant_id, people.c.email == email.lower())
        row = self._session.execute(query).mappings().one_or_none()
        return to_person(row) if row else None

    def identify(
        self, tenant_id: str, person_id: UUID, further_emails: Sequence[str], crm_user_ids: Sequence[str]
    ) -> None:
        which = update(people).where(people.c.tenant_id == tenant_id, people.c.id == person_id)
        known_by = {"further_emails": list(further_emails), "crm_user_ids": list(crm_user_ids)}
        self._session.execute(which.values(**known_by))

    def set_calendar(self, tenant_id: str, person_id: UUID, calendar: str | None) -> None:
        which = update(people).where(people.c.tenant_id == tenant_id, people.c.id == person_id)
        self._session.execute(which.values(calendar=calendar))

    def former_passwords(self, tenant_id: str, person_id: UUID) -> Sequence[str]:
        which = (people.c.tenant_id == tenant_id, people.c.id == person_id)
        query = select(people.c.password_hash, people.c.former_password_hashes).where(*which)
        row = self._session.execute(query).one()
        return [row.password_hash.removeprefix(LOCKED), *row.former_password_hashes]

    def hold_password(self, tenant_id: str, person_id: UUID) -> str | None:
        theirs = (people.c.tenant_id == tenant_id, people.c.id == person_id, people.c.is_active)
        query = select(people.c.password_hash).where(*theirs).with_for_update(read=True)
        found: str | None = self._session.execute(query).scalar_one_or_none()
        return None if found is None else found.removeprefix(LOCKED)

    def set_password(self, tenant_id: str, person_id: UUID, password_hash: str, former: Sequence[str]) -> None:
        which = update(people).where(people.c.tenant_id == tenant_id, people.c.id == person_id)
        before = case((is_locked(tenant_id, person_id), LOCKED), else_="") if password_hash else ""
        self._session.execute(
            which.values(password_hash=func.concat(before, password_hash), former_password_hashes=list(former))
        )

    def count_admins(self, tenant_id: str) -> int:
        query = select(func.count()).where(
            people.c.tenant_id == tenant_id,
            people.c.is_active,
            literal(PersonRole.ADMIN.value) == any_(people.c.roles),
            people.c.password_hash != "",
        )
        number: int = self._session.execute(query).scalar_one()
        return number

    def set_access(self, tenant_id: str, person_id: UUID, granted: Granted, *, is_active: bool) -> None:
        which = update(people).where(people.c.tenant_id == tenant_id, people.c.id == person_id)
        self._session.execute(which.values(**from_granted(granted), is_active=is_active))


def everyone(connection: Connection | Session, tenant_id: str) -> Sequence[Person]:
    return [to_person(row) for row in connection.execute(PEOPLE, {"of_tenant": tenant_id}).mappings()]


# Read whenever a decision is judged, so it is built once.
PEOPLE = select(people).where(people.c.tenant_id == bindparam("of_tenant")).order_by(people.c.name, people.c.id)
