"""The API as programs meet it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask
from openapi_spec_validator import validate
from sqlalchemy import text
from structlog.testing import capture_logs
from werkzeug.test import TestResponse

from oppsync.domain.approval.tasks import RuleUse
from oppsync.domain.deal.opportunity import Opportunity
from oppsync.domain.plan.plan import PlanContent, plan_hash
from oppsync.domain.values.model import changed
from oppsync.kernel import canonical_json
from tests.web.office import Office, sold_by

Answer = Mapping[str, Any]
PROBLEM_MEMBERS = {"type", "title", "status", "detail", "instance", "code", "trace_id", "errors"}


class Client:
    """Calls the API with one person's token."""

    def __init__(self, app: Flask, token: str) -> None:
        self._client = app.test_client()
        self._headers = {"Authorization": f"Bearer {token}"}

    def get(self, path: str) -> Answer:
        return self._json(self._client.get(f"/api/v1{path}", headers=self._headers), 200)

    def post(self, path: str, body: object = None) -> Answer:
        sent = {} if body is None else {"json": body}
        return self._json(self._client.post(f"/api/v1{path}", headers=self._headers, **sent), 200)

    def refused(self, status: int, method: str, path: str, **sent: Any) -> Answer:
        headers = {**self._headers, **sent.pop("headers", {})}
        response = self._client.open(f"/api/v1{path}", method=method, headers=headers, **sent)
        assert response.content_type == "application/problem+json"
        problem = self._json(response, status)
        assert set(problem) == PROBLEM_MEMBERS
        assert problem["status"] == status
        return problem

    @staticmethod
    def _json(response: TestResponse, status: int) -> Answer:
        assert response.status_code == status, response.get_data(as_text=True)
        assert isinstance(response.json, dict)
        return response.json


@pytest.fixture
def client(app: Flask, office: Office) -> Callable[[str], Client]:
    return lambda name: Client(app, office.token(name))


def test_nothing_is_read_without_a_token(app: Flask) -> None:
    for headers in ({}, {"Authorization": "Bearer nonsense"}, {"Authorization": "Basic eA=="}):
        response = app.test_client().get("/api/v1/opportunities", headers=headers)
        assert response.status_code == 401
        assert response.headers["WWW-Authenticate"].startswith("Bearer")


def test_amounts_are_exact_text(client: Callable[[str], Client], office: Office) -> None:
    office.deal(sold_by("sam", amount=Decimal("1234567890123456.89")))
    office.deal(sold_by("sam", amount=Decimal(5), currency="JPY"))
    office.deal(sold_by("sam", amount=Decimal("5.125")))
    rows = client("ed").get("/opportunities")["rows"]
    assert [row["amount"] for row in rows] == ["5.125", "5", "1234567890123456.89"]


def test_pages_follow_one_another_without_gap_or_double(
    client: Callable[[str], Client], office: Office
) -> None:
    made = [str(office.deal()) for _ in range(5)]
    ed, seen, cursor = client("ed"), [], ""
    while cursor is not None:
        page = ed.get(f"/opportunities?limit=2{'&cursor=' + cursor if cursor else ''}")
        seen += [row["id"] for row in page["rows"]]
        cursor = page["next_cursor"]
    assert seen == made[::-1]
    assert ed.refused(422, "GET", "/opportunities?cursor=nonsense!")["errors"][0]["pointer"] == "/cursor"


def test_every_fault_of_a_request_is_listed_with_its_place(client: Callable[[str], Client]) -> None:
    problem = client("ed").refused(422, "GET", "/opportunities?limit=0&state=lost&colour=red")
    assert {error["pointer"] for error in problem["errors"]} == {"/limit", "/state", "/colour"}
    assert all(error["message"] and error["fix"] for error in problem["errors"])


