"""One-time links: somebody new, back again or locked out sets a password that nobody else ever knew."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from oppsync.domain.approval.tasks import Person
from oppsync.domain.approval.who_may import Action
from oppsync.domain.values.actor import person_actor
from oppsync.domain.values.limits import NOTHING_GRANTED, Granted, granted_in_words
from oppsync.domain.values.model import changed
from oppsync.domain.values.trace import new_traceparent
from oppsync.domain.work.access_proposals import AccessChange
from oppsync.domain.work.events import Event, PasswordLinkMade, PersonAdded, PersonChanged
from oppsync.kernel.errors import Conflict, NotFound
from oppsync.ports.storage.unit_of_work import Publish, UnitOfWork, UnitOfWorkFactory
from oppsync.services.admin.access import not_oneself
from oppsync.services.admin.agreement import require_agreement
from oppsync.services.admin.commands import AcceptInvitation, InvitePerson, OneTimeLink, ResetPerson
from oppsync.services.admin.granting import checked_grant
from oppsync.services.admin.guarded import is_guarded, only_the_person
from oppsync.services.admin.link_mail import LinkMail
from oppsync.services.admin.passwords import NO_PASSWORD, Passwords, set_password
from oppsync.services.admin.people import access_of, check_person, person_of
from oppsync.services.admin.reset_notice import ResetNotice
from oppsync.services.admin.secret_hash import hash_secret
from oppsync.services.admin.way_in import renew
from oppsync.services.admin.who_asks import admit


@dataclass(frozen=True)
class InvitePersonHandler:
    uow: UnitOfWorkFactory
    publish: Publish
    mail: LinkMail

    def __call__(self, command: InvitePerson) -> OneTimeLink:
        with self.uow() as uow:
            actor = admit(uow, command.tenant_id, command.actor, Action.CREATE_PERSON)
            check_person(command.email, command.name)
            known = uow.people.known(command.tenant_id, command.email)
            if known is not None and known.is_active:
                raise Conflict(f"{known.email} is here already. Reset the account for a new link.")
            granted = checked_grant(uow, command.tenant_id, command.roles, command.limits)
            require_agreement(
                uow,
                self.publish,
                command.tenant_id,
                command.actor,
                command.email,
                change=AccessChange.INVITE,
                before=NOTHING_GRANTED,
                after=granted,
            )
            if known is None:
                person, event = _add(uow, command, granted, actor)
            else:
                person, event = _bring_back(uow, command, known, granted, actor)
            secret = renew(uow, command.tenant_id, person).secret
            guarded = is_guarded(uow, command.tenant_id, command.actor, granted.roles)
            if guarded:
                self.mail.keep_to_person(uow, command.tenant_id, person)
            self.publish(uow, command.tenant_id, new_traceparent(), event)
            uow.commit()
        return self.mail.hand_over(command.tenant_id, person, secret, actor, to_person_alone=guarded)


@dataclass(frozen=True)
class ResetPersonHandler:
    uow: UnitOfWorkFactory
    publish: Publish
    mail: LinkMail
    notice: ResetNotice

    def __call__(self, command: ResetPerson) -> str | None:
        with self.uow() as uow:
            actor = admit(uow, command.tenant_id, command.actor, Action.CHANGE_PERSON)
            person = person_of(uow, command.tenant_id, command.email)
            not_oneself(command.actor, person)
            guarded = is_guarded(uow, command.tenant_id, command.actor, person.roles)
            if guarded and not self.mail.reaches_people:
                raise only_the_person(person.email)
            way_in = renew(uow, command.tenant_id, person)
            event = PasswordLinkMade(
                opportunity_id=None,
                actor=actor,
                detail={"person": str(person.id), **way_in.ended()},
                summary=f"The password of {person.email} was ended, with sessions and API tokens; a one-time "
                "link sets a new one",
            )
            self.publish(uow, command.tenant_id, new_traceparent(), event)
            uow.commit()
        is_sent = self.mail.send(command.tenant_id, person, way_in.secret, actor)
        self.notice.send(command.tenant_id, person, "password", command.actor, actor)
        if guarded and not is_sent:
            raise Conflict(
                f"The password of {person.email} is ended, but the link that sets a new one could not be "
                "mailed: the security log says why. Reset the account again.",
                code="MAIL_NOT_SENT",
            )
        return None if guarded else way_in.secret


@dataclass(frozen=True)
class AcceptInvitationHandler:
    """A password that is refused leaves the link as it was."""

    uow: UnitOfWorkFactory
    publish: Publish
    passwords: Passwords

    def __call__(self, command: AcceptInvitation) -> None:
        with self.uow() as uow:
            found = uow.credentials.use_invitation(hash_secret(command.secret))
            if found is None:
                raise NotFound("This link was used, is too old, or was replaced by a newer one.")
            tenant_id, person = found
            actor = person_actor(person.email)
            event = set_password(
                uow, tenant_id, person, command.password, passwords=self.passwords, actor=actor
            )
            self.publish(uow, tenant_id, new_traceparent(), event)
            uow.commit()


def _add(uow: UnitOfWork, command: InvitePerson, granted: Granted, actor: str) -> tuple[Person, Event]:
    person = Person(
        id=uuid.uuid4(), email=command.email.lower(), name=command.name.strip(), **granted._asdict()
    )
    uow.people.add(command.tenant_id, person, NO_PASSWORD)
    return person, PersonAdded(
        opportunity_id=None,
        actor=actor,
        after=access_of(person),
        detail={"person": str(person.id)},
        summary=f"{person.name} was invited as {person.email}, to be {granted_in_words(granted)}",
    )


def _bring_back(
    uow: UnitOfWork, command: InvitePerson, person: Person, granted: Granted, actor: str
) -> tuple[Person, Event]:
    """The account of before, with what it is known by and barred from, and under its name."""
    uow.people.set_access(command.tenant_id, person.id, granted, is_active=True)
    return person, PersonChanged(
        opportunity_id=None,
        actor=actor,
        before=access_of(person),
        after=access_of(changed(person, **granted._asdict(), is_active=True)),
        detail={"person": str(person.id)},
        summary=f"{person.email} was invited again, to be {granted_in_words(granted)}",
    )
