"""Who comes in: roles, the end of an access, and open approvals that go to others with it."""

from __future__ import annotations

from dataclasses import dataclass

from oppsync.domain.approval.tasks import Person
from oppsync.domain.approval.who_may import Action
from oppsync.domain.values.actor import Asker, Program, person_behind
from oppsync.domain.values.limits import granted_in_words
from oppsync.domain.values.model import changed
from oppsync.domain.values.trace import new_traceparent
from oppsync.domain.work.access_proposals import AccessChange
from oppsync.domain.work.events import PersonChanged
from oppsync.domain.work.states import State
from oppsync.kernel.errors import Forbidden
from oppsync.pipeline.table import stage_for
from oppsync.ports.storage.opportunities import HANDED_ON
from oppsync.ports.storage.unit_of_work import Publish, UnitOfWork, UnitOfWorkFactory
from oppsync.services.admin.agreement import end_proposals, require_agreement
from oppsync.services.admin.commands import DeactivatePerson, SetRoles
from oppsync.services.admin.granting import checked_grant
from oppsync.services.admin.people import access_of, person_of
from oppsync.services.admin.who_asks import admit


@dataclass(frozen=True)
class SetRolesHandler:
    """Ends the person's sessions: a page that was opened with the old roles is opened anew."""

    uow: UnitOfWorkFactory
    publish: Publish

    def __call__(self, command: SetRoles) -> None:
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
            ended = uow.credentials.end_sessions(command.tenant_id, person.id)
            move_approvals(uow, command.tenant_id, person)
            event = PersonChanged(
                opportunity_id=None,
                actor=actor,
                before=access_of(person),
                after=access_of(changed(person, **granted._asdict())),
                detail={"person": str(person.id), "sessions_ended": ended},
                summary=f"{person.name} is now {granted_in_words(granted)}",
            )
            self.publish(uow, command.tenant_id, new_traceparent(), event)
            uow.commit()


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
            move_approvals(uow, command.tenant_id, person)
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


def move_approvals(uow: UnitOfWork, tenant_id: str, person: Person) -> None:
    """Have the deals looked at again that wait for somebody who was asked with this person: where none of them
    may decide any more, the stage asks others, or says that nobody is left."""
    for opportunity_id in uow.approvals.asked(tenant_id, person.id):
        deal = uow.opportunities.lock(tenant_id, opportunity_id)
        if deal.state is State.AWAITING_APPROVAL:
            uow.opportunities.change(deal, deal, HANDED_ON)
            uow.outbox.add(tenant_id, deal.id, stage_for(deal.state).name, deal.traceparent)
