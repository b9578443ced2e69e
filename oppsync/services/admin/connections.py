"""Set a connection and its secrets. The audit trail gets the settings, and of secrets the names alone."""

from __future__ import annotations

import secrets as random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from oppsync.domain.approval.who_may import Action
from oppsync.domain.configuration.faults import quoted
from oppsync.domain.values.model import changed
from oppsync.domain.values.trace import new_traceparent
from oppsync.domain.work.connections import KEPT_APART, Connection
from oppsync.domain.work.connector_forms import Fault, WrongFields
from oppsync.domain.work.events import ConnectionSet
from oppsync.domain.work.webhook_secrets import WEBHOOK_SECRETS
from oppsync.kernel.errors import Conflict, InvalidInput, Misconfigured, NotFound
from oppsync.ports.clock import Clock
from oppsync.ports.connectors import ConnectorCatalog
from oppsync.ports.storage.unit_of_work import Publish, UnitOfWork, UnitOfWorkFactory
from oppsync.services.admin.commands import AddConnection, Added, EditConnection, SetConnection
from oppsync.services.admin.connection_maps import as_renamed, governed, said_elsewhere, with_own_maps
from oppsync.services.admin.who_asks import admit

_ID_BYTES = 12
# Changed settings in the words of the event, which has all of them besides.
_MOST_TOLD = 8
_LONGEST_NAME = 200
FORGOTTEN = "It leads to other books: the master data of the earlier ones is forgotten, and read anew"
_ANEW = "The address or the database changes: give this secret anew, since it would be sent there."


class RowsThatName(Protocol):
    """The rows of the configuration that find a connection by its name."""

    def follow(self, uow: UnitOfWork, actor: str, before: Connection, new: Connection) -> None:
        """They name it by its new name from now on."""

    def refuse_to_stop(self, uow: UnitOfWork, new: Connection) -> None:
        """Raises Conflict (code WOULD_STOP_DEALS) where nobody could say any more which system of this role a
        deal of a live firm goes to."""

    def refuse_removal(self, uow: UnitOfWork, connection: Connection) -> None:
        """Raises Conflict where deals are led to it, now or later."""


@dataclass(frozen=True)
class SetConnectionHandler:
    uow: UnitOfWorkFactory
    publish: Publish
    rows: RowsThatName
    catalog: ConnectorCatalog
    clock: Clock

    def __call__(self, command: SetConnection) -> bool:
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
            book, today = uow.references.book(command.tenant_id), self.clock.now().date()
            found = governed(self.catalog, book, before, new, today, is_live=_is_live(uow, command))
            if faults := [*said_elsewhere(self.catalog, found, before, new, new.settings)]:
                raise WrongFields(faults)
            new = with_own_maps(self.catalog, found, before, new)
            forgets = _forgets(uow, self.catalog, before, new)
            store(
                uow,
                self.publish,
                self.rows,
                actor,
                before=before,
                new=new,
                secrets_before=secrets_before,
                secrets=secrets,
                forgets=forgets,
            )
            uow.commit()
        return forgets


@dataclass(frozen=True)
class AddConnectionHandler:
    uow: UnitOfWorkFactory
    publish: Publish
    rows: RowsThatName
    catalog: ConnectorCatalog
    clock: Clock

    def __call__(self, command: AddConnection) -> Added:
        with self.uow() as uow:
            actor = admit(uow, command.tenant_id, command.actor, Action.SET_CONNECTION)
            form = self.catalog.form(command.role, command.vendor)
            wanted = Connection(
                tenant_id=command.tenant_id,
                id=f"{command.vendor}-{random.token_hex(_ID_BYTES)}",
                role=command.role,
                vendor=command.vendor,
                name=_name(command.name),
                settings=dict(command.settings),
                signature_scheme=form.signature_scheme,
            )
            book, today = uow.references.book(command.tenant_id), self.clock.now().date()
            found = governed(self.catalog, book, None, wanted, today, is_live=_is_live(uow, command))
            faults = [*_name_faults(command.name)]
            faults += _besides(faults, said_elsewhere(self.catalog, found, None, wanted, command.settings))
            as_mapped = self.catalog.mapped(wanted, book, today)
            new, secrets = _checked(self.catalog, as_mapped, command.secrets, faults)
            new = with_own_maps(self.catalog, found, None, new)
            if not command.confirmed:
                self.rows.refuse_to_stop(uow, new)
            webhook_secret = None
            if form.signature_scheme is not None and command.makes_secret:
                webhook_secret = self.catalog.new_webhook_secret(form.signature_scheme)
                secrets[WEBHOOK_SECRETS] = [webhook_secret]
            store(uow, self.publish, self.rows, actor, before=None, new=new, secrets_before={}, secrets=secrets)
            uow.commit()
        return Added(new.id, webhook_secret)


