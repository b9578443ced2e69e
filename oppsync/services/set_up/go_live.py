"""Go live: what needs two people needs two from now on."""

from __future__ import annotations

from dataclasses import dataclass

from oppsync.domain.approval.involved import is_same
from oppsync.domain.approval.tasks import Person
from oppsync.domain.approval.who_may import Action
from oppsync.domain.values.actor import actor_name, person_actor, person_behind
from oppsync.domain.values.roles import PersonRole
from oppsync.domain.values.trace import new_traceparent
from oppsync.domain.work.events import WentLive
from oppsync.kernel.errors import Conflict, InvalidInput
from oppsync.ports.storage.unit_of_work import Publish, UnitOfWork, UnitOfWorkFactory
from oppsync.services.admin.passwords import NO_PASSWORD
from oppsync.services.admin.who_asks import admit
from oppsync.services.set_up.commands import GoLive


@dataclass(frozen=True)
class GoLiveHandler:
    uow: UnitOfWorkFactory
    publish: Publish

    def __call__(self, command: GoLive) -> None:
        tenant_id = command.tenant_id
        with self.uow() as uow:
            actor = admit(uow, tenant_id, command.actor, Action.GO_LIVE)
            tenant = uow.tenants.lock(tenant_id)
            if tenant.is_live:
                raise Conflict(
                    f"The firm went live on {tenant.went_live_at:%Y-%m-%d} already.", code="ALREADY_LIVE"
                )
            first = uow.people.get(tenant_id, person_behind(command.actor))
            second = _second(uow, tenant_id, command.second_email, first)
            uow.tenants.go_live(tenant_id, actor, person_actor(second.email))
            event = WentLive(
                opportunity_id=None,
                actor=actor,
                detail={"second_admin": second.email},
                summary=f"{tenant.name} went live, by {actor_name(actor)} with {second.email}: from now on two "
                "people agree to what moves money, changes who approves or who administers",
            )
            self.publish(uow, tenant_id, new_traceparent(), event)
            uow.commit()


def _second(uow: UnitOfWork, tenant_id: str, email: str, first: Person) -> Person:
    """Raises InvalidInput for somebody who could agree to nothing, or is the same person."""
    found = uow.people.by_email(tenant_id, email.strip())
    if found is None or PersonRole.ADMIN not in found[0].roles:
        raise InvalidInput(f"{email.strip() or 'Nobody'} is no active administrator here.", field="second")
    person, password_hash = found
    if password_hash == NO_PASSWORD:
        raise InvalidInput(
            f"{person.name} has no password yet: first they sign in by their one-time link.", field="second"
        )
    if is_same(person, first):
        raise InvalidInput("Name another administrator than yourself.", field="second")
    return person
