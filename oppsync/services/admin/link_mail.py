"""Mail a one-time link to its person, where mail reaches people.

Where the link is shown to whoever made it too, a mail that is not taken stops nothing; it is not sent again.
The ledger is of deals, and this belongs to none: the security log says what became of it.
"""

from __future__ import annotations

from dataclasses import dataclass

from oppsync.domain.approval.tasks import Person
from oppsync.domain.plan.orders import Message
from oppsync.domain.values.trace import new_traceparent
from oppsync.domain.work.events import PasswordLinkMailed
from oppsync.kernel.errors import BusinessError, OppsyncError, TransientError
from oppsync.kernel.plain_text import quoted_in_mail
from oppsync.ports.notifier import Notifier
from oppsync.ports.storage.unit_of_work import Publish, UnitOfWork, UnitOfWorkFactory
from oppsync.services.admin.commands import OneTimeLink
from oppsync.services.admin.secret_hash import hash_secret


@dataclass(frozen=True)
class LinkMail:
    uow: UnitOfWorkFactory
    publish: Publish
    notifier: Notifier
    base_url: str

    @property
    def reaches_people(self) -> bool:
        return self.notifier.delivers

    def keep_to_person(self, uow: UnitOfWork, tenant_id: str, person: Person) -> None:
        """Where no mail reaches the person, a link that is shown to nobody is none."""
        if not self.reaches_people:
            uow.credentials.end_invitation(tenant_id, person.id)

    def hand_over(
        self,
        tenant_id: str,
        person: Person,
        secret: str,
        actor: str,
        *,
        to_person_alone: bool,
        why: str = "",
    ) -> OneTimeLink:
        """After the link is committed: what whoever asked gets to see. `why`: what the mail begins with."""
        is_sent = self.send(tenant_id, person, secret, actor, why)
        if not to_person_alone:
            return OneTimeLink(secret)
        if is_sent:
            return OneTimeLink(None, f"The one-time link was mailed to {person.email} alone.")
        if not self.reaches_people:
            return OneTimeLink(
                None,
                f"{person.email} cannot sign in yet, because no mail server is set up that brings the one-time "
                "link to them alone. On the server's own command line, "
                f"`oppsync user reset --email {person.email}` makes it; the security log says so.",
                is_stuck=True,
            )
        return OneTimeLink(
            None,
            f"{person.email} cannot sign in yet, because the one-time link could not be mailed: the security "
            "log says why. Reset the account again once mail is taken.",
            is_stuck=True,
        )

    def send(self, tenant_id: str, person: Person, secret: str, actor: str, why: str = "") -> bool:
        """After the link is committed; whether it was taken. What writes files only would leave a secret in
        one."""
        if not self.notifier.delivers:
            return False
        refused: OppsyncError | None = None
        try:
            link = password_link(self.base_url, secret)
            self.notifier.send(_message(person, link, hash_secret(secret), why))
        except (BusinessError, TransientError) as error:
            refused = error
        outcome = f"could not be mailed to {person.email}: {refused.message}" if refused else "was mailed"
        event = PasswordLinkMailed(
            opportunity_id=None,
            actor=actor,
            detail={"person": str(person.id), "mailed": refused is None},
            summary=f"The one-time link of {person.email} {outcome}",
        )
        with self.uow() as uow:
            self.publish(uow, tenant_id, new_traceparent(), event)
            uow.commit()
        return refused is None


def password_link(base_url: str, secret: str) -> str:
    """The address that sets a password, once. In the query, which no log of ours keeps."""
    return f"{base_url.rstrip('/')}/invitation?key={secret}"


def _message(person: Person, link: str, key: str, why: str) -> Message:
    begins = f"{quoted_in_mail(why)}\n\n" if why else ""
    body = (
        f"Hello {quoted_in_mail(person.name)},\n\n{begins}This link sets your password for oppsync. It works "
        f"once, within seven days. Show it to nobody.\n\n{link}\n\nTell an administrator if you did not "
        "ask for it.\n"
    )
    return Message(key=f"link-{key[:40]}", to=person.email, subject="Set your password for oppsync", body=body)
