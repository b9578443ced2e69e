"""The obvious first version: one Dramatiq actor calls the next, and Redis is the only memory.

It has no inbox, lease, look-up before a create, ledger, approval or audit, so whatever dies half-way is lost or
made twice. It makes the same writing calls for the bench deal as the product, and writes one row at the end.
"""

from __future__ import annotations

import json
import os
from functools import cache
from typing import Any

import dramatiq
import httpx2
import psycopg
from dramatiq.brokers.redis import RedisBroker

from benchmarks.vendors import DATABASE, KANTATA_TOKEN, REST_KEY, record_id

broker = RedisBroker(url=os.environ.get("REDIS_URL", "redis://"))  # type: ignore[no-untyped-call]
dramatiq.set_broker(broker)
_WORK = f"/{DATABASE}/rest/model/project.work?f=number&f=name&f=comment&f=parent"
_INVOICE = f"/{DATABASE}/rest/model/account.invoice?f=number&f=reference&f=comment&f=description"
_RECORD = "/services/data/v62.0/sobjects/Opportunity"


@cache
def _vendors() -> httpx2.Client:
    return httpx2.Client(base_url=os.environ["NAIVE_VENDORS"], trust_env=False, timeout=20)


@cache
def _postgres() -> psycopg.Connection[Any]:
    return psycopg.connect(os.environ["NAIVE_DATABASE"], autocommit=True)


def _call(method: str, path: str, document: object = None) -> Any:
    headers = {"authorization": f"Bearer {REST_KEY if DATABASE in path else KANTATA_TOKEN}"}
    answer = _vendors().request(method, path, json=document, headers=headers)
    return answer.json() if answer.content else None


@dramatiq.actor
def validate(number: int) -> None:
    _call("GET", f"{_RECORD}/{record_id(number)}?fields=Name")
    plan.send(number)


@dramatiq.actor
def plan(number: int) -> None:
    create.send(number, [f"Workstream {name}" for name in ("one", "two", "three")])


@dramatiq.actor
def create(number: int, names: list[str]) -> None:
    parent = _work(number, "Project", None)
    for name in names:
        _work(number, name, parent["id"])
    reference = f"naive:{number}:bill"
    invoice = {"type": "out", "reference": reference, "comment": reference, "description": "All", "company": 1}
    _call("POST", _INVOICE, invoice)
    write_back.send(number, str(parent["number"]))


def _work(number: int, name: str, parent: int | None) -> dict[str, Any]:
    values = {
        "type": "project",
        "name": name,
        "parent": parent,
        "company": 1,
        "comment": f"naive:{number}:{name}",
    }
    made: dict[str, Any] = _call("POST", _WORK, values)
    return made


@dramatiq.actor
def write_back(number: int, project: str) -> None:
    fields = {"oppsync_Status__c": "Active", "oppsync_Project_Number__c": project}
    _call("PATCH", f"{_RECORD}/{record_id(number)}", fields)
    workspace = {"title": project, "creator_role": "maven", "external_reference": f"naive:{number}"}
    (found,) = _call("POST", "/api/v1/workspaces.json", {"workspace": workspace})["workspaces"].values()
    body = {"workspace": {"description": json.dumps(fields)}}
    _call("PUT", f"/api/v1/workspaces/{found['id']}.json", body)
    _postgres().execute("insert into naive_done values (%s, %s) on conflict do nothing", [number, project])


def send_all(first: int, end: int) -> None:
    for number in range(first, end):
        validate.send(number)
