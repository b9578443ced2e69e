"""What a project in Tryton says of its contract, and what counts as a difference."""

from __future__ import annotations

from datetime import date

from adapters.erp.tryton.landing import differences, node_notes
from oppsync.domain.plan.plan import ROOT_PATH
from tests.harness import builders as make

SIGNED = {
    "payment_terms": "NET30",
    "po_expires_on": date(2027, 3, 31),
    "special_terms": "Travel is included.\nNo work on Sundays: agreed.",
    "document_url": "https://contracts.example.com/17",
}
OF_THE_CONTRACT = {
    "PO expires": "2027-03-31",
    "special terms": "Travel is included. No work on Sundays: agreed.",
    "contract": "https://contracts.example.com/17",
}


def notes() -> dict[str, str]:
    plan = make.content(make.opportunity(make.fixed_line(), make.milestone_line(), contract=SIGNED))
    assert OF_THE_CONTRACT.items().isdisjoint(node_notes(plan, plan.node("00kL2")).items())
    return node_notes(plan, plan.node(ROOT_PATH))


def test_the_project_of_the_deal_says_what_stands_in_the_contract() -> None:
    assert OF_THE_CONTRACT.items() <= notes().items()


def test_what_somebody_changed_there_is_a_difference() -> None:
    found = notes() | {"special terms": "None"}

    assert differences(notes(), found) == {"special terms": (OF_THE_CONTRACT["special terms"], "None")}


def test_a_project_of_a_release_that_did_not_write_them_is_what_was_ordered() -> None:
    """Found again after a restored backup, say. What every release wrote has to be there."""
    earlier = {label: value for label, value in notes().items() if label not in OF_THE_CONTRACT}

    assert differences(notes(), earlier) == {}
    assert differences(notes(), {}).keys() == earlier.keys()


def test_hours_beyond_a_cap_stand_on_project_and_task() -> None:
    plan = make.content(make.opportunity(make.capped_line(billing={"cap": {"amount": 10_000}})))

    found = node_notes(plan, plan.node(ROOT_PATH))

    assert (found["amount"], found["estimate"]) == ("EUR 10000.00", "EUR 14400.00")
    assert found["beyond the cap"] == "EUR 4400.00, not billable"
