"""Tryton 8.2 as the ERP: each node becomes a `project.work`, each billing line a task or a draft
`account.invoice`.

Stock Tryton enforces no unique key of ours on either, so whoever creates holds the deal's lease and has looked
the key up first (`pipeline/effects.py`).
"""

from __future__ import annotations

import random
import time
from collections.abc import Collection, Sequence
from datetime import date, timedelta
from typing import TypeVar
from urllib.parse import urlsplit

from pydantic import ValidationError

from adapters.connectors.http.client import Gate
from adapters.erp.tryton import landing, wire
from adapters.erp.tryton.client import TrytonClient
from adapters.erp.tryton.customers import customers_like, of_code
from adapters.erp.tryton.directory import Company, Directory, Remembered
from adapters.erp.tryton.errors import NumberDrawnTwice
from adapters.erp.tryton.landing import Fields
from adapters.erp.tryton.readiness import missing
from adapters.erp.tryton.references import References
from adapters.erp.tryton.settings import TrytonSecrets, TrytonSettings, capabilities
from adapters.erp.tryton.values import (
    closing_values,
    customer_values,
    invoice_values,
    node_values,
    priceless_values,
    record_id,
    task_values,
)
from oppsync.domain.deal.customers import ErpCustomer
from oppsync.domain.effects.effects import ExternalRecord
from oppsync.domain.plan.orders import CustomerOrder, LineOrder, NodeOrder
from oppsync.domain.plan.plan import LineKind, NodeKind
from oppsync.domain.plan.references import ErpReferences, MissingReference
from oppsync.kernel.errors import AmbiguousAnswer, ContentConflict, Misconfigured, VendorRejected
from oppsync.ports.clock import Clock

# The name and the code of a refusal for kinds that Tryton invoices in the company's own currency only.
ONLY_IN_OWN_CURRENCY = {
    LineKind.TIME: ("the time", "TIME_IN_FOREIGN_CURRENCY"),
    LineKind.PROGRESS: ("the percent complete", "PROGRESS_IN_FOREIGN_CURRENCY"),
}
CANCELLABLE = ("draft", "validated")
# A search's URL holds each key twice, and a proxy may refuse a URL of more than 8 KB.
KEYS_AT_ONCE = 15
# Upper bounds in seconds: each pause is random, so that the same two writers do not collide again.
RACE_PAUSES = (0.05, 0.1, 0.2, 0.4)


