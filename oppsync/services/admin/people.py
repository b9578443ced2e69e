"""People: who they are, what they may do, and by what else the CRM knows them."""

from __future__ import annotations

import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from oppsync.domain.approval.tasks import Person
from oppsync.domain.approval.who_may import Action
from oppsync.domain.values.identifiers import invisible_characters, invisible_in_name
from oppsync.domain.values.limits import NOTHING_GRANTED, granted_detail, granted_in_words
from oppsync.domain.values.model import LONGEST_CODE
from oppsync.domain.values.trace import new_traceparent
from oppsync.domain.work.access_proposals import AccessChange
from oppsync.domain.work.events import PersonAdded, PersonIdentified
from oppsync.kernel import text_input
from oppsync.kernel.errors import InvalidInput, NotFound
from oppsync.ports.storage.unit_of_work import Publish, UnitOfWork, UnitOfWorkFactory
from oppsync.services.admin.agreement import require_agreement
from oppsync.services.admin.commands import CreatePerson, IdentifyPerson
from oppsync.services.admin.freeing import barred_by, free
from oppsync.services.admin.granting import checked_grant
from oppsync.services.admin.guarded import is_guarded, only_the_person
from oppsync.services.admin.look_again import ask_others
from oppsync.services.admin.passwords import Passwords, names_of_firm
from oppsync.services.admin.who_asks import admit

_EMAIL = re.compile(r"^[^@\s]+@[^@\s]+$")


def person_of(uow: UnitOfWork, tenant_id: str, email: str) -> Person:
    found = uow.people.by_email(tenant_id, email)
    if found is None:
        raise NotFound(f"There is no active person with the e-mail {email}.")
    return found[0]


@dataclass(frozen=True)
class CreatePersonHandler:
    uow: UnitOfWorkFactory
    publish: Publish
    passwords: Passwords

    def __call__(self, command: CreatePerson) -> UUID:
        with self.uow.reading() as uow:
            actor = admit(uow, command.tenant_id, command.actor, Action.CREATE_PERSON)
            firm = names_of_firm(uow, command.tenant_id)
            granted = checked_grant(uow, command.tenant_id, command.roles, command.limits)
        check_person(command.email, command.name)
        _check_known_by(command.further_emails, command.crm_user_ids)
        person = Person(
            id=uuid.uuid4(),
            email=command.email.lower(),
            name=command.name,
            **granted._asdict(),
            further_emails=command.further_emails,
            crm_user_ids=command.crm_user_ids,
        )
        hashed = self.passwords.accept(person, command.password, firm)
        with self.uow() as uow:
            require_agreement(
                uow,
                self.publish,
                command.tenant_id,
                command.actor,
                person.email,
                change=AccessChange.INVITE,
                before=NOTHING_GRANTED,
                after=person.granted,
            )
            if is_guarded(uow, command.tenant_id, command.actor, person.roles):
                raise only_the_person(person.email)
            uow.people.add(command.tenant_id, person, hashed)
            event = PersonAdded(
                opportunity_id=None,
                actor=actor,
                after={**access_of(person), **_known_by(person)},
                detail={"person": str(person.id)},
                summary=f"{person.name} can sign in as {person.email}, as {granted_in_words(person.granted)}",
            )
            self.publish(uow, command.tenant_id, new_traceparent(), event)
            uow.commit()
        return person.id


def check_person(email: str, name: str) -> None:
    """Raises InvalidInput, which names the field: both as `Person` takes them, and with nothing that deceives
    whoever reads them."""
    _check_emails("email", email)
    shown = text_input.words(name, "name", empty="Say the name that others see.")
    refuse_invisible("name", invisible_in_name(shown))


def refuse_invisible(field: str, found: Sequence[str]) -> None:
    """`found`: the characters, as `invisible_characters` says them. Raises InvalidInput."""
    if found:
        raise InvalidInput(
            f"The {field} holds what nobody can see: {', '.join(found)}. Type it anew, without copying it.",
            field=field,
        )


def _check_known_by(further_emails: Sequence[str], crm_user_ids: Sequence[str]) -> None:
    _check_emails("further_emails", *further_emails)
    for user_id in crm_user_ids:
        empty = "Give the id of the user in the CRM."
        text_input.words(user_id, "crm_user_ids", empty=empty, longest=LONGEST_CODE)


def _check_emails(field: str, *addresses: str) -> None:
    for address in addresses:
        refuse_invisible(field, invisible_characters(address))
        if not _EMAIL.match(address):
            raise InvalidInput(f"{address!r} is not an e-mail address.", field=field)
        # In small letters, as it is stored: a few letters become two.
        text_input.words(address.lower(), field, empty="", longest=LONGEST_CODE)


@dataclass(frozen=True)
class IdentifyPersonHandler:
    uow: UnitOfWorkFactory
    publish: Publish

    def __call__(self, command: IdentifyPerson) -> None:
        with self.uow() as uow:
            actor = admit(uow, command.tenant_id, command.actor, Action.IDENTIFY_PERSON)
            _check_known_by(command.further_emails, command.crm_user_ids)
            person = person_of(uow, command.tenant_id, command.email)
            known_by = Person.model_validate(
                dict(person) | {"further_emails": command.further_emails, "crm_user_ids": command.crm_user_ids}
            )
            before = barred_by(uow, command.tenant_id, person)
            uow.people.identify(command.tenant_id, person.id, known_by.further_emails, known_by.crm_user_ids)
            event = PersonIdentified(
                opportunity_id=None,
                actor=actor,
                before=_known_by(person),
                after=_known_by(known_by),
                detail={"person": str(person.id)},
                summary=f"{person.name} is known by {_words(known_by)}",
            )
            self.publish(uow, command.tenant_id, new_traceparent(), event)
            free(uow, self.publish, command.tenant_id, actor, before)
            ask_others(uow, command.tenant_id, person.id)
            uow.commit()


def access_of(person: Person) -> dict[str, object]:
    return {"email": person.email, **granted_detail(person.granted), "is_active": person.is_active}


def _known_by(person: Person) -> dict[str, list[str]]:
    return {"further_emails": list(person.further_emails), "crm_user_ids": list(person.crm_user_ids)}


def _words(person: Person) -> str:
    users = [f"user {user_id} of the CRM" for user_id in person.crm_user_ids]
    return ", ".join([*person.further_emails, *users]) or "the address of the account alone"
