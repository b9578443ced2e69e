"""People at the API: two decide, one replays exceptions. Whatever happens to the web, they try again."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from http import HTTPStatus
from http.client import HTTPException
from typing import Any

from oppsync.domain.approval.tasks import Decision
from oppsync.domain.values.roles import ApprovalRole
from tests.harness.waiting import HANG_SECONDS
from tests.integration.standin_calls import Answer, call

FINANCE, DELIVERY = "fiona.finance@example.com", "dario.delivery@example.com"
OPERATIONS = "olga.operations@example.com"
PAUSE_SECONDS = 0.3
Row = dict[str, Any]


class Person:
    """Works through a list of the API: `deal_with(row)` returns whether something was done."""

    def __init__(
        self, web: str, token: str, listed: str, deal_with: Callable[[Person, Row], bool], pause: float
    ) -> None:
        self.done = 0
        self.broken = 0  # rounds without an answer from the web
        self._web, self._token, self._listed, self._pause = web, token, listed, pause
        self._deal_with = deal_with
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout=HANG_SECONDS)

    def ask(self, method: str, path: str, body: Any = None) -> Answer:
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
        text = None if body is None else json.dumps(body)
        return call(self._web, method, f"/api/v1/{path}", text, headers=headers, timeout=15)

    def _work(self) -> None:
        while not self._stop.wait(self._pause):
            try:
                self._work_through()
            except (OSError, HTTPException, ValueError):
                self.broken += 1

    def _work_through(self) -> None:
        cursor = ""
        while not self._stop.is_set():
            page = self.ask("GET", f"{self._listed}&limit=100{cursor}")
            if page.status != HTTPStatus.OK:
                return
            found = json.loads(page.text)
            for row in found["rows"]:
                if self._stop.is_set():
                    return
                self.done += self._deal_with(self, row)
            if not found.get("next_cursor"):
                return
            cursor = f"&cursor={found['next_cursor']}"


def approver(web: str, token: str, role: ApprovalRole) -> Person:
    """Approves what waits for this role; finance rejects the deals whose name asks for it."""

    def decide(person: Person, row: Row) -> bool:
        task = row["task"]
        if task["role"] != role:
            return False
        refuses = role is ApprovalRole.FINANCE and "Reject " in row["opportunity_name"]
        decision = {
            "plan_hash": task["plan_hash"],
            "decision": (Decision.REJECT if refuses else Decision.APPROVE).value,
            "comment": "Margin too thin" if refuses else "",
        }
        return person.ask("POST", f"approvals/{task['id']}/decision", decision).status == HTTPStatus.OK

    return Person(web, token, "approvals?status=open", decide, PAUSE_SECONDS)


def operator(web: str, token: str) -> Person:
    """Replays what is parked, each deal once, except those that kill workers."""
    replayed: set[str] = set()

    def replay(person: Person, row: Row) -> bool:
        if row["code"] == "WORKER_CRASHED" or row["opportunity_id"] in replayed:
            return False
        answered = person.ask("POST", f"exceptions/{row['id']}/replay", {}).status
        if answered >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return False
        replayed.add(row["opportunity_id"])
        return answered < HTTPStatus.BAD_REQUEST

    return Person(web, token, "exceptions?status=open", replay, 10 * PAUSE_SECONDS)
