"""Set a connection and its secrets. The audit trail gets the settings, and of secrets the names alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from oppsync.domain.approval.who_may import Action
from oppsync.domain.values.trace import new_traceparent
from oppsync.domain.work.connections import Connection
from oppsync.domain.work.events import ConnectionSet
from oppsync.kernel.errors import Conflict, InvalidInput, Misconfigured, NotFound
from oppsync.ports.storage.unit_of_work import Publish, UnitOfWork, UnitOfWorkFactory
from oppsync.services.admin.commands import SetConnection
from oppsync.services.admin.who_asks import admit


@dataclass(frozen=True)
class SetConnectionHandler:
    uow: UnitOfWorkFactory
    publish: Publish

    def __call__(self, command: SetConnection) -> None:
        new = command.connection
        with self.uow() as uow:
            actor = admit(uow, command.tenant_id, command.actor, Action.SET_CONNECTION)
            before = _present(uow, new.id)
            secrets_before = _secrets(uow, new.id, before, replaced=command.secrets is not None)
            if new.tenant_id != command.tenant_id or (before and before.tenant_id != command.tenant_id):
                raise Conflict(f"The connection {new.id} belongs to another tenant.")
            secrets = secrets_before if command.secrets is None else command.secrets
            if before is None and command.secrets is None:
                raise InvalidInput(f"The new connection {new.id} needs secrets.", field="secrets")
            replaced = sorted(
                name for name in {*secrets, *secrets_before} if secrets.get(name) != secrets_before.get(name)
            )
            if before == new and not replaced:
                return
            uow.connections.put(new, secrets)
            event = ConnectionSet(
                opportunity_id=None,
                actor=actor,
                before=_shown(before, secrets_before) if before else {},
                after=_shown(new, secrets),
                detail={"connection": new.id, "secrets_changed": replaced},
                summary=_summary(new, before, replaced),
            )
            self.publish(uow, command.tenant_id, new_traceparent(), event)
            uow.commit()


def _present(uow: UnitOfWork, connection_id: str) -> Connection | None:
    try:
        return uow.connections.get(connection_id)
    except NotFound:
        return None


def _secrets(
    uow: UnitOfWork, connection_id: str, before: Connection | None, *, replaced: bool
) -> Mapping[str, Any]:
    """Those that are stored. Where they cannot be opened, because their key is lost, they can be replaced."""
    if before is None:
        return {}
    try:
        return uow.connections.secrets(connection_id)
    except Misconfigured:
        if replaced:
            return {}
        raise


def _shown(connection: Connection, secrets: Mapping[str, Any]) -> dict[str, Any]:
    return {**connection.model_dump(mode="json", exclude={"tenant_id"}), "secrets": sorted(secrets)}


def _summary(new: Connection, before: Connection | None, replaced: list[str]) -> str:
    if before is None:
        return f"The connection {new.id} ({new.name}) was added"
    what = ["settings"] if before != new else []
    what += [f"secret {name}" for name in replaced]
    return f"The connection {new.id} ({new.name}) was set anew: {', '.join(what)}"
