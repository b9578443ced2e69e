"""Pause, resume and remove a connection, and give its webhooks a new secret."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, timedelta
from typing import Any

from oppsync.domain.approval.who_may import Action
from oppsync.domain.values.trace import new_traceparent
from oppsync.domain.work.connections import Connection, InFlight, paused_words
from oppsync.domain.work.events import (
    ConnectionPaused,
    ConnectionRemoved,
    ConnectionResumed,
    Event,
    SecretsReencrypted,
    WebhookSecretRotated,
)
from oppsync.domain.work.webhook_secrets import LONGEST_BOTH_VALID, WEBHOOK_SECRETS, rotated
from oppsync.kernel.errors import Conflict, InvalidInput
from oppsync.ports.clock import Clock
from oppsync.ports.connectors import ConnectorCatalog
from oppsync.ports.storage.unit_of_work import Publish, UnitOfWork, UnitOfWorkFactory
from oppsync.services.admin.commands import (
    PauseConnection,
    Reencrypted,
    ReencryptSecrets,
    RemoveConnection,
    ResumeConnection,
    RotateWebhookSecret,
)
from oppsync.services.admin.connections import RowsThatName, of_tenant
from oppsync.services.admin.who_asks import admit

_NAMED = 5


@dataclass(frozen=True)
class PauseConnectionHandler:
    uow: UnitOfWorkFactory
    publish: Publish

    def __call__(self, command: PauseConnection) -> None:
        with self.uow() as uow:
            actor = admit(uow, command.tenant_id, command.actor, Action.SET_CONNECTION)
            found = of_tenant(uow, command.tenant_id, command.connection_id)
            if found.paused_at is not None:
                return
            uow.connections.pause(found)
            words = f"The connection {found.id} ({found.name}) was paused"
            self.publish(uow, found.tenant_id, new_traceparent(), _event(ConnectionPaused, actor, found, words))
            uow.commit()


@dataclass(frozen=True)
class ResumeConnectionHandler:
    uow: UnitOfWorkFactory
    publish: Publish

    def __call__(self, command: ResumeConnection) -> None:
        with self.uow() as uow:
            actor = admit(uow, command.tenant_id, command.actor, Action.SET_CONNECTION)
            found = of_tenant(uow, command.tenant_id, command.connection_id)
            if found.paused_at is None:
                return
            uow.connections.resume(found, paused_words(found))
            uow.watermarks.due_now(found.tenant_id, found.id)
            words = f"The connection {found.id} ({found.name}) was resumed"
            self.publish(
                uow, found.tenant_id, new_traceparent(), _event(ConnectionResumed, actor, found, words)
            )
            uow.commit()


@dataclass(frozen=True)
class RemoveConnectionHandler:
    uow: UnitOfWorkFactory
    publish: Publish
    rows: RowsThatName

    def __call__(self, command: RemoveConnection) -> None:
        with self.uow() as uow:
            actor = admit(uow, command.tenant_id, command.actor, Action.SET_CONNECTION)
            found = of_tenant(uow, command.tenant_id, command.connection_id)
            deals = uow.connections.in_flight(found, _NAMED)
            if deals.number:
                raise Conflict(_goes_by_it(found, deals), code="CONNECTION_IN_USE")
            self.rows.refuse_removal(uow, found)
            uow.connections.remove(found)
            uow.mirror.forget(found.tenant_id, found.id)
            words = f"The connection {found.id} ({found.name}) was removed"
            self.publish(
                uow, found.tenant_id, new_traceparent(), _event(ConnectionRemoved, actor, found, words)
            )
            uow.commit()


@dataclass(frozen=True)
class ReencryptSecretsHandler:
    uow: UnitOfWorkFactory
    publish: Publish

    def __call__(self, command: ReencryptSecrets) -> Reencrypted:
        with self.uow() as uow:
            actor = admit(uow, command.tenant_id, command.actor, Action.SET_CONNECTION)
            found = uow.connections.reencrypt(command.tenant_id)
            factors = uow.second_factors.reencrypt(command.tenant_id)
            event = SecretsReencrypted(
                opportunity_id=None,
                actor=actor,
                detail={"connections": [each.id for each in found], "second_factors": factors},
                summary=f"The secrets of {len(found)} connections and the keys of {factors} second factors are "
                "encrypted by the first key now",
            )
            self.publish(uow, command.tenant_id, new_traceparent(), event)
            uow.commit()
        return Reencrypted(len(found), factors)


@dataclass(frozen=True)
class RotateWebhookSecretHandler:
    uow: UnitOfWorkFactory
    publish: Publish
    catalog: ConnectorCatalog
    clock: Clock

    def __call__(self, command: RotateWebhookSecret) -> str:
        with self.uow() as uow:
            actor = admit(uow, command.tenant_id, command.actor, Action.SET_CONNECTION)
            found = of_tenant(uow, command.tenant_id, command.connection_id)
            new = self.catalog.new_webhook_secret(with_webhooks(found))
            if not timedelta(0) <= command.both_valid <= LONGEST_BOTH_VALID:
                raise InvalidInput(
                    f"Both secrets are valid for at most {LONGEST_BOTH_VALID.days} days.",
                    field="both_valid_hours",
                )
            secrets: Mapping[str, Any] = uow.connections.secrets(found.id)
            now = self.clock.now()
            after = rotated(secrets.get(WEBHOOK_SECRETS, ()), found.secret_ends, new, now, command.both_valid)
            uow.connections.put(found, {**secrets, WEBHOOK_SECRETS: after.secrets})
            uow.connections.end_secrets(found, after.ends)
            until = max(after.ends.values(), default=now).astimezone(UTC)
            words = (
                f"The connection {found.id} ({found.name}) has a new webhook secret; "
                f"earlier ones are accepted until {until:%Y-%m-%d %H:%M} UTC"
            )
            event = _event(WebhookSecretRotated, actor, found, words)
            self.publish(uow, found.tenant_id, new_traceparent(), event)
            uow.commit()
        return new


def with_webhooks(connection: Connection) -> str:
    """The scheme by which its webhooks are signed. Raises InvalidInput where there is none."""
    if connection.signature_scheme is None:
        raise InvalidInput(f"{connection.name} sends no webhooks.", field="connection")
    return connection.signature_scheme


def of_its_webhooks(uow: UnitOfWork, connection: Connection) -> list[str]:
    return list(uow.connections.secrets(connection.id).get(WEBHOOK_SECRETS, ()))


def _event(kind: type[Event], actor: str, connection: Connection, words: str) -> Event:
    return kind(opportunity_id=None, actor=actor, detail={"connection": connection.id}, summary=words)


def _goes_by_it(connection: Connection, deals: InFlight) -> str:
    names = ", ".join(deals.names)
    more = f" and {deals.number - len(deals.names)} more" if deals.number > len(deals.names) else ""
    how_many = "1 deal under way goes" if deals.number == 1 else f"{deals.number} deals under way go"
    return (
        f"{how_many} by {connection.name}: {names}{more}. Let them finish or give them up first; "
        "until then it can be paused."
    )
