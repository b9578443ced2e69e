"""What a project in Tryton says of its contract, and what counts as a difference."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from adapters.erp.tryton.landing import OF_MONEY, comment, differences, node_notes, read_notes
from oppsync.domain.plan.plan import ROOT_PATH
from oppsync.domain.values.money import Money
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

    assert (found["amount"], found["estimate"]) == ("EUR 10,000.00", "EUR 14,400.00")
    assert found["beyond the cap"] == "EUR 4,400.00, not billable"


def test_amounts_that_an_earlier_release_wrote_are_what_was_ordered() -> None:
    """It wrote no separators, and nobody rewrites its projects. A cent more or less is a difference as ever."""
    plan = make.content(
        make.opportunity(
            make.capped_line(billing={"cap": {"amount": 10_000}}),
            contract=SIGNED | {"po_number": "PO-1", "po_limit": 1_000_000},
        )
    )
    wanted = node_notes(plan, plan.node(ROOT_PATH))
    earlier = {
        label: re.sub(r"(?<=\d),(?=\d)", "", value) if label in OF_MONEY else value
        for label, value in wanted.items()
    }
    assert earlier["PO limit"] == "EUR 1000000.00"
    assert earlier["not to exceed"].startswith("EUR 10000.00 for the workstream, warning at EUR 8000.00, ")

    assert read_notes(comment(earlier)) == wanted
    dearer = earlier | {"amount": "EUR 10000.01"}
    assert differences(wanted, read_notes(comment(dearer))) == {"amount": ("EUR 10,000.00", "EUR 10,000.01")}


@given(st.decimals(min_value=-(10**15), max_value=10**15, places=2), st.sampled_from(["EUR", "JPY", "KWD"]))
def test_any_amount_is_read_back_as_it_is_written_now(amount: Decimal, currency: str) -> None:
    money = Money.rounded(amount, currency)

    for written in (str(money), f"{currency} {money.text}"):
        assert read_notes(f"amount: {written}") == {"amount": str(money)}


def test_what_people_write_of_amounts_elsewhere_stays_as_it_is() -> None:
    assert read_notes("note: EUR 40000.00\namount: 40000") == {"note": "EUR 40000.00", "amount": "40000"}
