"""Kantata OX's shapes: replies name what they found in `results` and carry it beside, by id."""

from __future__ import annotations

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


class Result(BaseModel):
    key: str
    id: str


class WorkspacesReply(BaseModel):
    """`count` is that of all pages."""

    count: int
    results: list[Result]
    workspaces: dict[str, Workspace] = {}

    def found(self) -> list[Workspace]:
        return [
            self.workspaces[r.id] for r in self.results if r.key == "workspaces" and r.id in self.workspaces
        ]
