"""Who comes in: roles, the end of an access, and open approvals that go to others with it."""

from __future__ import annotations

from dataclasses import dataclass

from oppsync.domain.approval.tasks import Person
from oppsync.domain.approval.who_may import Action
from oppsync.domain.values.actor import Asker, Program, person_behind
from oppsync.domain.values.limits import Granted, granted_in_words, is_more
from oppsync.domain.values.model import changed
from oppsync.domain.values.trace import new_traceparent
from oppsync.domain.work.access_proposals import AccessChange
from oppsync.domain.work.events import PersonChanged
from oppsync.kernel.errors import Forbidden
from oppsync.ports.storage.unit_of_work import Publish, UnitOfWork, UnitOfWorkFactory
from oppsync.services.admin.agreement import end_proposals, require_agreement
from oppsync.services.admin.commands import DeactivatePerson, OneTimeLink, SetRoles
from oppsync.services.admin.granting import checked_grant
from oppsync.services.admin.guarded import becomes_guarded
from oppsync.services.admin.link_mail import LinkMail
from oppsync.services.admin.look_again import ask_others
from oppsync.services.admin.people import access_of, person_of
from oppsync.services.admin.way_in import renew
from oppsync.services.admin.who_asks import admit


@dataclass(frozen=True)
class SetRolesHandler:
    """Ends the person's sessions: a page that was opened with the old roles is opened anew. A token never
    does what its person could not do when it was made: a role more, or a wider one, ends theirs."""

    uow: UnitOfWorkFactory
    publish: Publish
    mail: LinkMail

    def __call__(self, command: SetRoles) -> OneTimeLink | None:
        with self.uow() as uow:
            actor = admit(uow, command.tenant_id, command.actor, Action.CHANGE_PERSON)
            person = person_of(uow, command.tenant_id, command.email)
            not_oneself(command.actor, person)
            granted = checked_grant(uow, command.tenant_id, command.roles, command.limits)
            require_agreement(
                uow,
                self.publish,
                command.tenant_id,
                command.actor,
                person.email,
                change=AccessChange.SET_ROLES,
                before=person.granted,
                after=granted,
            )
            uow.people.set_access(command.tenant_id, person.id, granted, is_active=True)
            ended, secret = self._end(uow, command, person, granted)
            ask_others(uow, command.tenant_id, person.id)
            event = PersonChanged(
                opportunity_id=None,
                actor=actor,
                before=access_of(person),
                after=access_of(changed(person, **granted._asdict())),
                detail={"person": str(person.id), **ended},
                summary=f"{person.name} is now {granted_in_words(granted)}",
            )
            self.publish(uow, command.tenant_id, new_traceparent(), event)
            uow.commit()
        if secret is None:
            return None
        return self.mail.hand_over(
            command.tenant_id,
            person,
            secret,
            actor,
            to_person_alone=not isinstance(command.actor, Program),
            why=f"You are now {granted_in_words(granted)}, which ended your password, sessions and API tokens.",
        )

    def _end(
        self, uow: UnitOfWork, command: SetRoles, person: Person, granted: Granted
    ) -> tuple[dict[str, object], str | None]:
        """What ended, for the audit event, and the secret of the one-time link that is due with a guarded
        role."""
        if becomes_guarded(uow, command.tenant_id, person.granted, granted):
            way_in = renew(uow, command.tenant_id, person)
            if not isinstance(command.actor, Program):
                self.mail.keep_to_person(uow, command.tenant_id, person)
            return {**way_in.ended(), "password_ended": True}, way_in.secret
        ended: dict[str, object] = {
            "sessions_ended": uow.credentials.end_sessions(command.tenant_id, person.id)
        }
        if is_more(person.granted, granted):
            ended["tokens_revoked"] = list(uow.credentials.revoke_tokens(command.tenant_id, person.id))
        return ended, None


@dataclass(frozen=True)
class DeactivatePersonHandler:
    uow: UnitOfWorkFactory
    publish: Publish

    def __call__(self, command: DeactivatePerson) -> None:
        with self.uow() as uow:
            actor = admit(uow, command.tenant_id, command.actor, Action.CHANGE_PERSON)
            person = person_of(uow, command.tenant_id, command.email)
            not_oneself(command.actor, person)
            end_proposals(uow, self.publish, command.tenant_id, command.actor, person.email)
            uow.people.set_access(command.tenant_id, person.id, person.granted, is_active=False)
            ended = uow.credentials.end_sessions(command.tenant_id, person.id)
            revoked = uow.credentials.revoke_tokens(command.tenant_id, person.id)
            uow.credentials.end_invitation(command.tenant_id, person.id)
            ask_others(uow, command.tenant_id, person.id)
            event = PersonChanged(
                opportunity_id=None,
                actor=actor,
                before=access_of(person),
                after=access_of(changed(person, is_active=False)),
                detail={"person": str(person.id), "sessions_ended": ended, "tokens_revoked": list(revoked)},
                summary=f"{person.email} was deactivated: sessions and API tokens ended",
            )
            self.publish(uow, command.tenant_id, new_traceparent(), event)
            uow.commit()


def not_oneself(asker: Asker, person: Person) -> None:
    """Raises Forbidden: what a person may do, another one says."""
    if not isinstance(asker, Program) and person_behind(asker) == person.id:
        raise Forbidden("Another administrator has to change your account.", code="OWN_ACCOUNT")
