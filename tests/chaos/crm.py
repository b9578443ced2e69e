"""The CRM's side: deals are won, edited, lost; each change is sent to the signed webhook until it is
acknowledged."""

from __future__ import annotations

import queue
import random
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from http import HTTPStatus
from http.client import HTTPException
from typing import Any

from standardwebhooks import Webhook

from oppsync.kernel import canonical_json
from sandbox.firm import deals
from sandbox.standins.control import SalesforceControl
from tests.harness.waiting import HANG_SECONDS
from tests.integration.standin_calls import call

WON = date(2026, 3, 2)
COURIERS = 4
STALE = timedelta(minutes=10)
HEARD = (HTTPStatus.OK, HTTPStatus.ACCEPTED)
Deal = dict[str, Any]


def small_time(name: str) -> Deal:
    lines = [deals.hours_line(WON, "ACME-DE", deals.SENIOR, 120, "Architecture")]
    return deals.deal(WON, "CUST-1001", "ACME-DE", name=name, billing_model="Time and Materials", lines=lines)


def small_milestones(name: str) -> Deal:
    lines = [deals.milestone_line(WON, Decimal("84999.99"), "Data platform", percents=(60, 40))]
    return deals.deal(WON, "CUST-1003", "ACME-DE", name=name, billing_model="Milestone", lines=lines)


def two_workstreams(name: str) -> Deal:
    lines = [
        deals.hours_line(WON, "ACME-DE", deals.CONSULTANT, 80, "Steering"),
        deals.milestone_line(WON, Decimal("120000.01"), "Cloud migration", percents=(50, 50)),
    ]
    return deals.deal(WON, "CUST-1004", "ACME-DE", name=name, billing_model="Milestone", lines=lines)


def fixed_fee(name: str) -> Deal:
    return deals.fixed_fee(WON, name=name)


def of_a_stranger(name: str) -> Deal:
    """Parks, because the ERP has no such customer."""
    deal = small_time(name)
    deal["account"] = deal["account"] | {"AccountNumber": "CUST-9999", "Name": "Nobody Ltd"}
    return deal


# Shape of a deal, and how many in a hundred have it.
SHAPES: tuple[tuple[Callable[[str], Deal], int], ...] = (
    (small_time, 42),
    (small_milestones, 30),
    (two_workstreams, 18),
    (fixed_fee, 5),
    (of_a_stranger, 5),
)


@dataclass
class Delivery:
    """One notification; `id` stays the same however often it is sent."""

    record_id: str
    body: bytes
    id: str = field(default_factory=lambda: str(uuid.uuid4()))


