"""Two people at the API: one decides for finance, the other for delivery; what fails they try again."""

from __future__ import annotations

import json
import threading
from http import HTTPStatus
from http.client import HTTPException
from typing import Any

from oppsync.domain.approvals import ApprovalRole, Decision
from tests.integration.standin_calls import Answer, call

FINANCE, DELIVERY = "fiona.finance@example.com", "dario.delivery@example.com"
ROLES = {FINANCE: ApprovalRole.FINANCE, DELIVERY: ApprovalRole.DELIVERY}
PAUSE_SECONDS = 0.3


class Approver:
    """Approves what waits for their role; finance rejects deals whose name says so."""

    def __init__(self, web: str, email: str, token: str) -> None:
        self.decided = 0
        self.broken = 0  # rounds that the web did not answer
        self._web, self._role, self._token = web, ROLES[email], token
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name=email, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(timeout=20)

    def _work(self) -> None:
        while not self._stop.wait(PAUSE_SECONDS):
            try:
                self._decide_all()
            except (OSError, HTTPException, ValueError):
                self.broken += 1

    def _decide_all(self) -> None:
        cursor = ""
        while not self._stop.is_set():
            page = self._ask("GET", f"approvals?status=open&limit=100{cursor}")
            if page.status != HTTPStatus.OK:
                return
            found = json.loads(page.text)
            for row in found["rows"]:
                if row["task"]["role"] == self._role and not self._stop.is_set():
                    self._decide(row)
            if not found.get("next_cursor"):
                return
            cursor = f"&cursor={found['next_cursor']}"

    def _decide(self, row: dict[str, Any]) -> None:
        refuses = self._role is ApprovalRole.FINANCE and "Reject " in row["opportunity_name"]
        decision = {
            "plan_hash": row["task"]["plan_hash"],
            "decision": (Decision.REJECT if refuses else Decision.APPROVE).value,
            "comment": "Margin too thin" if refuses else "",
        }
        answer = self._ask("POST", f"approvals/{row['task']['id']}/decision", decision)
        self.decided += answer.status == HTTPStatus.OK

    def _ask(self, method: str, path: str, body: Any = None) -> Answer:
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
        text = None if body is None else json.dumps(body)
        return call(self._web, method, f"/api/v1/{path}", text, headers=headers, timeout=15)
