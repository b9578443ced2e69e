"""Tell by mail whoever stands in for an absent approver.

As with a one-time link, a mail that is not taken is not sent again, and stops nothing: the ledger is of deals,
and this belongs to none. An event says whether it was taken.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from oppsync.domain.approval.absences import Absence
from oppsync.domain.approval.tasks import Person
from oppsync.domain.plan.orders import Message
from oppsync.domain.values.actor import actor_name
from oppsync.domain.values.trace import new_traceparent
from oppsync.domain.work.events import DelegateTold
from oppsync.kernel.errors import BusinessError, TransientError
from oppsync.kernel.plain_text import quoted_in_mail
from oppsync.ports.notifier import Notifier
from oppsync.ports.storage.unit_of_work import Publish, UnitOfWorkFactory


@dataclass(frozen=True)
class DelegateNotice:
    uow: UnitOfWorkFactory
    publish: Publish
    notifier: Notifier
    base_url: str

    def send(
        self, tenant_id: str, absence: Absence, person: Person, delegate: Person, days: tuple[date, date]
    ) -> None:
        """After the absence is committed. `days`: the first and the last, where the firm is."""
        told = self._reaches(self._message(absence, person, delegate, days))
        outcome = "was told by mail" if told else "was not reached by mail"
        event = DelegateTold(
            opportunity_id=None,
            actor=absence.made_by,
            detail={"absence": str(absence.id), "person": str(delegate.id), "told": told},
            summary=f"{delegate.name}, who decides for {person.name} meanwhile, {outcome}",
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

    def _message(self, absence: Absence, person: Person, delegate: Person, days: tuple[date, date]) -> Message:
        name, by = quoted_in_mail(person.name), quoted_in_mail(actor_name(absence.made_by))
        first, last = (f"{day:%d %B %Y}" for day in days)
        body = (
            f"Hello {quoted_in_mail(delegate.name)},\n\n{name} is out of office from {first} until {last}, and "
            f"you decide meanwhile what {name} may approve. {by} entered it. What waits for a decision is "
            f"mailed to you when it is asked.\n\n{self.base_url.rstrip('/')}/approvals\n\nWhere you cannot, "
            "tell them: the absence is ended and entered anew with somebody else.\n"
        )
        subject = f"You decide for {name} from {first}"
        return Message(key=f"stand-in-{absence.id}", to=delegate.email, subject=subject, body=body)
