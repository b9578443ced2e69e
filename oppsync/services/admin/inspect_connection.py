"""Look at a connection from outside: what may be done there, and whether an event arrives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from oppsync.domain.approval.who_may import Action
from oppsync.domain.work.observations import Observation
from oppsync.domain.work.trial_events import TrialEvent
from oppsync.domain.work.webhook_secrets import accepted
from oppsync.kernel.errors import InvalidInput
from oppsync.ports.clock import Clock
from oppsync.ports.connectors import ConnectorCatalog, Inspector, TrialEventSender
from oppsync.ports.storage.unit_of_work import UnitOfWorkFactory
from oppsync.services.admin.commands import InspectConnection, SendTrialEvent
from oppsync.services.admin.connection_life import of_its_webhooks, with_webhooks
from oppsync.services.admin.connections import of_tenant
from oppsync.services.admin.who_asks import admit


@dataclass(frozen=True)
class InspectConnectionHandler:
    """No transaction is open while the system is asked. It is asked also while the connection is paused."""

    uow: UnitOfWorkFactory
    inspector: Inspector
    catalog: ConnectorCatalog
    clock: Clock

    def __call__(self, command: InspectConnection) -> Sequence[Observation]:
        with self.uow.reading() as uow:
            admit(uow, command.tenant_id, command.actor, Action.INSPECT_CONNECTION)
            found = of_tenant(uow, command.tenant_id, command.connection_id)
            secrets = uow.connections.secrets(found.id)
            book = uow.references.book(found.tenant_id)
            mapped = self.catalog.mapped(found, book, self.clock.now().date())
        seen = self.inspector.inspect(mapped, secrets)
        with self.uow() as uow:
            uow.connections.note_test(found, [each.in_words for each in seen if each.is_fault])
            uow.commit()
        return seen


@dataclass(frozen=True)
class SendTrialEventHandler:
    uow: UnitOfWorkFactory
    sender: TrialEventSender
    clock: Clock

    def __call__(self, command: SendTrialEvent) -> TrialEvent:
        with self.uow.reading() as uow:
            admit(uow, command.tenant_id, command.actor, Action.INSPECT_CONNECTION)
            found = of_tenant(uow, command.tenant_id, command.connection_id)
            with_webhooks(found)
            secrets = accepted(of_its_webhooks(uow, found), found.secret_ends, self.clock.now())
        if not secrets:
            raise InvalidInput(f"{found.name} has no webhook secret: make one first.", field="connection")
        return self.sender.send(found, secrets[0])
