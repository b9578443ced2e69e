"""What a plan names is looked for in a real Tryton: as Tryton would refuse it, in few calls."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

import pytest

from adapters.connectors.http.client import CallTrace
from adapters.erp.tryton.connector import CONNECTOR
from oppsync.domain.plan.plan import LineKind
from oppsync.domain.plan.references import CentreOfCompany, ErpReferences, references_of
from oppsync.domain.values.model import changed
from oppsync.ports.erp import Erp
from sandbox.contracts import deals
from sandbox.contracts.erp_deals import Deal
from sandbox.contracts.harness import FixedClock
from sandbox.contracts.memory import OwnMemory
from sandbox.embedded.tryton.server import TrytonAddress
from tests.harness.tryton import Books

# What a plan names: companies, cost centres, taxes, terms, customers, products, units, currencies and
# fiscal years.
MODELS = 9


class CountingGate:
    def __init__(self) -> None:
        self.calls: list[str] = []

    @contextmanager
    def call(self, name: str, seconds: float) -> Iterator[CallTrace]:
        self.calls.append(name)
        yield CallTrace()


@pytest.fixture
def gate() -> CountingGate:
    return CountingGate()


@pytest.fixture
def erp(tryton: TrytonAddress, gate: CountingGate) -> Erp:
    return connect(tryton, gate)


def connect(tryton: TrytonAddress, gate: CountingGate, **settings: object) -> Erp:
    reached = {"base_url": tryton.url, "database": tryton.database, **settings}
    return CONNECTOR.connect(reached, {"rest_key": tryton.rest_key}, FixedClock(), gate, OwnMemory())


@pytest.fixture
def wanted() -> ErpReferences:
    return references_of(Deal(deals.opportunity(deals.fixed_line(), deals.time_line())).plan)


def missing(erp: Erp, wanted: ErpReferences) -> list[tuple[str, str, str]]:
    return [(each.kind.value, each.company, each.name) for each in erp.missing_references(wanted)]


def test_a_plan_costs_a_call_for_each_model_and_the_next_one_costs_none(
    erp: Erp, gate: CountingGate, wanted: ErpReferences
) -> None:
    centres = [CentreOfCompany(company="ACME-DE", code=code) for code in ("CC-DE-ADV", "CC-DE-CLOUD")]
    both = changed(wanted, cost_centres=centres)

    assert missing(erp, both) == []
    assert len(gate.calls) == len(set(gate.calls)) <= MODELS

    gate.calls.clear()
    assert missing(erp, both) == []
    assert gate.calls == []


def test_many_unknown_codes_are_asked_for_many_at_a_time(
    erp: Erp, gate: CountingGate, wanted: ErpReferences
) -> None:
    assert missing(erp, wanted) == []
    gate.calls.clear()
    nobodys = [f"CC-{number}-{'x' * 190}" for number in range(60)]

    found = missing(
        erp, changed(wanted, cost_centres=[CentreOfCompany(company="ACME-DE", code=code) for code in nobodys])
    )

    assert found == [("cost_centre", "ACME-DE", code) for code in nobodys]
    assert len(gate.calls) == 3


def test_another_company_s_tax_is_not_known(erp: Erp, wanted: ErpReferences) -> None:
    assert missing(erp, changed(wanted, tax="US-NT")) == [("tax", "ACME-DE", "US-NT")]


def test_nothing_is_booked_on_an_account_that_groups_others(
    erp: Erp, tryton: TrytonAddress, wanted: ErpReferences
) -> None:
    code = f"CC-{uuid4().hex[:8]}"
    with Books(tryton) as books:
        root = books.one("analytic_account.account", [["type", "=", "root"], ["company", "=", 1]], "id")["id"]
        group = {"name": code, "code": code, "type": "view", "company": 1, "root": root, "parent": root}
        books.create("analytic_account.account", group)

    centres = [CentreOfCompany(company="ACME-DE", code=code)]
    assert missing(erp, changed(wanted, cost_centres=centres)) == [("cost_centre", "ACME-DE", code)]


def test_what_else_an_invoice_needs_is_named_in_words(
    tryton: TrytonAddress, gate: CountingGate, wanted: ErpReferences
) -> None:
    """As `ERP_SETUP_MISSING`. Only an administrator of Tryton can mend it, and the tests' user is none."""
    erp = connect(tryton, gate, time_product="NO-HOURS")
    kinds = frozenset({LineKind.TIME, LineKind.DATED})
    stranger = changed(wanted, currency="CHF", customer=None, country="CH", line_kinds=kinds)

    assert missing(erp, stranger) == [
        ("setup", "ACME-DE", "the product NO-HOURS"),
        ("setup", "ACME-DE", "the currency CHF"),
        ("setup", "ACME-DE", "the country CH"),
    ]


def test_a_company_that_tryton_does_not_have_is_named_once(erp: Erp, wanted: ErpReferences) -> None:
    elsewhere = [CentreOfCompany(company="ACME-FR", code=code) for code in ("CC-A", "CC-B")]

    assert missing(erp, changed(wanted, company="ACME-FR")) == [("company", "ACME-FR", "ACME-FR")]
    assert missing(erp, changed(wanted, cost_centres=elsewhere)) == [("company", "ACME-FR", "ACME-FR")]


def test_days_before_and_after_the_fiscal_years_are_named(erp: Erp, wanted: ErpReferences) -> None:
    days = ["2024-12-31", "2025-01-01", "2028-12-31", "2029-01-01"]

    assert missing(erp, changed(wanted, invoice_days=days)) == [
        ("fiscal_year", "ACME-DE", "2024-12-31"),
        ("fiscal_year", "ACME-DE", "2029-01-01"),
    ]