class Crm:
    """Wins deals and notifies of each change once or more often, in order or not."""

    def __init__(self, control: SalesforceControl, web: str, connection: str, secret: str, seed: str) -> None:
        self.control = control
        self.records: list[str] = []
        self.poison: list[str] = []
        self.acknowledged: dict[str, Delivery] = {}
        self.sent_again = 0
        self.reordered = 0
        self.edited = 0
        self.drops = 0.0  # the share of deliveries that is never sent
        self.dropped: list[str] = []  # the records of those deliveries
        self.stale: list[str] = []
        self.unheard = 0  # attempts that got no 2xx
        self._url, self._path = web, f"/webhooks/{connection}"
        self._sign = Webhook(secret)
        self._chance = random.Random(f"crm {seed}")  # noqa: S311 - to be repeatable
        self._queue: queue.Queue[Delivery | None] = queue.Queue()
        self._open = 0
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._deliver, daemon=True) for _ in range(COURIERS)]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        for _ in self._threads:
            self._queue.put(None)
        for thread in self._threads:
            thread.join(timeout=HANG_SECONDS)

    @property
    def waiting(self) -> int:
        """Deliveries not yet acknowledged."""
        return self._open

    # What happens in the CRM.

    def win(self, *, poison: bool = False) -> str:
        """Win one more deal; some are notified twice, some edited at once and notified in the wrong order.

        A poisoned one is not notified yet: `tell` does that.
        """
        number = len(self.records) + 1
        shapes, weights = zip(*SHAPES, strict=True)
        (shape,) = self._chance.choices(shapes, weights)
        refuse = "Reject " if self._chance.random() < 0.05 else ""
        record_id = str(self.control.win_deal(shape(f"{refuse}{number}"))["id"])
        self.records.append(record_id)
        if poison:
            self.poison.append(record_id)
            return record_id
        first = self._notification(record_id)
        if self._chance.random() < 0.1:
            self.edit(record_id, tell=False)
            second = self._notification(record_id)
            self._send(second, first)
            self.reordered += 1
        else:
            self._send(first)
        if self._chance.random() < 0.15:
            self._send(*[first] * 3)
            self.sent_again += 3
        return record_id

    def edit(self, record_id: str | None = None, *, tell: bool = True) -> None:
        """A person changes a deal: mostly its order number; sometimes it is lost, or won again."""
        record_id = record_id or self._chance.choice(self.records)
        changes: dict[str, Any] = {"PO_Number__c": f"PO-{self._chance.randrange(10**6)}"}
        chance = self._chance.random()
        if tell and chance < 0.2:
            changes = {"StageName": "Closed Lost" if chance < 0.1 else "Closed Won"}
        self.control.edit(record_id, {"opportunity": changes})
        self.edited += 1
        if tell:
            self._send(self._notification(record_id))

    def send_stale(self) -> bool:
        """Send a delivery with yesterday's timestamp, correctly signed: it is refused, and nothing is
        stored."""
        stale = self._notification(self._chance.choice(self.records))
        self.stale.append(stale.id)
        try:
            return self._post(stale, datetime.now(UTC) - STALE) == HTTPStatus.UNAUTHORIZED
        except (OSError, HTTPException):
            return False

    def tell_all_again(self) -> int:
        """Send every delivery once more, as an operator asks the CRM to after a restore."""
        again = list(self.acknowledged.values())
        self._put(again)
        return len(again)

    def tell(self, record_id: str) -> None:
        self._send(self._notification(record_id))

    def _notification(self, record_id: str) -> Delivery:
        record = self.control.record(record_id)
        opportunity = {
            "id": record_id,
            "system_modstamp": record["SystemModstamp"],
            "is_won": bool(record["IsWon"]),
        }
        notification = {
            "type": "opportunity.changed",
            "organization_id": "00D000000000001",
            "sent_at": datetime.now(UTC).isoformat(),
            "opportunities": [opportunity],
        }
        return Delivery(record_id, canonical_json.dumps(notification).encode())

    def _send(self, *deliveries: Delivery) -> None:
        kept = [delivery for delivery in deliveries if not self._drop(delivery)]
        self._put(kept)

    def _drop(self, delivery: Delivery) -> bool:
        is_dropped = self._chance.random() < self.drops if self.drops else False
        if is_dropped:
            self.dropped.append(delivery.record_id)
        return is_dropped

    def _put(self, deliveries: Sequence[Delivery]) -> None:
        with self._lock:
            self._open += len(deliveries)
        for delivery in deliveries:
            self._queue.put(delivery)

    def _deliver(self) -> None:
        while (delivery := self._queue.get()) is not None:
            while not self._heard(delivery):
                self.unheard += 1
                time.sleep(0.3)
            with self._lock:
                self._open -= 1

    def _heard(self, delivery: Delivery) -> bool:
        try:
            status = self._post(delivery, datetime.now(UTC))
        except (OSError, HTTPException):
            return False
        if status in HEARD:
            self.acknowledged[delivery.id] = delivery
            return True
        return False

    def _post(self, delivery: Delivery, at: datetime) -> int:
        headers = {
            "Content-Type": "application/json",
            "webhook-id": delivery.id,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": self._sign.sign(delivery.id, at, delivery.body.decode()),
        }
        return call(self._url, "POST", self._path, delivery.body.decode(), headers=headers, timeout=15).status