def test_an_opportunity_is_read_with_timeline_plan_and_effects(
    client: Callable[[str], Client], office: Office
) -> None:
    waiting = office.waiting()
    ed, path = client("ed"), f"/opportunities/{waiting.opportunity_id}"
    assert ed.get(path)["record"]["owner"]["name"] == "Sam Seller"
    assert ed.get(f"{path}/timeline")["rows"][0]["summary"] == "Waits for finance and delivery"
    assert ed.get(f"{path}/effects")["rows"] == []
    plan = ed.get(f"{path}/plan")
    assert plan["money"]["with_tax"] == {"amount": "52836.00", "currency": "EUR"}
    assert plan["money"]["estimated"]["amount"] == plan["money"]["lines"][0]["amount"]["amount"] == "14400.00"
    assert plan["money"]["lines"][0]["tax"]["amount"] == "2736.00"
    assert plan["hash"] == waiting.plan.hash
    reasons = ed.get(f"{path}/plan/why?place=/nodes/2/cost_centre")
    assert [each["value"] for each in reasons["reasons"]] == ["CC-DE-CLOUD"]
    assert reasons["reasons"][0]["rows"] == [
        {"kind": "cost_centre", "key": "ACME-DE|CLOUD", "valid_from": "2026-01-01", "version": 1}
    ]
    assert len(ed.get(f"{path}/plan/why?hash={waiting.plan.hash}")["reasons"]) > 100
    assert ed.refused(404, "GET", f"{path}/plan/why?place=/nowhere")["code"] == "NOT_FOUND"
    # What is shown is what was hashed: the hash can be computed from the answer.
    assert canonical_json.digest(plan["plan"]["content"]) == waiting.plan.hash
    assert plan_hash(PlanContent.model_validate(plan["plan"]["content"])) == waiting.plan.hash
    assert ed.refused(404, "GET", f"{path}/plan?hash=other")["code"] == "NOT_FOUND"


def test_why_of_an_overridden_value_names_the_person_and_what_it_was(
    client: Callable[[str], Client], office: Office
) -> None:
    waiting = office.waiting(changed={"cost_centre": "CC-DE-ADV"})
    path = f"/opportunities/{waiting.opportunity_id}/plan/why?place=/nodes"

    reasons = {each["place"]: each for each in client("ed").get(path)["reasons"]}

    centre = reasons["/nodes/2/cost_centre"]
    (decision,) = centre["overrides"]
    assert (centre["value"], centre["rule"], centre["fields"]) == ("CC-DE-ADV", "overridden", [])
    assert (decision["before"], decision["author"]) == ("CC-DE-CLOUD", "olga@acme.example")
    assert decision["reason"] == "Agreed with the customer"
    assert reasons["/nodes/2/service_line"]["overrides"] == []


@pytest.mark.parametrize("kind", ["opportunities", "approvals", "exceptions", "deliveries"])
def test_what_is_not_there_is_not_found(client: Callable[[str], Client], kind: str) -> None:
    client("ed").refused(404, "GET", f"/{kind}/01890000-0000-7000-8000-000000000009")
    client("ed").refused(404, "GET", f"/{kind}/nonsense")


def test_two_people_approve_a_plan(client: Callable[[str], Client], office: Office) -> None:
    waiting = office.waiting()
    decision = {"plan_hash": waiting.plan.hash, "decision": "approve"}
    ana = client("ana")
    assert [row["task"]["role"] for row in ana.get("/approvals?mine=true&status=open")["rows"]] == ["finance"]
    decided = ana.post(f"/approvals/{waiting.finance.id}/decision", decision)
    assert decided["status"] == "approved"
    assert decided["decided_by"] == str(office.ids["ana"])
    client("tom").post(f"/approvals/{waiting.delivery.id}/decision", decision)
    rows = ana.get(f"/approvals?opportunity_id={waiting.opportunity_id}")["rows"]
    assert {row["task"]["status"] for row in rows} == {"approved"}
    assert {row["amount"] for row in rows} == {"44400.00"}


