"""Kantata OX's REST API as far as we use it: projects, which it calls workspaces."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pydantic import ValidationError

from adapters.http import OPEN_GATE, Answer, Gate, HttpClient, unanswered
from adapters.psa.kantata.wire import CREATOR_ROLE, PER_PAGE, Workspace, WorkspacesReply

VENDOR = "Kantata"
WORKSPACES = "/api/v1/workspaces"


class KantataClient:
    """One account as one user. Thread-safe. Raises what `HttpClient.request` raises."""

    def __init__(self, base_url: str, token: str, *, timeout: float, gate: Gate = OPEN_GATE) -> None:
        headers = {"authorization": f"Bearer {token}"}
        self._http = HttpClient(VENDOR, base_url, headers=headers, timeout=timeout, total=timeout, gate=gate)

    def with_reference(self, reference: str) -> list[Workspace]:
        """All that carry exactly this external reference, archived ones too, oldest first."""
        # What the filter matches is not documented, so it only narrows.
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

    def _listed(self, reference: str) -> Iterator[Workspace]:
        seen, page = 0, 1
        while True:
            params = {
                "external_reference": reference,
                "include_archived": "true",
                "order": "created_at:asc",
                "page": str(page),
                "per_page": str(PER_PAGE),
            }
            reply = _read(self._http.request("GET", f"{WORKSPACES}.json", write=False, params=params))
            yield from reply.found()
            seen += len(reply.results)
            page += 1
            if not reply.results or seen >= reply.count:
                return


def _only(answer: Answer) -> Workspace:
    found = _read(answer).found()
    if len(found) != 1:
        raise unanswered(answer.after_write)(f"{answer.call}: {len(found)} workspaces instead of one")
    return found[0]


def _read(answer: Answer) -> WorkspacesReply:
    """Raises AmbiguousAnswer after a write, else VendorUnavailable, when the answer is not as documented."""
    try:
        return WorkspacesReply.model_validate(answer.json())
    except ValidationError as error:
        where = ", ".join(".".join(map(str, fault["loc"])) or "body" for fault in error.errors()[:3])
        words = f"{answer.call}: the answer is not as documented: {where}"
        raise unanswered(answer.after_write)(words) from None
