"""Kantata OX's shapes: replies list references in `results` and carry the objects beside, by id.

They are those of its API documentation (1.0.0, developer.kantata.com).
"""

from __future__ import annotations

from datetime import date

from pydantic import BaseModel, ConfigDict

PER_PAGE = 200
CREATOR_ROLE = "maven"  # the side that delivers


class Workspace(BaseModel):
    """A project."""

    model_config = ConfigDict(frozen=True)

    id: str
    title: str
    external_reference: str | None = None
    description: str | None = None
    archived: bool = False


class WorkspaceResource(BaseModel):
    """A place in a project; unnamed until somebody is named for it."""

    model_config = ConfigDict(frozen=True)

    id: str
    external_reference_ids: list[str] = []


class ExternalReference(BaseModel):
    """The name that another system, `service_name`, has for an object of Kantata's."""

    model_config = ConfigDict(frozen=True)

    service_name: str
    service_model_ref: str


class WorkspaceAllocation(BaseModel):
    """The minutes of a resource over a range of days."""

    model_config = ConfigDict(frozen=True)

    id: str
    start_date: date
    end_date: date
    minutes: int


class Role(BaseModel):
    """A position that people of the account have, and that may be requested."""

    model_config = ConfigDict(frozen=True)

    id: str
    name: str


class Result(BaseModel):
    key: str
    id: str


class WorkspacesReply(BaseModel):
    """`count` is the number of results on all pages."""

    count: int
    results: list[Result]
    workspaces: dict[str, Workspace] = {}

    def found(self) -> list[Workspace]:
        return [
            self.workspaces[r.id] for r in self.results if r.key == "workspaces" and r.id in self.workspaces
        ]


class ResourcesReply(BaseModel):
    count: int
    results: list[Result]
    workspace_resources: dict[str, WorkspaceResource] = {}
    external_references: dict[str, ExternalReference] = {}

    def found(self) -> list[WorkspaceResource]:
        return [self.workspace_resources[r.id] for r in self.results if r.id in self.workspace_resources]

    def references(self, resource: WorkspaceResource) -> list[ExternalReference]:
        known = self.external_references
        return [known[each] for each in resource.external_reference_ids if each in known]


class AllocationsReply(BaseModel):
    count: int
    results: list[Result]
    workspace_allocations: dict[str, WorkspaceAllocation] = {}

    def found(self) -> list[WorkspaceAllocation]:
        return [self.workspace_allocations[r.id] for r in self.results if r.id in self.workspace_allocations]


class RolesReply(BaseModel):
    count: int
    results: list[Result]
    roles: dict[str, Role] = {}

    def found(self) -> list[Role]:
        return [self.roles[r.id] for r in self.results if r.id in self.roles]