def test_what_a_rule_approved_names_the_rule(client: Callable[[str], Client], office: Office) -> None:
    waiting = office.waiting()
    office.approve_by_rule(waiting, RuleUse(name="small deals", valid_from=date(2026, 5, 1), version=2))

    task = client("ana").get(f"/approvals/{waiting.finance.id}")["task"]

    assert (task["status"], task["decided_by"]) == ("approved", None)
    assert task["rule"] == {"name": "small deals", "valid_from": "2026-05-01", "version": 2}


def test_decisions_that_do_not_count_say_why_and_record_nothing(
    client: Callable[[str], Client], office: Office
) -> None:
    waiting = office.waiting()
    path = f"/approvals/{waiting.finance.id}/decision"
    approve = {"plan_hash": waiting.plan.hash, "decision": "approve"}
    barred = client("tom").refused(403, "POST", path, json=approve)
    assert (barred["code"], barred["detail"].endswith("Ana or Kim can.")) == ("NOT_AN_APPROVER", True)
    seen = client("tom").get(f"/approvals/{waiting.finance.id}")
    assert [seen["people"][each] for each in seen["may_decide"]] == ["Ana", "Kim"]
    assert [owner["email"] for owner in seen["unmatched_owners"]] == ["sam.seller@acme.example"]
    ana = client("ana")
    assert ana.refused(409, "POST", path, json={**approve, "plan_hash": "0" * 64})["code"] == "PLAN_CHANGED"
    problem = ana.refused(422, "POST", path, json={**approve, "decision": "reject"})
    assert [error["pointer"] for error in problem["errors"]] == ["/comment"]
    assert ana.get(f"/approvals/{waiting.finance.id}")["task"]["status"] == "open"
    ana.post(path, approve)
    assert client("kim").refused(409, "POST", path, json=approve)["code"] == "ALREADY_DECIDED"
    other = f"/approvals/{waiting.delivery.id}/decision"
    kim = office.waiting()
    client("kim").post(f"/approvals/{kim.finance.id}/decision", {**approve, "plan_hash": kim.plan.hash})
    other = f"/approvals/{kim.delivery.id}/decision"
    refused = client("kim").refused(403, "POST", other, json={**approve, "plan_hash": kim.plan.hash})
    assert refused["code"] == "ALREADY_DECIDED_OTHER_ROLE"


def test_exceptions_are_replayed_and_dismissed_by_those_who_may(
    client: Callable[[str], Client], office: Office
) -> None:
    opportunity_id, item_id = office.parked()
    _other, second = office.parked()
    refused = client("ana").refused(403, "POST", f"/exceptions/{item_id}/replay")
    assert "integration admin or operations" in refused["detail"]
    olga = client("olga")
    assert olga.get(f"/opportunities/{opportunity_id}")["state"] == "parked"
    waiting = olga.get(f"/exceptions/{item_id}")
    deal = (waiting["opportunity_name"], waiting["account"], waiting["amount"], waiting["currency"])
    assert deal == ("Globex goes to the cloud", "Globex GmbH", "44400.00", "EUR")
    replayed = olga.post(f"/exceptions/{item_id}/replay")
    assert (replayed["status"], replayed["closed_by"]) == ("replayed", "person:olga@acme.example")
    assert olga.get(f"/opportunities/{opportunity_id}")["state"] == "validated"
    assert olga.refused(409, "POST", f"/exceptions/{item_id}/replay")["code"] == "ALREADY_CLOSED"
    olga.refused(422, "POST", f"/exceptions/{second}/dismiss", json={"reason": " "})
    assert olga.post(f"/exceptions/{second}/dismiss", {"reason": "sold twice"})["reason"] == "sold twice"
    assert olga.get("/exceptions")["rows"] == []


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"9" * 5_000, b"[" * 100_000, b'{"reason": NaN}', b'{"reason": "a", "reason": "b"}', b"\xff"],
    ids=["empty", "cut off", "huge number", "nested deeply", "not a number", "half a character", "not UTF-8"],
)
def test_bodies_that_are_not_json_are_refused_kindly(
    client: Callable[[str], Client], office: Office, body: bytes
) -> None:
    _opportunity, item_id = office.parked()
    path, headers = f"/exceptions/{item_id}/dismiss", {"Content-Type": "application/json"}
    assert client("olga").refused(400, "POST", path, data=body, headers=headers)["code"] == "UNREADABLE_JSON"


