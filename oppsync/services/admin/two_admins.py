"""Propose roles that two administrators have to agree to, and agree to them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from oppsync.domain.approval.involved import is_own_address, is_same
from oppsync.domain.approval.who_may import Action
from oppsync.domain.values.actor import person_behind
from oppsync.domain.values.limits import NOTHING_GRANTED, Granted, granted_detail, granted_in_words
from oppsync.domain.values.trace import new_traceparent
from oppsync.domain.work.access_proposals import AccessChange, AccessProposal, AccessStatus, gained
from oppsync.domain.work.events import AccessAgreed, AccessProposed, Event
from oppsync.kernel import text_input
from oppsync.kernel.errors import Conflict, Forbidden, InvalidInput
from oppsync.ports.storage.access_proposals import NewAccessProposal
from oppsync.ports.storage.unit_of_work import Publish, UnitOfWork, UnitOfWorkFactory
from oppsync.services.admin.agreement import rejected
from oppsync.services.admin.commands import (
    DecideAccess,
    InvitePerson,
    OneTimeLink,
    ProposeAccess,
    SetRoles,
)
from oppsync.services.admin.granting import checked_grant
from oppsync.services.admin.people import check_person, person_of
from oppsync.services.admin.who_asks import admit


@dataclass(frozen=True)
class ProposeAccessHandler:
    uow: UnitOfWorkFactory
    publish: Publish

    def __call__(self, command: ProposeAccess) -> UUID:
        tenant_id, email = command.tenant_id, command.email.strip()
        with self.uow() as uow:
            actor = admit(uow, tenant_id, command.actor, Action.AGREE_ACCESS)
            before = _granted_before(uow, command, email)
            granted = checked_grant(uow, tenant_id, command.roles, command.limits)
            if not gained(before, granted):
                raise InvalidInput("One administrator is enough for these roles: give them.", field="roles")
            wanted = NewAccessProposal(
                command.change,
                email,
                command.name.strip(),
                granted.roles,
                person_behind(command.actor),
                granted.limits,
            )
            proposal_id = uow.access_proposals.add(tenant_id, wanted)
            event = AccessProposed(
                opportunity_id=None,
                actor=actor,
                after={"email": email.lower(), **granted_detail(granted)},
                detail={"proposal": str(proposal_id)},
                summary=f"Proposed that {email} becomes {granted_in_words(granted)}",
            )
            self.publish(uow, tenant_id, new_traceparent(), event)
            uow.commit()
        return proposal_id


@dataclass(frozen=True)
class DecideAccessHandler:
    """What was agreed to is then done as whoever proposed it, in a transaction of its own: where that is
    refused (they are no administrator any more, say), the agreement is void and the proposal waits again."""

    uow: UnitOfWorkFactory
    publish: Publish
    invite: Callable[[InvitePerson], OneTimeLink]
    set_roles: Callable[[SetRoles], OneTimeLink | None]

    def __call__(self, command: DecideAccess) -> OneTimeLink | None:
        tenant_id = command.tenant_id
        with self.uow() as uow:
            actor = admit(uow, tenant_id, command.actor, Action.AGREE_ACCESS)
            required = "" if command.approve else "Give a reason: whoever proposed it is shown it."
            comment = text_input.comment(command.comment, "comment", required=required)
            found = uow.access_proposals.lock(tenant_id, command.proposal_id)
            if found.status in (AccessStatus.DONE, AccessStatus.REJECTED):
                raise Conflict(f"The proposal was decided already: {found.status}.", code="ALREADY_DECIDED")
            if command.approve:
                person = uow.people.get(tenant_id, person_behind(command.actor))
                if is_same(person, uow.people.get(tenant_id, found.proposed_by)):
                    raise Forbidden("You proposed this: another administrator agrees.", code="OWN_PROPOSAL")
                if is_own_address(person, found.email, uow.people.everyone(tenant_id)):
                    raise Forbidden(
                        "This is your own account: another administrator agrees.", code="OWN_ACCOUNT"
                    )
            status = AccessStatus.AGREED if command.approve else AccessStatus.REJECTED
            uow.access_proposals.decide(tenant_id, found.id, status, person_behind(command.actor), comment)
            event = _agreed(found, actor) if command.approve else rejected(found, actor, comment)
            self.publish(uow, tenant_id, new_traceparent(), event)
            uow.commit()
        return self._do(tenant_id, found) if command.approve else None

    def _do(self, tenant_id: str, found: AccessProposal) -> OneTimeLink | None:
        """An agreement is used up with this, or void: what is left of one would give access again, later."""
        is_done = False
        try:
            link = self._done(tenant_id, found)
            is_done = True
        finally:
            with self.uow() as uow:
                uow.access_proposals.settle(tenant_id, found.id, is_done=is_done)
                uow.commit()
        return link

    def _done(self, tenant_id: str, found: AccessProposal) -> OneTimeLink | None:
        if found.change is AccessChange.SET_ROLES:
            wanted = SetRoles(tenant_id, found.proposed_by, found.email, found.roles, found.limits)
            return self.set_roles(wanted)
        return self.invite(
            InvitePerson(tenant_id, found.proposed_by, found.email, found.name, found.roles, found.limits)
        )


def _granted_before(uow: UnitOfWork, command: ProposeAccess, email: str) -> Granted:
    """Raises what doing it would raise, as far as that can be known now."""
    if command.change is AccessChange.SET_ROLES:
        person = person_of(uow, command.tenant_id, email)
        if is_same(person, uow.people.get(command.tenant_id, person_behind(command.actor))):
            raise Forbidden("Another administrator has to change your account.", code="OWN_ACCOUNT")
        return person.granted
    check_person(email, command.name)
    known = uow.people.known(command.tenant_id, email)
    if known is not None and known.is_active:
        raise Conflict(f"{known.email} is here already. Change the roles instead.")
    return NOTHING_GRANTED


def _agreed(found: AccessProposal, actor: str) -> Event:
    return AccessAgreed(
        opportunity_id=None,
        actor=actor,
        after={"email": found.email, **granted_detail(found.granted)},
        detail={"proposal": str(found.id)},
        summary=f"Agreed that {found.email} becomes {granted_in_words(found.granted)}",
    )
