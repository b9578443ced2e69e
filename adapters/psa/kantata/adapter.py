"""Kantata OX as the PSA: a project under our key, with the deal's status in a note of its description."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, timedelta

from adapters.connectors.http.client import Gate
from adapters.psa.kantata import note, staffing
from adapters.psa.kantata.client import VENDOR, KantataClient
from adapters.psa.kantata.inspection import inspected
from adapters.psa.kantata.settings import KantataSecrets, KantataSettings, capabilities
from adapters.psa.kantata.wire import Workspace
from oppsync.domain.effects.effects import ExternalRecord
from oppsync.domain.plan.orders import PsaOrder, StaffingOrder, WriteBack
from oppsync.domain.values.model import changed
from oppsync.domain.work.observations import Observation
from oppsync.kernel.errors import Misconfigured, VendorRejected
from oppsync.ports.clock import Clock

STATUS, NUMBER, LINK, ACTIVATED, MESSAGE = "Status", "Project", "Link", "Activated", "Message"
OUTSIDE_ID = re.compile(r"[0-9]{1,20}")


class KantataPsa:
    """Implements `oppsync.ports.psa.Psa`. One instance per connection and process; thread-safe."""

    def __init__(self, settings: KantataSettings, secrets: KantataSecrets, clock: Clock, gate: Gate) -> None:
        """Raises Misconfigured for an unusable address."""
        self.capabilities = capabilities(settings)
        self.quarantine = timedelta(seconds=settings.timeout + settings.late_commit + settings.search_lag)
        self._web_url = settings.web_url and settings.web_url.rstrip("/")
        self._roles = settings.roles
        self._client = KantataClient(
            settings.base_url, secrets.token.get_secret_value(), timeout=settings.timeout, gate=gate
        )

    def ping(self) -> None:
        """Search for a project under a key that none has."""
        self._client.with_reference("oppsync:ping")

    def inspect(self) -> Sequence[Observation]:
        self.ping()
        return list(inspected(self._client, self._roles))

    def unknown_roles(self, roles: Collection[str]) -> Sequence[str]:
        return [role for role in roles if role not in self._roles]

    def known_roles(self) -> Sequence[str]:
        return sorted(self._roles)

    def find_project(self, order: PsaOrder) -> ExternalRecord | None:
        found = self._client.with_reference(order.key)
        if not found:
            return None
        there = _as_ordered(found)
        differences = _differences(_wanted(order), there)
        ours = {name for was in order.was for name, value in _wanted(was).items() if there[name] == value}
        revisable = ours & {"title", "project_number"} | ({"archived"} if order.closed_by_us else set())
        landed = self._landed(found[0], differences)
        return changed(landed, revisable=revisable & differences.keys())

    def create_project(self, order: PsaOrder, status: WriteBack) -> ExternalRecord:
        described = note.written(None, _lines(status) | {NUMBER: order.project_number})
        return self._landed(self._client.create(order.title, order.key, described), {})

    def revise_project(self, order: PsaOrder, outside_id: str) -> ExternalRecord:
        workspace = self._client.get(_known_id(outside_id))
        lines = note.read(workspace.description) | {NUMBER: order.project_number}
        described = note.written(workspace.description, lines)
        fields: dict[str, str | bool] = {"title": order.title, "description": described}
        if order.closed_by_us:
            fields["archived"] = False
        return self._landed(self._client.update(workspace.id, fields), {})

    def find_archived(self, key: str) -> ExternalRecord | None:
        found = self._client.with_reference(key)
        return self._landed(found[0], {}) if found else None

    def archive_project(self, outside_id: str) -> ExternalRecord:
        return self._landed(self._client.update(_known_id(outside_id), {"archived": True}), {})

    def find_staffing(self, order: StaffingOrder) -> ExternalRecord | None:
        found = self._client.resources(_known_id(order.project_id), order.key)
        allocations = [each for resource in found for each in self._client.allocations(resource.id)]
        if not allocations:
            return None
        found_request = staffing.as_asked(found, allocations)
        return self._asked(order, found[0].id, _differences(staffing.wanted(order.request), found_request))

    def request_staffing(self, order: StaffingOrder) -> ExternalRecord:
        _known_id(order.project_id)
        role_id = self._roles.get(order.request.role)
        if role_id is None:
            raise Misconfigured(
                f"{VENDOR}: the connection's setting roles does not know {order.request.role!r}:"
                " add it, with the id of this role in Kantata"
            )
        return self._asked(order, staffing.request(self._client, order, role_id).id, {})

    def cancel_staffing(self, order: StaffingOrder, outside_id: str) -> ExternalRecord:
        self._client.delete_resource(_known_id(outside_id))
        return changed(self._asked(order, outside_id, {}), closed=True)

    def _asked(
        self, order: StaffingOrder, resource_id: str, differences: dict[str, tuple[str, str]]
    ) -> ExternalRecord:
        """The external record of a request. Kantata has no page of a single resource: people find it on its
        project's."""
        url = f"{self._web_url}/workspaces/{order.project_id}" if self._web_url else None
        return ExternalRecord(outside_id=resource_id, number=resource_id, url=url, differences=differences)

    def find_write_back(self, outside_id: str, wanted: WriteBack) -> ExternalRecord | None:
        workspace = self._client.get(_known_id(outside_id))
        found_note = note.read(workspace.description)
        if not found_note.get(STATUS):
            return None
        return self._landed(workspace, _differences(note.read(note.written(None, _lines(wanted))), found_note))

    def write_back(self, outside_id: str, wanted: WriteBack) -> ExternalRecord:
        workspace = self._client.get(_known_id(outside_id))
        described = note.written(workspace.description, _lines(wanted))
        return self._landed(self._client.update(workspace.id, {"description": described}), {})

    def _landed(self, workspace: Workspace, differences: dict[str, tuple[str, str]]) -> ExternalRecord:
        url = f"{self._web_url}/workspaces/{workspace.id}" if self._web_url else None
        return ExternalRecord(
            outside_id=workspace.id,
            number=workspace.id,
            url=url,
            differences=differences,
            closed=workspace.archived,
        )


def _wanted(order: PsaOrder) -> dict[str, str]:
    return {
        "title": order.title,
        "project_number": order.project_number,
        "workspaces": "1",
        "archived": "no",
    }


def _as_ordered(found: Sequence[Workspace]) -> dict[str, str]:
    """The record, with its differences from the order. Two projects under one key are a difference too, since
    Kantata does not keep a reference unique."""
    number = note.read(found[0].description).get(NUMBER, "")
    return {
        "title": found[0].title,
        "project_number": number,
        "workspaces": str(len(found)),
        "archived": "yes" if found[0].archived else "no",
    }


def _lines(wanted: WriteBack) -> dict[str, str]:
    at = wanted.activated_at
    return {
        STATUS: wanted.status.capitalize(),
        NUMBER: wanted.project_number,
        LINK: wanted.project_url,
        ACTIVATED: f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" if at else "",
        MESSAGE: wanted.message,
    }


def _differences(wanted: Mapping[str, str], found: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    names = [*wanted, *(name for name in found if name not in wanted)]
    pairs = {name: (wanted.get(name, ""), found.get(name, "")) for name in names}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def _known_id(outside_id: str) -> str:
    """The id, safe in a path. Raises VendorRejected for anything else."""
    if OUTSIDE_ID.fullmatch(outside_id) is None:
        raise VendorRejected(f"{VENDOR}: {outside_id!r} is not an id of Kantata's")
    return outside_id
