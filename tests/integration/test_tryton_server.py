"""The ERP of development and the demo: seeded once, both legal entities ready, its books kept."""

import fcntl
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from threading import Barrier
from typing import Any

import httpx2
import pytest

from sandbox.embedded.tryton import firm
from sandbox.embedded.tryton.server import TrytonAddress
from sandbox.embedded.tryton.template import PROJECT, ensure_template
from tests.harness.tryton import TEMPLATE_CACHE, Books, running_tryton
from tests.harness.waiting import HANG_SECONDS, until

START_AND_WAIT = """
import sys, time
from pathlib import Path
from sandbox.embedded.tryton.server import TrytonServer
server = TrytonServer(Path(sys.argv[1]), Path(sys.argv[2]))
print(server.start().url, flush=True)
time.sleep(600)
"""


@pytest.fixture(params=firm.COMPANIES, ids=lambda company: company.code)
def company(request: pytest.FixtureRequest) -> firm.Company:
    assert isinstance(request.param, firm.Company)
    return request.param


@pytest.fixture
def books(tryton: TrytonAddress, company: firm.Company) -> Iterator[Books]:
    """The books of one legal entity, found by its code."""
    with Books(tryton) as books:
        found = books.one("company.company", [["party.code", "=", company.code]])
    with Books(tryton, company=found["id"]) as books:
        yield books


def project(books: Books, name: str, **values: object) -> dict[str, Any]:
    customer = books.one("party.party", [["code", "=", "CUST-1001"]])
    status = books.one("project.work.status", [["name", "=", "Open"]])
    plain = {"type": "project", "company": books.company, "party": customer["id"], "status": status["id"]}
    return books.create("project.work", {**plain, "name": name, **values}, "number", "company", "comment")


def draft_invoice(books: Books, company: firm.Company, year: int, amount: str) -> dict[str, Any]:
    """One line on the company's first cost centre with its standard tax."""
    customer = books.one("party.party", [["code", "=", "CUST-1001"]], "addresses")
    settings = books.one(
        "account.configuration", [], "default_account_receivable", "default_category_account_revenue"
    )
    centre = books.one(
        "analytic_account.account", [["code", "=", company.cost_centres[0].code]], "root", "code"
    )
    currency = books.one("currency.currency", [["code", "=", company.currency]])["id"]
    common = {"company": books.company, "currency": currency}
    line = {
        **common,
        "type": "line",
        "account": settings["default_category_account_revenue"],
        "product": books.one("product.product", [["code", "=", "FIXED"]])["id"],
        "unit": books.one("product.uom", [["name", "=", "Unit"]])["id"],
        "quantity": 1,
        "unit_price": {"__class__": "Decimal", "decimal": amount},
        "description": "Instalment",
        "taxes": [["add", [books.one("account.tax", [["name", "=", company.standard_tax]])["id"]]]],
        "analytic_accounts": [["create", [{"root": centre["root"], "account": centre["id"]}]]],
    }
    values = {
        **common,
        "type": "out",
        "party": customer["id"],
        "invoice_address": customer["addresses"][0],
        "journal": books.one("account.journal", [["type", "=", "revenue"]])["id"],
        "account": settings["default_account_receivable"],
        "payment_term": books.one("account.invoice.payment_term", [["name", "=", "NET30"]])["id"],
        "invoice_date": {"__class__": "date", "year": year, "month": 3, "day": 31},
        "lines": [["create", [line]]],
    }
    return books.create("account.invoice", values, "state", "untaxed_amount", "tax_amount")


def test_a_project_can_be_set_up_in_either_company(books: Books) -> None:
    created = project(books, "Rollout", comment="KEY\ncost centre: none")

    assert created["company"] == books.company
    assert created["number"]
    assert [
        found["id"]
        for found in books.find(
            "project.work", [["comment", "like", "KEY\n%"], ["company", "=", books.company]]
        )
    ] == [created["id"]]


def test_an_invoice_can_be_posted_in_either_company(books: Books, company: firm.Company) -> None:
    """Posting needs everything a ready company has: accounts, journal, tax, an open fiscal year, sequences."""
    draft = draft_invoice(books, company, 2025, "1000.00")

    books.press("account.invoice", draft["id"], "post")

    posted = books.one("account.invoice", [["id", "=", draft["id"]]], "state", "number", "tax_amount")
    expected_tax = "190.00" if company.code == "ACME-DE" else "0.00"
    assert posted["state"] == "posted"
    assert posted["number"]
    assert posted["tax_amount"]["decimal"] == expected_tax


def test_an_instalment_two_years_ahead_waits_as_a_draft(books: Books, company: firm.Company) -> None:
    draft = draft_invoice(books, company, 2028, "0.01")

    assert draft["state"] == "draft"
    assert draft["untaxed_amount"]["decimal"] == "0.01"


def test_every_customer_of_the_firm_is_known_by_its_code_and_no_other(tryton: TrytonAddress) -> None:
    with Books(tryton) as books:
        for customer in firm.CUSTOMERS:
            found = books.one("party.party", [["code", "=", customer.code]], "name", "addresses.country.code")
            assert found["name"] == customer.name
            assert [place["country"]["code"] for place in found["addresses"]] == [customer.country]
        assert books.find("party.party", [["code", "=", "CUST-1005"]]) == []


def test_a_stranger_is_turned_away(tryton: TrytonAddress) -> None:
    answer = httpx2.get(
        f"{tryton.url}/{tryton.database}/rest/model/party.party", headers={"Authorization": "Bearer no"}
    )

    assert answer.status_code == 401


def test_the_books_survive_a_restart_and_open_to_the_new_key_alone(tmp_path: Path) -> None:
    with running_tryton(tmp_path) as first, Books(first) as books:
        number = project(books, "Kept")["number"]

    with running_tryton(tmp_path) as second, Books(second) as books:
        assert books.one("project.work", [["name", "=", "Kept"]], "number")["number"] == number
        path = f"{second.url}/{second.database}/rest/model/project.work"
        old_key = httpx2.get(path, headers={"Authorization": f"Bearer {first.rest_key}"})
        assert old_key.status_code == 401


def test_the_template_opens_to_nobody() -> None:
    with closing(sqlite3.connect(ensure_template(TEMPLATE_CACHE))) as template:
        assert template.execute("SELECT count(*) FROM res_user_application").fetchone() == (0,)


def test_the_template_is_built_once_for_all_who_ask_at_once(tmp_path: Path) -> None:
    built: list[Path] = []
    asked = Barrier(4)

    def build(template: Path) -> None:
        with (template.parent / "template.lock").open() as lock, pytest.raises(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # like the others, which wait until it is built
        built.append(template)
        template.touch()

    def ask(_: int) -> Path:
        asked.wait(HANG_SECONDS)
        return ensure_template(tmp_path / "cache", build=build)

    with ThreadPoolExecutor(4) as askers:
        answers = list(askers.map(ask, range(4)))

    assert len(built) == 1
    assert set(answers) == set(built)


def test_a_killed_parent_leaves_no_server_behind(tmp_path: Path) -> None:
    ensure_template(TEMPLATE_CACHE)
    command = [sys.executable, "-c", START_AND_WAIT, str(tmp_path), str(TEMPLATE_CACHE)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=PROJECT, text=True) as parent:
        assert parent.stdout is not None
        url = parent.stdout.readline().strip()
        assert answers(url)
        os.kill(parent.pid, signal.SIGKILL)

    until(lambda: not answers(url), "the server ends with its parent")


def answers(url: str) -> bool:
    try:
        httpx2.get(url, timeout=HANG_SECONDS)
    except httpx2.TransportError:
        return False
    return True