def test_bodies_are_read_strictly(client: Callable[[str], Client], office: Office) -> None:
    _opportunity, item_id = office.parked()
    path, olga = f"/exceptions/{item_id}/dismiss", client("olga")
    bodies: tuple[object, ...] = (
        {"reason": 5},
        {"reason": True},
        {},
        [],
        {"reason": "a\x00b"},
        {"reason": "a", "why": "b"},
    )
    for body in bodies:
        olga.refused(422, "POST", path, json=body)
    assert olga.refused(415, "POST", path, data=b"reason=a")["code"] == "UNSUPPORTED_MEDIA_TYPE"
    assert olga.get(f"/exceptions/{item_id}")["status"] == "open"


def test_a_wrong_method_is_told_the_right_ones(app: Flask, office: Office) -> None:
    response = app.test_client().delete("/api/v1/opportunities")
    assert response.status_code == 405
    assert {"GET", "HEAD"} <= set(response.headers["Allow"].split(", "))
    assert response.content_type == "application/problem+json"


def test_a_bug_tells_its_trace_and_nothing_else(client: Callable[[str], Client], office: Office) -> None:
    olga = client("olga")
    with office.application.engine.begin() as connection:
        connection.execute(text("drop table exception_items cascade"))
    trace = {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}
    with capture_logs() as logged:
        problem = olga.refused(500, "GET", "/exceptions", headers=trace)
    assert problem["code"] == "BUG"
    assert problem["trace_id"] == "0af7651916cd43dd8448eb211c80319c"
    assert "exception_items" not in str(problem)
    failures = [line for line in logged if line["event"] == "request_failed"]
    assert [(line["trace_id"], line["path"]) for line in failures] == [
        (problem["trace_id"], "/api/v1/exceptions")
    ]


def test_the_documentation_is_valid_whole_and_loads_nothing_foreign(app: Flask) -> None:
    document = app.test_client().get("/api/v1/openapi.json").json
    assert document is not None
    validate(document)
    assert document["openapi"].startswith("3.1")
    assert "Error" not in document["components"]["schemas"]
    default = document["components"]["responses"]["DEFAULT_ERROR"]["content"]
    assert default["application/problem+json"]["schema"]["$ref"].endswith("/ProblemDocument")
    page = app.test_client().get("/api/v1/docs").get_data(as_text=True)
    for path in document["paths"]:
        assert path in page
    assert "<script" not in page
    assert 'src="http' not in page
    assert 'href="http' not in page


def test_the_canonical_opportunity_is_published_as_json_schema(app: Flask) -> None:
    response = app.test_client().get("/api/v1/schemas/opportunity/1")
    assert response.content_type == "application/schema+json"
    schema = canonical_json.loads(response.data)
    assert set(schema["properties"]) == set(Opportunity.model_fields)
    assert schema["$id"].endswith("/api/v1/schemas/opportunity/1")