@dataclass(frozen=True)
class EditConnectionHandler:
    uow: UnitOfWorkFactory
    publish: Publish
    rows: RowsThatName
    catalog: ConnectorCatalog
    clock: Clock

    def __call__(self, command: EditConnection) -> bool:
        with self.uow() as uow:
            actor = admit(uow, command.tenant_id, command.actor, Action.SET_CONNECTION)
            before = of_tenant(uow, command.tenant_id, command.connection_id)
            form = self.catalog.form(before.role, before.vendor)
            own = {field.name for field in form.secrets}
            stored = _secrets(uow, before.id, before, replaced=own <= command.secrets.keys())
            settings = {**before.settings, **command.settings}
            name = before.name if command.name is None else command.name
            wanted = changed(
                before,
                name=_name(name),
                settings={key: value for key, value in settings.items() if value is not None},
            )
            book, today = uow.references.book(command.tenant_id), self.clock.now().date()
            found = governed(self.catalog, book, before, wanted, today, is_live=_is_live(uow, command))
            faults = [*_name_faults(name), *self._not_given(before, wanted, own, command.secrets)]
            faults += _besides(faults, said_elsewhere(self.catalog, found, before, wanted, command.settings))
            vendors = {key: value for key, value in stored.items() if key != WEBHOOK_SECRETS}
            as_mapped = self.catalog.mapped(wanted, as_renamed(book, before, wanted), today)
            new, secrets = _checked(self.catalog, as_mapped, {**vendors, **command.secrets}, faults)
            new = with_own_maps(self.catalog, found, before, new)
            ours = {key: value for key, value in stored.items() if key == WEBHOOK_SECRETS}
            forgets = _forgets(uow, self.catalog, before, new)
            store(
                uow,
                self.publish,
                self.rows,
                actor,
                before=before,
                new=new,
                secrets_before=stored,
                secrets={**secrets, **ours},
                forgets=forgets,
                labels={field.name: field.label for field in (*form.settings, *form.secrets)},
            )
            uow.commit()
        return forgets

    def _not_given(
        self, before: Connection, after: Connection, own: set[str], given: Mapping[str, str]
    ) -> Sequence[Fault]:
        """Whoever may change an address must not thereby read the secrets, which nobody may."""
        if not self.catalog.needs_secrets_anew(before, after):
            return []
        return [Fault(name, _ANEW) for name in sorted(own - given.keys())]


def store(
    uow: UnitOfWork,
    publish: Publish,
    rows: RowsThatName,
    actor: str,
    *,
    before: Connection | None,
    new: Connection,
    secrets_before: Mapping[str, Any],
    secrets: Mapping[str, Any],
    forgets: bool = False,
    labels: Mapping[str, str] | None = None,
) -> None:
    """Store a connection and say who set it; nothing where it is that already. `forgets`: it has master data of
    other books, of which nothing counts from now on. `labels`: of its fields."""
    if before is not None:
        new = changed(new, **{name: getattr(before, name) for name in KEPT_APART})
    replaced = sorted(
        name for name in {*secrets, *secrets_before} if secrets.get(name) != secrets_before.get(name)
    )
    if before == new and not replaced:
        return
    if before is None or before.name != new.name:
        _refuse_taken(uow, new)
    if before is not None and before.name != new.name:
        rows.follow(uow, actor, before, new)
    uow.connections.put(new, secrets)
    if forgets:
        uow.mirror.forget(new.tenant_id, new.id)
    if before is not None and (before.settings != new.settings or set(replaced) - {WEBHOOK_SECRETS}):
        uow.connections.note_test(new, None)
    if before is not None and WEBHOOK_SECRETS in replaced:
        uow.connections.end_secrets(new, {})
    event = ConnectionSet(
        opportunity_id=None,
        actor=actor,
        before=_shown(before, secrets_before) if before else {},
        after=_shown(new, secrets),
        detail={"connection": new.id, "secrets_changed": replaced},
        summary=_summary(new, before, replaced, labels or {}, forgets=forgets),
    )
    publish(uow, new.tenant_id, new_traceparent(), event)


