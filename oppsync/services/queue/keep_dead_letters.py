"""Keep dead letters of the broker before it forgets them, each with an exception item on its deal."""

from __future__ import annotations

from dataclasses import dataclass

from oppsync.domain.values.actor import RELAY
from oppsync.domain.values.findings.codes import finding
from oppsync.domain.work.dead_letters import DeadLetter
from oppsync.domain.work.exceptions import Disposition
from oppsync.domain.work.payload_references import message_reference
from oppsync.ports.storage.unit_of_work import Publish, UnitOfWork, UnitOfWorkFactory
from oppsync.services.queue.commands import KeepDeadLetters
from oppsync.services.queue.items import raise_for_deal


@dataclass(frozen=True)
class KeepDeadLettersHandler:
    uow: UnitOfWorkFactory
    publish: Publish

    def __call__(self, command: KeepDeadLetters) -> None:
        with self.uow() as uow:
            for letter in command.letters:
                self._keep(uow, letter)
            uow.commit()

    def _keep(self, uow: UnitOfWork, letter: DeadLetter) -> None:
        owner = uow.dead_letters.add(letter)
        if owner is None:
            return
        event = raise_for_deal(
            uow,
            owner.tenant_id,
            owner.opportunity_id,
            [finding("BUG", f"{letter.actor} failed outside its stage")],
            actor=RELAY,
            record=None,
            payload_reference=message_reference(letter.message_id),
            disposition=Disposition.DEAD_LETTER,
        )
        self.publish(uow, owner.tenant_id, owner.traceparent, event)