def test_a_deal_is_given_up_by_who_works_exceptions(client: Callable[[str], Client], office: Office) -> None:
    opportunity_id, item_id = office.parked_in_the_middle("https://erp.example/project/7")
    path = f"/opportunities/{opportunity_id}"
    body = {"reason": "The customer is being wound up."}
    assert client("ed").refused(403, "POST", f"{path}/compensate", json=body)["code"] == "FORBIDDEN"
    olga = client("olga")
    assert olga.get(f"{path}/effects")["rows"][0]["number"] == "PRJ-7"
    assert (
        olga.refused(422, "POST", f"{path}/compensate", json={"reason": ""})["errors"][0]["pointer"]
        == "/reason"
    )

    assert olga.post(f"{path}/compensate", body)["state"] == "compensating"

    assert olga.get(f"/exceptions/{item_id}")["status"] == "dismissed"
    assert olga.refused(409, "POST", f"{path}/compensate", json=body)["code"] == "NOT_COMPENSABLE"


def test_a_selection_is_previewed_then_replayed_by_who_works_exceptions(
    client: Callable[[str], Client], office: Office
) -> None:
    opportunity_id, item_id = office.parked_in_the_middle("https://erp.example/project/7")
    olga, wanted = client("olga"), {"selection": {"reason": "VENDOR_REJECTED", "older_than": "PT0S"}}
    assert client("ed").refused(403, "POST", "/replays/preview", json=wanted)["code"] == "FORBIDDEN"
    empty = olga.refused(422, "POST", "/replays/preview", json={"selection": {}})
    assert empty["errors"][0]["pointer"] == "/selection"

    (item,) = olga.post("/replays/preview", wanted)["items"]
    assert (item["id"], item["action"], item["from_stage"]) == (str(opportunity_id), "run", "create_projects")
    assert olga.get(f"/exceptions/{item_id}")["status"] == "open"

    stale = {"items": [{"id": item["id"], "version": item["version"] - 1}]}
    assert "changed since" in olga.post("/replays", stale)["items"][0]["says"]
    body = {"items": [{"id": item["id"], "version": item["version"]}]}
    assert client("ed").refused(403, "POST", "/replays", json=body)["code"] == "FORBIDDEN"
    assert olga.post("/replays", body)["items"][0]["replayed"] is True

    assert olga.get(f"/exceptions/{item_id}")["status"] == "replayed"
    assert olga.get(f"/opportunities/{opportunity_id}")["state"] == "approved"


def test_a_plan_is_changed_and_tells_what_was_said(client: Callable[[str], Client], office: Office) -> None:
    path = f"/opportunities/{office.waiting().opportunity_id}/overrides"
    body = {"workstream": "00kL2", "field": "name", "value": "Landing zone", "reason": "The customer's name"}
    ana = client("ana")

    wrong = ana.refused(422, "POST", path, json={**body, "field": "ends_on", "value": "soon"})
    made = ana.post(path, body)

    assert (wrong["code"], wrong["errors"][0]["pointer"]) == ("OVERRIDE_NOT_POSSIBLE", "/value")
    assert (made["value"], made["author"]) == ("Landing zone", "ana@acme.example")
    assert ana.get(path)["rows"] == [made]
    assert client("ed").refused(403, "POST", path, json=body)["code"] == "MAY_NOT_OVERRIDE"


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("workstream", "", "The workstream is empty: give its key."),
        ("value", " ", "The value is empty: give a value, or take the override back"),
        ("value", "x" * 201, "The value has 201 characters: use 200 at most."),
        ("reason", "", "Give a reason for this override; approvers will see it."),
    ],
)
def test_an_override_that_says_nothing_is_told_what_to_say(
    client: Callable[[str], Client], office: Office, field: str, value: str, says: str
) -> None:
    path = f"/opportunities/{office.waiting().opportunity_id}/overrides"
    body = {"workstream": "00kL2", "field": "name", "value": "Landing zone", "reason": "Her own name of it"}

    (error,) = client("ana").refused(422, "POST", path, json=body | {field: value})["errors"]

    assert error["pointer"] == f"/{field}"
    assert error["message"].startswith(says)
    assert client("ana").get(path)["rows"] == []


