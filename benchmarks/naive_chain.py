"""The obvious first version: six Dramatiq actors, each sends the next one's message, Redis is the only memory.

It has no inbox, lease, look-up before a create, ledger, approval or audit, so whatever dies half-way is lost or
made twice. `naive_web` takes the same signed webhooks as the product, and stores nothing of them. The chain
writes what the product writes for the bench deal, a call for each, and at the end a row that it is done.
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

from benchmarks.lean_tryton import DATABASE, REST_KEY
from benchmarks.vendors import KANTATA_TOKEN

broker = RedisBroker(url=os.environ.get("REDIS_URL", "redis://"))  # type: ignore[no-untyped-call]
dramatiq.set_broker(broker)
QUEUE = "naive"
_WORK = f"/{DATABASE}/rest/model/project.work?f=number&f=name&f=comment&f=parent"
_INVOICE = f"/{DATABASE}/rest/model/account.invoice?f=number&f=reference&f=comment&f=description"
_RECORD = "/services/data/v62.0/sobjects/Opportunity"


@cache
def _vendors() -> httpx2.Client:
    every_thread = httpx2.Limits(max_connections=None, max_keepalive_connections=None)
    return httpx2.Client(base_url=os.environ["NAIVE_VENDORS"], trust_env=False, timeout=20, limits=every_thread)


@cache
def _postgres() -> psycopg.Connection[Any]:
    return psycopg.connect(os.environ["NAIVE_DATABASE"], autocommit=True)


def _call(method: str, path: str, document: object = None) -> Any:
    headers = {"authorization": f"Bearer {REST_KEY if DATABASE in path else KANTATA_TOKEN}"}
    answer = _vendors().request(method, path, json=document, headers=headers)
    return answer.json() if answer.content else None


@dramatiq.actor(queue_name=QUEUE)
def validate(record: str) -> None:
    _call("GET", f"{_RECORD}/{record}?fields=Name")
    plan.send(record)


@dramatiq.actor(queue_name=QUEUE)
def plan(record: str) -> None:
    create.send(record, [f"Workstream {name}" for name in ("one", "two", "three")])


@dramatiq.actor(queue_name=QUEUE)
def create(record: str, names: list[str]) -> None:
    parent = _work(record, "Project", None)
    for name in names:
        _work(record, name, parent["id"])
    bill.send(record, str(parent["number"]))


def _work(record: str, name: str, parent: int | None) -> dict[str, Any]:
    values = {
        "type": "project",
        "name": name,
        "parent": parent,
        "company": 1,
        "comment": f"naive:{record}:{name}",
    }
    made: dict[str, Any] = _call("POST", _WORK, values)
    return made


@dramatiq.actor(queue_name=QUEUE)
def bill(record: str, project: str) -> None:
    reference = f"naive:{record}:bill"
    invoice = {"type": "out", "reference": reference, "comment": reference, "description": "All", "company": 1}
    _call("POST", _INVOICE, invoice)
    write_back.send(record, project)


@dramatiq.actor(queue_name=QUEUE)
def write_back(record: str, project: str) -> None:
    fields = {"oppsync_Status__c": "Active", "oppsync_Project_Number__c": project}
    _call("PATCH", f"{_RECORD}/{record}", fields)
    staff.send(record, project, fields)


@dramatiq.actor(queue_name=QUEUE)
def staff(record: str, project: str, fields: dict[str, str]) -> None:
    workspace = {"title": project, "creator_role": "maven", "external_reference": f"naive:{record}"}
    (found,) = _call("POST", "/api/v1/workspaces.json", {"workspace": workspace})["workspaces"].values()
    body = {"workspace": {"description": json.dumps(fields)}}
    _call("PUT", f"/api/v1/workspaces/{found['id']}.json", body)
    _postgres().execute("insert into naive_done values (%s, %s) on conflict do nothing", [record, project])