class TrytonErp:
    """Implements `oppsync.ports.erp.Erp`. One instance per connection and process."""

    def __init__(self, settings: TrytonSettings, secrets: TrytonSecrets, clock: Clock, gate: Gate) -> None:
        """Raises Misconfigured for an unusable address."""
        self.capabilities = capabilities(settings)
        self.quarantine = timedelta(seconds=settings.timeout + settings.late_commit)
        self._clock = clock
        self._closed_status = settings.closed_status
        self._products = {
            LineKind.TIME: settings.time_product,
            LineKind.DATED: settings.dated_product,
            LineKind.MILESTONE: settings.milestone_product,
            LineKind.PROGRESS: settings.progress_product,
        }
        self._client = TrytonClient(
            settings.base_url,
            settings.database,
            secrets.rest_key.get_secret_value(),
            timeout=settings.timeout,
            gate=gate,
        )
        self._directory = Directory(self._client)
        self._references = References(self._client, self._directory, self._products)
        self._remembered = Remembered()
        place = settings.web_url or f"tryton://{urlsplit(settings.base_url).netloc}"
        self._records = f"{place.rstrip('/')}/{'#' if settings.web_url else ''}{settings.database}"

    def ping(self) -> None:
        """Ask for a company that does not exist: whether the key may read companies at all."""
        self._client.search("company.company", [["id", "=", 0]], ["id"])

    def customers_of_code(self, code: str) -> Sequence[ErpCustomer]:
        """Not remembered: what was wrong with it is mended there, and the deal is replayed at once."""
        return of_code(self._client, code)

    def find_customers(self, name: str, tax_id: str | None) -> Sequence[ErpCustomer]:
        return customers_like(self._client, name, tax_id)

    def find_customer(self, order: CustomerOrder) -> ExternalRecord | None:
        found = self._client.search("party.party", [["code", "=", order.customer.code]], ["id"])
        return self._landed_customer(order, found[0]["id"]) if found else None

    def create_customer(self, order: CustomerOrder) -> ExternalRecord:
        company = self._directory.company(order.erp_company).id
        created = self._client.create("party.party", customer_values(order, self._directory), ["id"], company)
        return self._landed_customer(order, created["id"])

    def _landed_customer(self, order: CustomerOrder, record: int) -> ExternalRecord:
        return ExternalRecord(
            outside_id=str(record),
            number=order.customer.code,
            url=f"{self._records}/model/party.party/{record}",
        )

    def missing_for(self, erp_company: str) -> Sequence[str]:
        """What the company lacks. That it lacks nothing is remembered for a while."""
        today, lacking = self._clock.now().date(), list[str]()

        def is_ready() -> bool:
            lacking.extend(missing(self._client, erp_company, list(self._products.values()), today))
            return not lacking

        self._remembered.get(("ready", erp_company, today), is_ready)
        return lacking

    def has_payment_terms(self, code: str) -> bool:
        return not self._references.unknown("account.invoice.payment_term", "name", [code])

    def books_open_until(self, erp_company: str) -> date | None:
        return self._references.open_until(erp_company)

    def missing_references(self, wanted: ErpReferences) -> Sequence[MissingReference]:
        return list(self._references.missing(wanted))

    def existing_keys(self, keys: Sequence[str]) -> Collection[str]:
        existing = set[str]()
        for first in range(0, len(keys), KEYS_AT_ONCE):
            some = keys[first : first + KEYS_AT_ONCE]
            existing |= {landing.key_of(work.comment) for work in self._works(some)}
        return existing

    def find_node(self, order: NodeOrder) -> ExternalRecord | None:
        work = self._find_work(order.key)
        if work is None:
            return None
        currency = self._directory.company(order.plan.erp_company).currency
        return self._landed_work(work, landing.wanted_node(order, currency))

    def create_node(self, order: NodeOrder) -> ExternalRecord:
        company = self._directory.company(order.plan.erp_company)
        wanted = landing.wanted_node(order, company.currency)
        values = node_values(order, wanted, company, self._directory)
        return self._create_work(order.key, values, wanted, company)

    def find_line(self, order: LineOrder) -> ExternalRecord | None:
        if self._is_invoice(order):
            invoice = self._find_invoice(order.key)
            wanted = landing.wanted_invoice(order, self._products[order.line.kind])
            return self._landed_invoice(invoice, wanted) if invoice else None
        work = self._find_work(order.key)
        return self._landed_work(work, self._wanted_task(order)) if work else None

    def create_line(self, order: LineOrder) -> ExternalRecord:
        company = self._directory.company(order.plan.erp_company)
        if not self._is_invoice(order):
            return self._create_task(order, company)
        if order.line.kind in ONLY_IN_OWN_CURRENCY:
            what, code = ONLY_IN_OWN_CURRENCY[order.line.kind]
            raise VendorRejected(
                f"Tryton invoices {what} of {order.plan.erp_company} in {company.currency}, "
                f"not in {order.line.amount.currency}",
                code=code,
            )
        return self._create_invoice(order, company)

    def cancel_node(self, order: NodeOrder, outside_id: str) -> ExternalRecord:
        company = self._directory.company(order.plan.erp_company)
        is_project = order.node.kind is not NodeKind.TASK
        values = closing_values(self._directory.status(self._closed_status), is_project=is_project)
        return self._close_work(outside_id, values, landing.wanted_node(order, company.currency), company)

    def cancel_line(self, order: LineOrder, outside_id: str) -> ExternalRecord:
        company = self._directory.company(order.plan.erp_company)
        if self._is_invoice(order):
            return self._cancel_invoice(order, outside_id, company)
        values = priceless_values(self._directory.status(self._closed_status))
        return self._close_work(outside_id, values, self._wanted_task(order), company)

    def _close_work(
        self, outside_id: str, values: wire.Wire, wanted: Fields, company: Company
    ) -> ExternalRecord:
        changed = self._client.write(
            "project.work", record_id(outside_id), values, wire.WORK_FIELDS, company.id
        )
        return self._landed_work(_read(wire.Work, changed, after_write=True), wanted)

    def _cancel_invoice(self, order: LineOrder, outside_id: str, company: Company) -> ExternalRecord:
        """Cancel a draft. Raises VendorRejected for a posted invoice: only a credit note takes that back."""
        invoice = self._find_invoice(order.key)
        if invoice is not None and invoice.state in CANCELLABLE:
            self._client.press("account.invoice", record_id(outside_id), "cancel", company.id)
            invoice = self._find_invoice(order.key)
        if invoice is None:
            raise AmbiguousAnswer(f"Tryton: the invoice {outside_id} is gone while it is cancelled")
        if invoice.state != landing.CANCELLED:
            called = invoice.number or invoice.id
            raise VendorRejected(f"Tryton's invoice {called} is {invoice.state}: credit it there, then replay")
        return self._landed_invoice(invoice, landing.wanted_invoice(order, self._products[order.line.kind]))

    def _create_task(self, order: LineOrder, company: Company) -> ExternalRecord:
        wanted = self._wanted_task(order)
        values = task_values(order, wanted, company, self._directory)
        return self._create_work(order.key, values, wanted, company)

    def _create_work(self, key: str, values: wire.Wire, wanted: Fields, company: Company) -> ExternalRecord:
        """Create, and after a number drawn twice look the key up and try again. Raises NumberDrawnTwice if that
        goes on."""
        for pause in RACE_PAUSES:
            try:
                return self._create_once(values, wanted, company)
            except NumberDrawnTwice:
                time.sleep(random.uniform(0, pause))  # noqa: S311
            work = self._find_work(key)
            if work is not None:
                return self._landed_work(work, wanted)
        return self._create_once(values, wanted, company)

    def _create_once(self, values: wire.Wire, wanted: Fields, company: Company) -> ExternalRecord:
        created = self._client.create("project.work", values, wire.WORK_FIELDS, company.id)
        return self._landed_work(_read(wire.Work, created, after_write=True), wanted)

    def _create_invoice(self, order: LineOrder, company: Company) -> ExternalRecord:
        wanted = landing.wanted_invoice(order, self._products[order.line.kind])
        values = invoice_values(order, wanted, company, self._directory)
        created = self._client.create("account.invoice", values, wire.INVOICE_FIELDS, company.id)
        return self._landed_invoice(_read(wire.Invoice, created, after_write=True), wanted)

    def _is_invoice(self, order: LineOrder) -> bool:
        return landing.is_invoice(order.line, self._directory.company(order.plan.erp_company).currency)

    def _wanted_task(self, order: LineOrder) -> Fields:
        return landing.wanted_task(order, self._products[order.line.kind])

    def _find_work(self, key: str) -> wire.Work | None:
        return _only(self._works([key]), key)

    def _works(self, keys: Sequence[str]) -> list[wire.Work]:
        domain: list[object] = ["OR"]
        for key in keys:
            # A backslash escapes on Postgres but not on SQLite, so `_` (any character) stands for it.
            pattern = key.replace("\\", "_") + "\n%"
            domain += [["comment", "=", key], ["comment", "like", pattern]]
        found = self._client.search("project.work", domain, wire.WORK_FIELDS)
        works = [_read(wire.Work, each) for each in found]
        # On SQLite `like` ignores case, and a key may contain wild cards: compare the keys exactly.
        return [work for work in works if landing.key_of(work.comment) in keys]

    def _find_invoice(self, key: str) -> wire.Invoice | None:
        found = self._client.search("account.invoice", [["reference", "=", key]], wire.INVOICE_FIELDS)
        return _only([_read(wire.Invoice, each) for each in found], key)

    def _landed_work(self, work: wire.Work, wanted: Fields) -> ExternalRecord:
        found = landing.found_work(work, self._closed_status)
        closed = found["status"] == landing.CLOSED
        return self._landed("project.work", work.id, work.number, wanted, found, closed=closed)

    def _landed_invoice(self, invoice: wire.Invoice, wanted: Fields) -> ExternalRecord:
        found = landing.found_invoice(invoice)
        closed = found["state"] == landing.CANCELLED
        return self._landed("account.invoice", invoice.id, invoice.number, wanted, found, closed=closed)

    def _landed(
        self, model: str, record: int, number: str | None, wanted: Fields, found: Fields, *, closed: bool
    ) -> ExternalRecord:
        return ExternalRecord(
            outside_id=str(record),
            number=number,
            url=f"{self._records}/model/{model}/{record}",
            differences=landing.differences(wanted, found),
            response={"model": model, "id": record, "number": number, **found},
            closed=closed,
        )


Record = TypeVar("Record", wire.Work, wire.Invoice)


def _read(shape: type[Record], record: wire.Wire, *, after_write: bool = False) -> Record:
    """Parse a record. Raises Misconfigured when it does not have Tryton 8.2's shape, AmbiguousAnswer after a
    write."""
    try:
        return shape.model_validate(record)
    except ValidationError as error:
        kind = AmbiguousAnswer if after_write else Misconfigured
        raise kind(f"Tryton: a {shape.__name__} that is not Tryton 8.2's: {_first(error)}") from None


def _first(error: ValidationError) -> str:
    first = error.errors()[0]
    return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"


def _only(found: Sequence[Record], key: str) -> Record | None:
    if len(found) > 1:
        ids = ", ".join(str(record.id) for record in found)
        raise ContentConflict(f"Tryton has {len(found)} records under {key}: {ids}")
    return found[0] if found else None
