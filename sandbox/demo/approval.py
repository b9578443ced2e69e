"""Decide both approvals over the real HTTP API, as two different people."""

from __future__ import annotations

import time
import uuid
from collections.abc import Collection, Iterator
from typing import Any
from uuid import UUID

import httpx2

from adapters.cli.commands import Failed
from oppsync.domain.values.actor import COMMAND_LINE
from oppsync.domain.values.roles import PersonRole
from oppsync.domain.values.scopes import Scope
from oppsync.kernel import canonical_json
from oppsync.services.admin.commands import CreateToken
from sandbox.demo.running import Running
from sandbox.firm.deals import OWNER
from sandbox.firm.install import PEOPLE, DemoPerson

TIMEOUT_SECONDS = 30
CONFLICT = 409
_SCOPES = frozenset({Scope.READ, Scope.APPROVE})
PAUSE_SECONDS = 0.2
TRIES = 50


def approvers() -> tuple[DemoPerson, DemoPerson]:
    """One approver for finance and one for delivery; never the seller."""
    return _with_role(PersonRole.FINANCE_APPROVER), _with_role(PersonRole.DELIVERY_APPROVER)


def approve_all(running: Running, opportunity_ids: Collection[UUID]) -> None:
    """Approve every open task. Raises Failed when the API refuses."""
    for person in approvers():
        with _api(running, person) as api:
            _approve_open(api, opportunity_ids)


def _with_role(role: PersonRole) -> DemoPerson:
    return next(person for person in PEOPLE if role in person.roles and person.email != OWNER["Email"])


def _api(running: Running, person: DemoPerson) -> httpx2.Client:
    application = running.application
    secret = running.home.token(
        person.email,
        is_known=lambda known: application.token(known) is not None,
        make=lambda: application.dispatch(
            CreateToken(application.tenant_id, COMMAND_LINE, f"demo {uuid.uuid4()}", person.email, _SCOPES)
        ),
    )
    return httpx2.Client(
        base_url=f"{running.addresses.web}/api/v1",
        headers={"Authorization": f"Bearer {secret}"},
        timeout=TIMEOUT_SECONDS,
        trust_env=False,
    )


def _open_tasks(api: httpx2.Client, opportunity_ids: Collection[UUID]) -> Iterator[dict[str, Any]]:
    query: dict[str, str] | None = {"status": "open", "mine": "true", "limit": "100"}
    while query:
        page = _accepted(api.get("/approvals", params=query))
        yield from (
            row["task"] for row in page["rows"] if UUID(row["task"]["opportunity_id"]) in opportunity_ids
        )
        query = {**query, "cursor": page["next_cursor"]} if page["next_cursor"] else None


def _approve_open(api: httpx2.Client, opportunity_ids: Collection[UUID]) -> None:
    """When somebody decided on the pages meanwhile, or a deal is just being read again, list the tasks once
    more."""
    for _ in range(TRIES):
        answers = [_approve(api, task) for task in list(_open_tasks(api, opportunity_ids))]
        if all(answer.status_code != CONFLICT for answer in answers):
            return
        time.sleep(PAUSE_SECONDS)
    raise Failed("Plans change faster than they can be approved: look at the approvals on the pages.")


def _approve(api: httpx2.Client, task: dict[str, Any]) -> httpx2.Response:
    decision = {"plan_hash": task["plan_hash"], "decision": "approve", "comment": "Approved in the demo."}
    answer = api.post(f"/approvals/{task['id']}/decision", json=decision)
    if answer.status_code != CONFLICT:
        _accepted(answer)
    return answer


def _accepted(answer: httpx2.Response) -> dict[str, Any]:
    document = canonical_json.loads(answer.content)
    if not answer.is_success:
        raise Failed(
            f"The API refused {answer.request.url.path}: {answer.status_code} {document.get('detail')}"
        )
    return dict(document)
