"""The state of the world at the end: the stand-ins' own books, beside Postgres. No product code is asked for
external records; plans are read as the product stored them, because people approved those."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from psycopg.rows import dict_row

from oppsync.domain.plan.plan import PlanContent
from oppsync.kernel import canonical_json
from tests.chaos.house import House

Row = dict[str, Any]


@dataclass(frozen=True)
class Thing:
    """One record in the ERP; `amount` is the money it represents."""

    key: str
    id: str
    number: str | None
    amount: Decimal


@dataclass
class Books:
    """A reading of everything, made when nothing moves any more."""

    things: dict[str, list[Thing]] = field(default_factory=lambda: defaultdict(list))  # by record id of the CRM
    workspaces: dict[str, list[Row]] = field(default_factory=lambda: defaultdict(list))  # likewise
    asked: dict[str, list[Row]] = field(
        default_factory=lambda: defaultdict(list)
    )  # staffing requests, likewise
    written_back: dict[str, list[Row]] = field(default_factory=dict)  # our writes to the CRM's record, in order
    records: dict[str, Row] = field(default_factory=dict)
    opportunities: list[Row] = field(default_factory=list)
    effects: dict[str, Row] = field(default_factory=dict)
    plans: dict[Any, PlanContent] = field(default_factory=dict)  # of an opportunity: its current plan
    exceptions: list[Row] = field(default_factory=list)
    tasks: list[Row] = field(default_factory=list)
    audit: dict[Any, list[Row]] = field(default_factory=lambda: defaultdict(list))
    deliveries: dict[str, Row] = field(default_factory=dict)
    outbox: int = 0

    def keep(self, file: Path) -> None:
        """Keep Postgres's side for whoever analyses a breach: the servers are gone by then."""
        observed = {
            "opportunities": self.opportunities,
            "exceptions": self.exceptions,
            "approval_tasks": self.tasks,
            "effects": list(self.effects.values()),
            "audit": [entry for trail in self.audit.values() for entry in trail],
        }
        file.write_text(json.dumps(observed, default=str, indent=1))


def read(house: House) -> Books:
    books = Books()
    for thing in (*_works(house), *_invoices(house)):
        books.things[record_of(thing.key)].append(thing)
    for workspace in house.kantata.workspaces():
        books.workspaces[record_of(workspace["external_reference"] or "")].append(workspace)
    for resource in house.kantata.resources():
        books.asked[record_of(resource["service_model_ref"] or "")].append(resource)
    for record_id in house.crm.records:
        changes = [
            canonical_json.loads(change["fields"])
            for change in house.salesforce.changes(record_id)
            if change["by"] == "api"
        ]
        books.written_back[record_id] = changes
        books.records[record_id] = house.salesforce.record(record_id)
    _read_postgres(house, books)
    return books


def record_of(key: str) -> str:
    """The CRM record id in one of our keys; empty for a key that is not ours."""
    parts = key.split(":")
    return parts[3] if parts[0] == "oppsync" and len(parts) > 5 else ""


def _works(house: House) -> Iterable[Thing]:
    for work in house.tryton.records("project.work"):
        key = (work["comment"] or "").split("\n", 1)[0]
        price = Decimal(work["list_price"]["decimal"]) if work["list_price"] else Decimal(0)
        if work["timesheet_available"] and work["effort_duration"]:
            price *= Decimal(str(work["effort_duration"]["seconds"])) / 3600
        yield Thing(key, str(work["id"]).partition(".")[0], work["number"], price)


def _invoices(house: House) -> Iterable[Thing]:
    for invoice in house.tryton.records("account.invoice"):
        amount = Decimal(invoice["untaxed_amount"]["decimal"])
        yield Thing(invoice["reference"] or "", str(invoice["id"]).partition(".")[0], None, amount)


def _read_postgres(house: House, books: Books) -> None:
    with house.servers.sql() as connection:
        sql = connection.cursor(row_factory=dict_row)

        def rows(query: str) -> Sequence[Row]:
            return sql.execute(query).fetchall()

        books.opportunities = list(rows("select * from opportunities order by id"))
        books.effects = {row["key"]: row for row in rows("select * from effects")}
        books.exceptions = list(rows("select * from exception_items"))
        books.tasks = list(rows("select * from approval_tasks"))
        books.deliveries = {row["delivery_id"]: row for row in rows("select id, delivery_id from inbox")}
        books.outbox = rows("select count(*) as n from outbox")[0]["n"]
        for entry in rows("select * from audit where opportunity_id is not null order by at, id"):
            books.audit[entry["opportunity_id"]].append(entry)
        current = """select p.opportunity_id, p.content from plans p join opportunities o
            on o.id = p.opportunity_id and o.plan_hash = p.hash"""
        for row in rows(current):
            books.plans[row["opportunity_id"]] = PlanContent.model_validate(row["content"])


def doubles(things: Iterable[str]) -> Mapping[str, int]:
    return {key: count for key, count in Counter(things).items() if count > 1}
