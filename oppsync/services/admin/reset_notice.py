"""Tell a person, and the other administrators, that somebody ended the way in of an approver or administrator.

One administrator is enough for that, or who is locked out of a firm with two would stay so; told to everybody
else, it does not stay unseen. As with a one-time link, a mail that is not taken is not sent again: the security
log says who was not told.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import uuid4

from oppsync.domain.approval.tasks import Person
from oppsync.domain.plan.orders import Message
from oppsync.domain.values.actor import Asker, Program, actor_name, person_behind
from oppsync.domain.values.roles import PersonRole, role_name
from oppsync.domain.values.trace import new_traceparent
from oppsync.domain.work.access_proposals import needs_two
from oppsync.domain.work.events import AccountResetTold
from oppsync.kernel.errors import BusinessError, TransientError
from oppsync.kernel.plain_text import quoted_in_mail
from oppsync.ports.notifier import Notifier
from oppsync.ports.storage.unit_of_work import Publish, UnitOfWork, UnitOfWorkFactory


@dataclass(frozen=True)
class ResetNotice:
    uow: UnitOfWorkFactory
    publish: Publish
    notifier: Notifier

    def send(self, tenant_id: str, person: Person, what: str, asker: Asker, actor: str) -> None:
        """After the reset is committed. `what` was reset, such as `password`. Nothing before going live, nor
        for roles that one administrator gives."""
        if not needs_two(person.roles):
            return
        with self.uow.reading() as uow:
            if uow.configurations.live_since(tenant_id) is None:
                return
            those = _those_told(uow, tenant_id, person, asker)
        told, missed = list[str](), list[str]()
        for each in those:
            (told if self._reaches(_message(each, person, what, actor)) else missed).append(each.email)
        event = AccountResetTold(
            opportunity_id=None,
            actor=actor,
            detail={"person": str(person.id), "told": told, "not_told": missed},
            summary=f"The {what} of {person.email} was reset: {_listed(told)} told; {_listed(missed)} not told",
        )
        with self.uow() as uow:
            self.publish(uow, tenant_id, new_traceparent(), event)
            uow.commit()

    def _reaches(self, message: Message) -> bool:
        try:
            self.notifier.send(message)
        except (BusinessError, TransientError):
            return False
        return self.notifier.delivers


def _those_told(uow: UnitOfWork, tenant_id: str, person: Person, asker: Asker) -> Sequence[Person]:
    """The person first, then each administrator but the one who did it."""
    by = None if isinstance(asker, Program) else person_behind(asker)
    others = (
        each
        for each in uow.people.everyone(tenant_id)
        if each.is_active and PersonRole.ADMIN in each.roles and each.id not in (by, person.id)
    )
    return [person, *sorted(others, key=lambda each: each.email)]


def _listed(emails: Sequence[str]) -> str:
    return ", ".join(emails) or "nobody"


def _message(to: Person, person: Person, what: str, actor: str) -> Message:
    whose = "your account" if to.id == person.id else f"the account of {person.email}"
    roles = " and ".join(sorted(role_name(role) for role in needs_two(person.roles)))
    body = (
        f"Hello {quoted_in_mail(to.name)},\n\n{actor_name(actor)} reset the {what} of {whose} in oppsync, "
        f"which is {roles} there. Whoever did it may be able to sign in there.\n\nIf it was not asked for, "
        "tell another administrator now: one can sign the person out everywhere and reset the account again.\n"
    )
    return Message(key=f"reset-{uuid4().hex}", to=to.email, subject="An oppsync account was reset", body=body)