@pytest.mark.parametrize(
    ("field", "says"),
    [
        ("amount", "The CRM owns amount (deal, cap), which is changed in the CRM;"),
        ("payment_terms", "The CRM owns payment_terms (contract), which"),
        ("customer", "The ERP owns the customer, which is changed in the ERP."),
        ("project_number", "The ERP owns project_number (write-back in the CRM and the PSA), which"),
        ("colour", "Input should be 'name'"),
    ],
)
def test_an_override_of_what_another_system_owns_is_told_which(
    client: Callable[[str], Client], office: Office, field: str, says: str
) -> None:
    path = f"/opportunities/{office.waiting().opportunity_id}/overrides"
    body = {"workstream": "00kL2", "field": field, "value": "1", "reason": "Her own of it"}
    (error,) = client("ana").refused(422, "POST", path, json=body)["errors"]
    assert error["pointer"] == "/field"
    assert error["message"].startswith(says)
    assert "name, starts_on" in error["message"].replace("'", "")


@pytest.mark.parametrize("method", ["PATCH", "PUT", "POST", "DELETE"])
def test_a_deal_that_is_written_to_is_told_who_owns_it(
    client: Callable[[str], Client], office: Office, method: str
) -> None:
    path = f"/opportunities/{office.waiting().opportunity_id}"
    problem = client("ana").refused(405, method, path, json={"amount": "1"})
    assert (
        "The CRM owns the deal, which is changed in the CRM; the deal is read again by itself."
        in problem["detail"]
    )
    assert "owns" not in client("ana").refused(405, method, f"{path}/timeline", json={})["detail"]


def test_a_deal_that_changed_after_its_approval_has_both_values(
    client: Callable[[str], Client], office: Office
) -> None:
    record = sold_by("sam.seller")
    opportunity_id = office.active_and_changed(record, amount=Decimal(70_000))
    ed = client("ed")

    (row,) = ed.get("/opportunities")["rows"]
    deal = ed.get(f"/opportunities/{opportunity_id}")

    for shown in (row, deal):
        assert (Decimal(shown["amount"]), shown["changed_since_approval"]) == (record.amount, True)
    (change,) = deal["changes_since_approval"]
    assert (change["field"], Decimal(change["approved"]), change["now"]) == ("/amount", record.amount, "70000")


def test_a_deal_is_planned_anew_and_the_difference_is_told(
    client: Callable[[str], Client], office: Office
) -> None:
    body = {"reason": "The purchase order was wrong."}
    record = sold_by("sam.seller")
    waiting, item_id = office.parked_after_approval(record)
    path = f"/opportunities/{waiting.opportunity_id}"
    olga = client("olga")
    assert olga.refused(404, "GET", f"{path}/plan/changes")["code"] == "NOT_FOUND"
    assert client("ed").refused(403, "POST", f"{path}/plan-anew", json=body)["code"] == "FORBIDDEN"
    wrong = olga.refused(422, "POST", f"{path}/plan-anew", json={"reason": ""})
    assert wrong["errors"][0]["pointer"] == "/reason"

    assert olga.post(f"{path}/plan-anew", body | {"ask_again": True})["state"] == "received"
    tasks = olga.get(f"/approvals?opportunity_id={waiting.opportunity_id}")["rows"]
    assert {row["task"]["status"] for row in tasks} == {"void"}

    assert olga.get(f"/exceptions/{item_id}")["status"] == "replayed"
    assert olga.refused(409, "POST", f"{path}/plan-anew", json=body)["code"] == "NOT_PLANNABLE_ANEW"
    other = changed(record, contract=changed(record.contract, po_number="PO-9"))
    office.propose(waiting.opportunity_id, other)
    changes = olga.get(f"{path}/plan/changes")
    assert changes["before"] == waiting.plan.hash
    (row,) = changes["rows"]
    assert (row["part"], row["field"], row["after"]) == ("the deal", "po number", "PO-9")
    assert olga.get(f"{path}/plan/changes?since={changes['after']}")["rows"] == []
