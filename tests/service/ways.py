"""A way out of a stop: one deal, what spoils it, and what people do about it in the CRM, the ERP and here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

from oppsync.domain.reference.book import ReferenceKind, ReferenceRow
from oppsync.domain.reference.entities import LegalEntity
from oppsync.domain.values.model import changed
from sandbox.firm import deals
from sandbox.firm.demo_firm import reference_rows
from tests.harness.builders import TENANT
from tests.harness.house import WON_ON, House
from tests.harness.tryton import Books, set_up

Deal = dict[str, Any]
Fields = Mapping[str, Any]
K = ReferenceKind
BEGIN = date(2025, 1, 1)


@dataclass
class Case:
    """One deal on its way, and what people can do about it. `code`: of something that exists nowhere else."""

    house: House
    books: Books
    code: str
    record_id: str = ""

    # In the CRM: whoever saves the record is done.

    def crm(self, **changes: Any) -> None:
        self.house.edit(self.record_id, **changes)

    def account(self, **fields: Any) -> None:
        account = self.house.salesforce.record(self.record_id)["AccountId"]
        self.house.salesforce.edit_record(account, fields)
        self.house.tell(self.record_id)

    def lines(self) -> list[str]:
        found = self.house.salesforce.records("OpportunityLineItem")
        return [line["Id"] for line in found if line["OpportunityId"] == self.record_id]

    # In the reference data, the ERP or a connection: then the item is replayed.

    def put(self, kind: ReferenceKind, key: str, *, until: date | None = None, **value: Any) -> None:
        row = ReferenceRow(kind=kind, key=key, valid_from=BEGIN, valid_to=until, value=value)
        self._put(row)

    def firm_again(self, kind: ReferenceKind) -> None:
        """The demo firm's own rows of this kind."""
        self._put(*(row for row in reference_rows() if row.kind is kind))

    def lacks(self, kind: ReferenceKind) -> None:
        self.house.rows("delete from reference_rows where kind = :kind", kind=kind)

    def entity(self, **changes: Any) -> None:
        (row,) = [each for each in reference_rows() if each.kind is K.LEGAL_ENTITY and each.key == "ACME-DE"]
        entity = changed(LegalEntity.model_validate(row.value), **changes)
        self._put(changed(row, value=entity.model_dump(mode="json")))

    def replay(self) -> None:
        self.house.replay(self.house.exception(self.record_id))

    def party(self, code: str, name: str, country: str = "DE") -> None:
        address = {"country": self.id("country.country", "code", country), "invoice": True}
        party = {"name": name, "code": code, "addresses": [["create", [address]]]}
        self.books.create("party.party", party)

    def set_up(self, model: str, values: Fields) -> None:
        """What the ERP's administrator does there."""
        set_up(self.books.address, model, dict(values))

    def id(self, model: str, field: str, value: str) -> int:
        return int(self.books.one(model, [[field, "=", value]], "id")["id"])

    def _put(self, *rows: ReferenceRow) -> None:
        with self.house.application.uow() as uow:
            for row in rows:
                uow.references.put(TENANT, row)
            uow.commit()


Act = Callable[[Case], None]


def nothing(case: Case) -> None:
    pass


@dataclass(frozen=True)
class Way:
    """`before` spoils the firm; `deal` is won; `later` happens while its plan waits; `mend` does what the text
    of the code says. A warning needs no mending: the deal goes on, and approvers are shown it."""

    deal: Callable[[Case], Deal]
    before: Act = nothing
    mend: Act = nothing
    later: Act = nothing


class Told(NamedTuple):
    """The story that raises this code and follows its text to the end."""

    file: str
    story: str


# Deals of one line, as small as they can be.


def sold(*lines: Deal, **opportunity: Any) -> Deal:
    model = str(lines[0]["Billing_Model__c"])
    deal = deals.deal(WON_ON, "CUST-1001", "ACME-DE", name="Advice", billing_model=model, lines=lines)
    return deal | {"opportunity": deal["opportunity"] | opportunity}


def typed(deal: Deal, **line: Any) -> Deal:
    first, *others = deal["lines"]
    return deal | {"lines": [first | line, *others]}


def hours(**line: Any) -> Deal:
    return sold(deals.hours_line(WON_ON, "ACME-DE", deals.SENIOR, 10, "Advice") | line)


def fee(**line: Any) -> Deal:
    return sold(deals.fee_line(WON_ON, Decimal(7_000), "Review") | line)


def milestones() -> Deal:
    return sold(deals.milestone_line(WON_ON, Decimal(60_000), "Platform", percents=(60, 40)))


def capped() -> Deal:
    return sold(deals.capped_line(WON_ON, "ACME-DE", hours=10, cap=Decimal(9_000), description="Office"))


def capped_together() -> Deal:
    both = [
        deals.capped_line(WON_ON, "ACME-DE", hours=10, cap=Decimal(9_000), description=name)
        for name in ("Office", "Audit")
    ]
    return sold(*(line | {"Cap_Scope__c": "Contract"} for line in both))


def deposit() -> Deal:
    return sold(deals.deposit_line(WON_ON, Decimal(40_000), "Automation"))


def retainer() -> Deal:
    return sold(deals.retainer_line(WON_ON, Decimal(4_000), hours=20, description="Retainer"))


def managed() -> Deal:
    return sold(deals.managed_line(WON_ON, Decimal(2_500), "Platform"))


def progress() -> Deal:
    return sold(deals.progress_line(WON_ON, Decimal(40_000), "Build"))


def abroad(country: str, **account: Any) -> Callable[[Case], Deal]:
    """Sold to a customer that the ERP has under the case's own code."""

    def deal(case: Case) -> Deal:
        name = f"Hooli {case.code}"
        case.party(case.code, name, country)
        own = {"Name": name, "AccountNumber": case.code, "BillingCountryCode": country, **account}
        return hours() | {"account": own}

    return deal


def slip(
    right: Callable[[], Deal],
    *,
    line: Fields | None = None,
    account: Fields | None = None,
    **opportunity: Any,
) -> Way:
    """Somebody typed this into the deal, and types what is right once the finding says so."""
    sound = right()
    (first, *others), of_line, of_account = sound["lines"], dict(line or {}), dict(account or {})
    wrong = sound | {
        "lines": [first | of_line, *others],
        "account": sound["account"] | of_account,
        "opportunity": sound["opportunity"] | opportunity,
    }

    def mend(case: Case) -> None:
        if of_account:
            case.account(**{name: sound["account"].get(name) for name in of_account})
        fixed_line = {"Id": case.lines()[0]} | {name: first.get(name) for name in of_line}
        case.crm(
            opportunity={name: sound["opportunity"].get(name) for name in opportunity},
            **({"lines": [fixed_line]} if of_line else {}),
        )

    return Way(lambda case: wrong, mend=mend)


def data(mend: Act, *, deal: Callable[[], Deal] = hours, before: Act = nothing) -> Way:
    """Something is wrong at home; once it is right, the item is replayed."""

    def mended(case: Case) -> None:
        mend(case)
        case.replay()

    return Way(lambda case: deal(), before, mended)


def warns(deal: Callable[[], Deal] = hours, before: Act = nothing) -> Way:
    return Way(lambda case: deal(), before)
