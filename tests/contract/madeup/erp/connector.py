"""The connector of a made-up ERP, as small as a connector can be: it can neither create customers nor cancel,
has prices of two decimals, and invoices in any currency."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from pydantic import SecretStr

from adapters.connectors.connector import Connector
from adapters.connectors.http.client import Gate, HttpClient
from oppsync.domain.deal.customers import ErpCustomer
from oppsync.domain.effects.effects import ExternalRecord
from oppsync.domain.plan.capabilities import ErpCapabilities
from oppsync.domain.plan.orders import CustomerOrder, LineOrder, NodeOrder
from oppsync.domain.plan.plan import BillingLine, LineKind, PlanContent
from oppsync.domain.plan.references import ErpReferenceKind, ErpReferences, MissingReference
from oppsync.domain.values.identifiers import customer_code_key, is_same_tax_id
from oppsync.domain.values.model import Code, Frozen, plain
from oppsync.domain.work.connections import ConnectionRole
from oppsync.domain.work.observations import Observation, fine
from oppsync.kernel.errors import VendorRejected
from oppsync.ports.clock import Clock
from oppsync.ports.erp import Erp

TITLE = "Made-up ERP"

Fields = Mapping[str, str]


class Settings(Frozen):
    base_url: Code


class Secrets(Frozen):
    token: SecretStr


def capabilities(settings: Settings) -> ErpCapabilities:
    return ErpCapabilities(
        line_kinds=frozenset(LineKind), price_decimals=2, creates_customers=False, cancels=False
    )


class MadeUpErp:
    """Implements `oppsync.ports.erp.Erp`."""

    quarantine = timedelta(seconds=20)

    def __init__(self, settings: Settings, secrets: Secrets, clock: Clock, gate: Gate) -> None:
        self.capabilities = capabilities(settings)
        token = {"Authorization": f"Bearer {secrets.token.get_secret_value()}"}
        self._http = HttpClient(TITLE, settings.base_url, headers=token, gate=gate)
        self._records = f"{settings.base_url}/documents"

    def customers_of_code(self, code: str) -> Sequence[ErpCustomer]:
        exact = [each for each in self._customers() if each.code == code]
        key = customer_code_key(code)
        return exact or [each for each in self._customers() if customer_code_key(each.code) == key]

    def find_customers(self, name: str, tax_id: str | None) -> Sequence[ErpCustomer]:
        return [
            each
            for each in self._customers()
            if each.name.casefold() == name.casefold()
            or (tax_id and any(is_same_tax_id(tax_id, known) for known in each.tax_ids))
        ]

    def _customers(self) -> Sequence[ErpCustomer]:
        return [
            ErpCustomer(
                code=each["code"],
                name=each["name"],
                countries=(each["country"],),
                tax_ids=(each["tax_id"],) if each["tax_id"] else (),
            )
            for each in self._get("/customers")
        ]

    def find_customer(self, order: CustomerOrder) -> ExternalRecord | None:
        code = order.customer.code
        return ExternalRecord(outside_id=code, number=code) if self._lists("customers", code) else None

    def create_customer(self, order: CustomerOrder) -> ExternalRecord:
        raise VendorRejected(f"{TITLE}: create the customer there")

    def missing_for(self, erp_company: str) -> Sequence[str]:
        return [] if self._lists("companies", erp_company) else [f"the company {erp_company} itself"]

    def has_payment_terms(self, code: str) -> bool:
        return self._lists("terms", code)

    def payment_terms(self) -> Sequence[str]:
        return sorted(each["code"] for each in self._get("/terms"))

    def books_open_until(self, erp_company: str, wanted: date | None = None) -> date | None:
        until = [each["open_until"] for each in self._get("/companies") if each["code"] == erp_company]
        return date.fromisoformat(until[0]) if until else None

    def missing_references(
        self, wanted: ErpReferences, *, heard_within: timedelta | None = None
    ) -> Sequence[MissingReference]:
        centres = {f"{centre.company}/{centre.code}" for centre in wanted.cost_centres}
        customers = [wanted.customer] if wanted.customer else []
        until = self.books_open_until(wanted.company)
        late = [day for day in wanted.invoice_days if until is None or day > until]
        return [
            *self._missing(ErpReferenceKind.CUSTOMER, wanted.company, "customers", customers),
            *self._missing(ErpReferenceKind.TAX, wanted.company, "taxes", [wanted.tax]),
            *self._missing(ErpReferenceKind.PAYMENT_TERMS, wanted.company, "terms", [wanted.payment_terms]),
            *(
                MissingReference(kind=ErpReferenceKind.COST_CENTRE, company=company, name=code)
                for company, code in (each.split("/") for each in self._unlisted("centres", centres))
            ),
            *(
                MissingReference(kind=ErpReferenceKind.FISCAL_YEAR, company=wanted.company, name=str(day))
                for day in late
            ),
        ]

    def _missing(
        self, kind: ErpReferenceKind, company: str, what: str, codes: Sequence[str]
    ) -> Sequence[MissingReference]:
        return [MissingReference(kind=kind, company=company, name=code) for code in self._unlisted(what, codes)]

    def _unlisted(self, what: str, codes: Collection[str]) -> Sequence[str]:
        known = {each["code"] for each in self._get(f"/{what}")}
        return sorted(set(codes) - known)

    def existing_keys(self, keys: Sequence[str]) -> Collection[str]:
        return {document["key"] for key in keys for document in self._documents(key)}

    def existing_lines(self, plan: PlanContent, lines: Mapping[str, BillingLine]) -> Collection[str]:
        return self.existing_keys([*lines])

    def find_node(self, order: NodeOrder) -> ExternalRecord | None:
        return self._find(order.key, _node(order))

    def create_node(self, order: NodeOrder) -> ExternalRecord:
        self._expect("customers", order.plan.customer, "ACCOUNT_UNKNOWN")
        self._expect("companies", order.plan.erp_company, "LEGAL_ENTITY_NOT_READY")
        return self._create(order.key, _node(order))

    def find_line(self, order: LineOrder) -> ExternalRecord | None:
        return self._find(order.key, _line(order))

    def create_line(self, order: LineOrder) -> ExternalRecord:
        self._expect("taxes", order.plan.tax)
        self._expect("terms", order.plan.payment_terms)
        return self._create(order.key, _line(order))

    def revise_node(self, order: NodeOrder, outside_id: str) -> ExternalRecord:
        raise VendorRejected(f"Made up: correct the project {outside_id} there")

    def revise_line(self, order: LineOrder, outside_id: str) -> ExternalRecord:
        raise VendorRejected(f"Made up: correct the billing line {outside_id} there")

    def cancel_node(self, order: NodeOrder, outside_id: str) -> ExternalRecord:
        raise VendorRejected(f"{TITLE}: close the project {outside_id} there")

    def cancel_line(self, order: LineOrder, outside_id: str) -> ExternalRecord:
        raise VendorRejected(f"{TITLE}: close the billing line {outside_id} there")

    def ping(self) -> None:
        self._get("/companies")

    def inspect(self) -> Sequence[Observation]:
        self.ping()
        return [fine("It answers.")]

    def _get(self, path: str, **params: str) -> Any:
        return self._http.request("GET", path, write=False, params=params).json()

    def _lists(self, what: str, code: str) -> bool:
        return code in {each["code"] for each in self._get(f"/{what}")}

    def _expect(self, what: str, code: str, error: str | None = None) -> None:
        if not self._lists(what, code):
            raise VendorRejected(f"{TITLE}: {code} is not among its {what}", code=error)

    def _documents(self, key: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._get("/documents", key=key)
        return found

    def _find(self, key: str, wanted: Fields) -> ExternalRecord | None:
        found = self._documents(key)
        return self._landed(found[0], wanted) if found else None

    def _create(self, key: str, wanted: Fields) -> ExternalRecord:
        document = {"key": key, "fields": dict(wanted)}
        made = self._http.request("POST", "/documents", write=True, json=document)
        return self._landed(made.json(), wanted)

    def _landed(self, document: dict[str, Any], wanted: Fields) -> ExternalRecord:
        found = document["fields"]
        differences = {name: (text, found[name]) for name, text in wanted.items() if found[name] != text}
        url = f"{self._records}/{document['id']}"
        return ExternalRecord(
            outside_id=document["id"], number=document["id"], url=url, differences=differences
        )


def _node(order: NodeOrder) -> Fields:
    """The whole node, as a text for each of its fields, and what stands in the contract."""
    node = {name: str(value) for name, value in order.node.model_dump(mode="json").items()}
    contract = order.plan.contract
    return node | {
        "po_expires_on": str(order.plan.po_expires_on),
        "special_terms": str(contract.special_terms),
        "document_url": str(contract.document_url),
    }


def _line(order: LineOrder) -> Fields:
    rate = plain(order.line.rate) if order.line.rate is not None else ""
    document = {name: str(value) for name, value in order.line.model_dump(mode="json").items()}
    return document | {"rate": rate, "tax": order.plan.tax}


CONNECTOR: Connector[Settings, Secrets, ErpCapabilities, Erp] = Connector(
    role=ConnectionRole.ERP,
    vendor="madeup",
    title=TITLE,
    settings=Settings,
    secrets=Secrets,
    capabilities=capabilities,
    build=MadeUpErp,
)
