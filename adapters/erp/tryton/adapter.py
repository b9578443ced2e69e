"""Tryton 8.2 as the ERP: each node becomes a `project.work`, each billing line a task or a draft
`account.invoice`.

Stock Tryton enforces no unique key of ours on either, so whoever creates holds the deal's lease and has looked
the key up first (`pipeline/effects.py`).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from datetime import date, timedelta
from itertools import takewhile
from typing import TypeVar
from urllib.parse import urlsplit

from pydantic import ValidationError

from adapters.connectors.http.client import Gate
from adapters.erp.tryton import landing, revision, wire
from adapters.erp.tryton.client import TrytonClient
from adapters.erp.tryton.creating import INVOICE, WORK, Creator, New
from adapters.erp.tryton.customers import customers_like, of_code
from adapters.erp.tryton.facts import Facts, no_company
from adapters.erp.tryton.inspection import inspected
from adapters.erp.tryton.landing import Fields
from adapters.erp.tryton.named import (
    OfCompany,
    Status,
    for_customer,
    for_invoice,
    for_node,
    for_task,
    of_all,
    status,
)
from adapters.erp.tryton.readiness import missing
from adapters.erp.tryton.references import References
from adapters.erp.tryton.settings import TrytonSecrets, TrytonSettings, capabilities
from adapters.erp.tryton.values import (
    closing_values,
    customer_values,
    invoice_values,
    node_values,
    opening_values,
    priceless_values,
    record_id,
    task_values,
)
from oppsync.domain.deal.customers import ErpCustomer
from oppsync.domain.effects.effects import ExternalRecord
from oppsync.domain.master_data.rows import MasterKey, MasterKind, MasterPage
from oppsync.domain.plan.orders import CustomerOrder, LineOrder, NodeOrder
from oppsync.domain.plan.plan import BillingLine, LineKind, NodeKind, PlanContent
from oppsync.domain.plan.references import ErpReferences, MissingReference
from oppsync.domain.values.model import changed
from oppsync.domain.work.observations import Observation
from oppsync.kernel.errors import AmbiguousAnswer, ContentConflict, Misconfigured, VendorRejected
from oppsync.ports.clock import Clock
from oppsync.ports.erp import CameOfIt
from oppsync.ports.master_data import NO_MEMORY, MasterMemory

# The name and the code of a refusal for kinds that Tryton invoices in the company's own currency only.
ONLY_IN_OWN_CURRENCY = {
    LineKind.TIME: ("the time", "TIME_IN_FOREIGN_CURRENCY"),
    LineKind.PROGRESS: ("the percent complete", "PROGRESS_IN_FOREIGN_CURRENCY"),
}
CANCELLABLE = ("draft", "validated")
_WILD = re.compile(r"[\\%_]")


class TrytonErp:
    """Implements `oppsync.ports.erp.Erp`. One instance per connection and process."""

    def __init__(
        self,
        settings: TrytonSettings,
        secrets: TrytonSecrets,
        clock: Clock,
        gate: Gate,
        memory: MasterMemory = NO_MEMORY,
    ) -> None:
        """Raises Misconfigured for an unusable address. `memory`: what is known of its master data."""
        self.capabilities = capabilities(settings)
        self.quarantine = timedelta(seconds=settings.timeout + settings.late_commit)
        self._clock = clock
        self._closed_status = settings.closed_status
        self._open_status = settings.open_status
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
        self.mirror_every = timedelta(minutes=settings.mirror_minutes)
        trusted_for = timedelta(minutes=settings.mirror_trusted_minutes)
        self._memory = memory
        self._facts = Facts(self._client, memory, trusted_for)
        self._to_write = Facts(self._client, memory, trusted_for, to_write=True)
        self._references = References(self._facts, self._products)
        self._creator = Creator(self._client, self._works, self._landed_new)
        place = settings.web_url or f"tryton://{urlsplit(settings.base_url).netloc}"
        self._records = f"{place.rstrip('/')}/{'#' if settings.web_url else ''}{settings.database}"

    def ping(self) -> None:
        """Ask for a company that does not exist: whether the key may read companies at all."""
        self._client.search("company.company", [["id", "=", 0]], ["id"])

    def inspect(self) -> Sequence[Observation]:
        self.ping()
        statuses = {"closed_status": self._closed_status, "open_status": self._open_status}
        today = self._clock.now().date()
        return list(inspected(self._client, sorted(set(self._products.values())), statuses, today))

    def customers_of_code(self, code: str) -> Sequence[ErpCustomer]:
        """Not remembered: what was wrong with it is mended there, and the deal is replayed at once."""
        return of_code(self._client, self._memory, code)

    def find_customers(self, name: str, tax_id: str | None) -> Sequence[ErpCustomer]:
        return customers_like(self._client, self._memory, name, tax_id)

    def find_customer(self, order: CustomerOrder) -> ExternalRecord | None:
        found = self._client.search("party.party", [["code", "=", order.customer.code]], ["id"])
        return self._landed_customer(order, found[0]["id"]) if found else None

    def create_customer(self, order: CustomerOrder) -> ExternalRecord:
        named = for_customer(self._to_write, order)
        values = customer_values(order, named)
        created = self._client.create("party.party", values, ["id"], named.company.id)
        return self._landed_customer(order, created["id"])

    def _landed_customer(self, order: CustomerOrder, record: int) -> ExternalRecord:
        return ExternalRecord(
            outside_id=str(record),
            number=order.customer.code,
            url=f"{self._records}/model/party.party/{record}",
        )

    def missing_for(self, erp_company: str) -> Sequence[str]:
        return missing(self._facts, erp_company, list(self._products.values()), self._clock.now().date())

    def has_payment_terms(self, code: str) -> bool:
        return bool(self._facts.find([of_all(MasterKind.PAYMENT_TERMS, code)]))

    def payment_terms(self) -> Sequence[str]:
        return sorted(
            term["name"] for term in self._client.search("account.invoice.payment_term", [], ["name"])
        )

    def books_open_until(self, erp_company: str, wanted: date | None = None) -> date | None:
        return self._references.open_until(erp_company, wanted)

    def missing_references(
        self, wanted: ErpReferences, *, heard_within: timedelta | None = None
    ) -> Sequence[MissingReference]:
        return list(self._references.missing(wanted, heard_within))

    def master_page(self, kind: MasterKind, after: str | None) -> MasterPage:
        return self._facts.page(kind, after)

    def existing(self, keys: Collection[MasterKey]) -> Collection[MasterKey]:
        return self._facts.find(keys).keys()

    def existing_keys(self, keys: Sequence[str]) -> Collection[str]:
        return self._keys(WORK, "comment", keys)

    def existing_lines(self, plan: PlanContent, lines: Mapping[str, BillingLine]) -> Collection[str]:
        currency = self._company(plan.erp_company).currency
        invoices = {key for key, line in lines.items() if landing.is_invoice(line, currency)}
        of_sort = ((WORK, "comment", lines.keys() - invoices), (INVOICE, "reference", invoices))
        return {key for model, column, keys in of_sort if keys for key in self._keys(model, column, keys)}

    def _keys(self, model: str, column: str, keys: Collection[str]) -> set[str]:
        """Those under which a record exists, by one search for what they begin with."""
        # A wild card of a key stands for itself too; what else it finds has none of the keys.
        pattern = _WILD.sub("_", _common_beginning(keys)) + "%"
        found = self._client.search(model, [[column, "like", pattern]], [column])
        if any(column not in record for record in found):
            raise Misconfigured(f"Tryton: a {model} that is not Tryton 8.2's: it has no {column}")
        return {landing.key_of(record[column]) for record in found}.intersection(keys)

    def find_node(self, order: NodeOrder) -> ExternalRecord | None:
        work = self._find_work(order.key)
        if work is None:
            return None
        wanted, was = self._wanted_node(order), [self._wanted_node(each) for each in order.was]
        return self._landed_work(work, wanted, was, closed_by_us=order.closed_by_us)

    def create_node(self, order: NodeOrder) -> ExternalRecord:
        return self._creator.one(self._new_node(order))

    def shares_call(self, order: NodeOrder | LineOrder) -> str:
        """Work below one parent, or invoices."""
        if isinstance(order, NodeOrder):
            return f"{WORK} {order.parent_id}"
        return INVOICE if self._is_invoice(order) else f"{WORK} {order.project_id}"

    def create_together(self, orders: Sequence[NodeOrder | LineOrder]) -> Mapping[str, CameOfIt]:
        new = [
            self._new_node(order) if isinstance(order, NodeOrder) else self._new_line(order) for order in orders
        ]
        return self._creator.together(new)

    def _new_node(self, order: NodeOrder) -> New:
        named = for_node(self._to_write, order)
        wanted = landing.wanted_node(order, named.company.currency)
        return New(order.key, WORK, node_values(order, wanted, named), wanted, named.company)

    def find_line(self, order: LineOrder) -> ExternalRecord | None:
        """One that an earlier plan ordered as an invoice, and this one as a task, is told as a difference; what
        we closed of the other sort is in nobody's way."""
        is_invoice = self._is_invoice(order)
        was = [each for each in order.was if self._is_invoice(each) is is_invoice]
        if is_invoice:
            invoice = self._find_invoice(order.key)
            found = self._compared_invoice(order, was, invoice) if invoice else None
        else:
            work, before = self._find_work(order.key), [self._wanted_task(each) for each in was]
            wanted, by_us = self._wanted_task(order), order.closed_by_us
            found = self._landed_work(work, wanted, before, closed_by_us=by_us) if work else None
        if found is None and len(was) < len(order.was):
            return self._of_the_other_sort(order, is_invoice=is_invoice)
        return found

    def _of_the_other_sort(self, order: LineOrder, *, is_invoice: bool) -> ExternalRecord | None:
        if is_invoice:
            work = self._find_work(order.key)
            found = self._landed_work(work, {}) if work else None
        else:
            invoice = self._find_invoice(order.key)
            found = self._landed_invoice(invoice, {}) if invoice else None
        if found is None or (found.closed and order.closed_by_us):
            return None
        sorts = ("draft invoice", "task") if is_invoice else ("task", "draft invoice")
        return changed(found, differences={"record": sorts})

    def revise_node(self, order: NodeOrder, outside_id: str) -> ExternalRecord:
        named = for_node(self._to_write, order)
        wanted = landing.wanted_node(order, named.company.currency)
        values = node_values(order, wanted, named)
        notes = [landing.node_notes(each.plan, each.node) for each in (order, *order.was)]
        return self._revise_work(order, outside_id, values, notes, named.company)

    def revise_line(self, order: LineOrder, outside_id: str) -> ExternalRecord:
        if self._is_invoice(order):
            return self._revise_invoice(order, outside_id)
        named = for_task(self._to_write, order, self._products[order.line.kind])
        values = task_values(order, self._wanted_task(order), named)
        notes = [landing.line_notes(each) for each in (order, *order.was)]
        return self._revise_work(order, outside_id, values, notes, named.company)

    def _revise_work(
        self,
        order: NodeOrder | LineOrder,
        outside_id: str,
        values: wire.Wire,
        notes: Sequence[Fields],
        company: OfCompany,
    ) -> ExternalRecord:
        """Set what differs. `notes`: those that are ordered now, then those of earlier plans."""
        work = self._find_work(order.key)
        found = self.find_node(order) if isinstance(order, NodeOrder) else self.find_line(order)
        if work is None or found is None:
            raise AmbiguousAnswer(f"Tryton: the record {outside_id} is gone while it is changed")
        wanted_fields = revision.fields_to_set(found.differences, revision.WORK_FIELDS)
        values = values | {"comment": revision.comment_again(work.comment, notes[0], notes[1:], order.key)}
        if found.closed:
            values |= opening_values(status(self._client, self._open_status, "open_status"))
            wanted_fields |= {"progress"}
        chosen = {name: value for name, value in values.items() if name in wanted_fields}
        written = self._client.write(
            "project.work", record_id(outside_id), chosen, wire.WORK_FIELDS, company.id
        )
        wanted = self._wanted_node(order) if isinstance(order, NodeOrder) else self._wanted_task(order)
        return self._landed_work(_read(wire.Work, written, after_write=True), wanted)

    def _revise_invoice(self, order: LineOrder, outside_id: str) -> ExternalRecord:
        """A draft is changed; one that we cancelled becomes a draft first."""
        invoice = self._find_invoice(order.key)
        found = self.find_line(order)
        if invoice is None or found is None:
            raise AmbiguousAnswer(f"Tryton: the invoice {outside_id} is gone while it is changed")
        product = self._products[order.line.kind]
        named = for_invoice(self._to_write, order, product)
        company = named.company
        if found.closed:
            self._client.press("account.invoice", record_id(outside_id), "draft", company.id)
        wanted = landing.wanted_invoice(order, product)
        values = invoice_values(order, wanted, named)
        notes = [landing.invoice_notes(each) for each in (order, *order.was)]
        values["comment"] = revision.comment_again(invoice.comment, notes[0], notes[1:])
        values["lines"] = [["delete", [line.id for line in invoice.lines]], *values["lines"]]
        wanted_fields = revision.fields_to_set(found.differences, revision.INVOICE_FIELDS)
        if "description" in wanted_fields:  # the invoice's one line has it too
            wanted_fields |= {"lines"}
        chosen = {name: value for name, value in values.items() if name in wanted_fields}
        written = self._client.write(
            "account.invoice", record_id(outside_id), chosen, wire.INVOICE_FIELDS, company.id
        )
        return self._landed_invoice(_read(wire.Invoice, written, after_write=True), wanted)

    def create_line(self, order: LineOrder) -> ExternalRecord:
        return self._creator.one(self._new_line(order))

    def _new_line(self, order: LineOrder) -> New:
        company, product = self._company(order.plan.erp_company), self._products[order.line.kind]
        if not landing.is_invoice(order.line, company.currency):
            wanted, named = self._wanted_task(order), for_task(self._to_write, order, product)
            return New(order.key, WORK, task_values(order, wanted, named), wanted, named.company)
        if order.line.kind in ONLY_IN_OWN_CURRENCY:
            what, code = ONLY_IN_OWN_CURRENCY[order.line.kind]
            raise VendorRejected(
                f"Tryton invoices {what} of {order.plan.erp_company} in {company.currency}, "
                f"not in {order.line.amount.currency}",
                code=code,
            )
        wanted, named = landing.wanted_invoice(order, product), for_invoice(self._to_write, order, product)
        return New(order.key, INVOICE, invoice_values(order, wanted, named), wanted, named.company)

    def cancel_node(self, order: NodeOrder, outside_id: str) -> ExternalRecord:
        company = self._company(order.plan.erp_company)
        is_project = order.node.kind is not NodeKind.TASK
        values = closing_values(self._closing(), is_project=is_project)
        return self._close_work(outside_id, values, landing.wanted_node(order, company.currency), company)

    def cancel_line(self, order: LineOrder, outside_id: str) -> ExternalRecord:
        company = self._company(order.plan.erp_company)
        if self._is_invoice(order):
            return self._cancel_invoice(order, outside_id, company)
        values = priceless_values(self._closing())
        return self._close_work(outside_id, values, self._wanted_task(order), company)

    def _close_work(
        self, outside_id: str, values: wire.Wire, wanted: Fields, company: OfCompany
    ) -> ExternalRecord:
        written = self._client.write(
            "project.work", record_id(outside_id), values, wire.WORK_FIELDS, company.id
        )
        return self._landed_work(_read(wire.Work, written, after_write=True), wanted)

    def _cancel_invoice(self, order: LineOrder, outside_id: str, company: OfCompany) -> ExternalRecord:
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

    def _landed_new(self, new: New, record: wire.Wire | wire.Work) -> ExternalRecord:
        if isinstance(record, wire.Work):
            return self._landed_work(record, new.wanted)
        if new.model == WORK:
            return self._landed_work(_read(wire.Work, record, after_write=True), new.wanted)
        return self._landed_invoice(_read(wire.Invoice, record, after_write=True), new.wanted)

    def _wanted_node(self, order: NodeOrder) -> Fields:
        return landing.wanted_node(order, self._company(order.plan.erp_company).currency)

    def _company(self, code: str) -> OfCompany:
        found = self._facts.company(code)
        if found is None:
            raise no_company(code)
        return OfCompany(int(found.record), found.code, found.currency)

    def _closing(self) -> Status:
        return status(self._client, self._closed_status)

    def _is_invoice(self, order: LineOrder) -> bool:
        return landing.is_invoice(order.line, self._company(order.plan.erp_company).currency)

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
        found = self._client.search(WORK, domain, wire.WORK_FIELDS)
        works = [_read(wire.Work, each) for each in found]
        # On SQLite `like` ignores case, and a key may contain wild cards: compare the keys exactly.
        return [work for work in works if landing.key_of(work.comment) in keys]

    def _find_invoice(self, key: str) -> wire.Invoice | None:
        found = self._client.search("account.invoice", [["reference", "=", key]], wire.INVOICE_FIELDS)
        return _only([_read(wire.Invoice, each) for each in found], key)

    def _landed_work(
        self, work: wire.Work, wanted: Fields, was: Sequence[Fields] = (), *, closed_by_us: bool = False
    ) -> ExternalRecord:
        found = landing.found_work(work, self._closed_status)
        left = revision.CLOSED_WORK if closed_by_us else {}
        compared = revision.compare(wanted, found, was, revision.WORK_FIELDS, left)
        closed = found["status"] == landing.CLOSED
        return self._landed("project.work", work.id, work.number, compared, found, closed=closed)

    def _compared_invoice(
        self, order: LineOrder, was: Sequence[LineOrder], invoice: wire.Invoice
    ) -> ExternalRecord:
        wanted, *before = (
            landing.wanted_invoice(each, self._products[each.line.kind]) for each in (order, *was)
        )
        return self._landed_invoice(invoice, wanted, before, closed_by_us=order.closed_by_us)

    def _landed_invoice(
        self, invoice: wire.Invoice, wanted: Fields, was: Sequence[Fields] = (), *, closed_by_us: bool = False
    ) -> ExternalRecord:
        """Make an external record of an invoice, compared with what is wanted."""
        found = landing.found_invoice(invoice)
        left = revision.CLOSED_INVOICE if closed_by_us else {}
        compared = revision.compare(wanted, found, was, revision.INVOICE_FIELDS, left)
        if invoice.state not in ("draft", landing.CANCELLED):
            compared = revision.of_posted(compared, invoice.state)
        closed = found["state"] == landing.CANCELLED
        return self._landed("account.invoice", invoice.id, invoice.number, compared, found, closed=closed)

    def _landed(
        self,
        model: str,
        record: int,
        number: str | None,
        compared: revision.Compared,
        found: Fields,
        *,
        closed: bool,
    ) -> ExternalRecord:
        return ExternalRecord(
            outside_id=str(record),
            number=number,
            url=f"{self._records}/model/{model}/{record}",
            differences=compared.differences,
            revisable=compared.revisable,
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


def _common_beginning(keys: Collection[str]) -> str:
    pairs = zip(min(keys), max(keys), strict=False)
    return "".join(one for one, _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def _first(error: ValidationError) -> str:
    first = error.errors()[0]
    return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"


def _only(found: Sequence[Record], key: str) -> Record | None:
    if len(found) > 1:
        ids = ", ".join(str(record.id) for record in found)
        raise ContentConflict(f"Tryton has {len(found)} records under {key}: {ids}")
    return found[0] if found else None
