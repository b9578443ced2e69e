"""Comment on an approval without deciding it."""

from __future__ import annotations

from dataclasses import dataclass

from oppsync.domain.approval.who_may import Action, check, name_of
from oppsync.domain.plan.plan import short_hash
from oppsync.domain.values.actor import person_behind, scopes_of
from oppsync.domain.work.events import ApprovalCommented
from oppsync.kernel.text_input import comment
from oppsync.ports.storage.unit_of_work import Publish, UnitOfWorkFactory
from oppsync.services.approvals.commands import CommentApproval


@dataclass(frozen=True)
class CommentApprovalHandler:
    """A comment is an audit event and nothing else: it holds nothing up and changes no decision."""

    uow: UnitOfWorkFactory
    publish: Publish

    def __call__(self, command: CommentApproval) -> None:
        with self.uow() as uow:
            person = uow.people.get(command.tenant_id, person_behind(command.actor))
            check(person, Action.COMMENT_APPROVAL, scopes_of(command.actor))
            task = uow.approvals.get(command.tenant_id, command.task_id)
            text = comment(command.comment, "comment", required="Write the comment.")
            deal = uow.opportunities.get(command.tenant_id, task.opportunity_id)
            event = ApprovalCommented(
                opportunity_id=deal.id,
                actor=name_of(person),
                after={"role": task.role, "plan": task.plan_hash},
                detail={"task": str(task.id), "comment": text},
                summary=f"{person.name} on plan {short_hash(task.plan_hash)}: {text}",
            )
            self.publish(uow, command.tenant_id, deal.traceparent, event)
            uow.commit()
