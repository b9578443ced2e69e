"""Set a rule by which plans are approved without a person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from oppsync.domain.approval.who_may import Action
from oppsync.domain.reference.book import ReferenceKind, ReferenceRow
from oppsync.domain.values.roles import ApprovalRole
from oppsync.domain.values.trace import new_traceparent
from oppsync.domain.work.events import ApprovalRuleSet
from oppsync.kernel.errors import Forbidden, InvalidInput
from oppsync.ports.storage.unit_of_work import Publish, UnitOfWork, UnitOfWorkFactory
from oppsync.services.admin.who_asks import admit
from oppsync.services.approvals.commands import SetApprovalRule
from oppsync.services.configuration.apply import Wanted, begin, write


@dataclass(frozen=True)
class SetApprovalRuleHandler:
    uow: UnitOfWorkFactory
    publish: Publish

    def __call__(self, command: SetApprovalRule) -> None:
        row = command.row
        with self.uow() as uow:
            actor = admit(uow, command.tenant_id, command.actor, Action.SET_APPROVAL_RULE)
            if row.kind is not ReferenceKind.APPROVAL_RULE:
                raise InvalidInput(f"{row.kind} is no approval rule.", field="kind")
            _refuse_unknown_roles(uow, command.tenant_id, row)
            before = begin(uow, command.tenant_id)
            if uow.configurations.live_since(command.tenant_id) is not None:
                raise Forbidden(
                    "A rule changes who approves, so that two people have to agree to it: export the "
                    "configuration, change its rules and apply it.",
                    code="NEEDS_SECOND_PERSON",
                )
            self.publish(uow, command.tenant_id, new_traceparent(), _event(row, actor))
            wanted = Wanted(before.firm, _with(before.rows, row), actor)
            write(uow, self.publish, command.tenant_id, before, wanted)
            uow.commit()


def _refuse_unknown_roles(uow: UnitOfWork, tenant_id: str, row: ReferenceRow) -> None:
    further = uow.references.of_kind(tenant_id, ReferenceKind.APPROVAL_ROLE)
    known = (*ApprovalRole, *sorted({each.key for each in further}))
    for role in row.value.get("roles", ()):
        if role not in known:
            raise InvalidInput(f"{role!r} is no approval role. There are {', '.join(known)}.", field="roles")


def _with(rows: Sequence[ReferenceRow], row: ReferenceRow) -> Sequence[ReferenceRow]:
    at = (row.kind, row.key, row.valid_from)
    return [*(each for each in rows if (each.kind, each.key, each.valid_from) != at), row]


def _event(row: ReferenceRow, actor: str) -> ApprovalRuleSet:
    until = f" until {row.valid_to}" if row.valid_to else ""
    return ApprovalRuleSet(
        opportunity_id=None,
        actor=actor,
        after=row.model_dump(mode="json", exclude={"version"}),
        summary=f"Plans are approved by rule {row.key} from {row.valid_from}{until}",
    )
