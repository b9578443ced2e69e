"""A person confirms what looks wrong and is right; the deal goes on from there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from oppsync.domain.approval.who_may import Action
from oppsync.domain.validation.confirmations import Confirmation, confirmable
from oppsync.domain.values.findings.finding import Finding
from oppsync.domain.values.model import changed
from oppsync.domain.work.events import FindingConfirmed
from oppsync.domain.work.tracked import TrackedOpportunity
from oppsync.kernel.crash_points import crash_point
from oppsync.kernel.errors import Conflict
from oppsync.kernel.text_input import comment
from oppsync.ports.clock import Clock
from oppsync.ports.storage.unit_of_work import Publish, UnitOfWorkFactory
from oppsync.services.admin.who_asks import admit
from oppsync.services.queue.commands import ConfirmFindings
from oppsync.services.queue.items import open_item
from oppsync.services.queue.own_deal import check_not_own
from oppsync.services.queue.reach import check_reach
from oppsync.services.queue.resume import resume


@dataclass(frozen=True)
class ConfirmFindingsHandler:
    uow: UnitOfWorkFactory
    publish: Publish
    clock: Clock

    def __call__(self, command: ConfirmFindings) -> None:
        with self.uow() as uow:
            actor = admit(uow, command.tenant_id, command.actor, Action.CONFIRM)
            reason = comment(
                command.reason, "reason", required="Say why it is right: approvers will see the reason."
            )
            item = open_item(uow, command.tenant_id, command.item_id)
            findings = confirmable(item.findings)
            if item.opportunity_id is None or not findings:
                raise Conflict("Nothing of this item can be confirmed.", code="NOTHING_TO_CONFIRM")
            before = uow.opportunities.lock(command.tenant_id, item.opportunity_id)
            check_reach(uow, before.tenant_id, before, command.actor, Action.CONFIRM)
            check_not_own(uow, before, command.actor)
            confirmed = changed(before, confirmations=self._with(before, findings, actor, reason))
            codes = sorted({found.code for found in findings})
            event = FindingConfirmed(
                opportunity_id=before.id,
                actor=actor,
                detail={"exception": str(item.id), "codes": codes, "reason": reason},
                summary=f"Confirmed {', '.join(codes)}: {reason}",
            )
            self.publish(uow, before.tenant_id, before.traceparent, event)
            uow.exceptions.close_open(before.tenant_id, before.id, actor, f"Confirmed: {reason}")
            detail = {"exception": str(item.id)}
            target = before.stands_at
            what = "after a confirmation"
            resume(uow, self.publish, confirmed, target, actor=actor, after_what=what, detail=detail)
            crash_point("confirmation.uncommitted", before.source_id)
            uow.commit()
            crash_point("confirmation.committed", before.source_id)

    def _with(
        self, before: TrackedOpportunity, findings: Sequence[Finding], actor: str, reason: str
    ) -> tuple[Confirmation, ...]:
        """One a code and place: what was confirmed of an earlier value is over."""
        new = {
            (found.code, found.path): Confirmation(
                code=found.code,
                path=found.path,
                value=found.value,
                reason=reason,
                by=actor,
                at=self.clock.now(),
            )
            for found in findings
        }
        kept = [each for each in before.confirmations if (each.code, each.path) not in new]
        return (*kept, *new.values())
