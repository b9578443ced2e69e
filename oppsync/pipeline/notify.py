"""Notify the candidates of open approval tasks: each by an effect of their own, whatever became of the others'.

A refused notification is an exception item and stops nobody. One that nobody can receive, since no mail server
is configured, stays intended in the ledger, and is sent once there is one.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from functools import partial

from oppsync.domain.approval.tasks import ApprovalTask, Person, TaskStatus
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
from oppsync.pipeline.retry import MAX_TRIES
from oppsync.pipeline.stage import Await, StageContext

REFUSED = NotificationRefused.code
NO_MAIL_SERVER = "No mail server is configured: it was written to a file, and nobody receives it"


def notify(context: StageContext, plan: Plan, tasks: Sequence[ApprovalTask]) -> Await:
    """Send each candidate of each open task a link, once. The deal waits for people, with an item for each who
    cannot be reached; what the mail server did not take yet is sent later."""
    refused: list[Finding] = []
    later: list[tuple[Person, TransientError]] = []
    for task, person in _candidates(context, tasks):
        try:
            _perform(context, _message(context, task, person, plan), task)
        except (LeaseLost, StoreUnavailable):
            raise
        except BusinessError as error:
            refused.append(_refused(person, error.message))
        except TransientError as error:
            if context.systems.notifier.delivers:
                later.append((person, error))
    if later and context.opportunity.tries < MAX_TRIES:
        return Await(context.opportunity, items=refused, later=later[0][1])
    # A mailbox that is full for a day is as good as none: the deal does not stop for it.
    given_up = [_refused(person, error.message) for person, error in later]
    return Await(context.opportunity, items=[*refused, *given_up])


def _candidates(context: StageContext, tasks: Sequence[ApprovalTask]) -> list[tuple[ApprovalTask, Person]]:
    opportunity = context.opportunity
    with context.uow.reading() as uow:
        return [
            (task, uow.people.get(opportunity.tenant_id, person_id))
            for task in tasks
            if task.status is TaskStatus.OPEN and task.plan_hash == opportunity.plan_hash
            for person_id in task.candidates
        ]


def _perform(context: StageContext, message: Message, task: ApprovalTask) -> None:
    effect = Effect(
        key=message.key,
        kind=EffectKind.NOTIFICATION,
        path=f"{task.role}/{message.to}",
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
        return uow.exceptions.already_reported(opportunity.tenant_id, opportunity.id, REFUSED)


def _refused(person: Person, why: str) -> Finding:
    return finding(REFUSED, f"{person.name} ({person.email}) could not be notified: {why}", value=person.email)


def _message(context: StageContext, task: ApprovalTask, person: Person, plan: Plan) -> Message:
    opportunity = context.opportunity
    # What others wrote is quoted: it may hold line ends and addresses, and the only link is ours.
    name, customer = quoted_in_mail(plan.content.name), quoted_in_mail(plan.content.customer_name)
    return Message(
        key=outside_key(
            opportunity.tenant_id,
            "notifier",
            opportunity.source_id,
            EffectKind.NOTIFICATION,
            f"{task.id}/{person.id}",
        ),
        to=person.email,
        subject=f"Approve the plan of {name}",
        body=(
            f"Hello {quoted_in_mail(person.name)},\n\n"
            f"{name} for {customer} needs your decision for {task.role} on plan "
            f"{short_hash(plan.hash)}.\n\n{context.base_url}/approvals/{task.id}\n"
        ),
    )


def _cannot_look_up() -> ExternalRecord | None:
    """A mailbox cannot be asked: a message whose outcome is unknown is sent again rather than never."""
    return None


def _send(context: StageContext, message: Message) -> ExternalRecord:
    notifier = context.systems.notifier
    notifier.send(message)
    if not notifier.delivers:
        raise VendorUnavailable(NO_MAIL_SERVER)
    return ExternalRecord(outside_id=message.to)
