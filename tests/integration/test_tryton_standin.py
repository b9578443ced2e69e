"""The Tryton stand-in over real sockets: the answers of its REST interface, and its faults."""

import base64
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from sandbox.embedded.tryton import firm as real_firm
from sandbox.standins.control import TrytonControl
from sandbox.standins.process import running, start
from sandbox.standins.tryton import firm
from tests.integration.standin_calls import Answer, call

KEY = "tryton-standin-rest-key"


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    with running("tryton", tmp_path / "tryton.sqlite") as address:
        yield address


def encoded(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode()


def ask(
    url: str, method: str, path: str, body: Any = None, *, key: str = KEY, company: int | None = 1
) -> Answer:
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    if company:
        headers["X-Tryton-Context"] = encoded({"company": company, "language": "en"})
    text = None if body is None else json.dumps(body)
    return call(url, method, f"/erp/rest/model/{path}", text, headers=headers)


def search(url: str, model: str, domain: object, *fields: str) -> Any:
    query = urlencode([("d", encoded(domain)), *(("f", name) for name in fields)])
    return ask(url, "GET", f"{model}?{query}").json


def create(url: str, comment: str, **values: Any) -> Answer:
    project = {"type": "project", "name": "Globex rollout", "comment": comment, "company": 1, **values}
    return ask(url, "POST", "project.work?f=number&f=comment&f=company.party.code&f=parent", project)


def comments(url: str) -> list[str]:
    return [work["comment"] for work in TrytonControl(url).records("project.work")]


def test_a_project_is_created_and_found_by_its_comment(url: str) -> None:
    made = create(url, "key-1\ntax: none", list_price={"__class__": "Decimal", "decimal": "120.50"}).json
    assert (made["number"], made["parent"], made["company"]["party"]["code"]) == ("1", None, "ACME-DE")
    create(url, "key-10\ntax: none")

    domain = ["OR", ["comment", "=", "key-1"], ["comment", "like", "key-1\n%"]]
    (found,) = search(url, "project.work", domain, "list_price", "company.currency.code")
    assert found["id"] == made["id"]
    assert found["list_price"] == {"__class__": "Decimal", "decimal": "120.50"}
    assert found["company"]["currency"]["code"] == "EUR"


def test_nothing_keeps_two_projects_from_having_one_key(url: str) -> None:
    create(url, "key-1")
    create(url, "key-1")
    assert comments(url) == ["key-1", "key-1"]


def test_many_writers_at_once_all_get_a_number_of_their_own(url: str) -> None:
    with ThreadPoolExecutor(8) as writers:
        answers = list(writers.map(lambda number: create(url, f"key-{number}"), range(40)))
    assert {answer.status for answer in answers} == {200}
    assert sorted(int(answer.json["number"]) for answer in answers) == list(range(1, 41))


def test_children_are_found_below_their_project_which_cannot_be_deleted(url: str) -> None:
    parent = create(url, "key-1").json["id"]
    child = create(url, "key-2", parent=parent).json["id"]
    below = search(url, "project.work", [["parent", "child_of", [parent]]], "name")
    assert [work["id"] for work in below] == [parent, child]
    assert ask(url, "DELETE", f"project.work/{parent}").status == 400
    assert ask(url, "DELETE", f"project.work/{child}").status == 204


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "said"),
    [
        (
            "POST",
            "party.party",
            {"name": "Twin", "code": "CUST-1001"},
            400,
            "The code on party must be unique.",
        ),
        ("PUT", "project.work/1", {"number": "7"}, 400, 'You are not allowed to modify the field "Number"'),
        (
            "POST",
            "project.work",
            {"type": "project", "company": 1},
            400,
            'A value is required for field "Name"',
        ),
        (
            "POST",
            "project.work",
            {"type": "war", "name": "x", "company": 1},
            400,
            "not one of the allowed options",
        ),
        ("POST", "project.work", {"type": "task", "name": "x", "company": 9}, 400, "does not exist"),
        ("GET", "project.work/77", None, 404, "<title>404"),
        ("GET", "project.work?f=colour", None, 500, "<title>500"),
        ("GET", "project.toil", None, 500, "<title>500"),
        ("POST", "project.work/1/won", {}, 403, "<title>403"),
    ],
)
def test_refusals_are_worded_as_tryton_does(
    *, url: str, method: str, path: str, body: Any, status: int, said: str
) -> None:
    create(url, "key-1")
    answer = ask(url, method, path, body)
    assert answer.status == status
    assert said in (answer.json["message"] if status == 400 else answer.text)


def test_without_an_open_company_nothing_of_a_company_is_made(url: str) -> None:
    body = {"type": "project", "name": "x", "company": 1}
    assert ask(url, "POST", "project.work", body, company=None).status == 400
    assert comments(url) == []


def test_a_wrong_key_opens_nothing(url: str) -> None:
    assert ask(url, "GET", "project.work", key="guess").status == 401


def test_a_create_whose_answer_is_lost_is_in_the_books_but_not_yet_in_a_lagging_search(url: str) -> None:
    TrytonControl(url).faults(
        [
            {"method": "POST", "drop_connection": True, "after_commit": True},
            {"method": "GET", "search_lag_seconds": 600},
        ]
    )
    with pytest.raises((OSError, HTTPException)):
        create(url, "key-1")
    assert comments(url) == ["key-1"]
    assert search(url, "project.work", [["comment", "=", "key-1"]]) == []
    assert len(search(url, "project.work", [["comment", "=", "key-1"]])) == 1


def test_a_failure_before_the_commit_leaves_nothing_and_after_it_a_project(url: str) -> None:
    TrytonControl(url).faults(
        [{"status": 500}, {"status": 500, "after_commit": True}, {"status": 429, "retry_after": 3}]
    )
    assert create(url, "before").status == 500
    assert create(url, "after").status == 500
    throttled = create(url, "throttled")
    assert (throttled.status, throttled.headers["retry-after"]) == (429, "3")
    assert comments(url) == ["after"]


def test_the_books_outlive_the_process(tmp_path: Path) -> None:
    books = tmp_path / "tryton.sqlite"
    process, address = start("tryton", books)
    create(address, "key-1")
    process.kill()
    process.wait()
    with running("tryton", books) as address:
        assert comments(address) == ["key-1"]
        assert create(address, "key-2").json["number"] == "2"


def test_it_knows_the_firm_that_the_real_one_is_seeded_with() -> None:
    assert {company.code: set(company.taxes) for company in firm.COMPANIES} == {
        company.code: {tax.name for tax in company.taxes} for company in real_firm.COMPANIES
    }
    centres = {centre.code for company in real_firm.COMPANIES for centre in company.cost_centres}
    assert {code for company in firm.COMPANIES for code in company.cost_centres} == centres
    assert set(firm.CUSTOMERS) == {customer.code for customer in real_firm.CUSTOMERS}
    assert set(firm.PAYMENT_TERMS) == {term.name for term in real_firm.PAYMENT_TERMS}
    assert set(firm.PRODUCTS) == {product.code for product in real_firm.PRODUCTS}
    assert firm.FISCAL_YEARS == real_firm.FISCAL_YEARS
