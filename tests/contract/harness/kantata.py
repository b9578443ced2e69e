"""Kantata for the contract suite: its stand-in as a process, and a reading of its books."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from adapters.connectors.http.client import HttpClient
from sandbox.contracts.harness import Access
from sandbox.standins.control import KantataControl
from sandbox.standins.process import running

TOKEN = "kantata-token-9d02"
WORKSPACES = "/api/v1/workspaces"
RESOURCES = "/api/v1/workspace_resources"


class KantataHarness:
    searching = {"method": "GET", "path": f"{WORKSPACES}.json"}
    creating = {"method": "POST", "path": f"{WORKSPACES}.json"}
    writing = {"method": "PUT", "path": f"{WORKSPACES}/"}
    asking = {"method": "POST", "path": f"{RESOURCES}.json"}
    asking_last = {"method": "POST", "path": "/api/v1/workspace_allocations.json"}
    cancelling = {"method": "DELETE", "path": f"{RESOURCES}/"}
    refusals = {"untitled": "Title can't be blank", "archived": "archived", "staffed": "can't be deleted"}

    def __init__(self, url: str) -> None:
        self.control = KantataControl(url)
        self.access = Access({"base_url": url, "roles": {"Consultant": 17}}, {"token": TOKEN})
        self._as_a_person = HttpClient("Kantata", url, headers={"Authorization": f"Bearer {TOKEN}"})

    def projects(self, key: str) -> list[dict[str, str]]:
        return [
            {"id": found["id"], "title": found["title"], "text": found["description"] or ""}
            for found in self.control.workspaces()
            if found["external_reference"] == key
        ]

    def archive(self, outside_id: str) -> None:
        self._put(outside_id, archived=True)

    def describe(self, outside_id: str, text: str) -> None:
        found = next(w for w in self.control.workspaces() if w["id"] == outside_id)
        self._put(outside_id, description=f"{text}\n{found['description']}")

    def requests(self, key: str) -> list[dict[str, str]]:
        return [
            {
                "id": f"{found['id']:.0f}",
                "project": f"{found['workspace_id']:.0f}",
                "role": f"{found['role_id']:.0f}",
                "text": " ".join(each["notes"] for each in found["allocations"]),
                "minutes": f"{sum(each['minutes'] for each in found['allocations']):.0f}",
            }
            for found in self.control.resources()
            if (found["service_name"], found["service_model_ref"]) == ("oppsync", key)
        ]

    def staff(self, outside_id: str) -> None:
        path = f"{RESOURCES}/{outside_id}.json"
        self._as_a_person.request("PUT", path, write=True, json={"workspace_resource": {"user_id": 5}})

    def _put(self, outside_id: str, **fields: Any) -> None:
        path = f"{WORKSPACES}/{outside_id}.json"
        self._as_a_person.request("PUT", path, write=True, json={"workspace": fields})


@contextmanager
def kantata(folder: Path) -> Iterator[KantataHarness]:
    with running("kantata", folder / "kantata.sqlite", "--token", TOKEN) as url:
        yield KantataHarness(url)
