"""A made-up CRM: deals in memory, over an HTTP API of its own.

Each call carries `X-Api-Key`. Moments are whole milliseconds since 1970, amounts whole cents; a deal's id is a
number. A refusal is `{"problem": CODE, "text": WORDS}`.

    GET /deals/ID                                  one deal
    GET /deals?changed_from=MS&after_id=ID&top=N   by the moment of their last change, then by id
    GET /deals?won_from=DAY&won_before=DAY         won deals by that day; the second day is optional
    GET /deleted?from=MS&to=MS                     ids and moments, as long as nobody emptied the bin
    PUT /deals/ID/notes                            replaces all notes, which are texts by name

A list is `{"clock": MS, "deals": [...]}`. `owners` of a deal are all it ever had; the last one has it now.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from sandbox.standins.faults import Fault
from sandbox.standins.wire import Call, Json, Reply, from_json

SELLER = {"user": 3, "name": "Sam Seller", "mail": "sam.seller@example.com"}
COMPANY = {"id": 12, "name": "Nordbank AG", "number": "CUST-1004", "country": "DE", "vat": "DE129273398"}


class MadeUpCrm:
    """Implements `sandbox.standins.surface.Vendor`; from `clock` on it is what people do and see there."""

    def __init__(self, key: str) -> None:
        self._key = key
        self._lock = threading.Lock()
        self._deals: dict[int, dict[str, Json]] = {}
        self._bin: dict[int, tuple[int, dict[str, Json]]] = {}
        self._last_id = 5_000
        self._users = {SELLER["mail"]: SELLER}
        self._moment = 0

    def answer(self, call: Call) -> Reply:
        if call.headers.get("x-api-key") != self._key:
            return _problem(401, "key", "this key opens nothing")
        with self._lock:
            match call.method, call.segments:
                case "GET", ["deals"]:
                    return self._listed(call.args)
                case "GET", ["deleted"]:
                    return self._deleted(int(call.args["from"]), int(call.args["to"]))
                case "GET", ["deals", deal_id]:
                    return self._one(deal_id)
                case "PUT", ["deals", deal_id, "notes"]:
                    return self._noted(deal_id, from_json(call.body))
        return _problem(404, "path", "nothing is here")

    def refuse(self, fault: Fault) -> Reply:
        return fault.refusal({"problem": fault.code or "ordered", "text": fault.code or "ordered failure"})

    def keeps_body_secret(self, call: Call) -> bool:
        return False

    def clock(self) -> int:
        """Never the same moment twice."""
        self._moment = max(time.time_ns() // 1_000_000, self._moment + 1)
        return self._moment

    def win(self, day: date, items: Iterable[Mapping[str, Json]]) -> int:
        with self._lock:
            deal_id = self._last_id = self._last_id + 1
            sold = [{"item": 10 * number, **item} for number, item in enumerate(items, 1)]
            self._deals[deal_id] = {
                "id": deal_id,
                "title": "Core banking renewal",
                "status": "won",
                "day": day.isoformat(),
                "currency": "EUR",
                "total": sum(item["sum"] for item in sold),
                "company": COMPANY,
                "opened_by": SELLER,
                "owners": [SELLER],
                "items": sold,
                "notes": {},
                "changed": self.clock(),
            }
        return deal_id

    def lose(self, deal_id: int) -> None:
        self._change(deal_id, status="lost")

    def hand_over(self, deal_id: int, name: str, mail: str) -> None:
        known = {"user": 3 + len(self._users), "name": name, "mail": mail}
        user = self._users.setdefault(mail, known)
        self._change(deal_id, owners=[*self._deals[deal_id]["owners"], user])

    def delete(self, deal_id: int, minutes_ago: int) -> None:
        with self._lock:
            self._bin[deal_id] = (self.clock() - minutes_ago * 60_000, self._deals.pop(deal_id))

    def restore(self, deal_id: int) -> None:
        with self._lock:
            self._deals[deal_id] = self._bin.pop(deal_id)[1] | {"changed": self.clock()}

    def empty_the_bin(self) -> None:
        self._bin.clear()

    def deal(self, deal_id: int) -> dict[str, Json]:
        return self._deals[deal_id]

    def _change(self, deal_id: int, **fields: Any) -> None:
        with self._lock:
            self._deals[deal_id] = self._deals[deal_id] | fields | {"changed": self.clock()}

    def _one(self, deal_id: str) -> Reply:
        deal = self._deals.get(int(deal_id)) if deal_id.isdigit() else None
        return Reply(200, deal) if deal else _problem(404, "no_deal", f"no deal has the number {deal_id}")

    def _noted(self, deal_id: str, notes: Mapping[str, Json]) -> Reply:
        found = self._one(deal_id)
        if found.status != 200:
            return found
        self._deals[int(deal_id)] = found.body | {"notes": dict(notes), "changed": self.clock()}
        return self._one(deal_id)

    def _listed(self, args: Mapping[str, str]) -> Reply:
        deals = list(self._deals.values())
        if "won_from" in args:
            days = (args["won_from"], args.get("won_before", "9999-12-31"))
            won = [each for each in deals if each["status"] == "won" and days[0] <= each["day"] < days[1]]
            return self._page(sorted(won, key=lambda each: (each["day"], each["id"])))
        after = (int(args["changed_from"]), int(args.get("after_id", "0")))
        by_change = sorted(deals, key=lambda each: (each["changed"], each["id"]))
        later = [each for each in by_change if (each["changed"], each["id"]) > after]
        return self._page(later[: int(args["top"])])

    def _deleted(self, begin: int, end: int) -> Reply:
        found = [{"id": deal_id, "at": at} for deal_id, (at, _) in self._bin.items() if begin <= at < end]
        return self._page(found)

    def _page(self, deals: list[dict[str, Json]]) -> Reply:
        return Reply(200, {"clock": self.clock(), "deals": deals})


def _problem(status: int, code: str, text: str) -> Reply:
    return Reply(status, {"problem": code, "text": text})