def _refuse_taken(uow: UnitOfWork, new: Connection) -> None:
    """One name stands for one system: rows say no more of it. Whoever adds another, or applies rows, meanwhile
    waits."""
    uow.configurations.lock(new.tenant_id)
    others = (each for each in uow.connections.of_tenant(new.tenant_id) if each.id != new.id)
    if any(each.name.casefold() == new.name.casefold() for each in others):
        raise WrongFields([Fault("name", f"Another system is connected as {new.name}: use another name.")])


def _is_live(uow: UnitOfWork, command: SetConnection | AddConnection | EditConnection) -> bool:
    return uow.configurations.live_since(command.tenant_id) is not None


def of_tenant(uow: UnitOfWork, tenant_id: str, connection_id: str) -> Connection:
    """Raises NotFound."""
    found = uow.connections.get(connection_id)
    if found.tenant_id != tenant_id:
        raise NotFound("There is no such connection.")
    return found


def _checked(
    catalog: ConnectorCatalog, wanted: Connection, secrets: Mapping[str, Any], faults: Sequence[Fault]
) -> tuple[Connection, dict[str, Any]]:
    checked = catalog.checked(wanted, secrets)
    found = [
        *faults,
        *(fault for fault in checked.faults if fault.field not in {each.field for each in faults}),
    ]
    if found:
        raise WrongFields(found)
    return changed(wanted, settings=checked.settings), dict(checked.secrets)


def _name(given: str) -> str:
    return given.strip()[:_LONGEST_NAME]


def _besides(faults: Sequence[Fault], further: Iterable[Fault]) -> Sequence[Fault]:
    """Nothing more of a name that is wrong by itself: whether a row has it shows once there is one."""
    is_named_wrong = any(each.field == "name" for each in faults)
    return [each for each in further if not (is_named_wrong and each.field == "name")]


def _name_faults(given: str) -> Sequence[Fault]:
    if not given.strip():
        return [Fault("name", "Give it a name by which people know it.")]
    if len(given.strip()) > _LONGEST_NAME:
        return [Fault("name", f"A name has at most {_LONGEST_NAME} characters.")]
    return []


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
    left_out = {"tenant_id", *KEPT_APART}
    return {**connection.model_dump(mode="json", exclude=left_out), "secrets": sorted(secrets)}


def _forgets(uow: UnitOfWork, catalog: ConnectorCatalog, before: Connection | None, new: Connection) -> bool:
    """Whether master data is known of other books than those that it leads to now."""
    if before is None:
        return False
    known = uow.mirror.state(new.tenant_id, new.id, 1)
    return bool(known.kinds or known.runs) and catalog.leads_elsewhere(before, new)


def _summary(
    new: Connection,
    before: Connection | None,
    replaced: list[str],
    labels: Mapping[str, str],
    *,
    forgets: bool,
) -> str:
    if before is None:
        return f"The connection {new.id} ({new.name}) was added"
    what = [*_changes(before, new, labels)]
    if len(what) > _MOST_TOLD:
        what[_MOST_TOLD:] = [f"{len(what) - _MOST_TOLD} more"]
    what += [f"secret {labels.get(name, name)}" for name in replaced]
    told = f". {FORGOTTEN}" if forgets else ""
    return f"The connection {new.id} ({new.name}) was set anew: {', '.join(what)}{told}"


def _changes(before: Connection, after: Connection, labels: Mapping[str, str]) -> Iterator[str]:
    """From what to what; secrets are no settings."""
    if before.name != after.name:
        yield f"name {quoted(before.name)} -> {quoted(after.name)}"
    for name in sorted({*before.settings, *after.settings}):
        was, now = before.settings.get(name), after.settings.get(name)
        if was != now:
            yield f"{labels.get(name, name)} {_said(was)} -> {_said(now)}"


def _said(value: object) -> str:
    return "its default" if value is None else quoted(value)
