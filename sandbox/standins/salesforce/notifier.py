"""Send what the Apex class of docs/connectors/salesforce.md sends: signed notifications of won deals, with
retries."""

import json
import sqlite3
import threading
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from time import time

import httpx2
from pydantic import BaseModel, ConfigDict
from standardwebhooks import Webhook
from standardwebhooks.webhooks import EmptyWebhookSecretError

from sandbox.standins.books import Books
from sandbox.standins.salesforce.objects import parsed

TYPE = "opportunity.changed"
BATCH = 100
SENDERS = 4
ATTEMPTS = 6
BACKOFF_SECONDS = 0.5
TIMEOUT_SECONDS = 10
STOP_SECONDS = 1
KEPT_ANSWER = 2_000
SCHEMA = (
    """CREATE TABLE IF NOT EXISTS deliveries (
        number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, body TEXT NOT NULL, state TEXT NOT NULL,
        created_at TEXT NOT NULL, attempts INTEGER NOT NULL DEFAULT 0, due REAL NOT NULL, status INTEGER,
        answer TEXT NOT NULL DEFAULT '')""",
    "CREATE INDEX IF NOT EXISTS deliveries_due ON deliveries (due) WHERE state = 'pending'",
)


class Settings(BaseModel):
    """Where to send. `echo` also notifies of writes to oppsync's own fields, as an unfiltered trigger would."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: str = ""
    suppress: bool = False
    echo: bool = False


class Notifier:
    """Deliveries are rows: pending, delivered, failed (attempts used up), suppressed. All can be resent."""

    def __init__(self, books: Books, organization: str) -> None:
        self._books = books
        self._organization = organization
        self._client = httpx2.Client(timeout=TIMEOUT_SECONDS, trust_env=False)
        self._changed = threading.Condition()
        self._in_flight: set[str] = set()
        self._stopping = False
        self._senders = [threading.Thread(target=self._send_what_is_due, daemon=True) for _ in range(SENDERS)]

    def start(self) -> None:
        """Start sending, also the deliveries that an earlier process left pending."""
        self.wake()
        for sender in self._senders:
            sender.start()

    def configure(self, settings: Settings, secret: str | None) -> None:
        """Kept across restarts; a `secret` of None keeps the present one. Raises ValueError for one that cannot
        sign."""
        if secret is not None:
            _check(secret)
        elif settings.url and not self._books.setting("webhook_secret"):
            raise ValueError("secret: a webhook needs one to be signed with; send it together with the url")
        with self._books.transaction():
            self._books.set_setting("webhook_url", settings.url)
            self._books.set_setting("webhook_suppress", str(int(settings.suppress)))
            self._books.set_setting("webhook_echo", str(int(settings.echo)))
            if secret is not None:
                self._books.set_setting("webhook_secret", secret)

    def settings(self) -> Settings:
        setting = self._books.setting
        return Settings(
            url=setting("webhook_url"),
            suppress=setting("webhook_suppress") == "1",
            echo=setting("webhook_echo") == "1",
        )

    def wake(self) -> None:
        """Turn what the triggers recorded into deliveries; call it after a commit."""
        if self._books.row("SELECT 1 FROM triggered LIMIT 1") is None:
            return
        with self._books.transaction():
            noted = self._books.rows("DELETE FROM triggered RETURNING id, ours")
            settings = self.settings()
            ids = [row["id"] for row in noted if settings.echo or not row["ours"]]
            self._enqueue(ids, settings)
        self._nudge()

    def notify(self, ids: Sequence[str]) -> list[str]:
        """Queue deliveries about these opportunities now, changed or not; returns the deliveries' ids."""
        with self._books.transaction():
            made = self._enqueue(ids, self.settings())
        self._nudge()
        return made

    def resend(self, delivery_id: str) -> bool:
        """Send once more, now, with the same id and body. False when there is no such delivery."""
        row = self._books.row("SELECT * FROM deliveries WHERE id = ?", (delivery_id,))
        if row is None:
            return False
        self._attempt(row, ATTEMPTS)
        return True

    def stop(self) -> None:
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        for sender in self._senders:
            sender.join(STOP_SECONDS)

    def _enqueue(self, ids: Sequence[str], settings: Settings) -> list[str]:
        state = "suppressed" if settings.suppress or not settings.url else "pending"
        made = []
        for start in range(0, len(ids), BATCH):
            delivery_id, now = f"msg_{uuid.uuid4().hex}", datetime.now(UTC).isoformat(timespec="milliseconds")
            body = self._body(ids[start : start + BATCH], now)
            self._books.rows(
                "INSERT INTO deliveries (id, body, state, created_at, due) VALUES (?, ?, ?, ?, ?)",
                (delivery_id, body, state, now, time()),
            )
            made.append(delivery_id)
        return made

    def _body(self, ids: Sequence[str], now: str) -> str:
        marks = ", ".join("?" * len(ids))
        sql = f'SELECT "Id", "SystemModstamp", "IsWon" FROM "Opportunity" WHERE "Id" IN ({marks}) ORDER BY "Id"'
        opportunities = [
            {
                "id": row["Id"],
                "system_modstamp": _iso(parsed(row["SystemModstamp"])),
                "is_won": bool(row["IsWon"]),
            }
            for row in self._books.rows(sql, ids)
        ]
        gone = f"SELECT id, at FROM deleted WHERE id IN ({marks}) ORDER BY id"
        opportunities += [
            {"id": row["id"], "system_modstamp": _iso(parsed(row["at"])), "is_won": False, "is_deleted": True}
            for row in self._books.rows(gone, ids)
        ]
        body = {
            "type": TYPE,
            "organization_id": self._organization,
            "sent_at": _iso(datetime.fromisoformat(now)),
            "opportunities": opportunities,
        }
        return json.dumps(body, separators=(",", ":"))

    def _nudge(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def _send_what_is_due(self) -> None:
        while (row := self._claim()) is not None:
            try:
                self._attempt(row, row["attempts"] + 1)
            finally:
                with self._changed:
                    self._in_flight.discard(row["id"])
                    self._changed.notify_all()

    def _claim(self) -> sqlite3.Row | None:
        """Wait for a delivery that is due and not being sent by another thread. None when the process ends."""
        with self._changed:
            while not self._stopping:
                pending = self._books.rows(
                    "SELECT * FROM deliveries WHERE state = 'pending' ORDER BY due LIMIT ?", (SENDERS + 1,)
                )
                free = [row for row in pending if row["id"] not in self._in_flight]
                if free and free[0]["due"] <= time():
                    self._in_flight.add(free[0]["id"])
                    return free[0]
                self._changed.wait(max(0.01, free[0]["due"] - time()) if free else None)
            return None

    def _attempt(self, row: sqlite3.Row, attempt: int) -> None:
        accepted, status, answer = self._post(row["id"], row["body"])
        state = "delivered" if accepted else "pending"
        if state == "pending" and attempt >= ATTEMPTS:
            state = "failed"
        self._books.rows(
            "UPDATE deliveries SET attempts = attempts + 1, state = ?, status = ?, answer = ?, due = ?"
            " WHERE id = ?",
            (state, status, answer[:KEPT_ANSWER], time() + BACKOFF_SECONDS * 2 ** (attempt - 1), row["id"]),
        )

    def _post(self, delivery_id: str, body: str) -> tuple[bool, int | None, str]:
        """Whether it was accepted, the status and the body; without an answer no status, and the reason."""
        now = datetime.now(UTC)
        try:
            headers = {
                "content-type": "application/json",
                "webhook-id": delivery_id,
                "webhook-timestamp": str(int(now.timestamp())),
                "webhook-signature": Webhook(self._books.setting("webhook_secret")).sign(
                    delivery_id, now, body
                ),
            }
            response = self._client.post(
                self._books.setting("webhook_url"), content=body.encode(), headers=headers
            )
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            return False, None, type(error).__name__
        return response.is_success, response.status_code, response.text


def _check(secret: str) -> None:
    try:
        Webhook(secret)
    except (EmptyWebhookSecretError, ValueError):
        raise ValueError(
            "secret: not a Standard Webhooks secret; send 'whsec_' and 24 to 64 bytes in base64"
        ) from None


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
