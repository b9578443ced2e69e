"""Set a rule by which plans are approved without a person."""

from __future__ import annotations

from dataclasses import dataclass

from oppsync.domain.reference.book import ReferenceKind
from oppsync.domain.values.trace import new_traceparent
from oppsync.domain.work.events import ApprovalRuleSet
from oppsync.kernel.errors import InvalidInput
from oppsync.ports.storage.unit_of_work import Publish, UnitOfWorkFactory
from oppsync.services.approvals.commands import SetApprovalRule


@dataclass(frozen=True)
class SetApprovalRuleHandler:
    uow: UnitOfWorkFactory
    publish: Publish

    def __call__(self, command: SetApprovalRule) -> None:
        row = command.row
        if row.kind is not ReferenceKind.APPROVAL_RULE:
            raise InvalidInput(f"{row.kind} is no approval rule.", field="kind")
        until = f" until {row.valid_to}" if row.valid_to else ""
        event = ApprovalRuleSet(
            opportunity_id=None,
            actor=command.actor,
            after=row.model_dump(mode="json", exclude={"version"}),
            summary=f"Plans are approved by rule {row.key} from {row.valid_from}{until}",
        )
        with self.uow() as uow:
            uow.references.put(command.tenant_id, row)
            self.publish(uow, command.tenant_id, new_traceparent(), event)
            uow.commit()
