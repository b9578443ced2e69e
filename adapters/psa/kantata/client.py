"""Kantata OX's REST API as far as we use it: projects, which it calls workspaces, and their staffing requests.

The list of a project's resources omits the unnamed ones unless asked for them, and only a create can give a
resource a reference of ours: its label is Kantata's own (API documentation 1.0.0, developer.kantata.com:
Workspace Resources, Workspace Allocations, External References).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeVar

from pydantic import ValidationError

from adapters.connectors.http.client import OPEN_GATE, Answer, Gate, HttpClient
from adapters.connectors.http.paging import Paging
from adapters.psa.kantata.errors import judge
from adapters.psa.kantata.wire import (
    CREATOR_ROLE,
    PER_PAGE,
    AllocationsReply,
    ResourcesReply,
    Role,
    RolesReply,
    Workspace,
    WorkspaceAllocation,
    WorkspaceResource,
    WorkspacesReply,
)

VENDOR = "Kantata"
WORKSPACES = "/api/v1/workspaces"
RESOURCES = "/api/v1/workspace_resources"
ALLOCATIONS = "/api/v1/workspace_allocations"
ROLES = "/api/v1/roles"
OURS = "oppsync"
GONE = 404

Reply = TypeVar("Reply", WorkspacesReply, ResourcesReply, AllocationsReply, RolesReply)
Record = TypeVar("Record", Workspace, WorkspaceResource, WorkspaceAllocation)


class KantataClient:
    """One account as one user. Thread-safe. Raises what `HttpClient.request` raises."""

    def __init__(self, base_url: str, token: str, *, timeout: float, gate: Gate = OPEN_GATE) -> None:
        headers = {"authorization": f"Bearer {token}"}
        self._http = HttpClient(
            VENDOR, base_url, headers=headers, timeout=timeout, total=timeout, judge=judge, gate=gate
        )

    def with_reference(self, reference: str) -> list[Workspace]:
        """All workspaces with exactly this external reference, archived ones too, oldest first."""
        # It is not documented what the filter matches, so it only narrows the search.
        found = [w for w in self._listed(reference) if w.external_reference == reference]
        return sorted(found, key=lambda workspace: (len(workspace.id), workspace.id))

    def get(self, workspace_id: str) -> Workspace:
        return _only(self._http.request("GET", f"{WORKSPACES}/{workspace_id}.json", write=False))

    def create(self, title: str, reference: str, description: str) -> Workspace:
        workspace = {
            "title": title,
            "creator_role": CREATOR_ROLE,
            "external_reference": reference,
            "description": description,
        }
        return _only(
            self._http.request("POST", f"{WORKSPACES}.json", write=True, json={"workspace": workspace})
        )

    def update(self, workspace_id: str, fields: Mapping[str, str | bool]) -> Workspace:
        path = f"{WORKSPACES}/{workspace_id}.json"
        return _only(self._http.request("PUT", path, write=True, json={"workspace": dict(fields)}))

    def resources(self, workspace_id: str, reference: str) -> list[WorkspaceResource]:
        """The resources of a project with exactly this external reference of ours, oldest first."""
        wanted = {
            "workspace_id": workspace_id,
            "include_unnamed": "true",
            "include": "external_references",
            "order": "created_at:asc",
        }
        found = [
            resource
            for reply in self._pages(ResourcesReply, RESOURCES, wanted)
            for resource in reply.found()
            if (OURS, reference) in {(r.service_name, r.service_model_ref) for r in reply.references(resource)}
        ]
        return sorted(found, key=lambda resource: (len(resource.id), resource.id))

    def create_resource(self, workspace_id: str, role_id: int, reference: str) -> WorkspaceResource:
        """Create an unnamed resource."""
        ours = {"service_name": OURS, "service_model": "staffing request", "service_model_ref": reference}
        resource = {"workspace_id": int(workspace_id), "role_id": role_id, "external_reference": ours}
        answer = self._http.request(
            "POST", f"{RESOURCES}.json", write=True, json={"workspace_resource": resource}
        )
        return _one(answer, _reply(ResourcesReply, answer).found())

    def delete_resource(self, resource_id: str) -> None:
        """Delete a resource with its allocations; harmless when it is gone already."""
        self._http.request("DELETE", f"{RESOURCES}/{resource_id}.json", write=True, expect=(GONE,))

    def allocations(self, resource_id: str) -> list[WorkspaceAllocation]:
        wanted = {"workspace_resource_ids": resource_id, "order": "updated_at:asc"}
        return [each for reply in self._pages(AllocationsReply, ALLOCATIONS, wanted) for each in reply.found()]

    def create_allocation(self, fields: Mapping[str, str | int | bool]) -> WorkspaceAllocation:
        body = {"workspace_allocation": dict(fields)}
        answer = self._http.request("POST", f"{ALLOCATIONS}.json", write=True, json=body)
        return _one(answer, _reply(AllocationsReply, answer).found())

    def roles(self) -> list[Role]:
        """The active roles of the account."""
        return [role for reply in self._pages(RolesReply, ROLES, {}) for role in reply.found()]

    def _listed(self, reference: str) -> Iterator[Workspace]:
        wanted = {"external_reference": reference, "include_archived": "true", "order": "created_at:asc"}
        for reply in self._pages(WorkspacesReply, WORKSPACES, wanted):
            yield from reply.found()

    def _pages(self, shape: type[Reply], path: str, params: Mapping[str, str]) -> Iterator[Reply]:
        seen, page = 0, 1
        paging = Paging(f"{VENDOR}: GET {path}.json")
        while True:
            paged = {**params, "page": str(page), "per_page": str(PER_PAGE)}
            reply = _reply(shape, self._http.request("GET", f"{path}.json", write=False, params=paged))
            paging.turn(tuple(result.id for result in reply.results))
            yield reply
            seen += len(reply.results)
            page += 1
            if not reply.results or seen >= reply.count:
                return


def _only(answer: Answer) -> Workspace:
    return _one(answer, _reply(WorkspacesReply, answer).found())


def _one(answer: Answer, found: Sequence[Record]) -> Record:
    if len(found) != 1:
        raise answer.unreadable(f"{len(found)} records instead of one")
    return found[0]


def _reply(shape: type[Reply], answer: Answer) -> Reply:
    """Parse the reply. When it is not as documented, raises AmbiguousAnswer after a write, else
    VendorUnavailable."""
    try:
        return shape.model_validate(answer.json())
    except ValidationError as error:
        where = ", ".join(".".join(map(str, fault["loc"])) or "body" for fault in error.errors()[:3])
        raise answer.unreadable(f"the answer is not as documented: {where}") from None
