"""Count what was refused to somebody outside."""

from __future__ import annotations

from dataclasses import dataclass

from oppsync.ports.storage.unit_of_work import UnitOfWorkFactory
from oppsync.services.admin.commands import CountAttempt


@dataclass(frozen=True)
class CountAttemptHandler:
    uow: UnitOfWorkFactory

    def __call__(self, command: CountAttempt) -> None:
        with self.uow() as uow:
            uow.attempts.count(command.tenant_id, command.kind, command.subject, command.address)
            uow.commit()
