"""Notify people of approvals: the candidates of open tasks, and who approved what does not stand any more. Each
message is an effect of its own, whatever became of the others.

A refused notification is an exception item and stops nobody. One that nobody can receive, since no mail server
is configured, stays intended in the ledger, and is sent once there is one.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import NamedTuple

from oppsync.domain.approval.refusals import REFUSAL_REASONS, Refusal
from oppsync.domain.approval.tasks import ApprovalTask, Person, TaskStatus
from oppsync.domain.deal.parties import Party
from oppsync.domain.effects.effects import Effect, EffectState, ExternalRecord
from oppsync.domain.plan.orders import Message
from oppsync.domain.plan.plan import Plan, short_hash
from oppsync.domain.values.findings.codes import finding
from oppsync.domain.values.findings.finding import Finding
from oppsync.domain.values.keys import EffectKind, outside_key
from oppsync.kernel.errors import (
    BusinessError,
    LeaseLost,
    NotificationRefused,
    StoreUnavailable,
    TransientError,
    VendorUnavailable,
)
from oppsync.kernel.plain_text import quoted_in_mail
from oppsync.pipeline.duties import Duties
from oppsync.pipeline.retry import MAX_TRIES
from oppsync.pipeline.stage import Await, StageContext

REFUSED = NotificationRefused.code
NO_MAIL_SERVER = "No mail server is configured: it was written to a file, and nobody receives it"


class Notification(NamedTuple):
    """A message to a person, and how the ledger names it."""

    person: Person
    path: str
    message: Message


def notify(context: StageContext, plan: Plan, known: Duties, further: Sequence[Notification] = ()) -> Await:
    """Send each message once, `further` ones too. The deal waits for people, with an item for each who cannot
    be reached; what the mail server did not take yet is sent later."""
    refused, later = _send_all(context, [*_fallen(context, known), *_asked(context, plan, known), *further])
    if later and context.opportunity.tries < MAX_TRIES:
        return Await(context.opportunity, items=refused, later=later[0][1])
    # A mailbox that is full for a day is as good as none: the deal does not stop for it.
    given_up = [_refused(person, error.message) for person, error in later]
    return Await(context.opportunity, items=[*refused, *given_up])


def notify_of_fallen(context: StageContext, known: Duties) -> None:
    """Send each person whose approval does not stand any more a message, once. What cannot be sent now is sent
    with the next messages to candidates."""
    _send_all(context, _fallen(context, known))


def _send_all(
    context: StageContext, notifications: Sequence[Notification]
) -> tuple[list[Finding], list[tuple[Person, TransientError]]]:
    """Returns what was refused, and whom the mail server did not take a message for yet."""
    refused: list[Finding] = []
    later: list[tuple[Person, TransientError]] = []
    for notification in notifications:
        person = notification.person
        try:
            _perform(context, notification)
        except (LeaseLost, StoreUnavailable):
            raise
        except BusinessError as error:
            refused.append(_refused(person, error.message))
        except TransientError as error:
            if context.systems.notifier.delivers:
                later.append((person, error))
    return refused, later


def _asked(context: StageContext, plan: Plan, known: Duties) -> list[Notification]:
    """For each candidate of each open task of the plan: a link, no amount."""
    # What others wrote is quoted: it may hold line ends and addresses, and the only link is ours.
    name, customer = quoted_in_mail(plan.content.name), quoted_in_mail(plan.content.customer_name)
    unmatched = "".join(f"\n{_unmatched(owner)}\n" for owner in known.unmatched_owners())
    people = {person.id: person for person in known.people}
    return [
        notification(
            context,
            task,
            people[person_id],
            f"Approve the plan of {name}",
            f"{name} for {customer} needs your decision for {task.seat.words} on plan {short_hash(plan.hash)}.",
            after=unmatched,
        )
        for task in known.of_plan(plan.hash)
        if task.status is TaskStatus.OPEN
        for person_id in task.candidates
    ]


def _unmatched(owner: Party) -> str:
    address = f" ({quoted_in_mail(owner.email)})" if owner.email else ""
    who = f"{quoted_in_mail(owner.name)}{address}"
    return f"An owner in the CRM, {who}, matches no user here: make sure that it is not you."


def _fallen(context: StageContext, known: Duties) -> list[Notification]:
    """For each person whose approval does not stand any more."""
    people = {person.id: person for person in known.people}
    found = []
    for task in known.tasks:
        person = people.get(task.decided_by) if task.decided_by else None
        if task.void_because is None or person is None:
            continue
        name = _name_of(context, task)
        words = (
            f"Your approval of plan {short_hash(task.plan_hash)} of {name} for {task.seat.words} does not "
            f"stand any more: it came from somebody who {REFUSAL_REASONS[Refusal(task.void_because)]}. "
            "It is asked anew."
        )
        subject = f"Your approval of {name} does not stand"
        found.append(notification(context, task, person, subject, words, path="/void"))
    return found


def _name_of(context: StageContext, task: ApprovalTask) -> str:
    """The name in the plan that was decided about, as a mail may quote it."""
    opportunity = context.opportunity
    with context.uow.reading() as uow:
        plan = uow.plans.get(opportunity.tenant_id, opportunity.id, task.plan_hash)
    return quoted_in_mail(plan.content.name)


def notification(
    context: StageContext,
    task: ApprovalTask,
    person: Person,
    subject: str,
    words: str,
    *,
    after: str = "",
    path: str = "",
) -> Notification:
    opportunity = context.opportunity
    key = outside_key(
        opportunity.tenant_id,
        "notifier",
        opportunity.source_id,
        EffectKind.NOTIFICATION,
        f"{task.id}/{person.id}{path}",
    )
    link = f"{context.base_url}/approvals/{task.id}"
    body = f"Hello {quoted_in_mail(person.name)},\n\n{words}\n\n{link}\n{after}"
    message = Message(key=key, to=person.email, subject=subject, body=body)
    return Notification(person, f"{task.role}/{person.email}{path}", message)


def _perform(context: StageContext, notification: Notification) -> None:
    message = notification.message
    effect = Effect(
        key=message.key,
        kind=EffectKind.NOTIFICATION,
        path=notification.path,
        opportunity_id=context.opportunity.id,
        connection_id="notifier",
        request=message.model_dump(mode="json"),
        quarantine=timedelta(0),
    )
    if not _is_settled(context, effect):
        context.effects.perform(effect, _cannot_look_up, partial(_send, context, message))


def _is_settled(context: StageContext, effect: Effect) -> bool:
    """Whether sending this very message again would change nothing: it is in a file already, or it was refused
    and an exception item says so. A replay of that item sends it again."""
    state = context.effects.state_of(effect)
    if state is EffectState.INTENDED:
        return not context.systems.notifier.delivers
    if state is not EffectState.REJECTED:
        return False
    opportunity = context.opportunity
    with context.uow.reading() as uow:
        reported = uow.exceptions.reported(opportunity.tenant_id, opportunity.id)
    return any(item.code == REFUSED for item in reported)


def _refused(person: Person, why: str) -> Finding:
    return finding(REFUSED, f"{person.name} ({person.email}) could not be notified: {why}", value=person.email)


def _cannot_look_up() -> ExternalRecord | None:
    """A mailbox cannot be asked: a message whose outcome is unknown is sent again rather than never."""
    return None


def _send(context: StageContext, message: Message) -> ExternalRecord:
    notifier = context.systems.notifier
    notifier.send(message)
    if not notifier.delivers:
        raise VendorUnavailable(NO_MAIL_SERVER)
    return ExternalRecord(outside_id=message.to)
