"""Approvals over the API besides deciding: comment, take back, put to others, have the deal changed."""

from __future__ import annotations

from flask import Flask

from tests.web.office import Office
from tests.web.test_api import Client


def test_changes_are_requested_and_comments_stand_beside_them(app: Flask, office: Office) -> None:
    waiting = office.waiting()
    ana, uma = Client(app, office.token("ana")), Client(app, office.token("uma"))
    path = f"/approvals/{waiting.finance.id}"

    commented = uma.post(f"{path}/comments", {"comment": "Is the credit good?"})
    request = {"plan_hash": waiting.plan.hash, "decision": "request_changes", "comment": "Name the order"}
    asked = ana.post(f"{path}/decision", request)

    assert [note["text"] for note in commented["notes"]] == ["Is the credit good?"]
    assert (asked["status"], asked["voided_as"], asked["comment"]) == (
        "void",
        "changes_requested",
        "Name the order",
    )
    notes = uma.get(path)["notes"]
    assert [(note["by"], note["asks_for_changes"]) for note in notes] == [
        ("person:uma@acme.example", False),
        ("person:ana@acme.example", True),
    ]
    (item,) = uma.get(f"/exceptions?opportunity_id={waiting.opportunity_id}")["rows"]
    assert (item["code"], item["owner"]) == ("CHANGES_REQUESTED", "sales")


def test_an_approval_is_taken_back_and_put_to_others(app: Flask, office: Office) -> None:
    waiting = office.waiting()
    ana, olga = Client(app, office.token("ana")), Client(app, office.token("olga"))
    path, kim = f"/approvals/{waiting.finance.id}", str(office.ids["kim"])

    assert olga.post(f"{path}/reassign", {"to": [kim], "comment": "On leave"})["candidates"] == [kim]
    refused = olga.refused(422, "POST", f"{path}/reassign", json={"to": [str(office.ids["tom"])]})
    assert refused["errors"][0]["pointer"] == "/to"
    ana.post(f"{path}/decision", {"plan_hash": waiting.plan.hash, "decision": "approve"})
    tom = Client(app, office.token("tom"))
    assert tom.refused(403, "POST", f"{path}/withdraw", json={"comment": "No"})["code"] == "NOT_YOUR_APPROVAL"
    withdrawn = ana.post(f"{path}/withdraw", {"comment": "The wrong contract"})

    assert (withdrawn["status"], withdrawn["voided_as"]) == ("void", "withdrawn")
    late = ana.refused(409, "POST", f"{path}/withdraw", json={"comment": "Again"})
    assert late["code"] == "NOTHING_TO_WITHDRAW"
    assert olga.refused(409, "POST", f"{path}/reassign", json={"to": [kim]})["code"] == "PLAN_CHANGED"
