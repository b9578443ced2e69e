"""Compare each plan with Tryton's, the CRM's and the PSA's own books, field by field."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

from adapters.bootstrap import Application
from oppsync.domain.plan.plan import ROOT_PATH, StaffingRequest
from oppsync.domain.reading.readings import OpportunityDetail
from oppsync.domain.values.keys import EffectKind, outside_key
from oppsync.domain.values.model import plain
from oppsync.domain.values.money import Money, amount_text
from oppsync.domain.work.states import State
from sandbox.demo.comparison import Compared, DealComparison, Fields
from sandbox.demo.erp_books import ErpBooks, Record, code, day, decimal, hours
from sandbox.demo.expected import Expected, Landing
from sandbox.standins.control import KantataControl, SalesforceControl

Books = Mapping[str, list[Record]]  # by our key


@dataclass(frozen=True)
class Comparer:
    """Reads the outside systems without our adapters; from us it takes only the stored plans."""

    application: Application
    erp: ErpBooks
    crm: SalesforceControl
    psa: KantataControl

    def deal(self, detail: OpportunityDetail) -> DealComparison:
        """Compare a deal that is active, or rejected: then only the reason in the CRM may exist."""
        rows = self._active(detail) if detail.state is State.ACTIVE else self._rejected(detail)
        name, number = detail.name or detail.source_id, detail.project_number or ""
        return DealComparison(detail.id, name, number, tuple(rows))

    def _active(self, detail: OpportunityDetail) -> Iterator[Compared]:
        plan = self.application.queries.plan(self.application.tenant_id, detail.id).plan.content
        currency = self.erp.currency(plan.erp_company)
        landing = Landing(self.application.tenant_id, detail.connection_id, detail.source_id, plan, currency)
        works, invoices = self._books(landing.key_prefix)
        expected = list(landing.records())
        for each in expected:
            yield _compared(each, invoices if each.is_invoice else works, landing)
        yield from _not_planned({each.key for each in expected}, works, invoices)
        yield _money(landing, works, invoices)
        root = works.get(landing.key(EffectKind.PARENT, ROOT_PATH), [])
        yield self._in_crm(detail, plan.total, root)
        yield self._in_psa(detail, root)
        yield from self._asked_for(landing)

    def _rejected(self, detail: OpportunityDetail) -> Iterator[Compared]:
        prefix = f"oppsync:{self.application.tenant_id}:{detail.connection_id}:{detail.source_id}:"
        yield from _not_planned(set(), *self._books(prefix))
        record = self.crm.record(detail.source_id)
        yield Compared(
            "rejection",
            f"Salesforce {detail.source_id}",
            {"status": "Rejected", "project number": ""},
            {
                "status": record["oppsync_Status__c"] or "",
                "project number": record["oppsync_Project_Number__c"] or "",
                "message": record["oppsync_Message__c"] or "",
            },
        )

    def _books(self, prefix: str) -> tuple[Books, Books]:
        works: dict[str, list[Record]] = {}
        for work in self.erp.works(prefix):
            works.setdefault(_first_line(work["comment"]), []).append(work)
        invoices: dict[str, list[Record]] = {}
        for invoice in self.erp.invoices(prefix):
            invoices.setdefault(str(invoice["reference"]), []).append(invoice)
        return works, invoices

    def _in_crm(self, detail: OpportunityDetail, total: Money, root: list[Record]) -> Compared:
        record = self.crm.record(detail.source_id)
        link = record["oppsync_Project_Link__c"] or ""
        number, erp_id = (str(root[0]["number"]), str(root[0]["id"])) if root else ("", "")
        return Compared(
            "write-back",
            f"Salesforce {detail.source_id}",
            {
                "status": "Active",
                "project number": number,
                "link to": f"project.work/{erp_id}",
                "activated": f"{detail.activated_at.astimezone(UTC):%Y-%m-%dT%H:%M:%S}"
                if detail.activated_at
                else "a time",
                "amount": str(total),
            },
            {
                "status": record["oppsync_Status__c"] or "",
                "project number": record["oppsync_Project_Number__c"] or "",
                "link to": "/".join(urlsplit(link).path.split("/")[-2:]),
                "activated": (record["oppsync_Activated_At__c"] or "")[:19],
                "amount": amount_text(record["Amount"], record["CurrencyIsoCode"]),
            },
        )

    def _in_psa(self, detail: OpportunityDetail, root: list[Record]) -> Compared:
        key = outside_key(
            self.application.tenant_id,
            detail.connection_id,
            detail.source_id,
            EffectKind.PSA_PROJECT,
            ROOT_PATH,
        )
        found = [each for each in self.psa.workspaces() if each["external_reference"] == key]
        notes = _notes(found[0]["description"]) if found else {}
        return Compared(
            "project in the PSA",
            f"Kantata {found[0]['id']}" if found else "",
            {
                "under this key": "1",
                "title": detail.name or "",
                "Status": "Active",
                "Project": str(root[0]["number"]) if root else "",
            },
            {"under this key": str(len(found)), "title": found[0]["title"] if found else "", **notes},
        )

    def _asked_for(self, landing: Landing) -> Iterator[Compared]:
        """The staffing requests of the plan, and no others."""
        by_key = {row["service_model_ref"]: row for row in self.psa.resources()}
        mine = {key for key in by_key if key is not None and key.startswith(landing.key_prefix)}
        for asked in landing.plan.staffing():
            key = landing.key(EffectKind.STAFFING, asked.path)
            mine.discard(key)
            yield _asked(asked, by_key.get(key))
        for key in sorted(mine):
            yield Compared("not in the plan", f"Kantata {by_key[key]['id']:.0f}", {"key": ""}, {"key": key})


def _asked(asked: StaffingRequest, row: Record | None) -> Compared:
    allocations = row["allocations"] if row else []
    return Compared(
        f"request for {asked.role} in {asked.location}",
        f"Kantata {row['id']:.0f}" if row else "",
        {
            "for": f"{asked.role} in {asked.location}",
            "dates": f"{asked.starts_on} to {asked.ends_on}",
            "hours": plain(asked.hours),
        },
        {
            "for": ", ".join(each["notes"] for each in allocations),
            "dates": ", ".join(f"{each['start_date']} to {each['end_date']}" for each in allocations),
            "hours": ", ".join(plain(each["minutes"] / 60) for each in allocations),
        },
    )


def _compared(expected: Expected, books: Books, landing: Landing) -> Compared:
    records = books.get(expected.key, [])
    if not records:
        return Compared(expected.what, "", expected.fields, {})
    model = "account.invoice" if expected.is_invoice else "project.work"
    fields = _invoice(records[0]) if expected.is_invoice else _work(records[0], landing)
    found = {**fields, "under this key": str(len(records))}
    wanted = {"under this key": "1", **expected.fields}
    number = records[0].get("number")
    where = f"{model} {records[0]['id']}" + (f", number {number}" if number else "")
    return Compared(expected.what, where, wanted, found)


def _work(work: Record, landing: Landing) -> Fields:
    price, effort = decimal(work["list_price"]), hours(work["effort_duration"])
    fields = {
        **_notes(work["comment"]),
        "name": work["name"],
        "type": work["type"],
        "company": code(work["company"]["party"]),
        "customer": code(work["party"]),
        "parent": _first_line(work["parent"]["comment"]).removeprefix(landing.key_prefix)
        if work["parent"]
        else "",
        "invoicing": work["project_invoice_method"] or "",
        "product": code(work["product"]),
        "price": plain(price),
        "time entry": "open" if work["timesheet_available"] else "",
        "effort": plain(effort),
    }
    if work["product"]:  # compute the amount from the price, not from what we wrote beside it
        fields["amount"] = amount_text(_worth(work), landing.currency)
    return fields


def _invoice(invoice: Record) -> Fields:
    lines = invoice["lines"]
    return {
        **_notes(invoice["comment"]),
        "type": invoice["type"],
        "state": invoice["state"],
        "name": invoice["description"] or "",
        "company": code(invoice["company"]["party"]),
        "customer": code(invoice["party"]),
        "date": day(invoice["invoice_date"]),
        "payment terms": code(invoice["payment_term"], "name"),
        "product": ", ".join(code(line["product"]) for line in lines),
        "quantity": ", ".join(plain(Decimal(line["quantity"] or 0)) for line in lines),
        "tax": ", ".join(tax["name"] for line in lines for tax in line["taxes"]),
        "cost centre": ", ".join(code(each["account"]) for line in lines for each in line["analytic_accounts"]),
        "amount": amount_text(decimal(invoice["untaxed_amount"]), code(invoice["currency"])),
    }


def _worth(work: Record) -> Decimal:
    """A task's amount: hours at a price, or the price of the whole."""
    effort = hours(work["effort_duration"])
    return decimal(work["list_price"]) * (effort or 1)


def _not_planned(planned: set[str], *books: Books) -> Iterator[Compared]:
    for each in books:
        for key in sorted(each.keys() - planned):
            where = ", ".join(str(record["id"]) for record in each[key])
            yield Compared("not in the plan", where, {"key": ""}, {"key": key})


def _money(landing: Landing, works: Books, invoices: Books) -> Compared:
    """The sum of everything billable in Tryton must equal the deal's total exactly."""
    sums: defaultdict[str, Decimal] = defaultdict(Decimal)
    for records in works.values():
        for work in records:
            if work["product"]:
                sums[landing.currency] += _worth(work)
    for records in invoices.values():
        for invoice in records:
            sums[code(invoice["currency"])] += decimal(invoice["untaxed_amount"])
    found = " + ".join(amount_text(amount, currency) for currency, amount in sums.items())
    return Compared("all billing together", "Tryton", {"amount": str(landing.plan.total)}, {"amount": found})


def _first_line(text: str | None) -> str:
    return (text or "").split("\n", 1)[0].strip()


def _notes(text: Any) -> dict[str, str]:
    """The `label: value` lines of a comment or description."""
    parts = (line.strip().partition(": ") for line in str(text or "").splitlines())
    return {label: value.strip() for label, colon, value in parts if colon}
