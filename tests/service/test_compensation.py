"""A deal that stopped after its approval is given up: what was created is closed, in reverse order, and
once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from oppsync.domain.effects.effects import EffectState, LedgerRow
from oppsync.domain.values.keys import EffectKind
from oppsync.domain.work.exceptions import ExceptionStatus
from oppsync.domain.work.states import State
from oppsync.kernel.errors import Conflict, InvalidInput
from oppsync.pipeline.retry import MAX_TRIES
from oppsync.services.queue.commands import Compensate
from sandbox.firm import deals
from tests.harness import erp
from tests.harness.builders import TENANT
from tests.harness.gate import Gate
from tests.harness.house import OPERATIONS, WON_ON, House
from tests.harness.tryton import Books

REFUSAL = '{"status": 400, "message": "The fiscal year is closed.", "description": ""}'
REASON = "The customer is being wound up."
MADE = {EffectKind.PARENT, EffectKind.CHILD, EffectKind.TASK, EffectKind.BILLING_LINE, EffectKind.PSA_PROJECT}


def give_up(house: House, record_id: str, reason: str = REASON) -> None:
    house.application.dispatch(Compensate(TENANT, house.opportunity(record_id).id, house.operator, reason))


def parked_by_the_last_invoice(house: House, gate: Gate) -> str:
    """A deal whose ERP refuses the last of its seven invoices; the others exist."""
    record_id = house.to_approval(deals.fixed_fee(WON_ON, "CUST-1003", "ACME-DE"))
    gate.refuse_naming("/dated/2026-10", REFUSAL)
    house.approve(record_id)
    house.settle()
    gate.open()
    assert house.exception(record_id).code == "VENDOR_REJECTED"
    return record_id


def parked_after(house: House, gate: Gate, writes: int, deal: Mapping[str, Any] | None = None) -> str:
    """A deal that was approved, and whose ERP refuses for good after so many calls that create."""
    record_id = house.to_approval(deal)
    gate.refuse_after(writes, status=400, body=REFUSAL)
    house.approve(record_id)
    house.settle()
    gate.open()
    assert house.exception(record_id).code == "VENDOR_REJECTED"
    return record_id


def made(house: House, record_id: str, state: EffectState) -> list[LedgerRow]:
    return [row for row in house.effects(record_id) if row.kind in MADE and row.state is state]


def still_open(books: Books, record_id: str) -> list[str]:
    """The keys of what the ERP would still work or invoice."""
    works = books.find(
        "project.work", [["comment", "like", f"oppsync:%:{record_id}:%"]], "comment", "status.name"
    )
    drafts = erp.invoices(books, record_id)
    return [str(work["comment"]).split("\n")[0] for work in works if work["status"]["name"] != "Done"] + [
        key for key, invoice in drafts.items() if invoice["state"] != "cancelled"
    ]


def test_what_was_created_is_closed_and_everybody_is_told_why(house: House, books: Books, gate: Gate) -> None:
    record_id = parked_after(house, gate, writes=5)
    created = made(house, record_id, EffectState.CONFIRMED)
    assert len(created) == 8 == len(still_open(books, record_id))

    give_up(house, record_id)
    assert house.state(record_id) is State.COMPENSATING
    house.settle()

    assert house.state(record_id) is State.WITHDRAWN
    assert still_open(books, record_id) == []
    assert {row.key for row in made(house, record_id, EffectState.CANCELLED)} == {row.key for row in created}
    record = house.salesforce.record(record_id)
    assert (record["oppsync_Status__c"], record["oppsync_Message__c"]) == ("Withdrawn", REASON)
    assert house.exceptions(record_id) == []
    (closed,) = house.application.queries.exceptions(TENANT, status=ExceptionStatus.DISMISSED).rows
    assert (closed.closed_by, closed.reason) == (OPERATIONS, f"Given up: {REASON}")
    assert house.tasks(record_id) == {}
    assert house.opportunity(record_id).project_number is None
    begun = next(entry for entry in house.entries(record_id) if entry.type == "compensation.begun.v1")
    assert (begun.actor, begun.detail["reason"]) == (OPERATIONS, REASON)


def below_it(path: str) -> str:
    """The workstream that a task belongs to."""
    return f"child/{path.split('/')[1]}"


def test_each_step_is_in_the_ledger_in_the_reverse_of_the_order_of_creation(house: House, gate: Gate) -> None:
    record_id = parked_after(house, gate, writes=6)
    created = [f"{row.kind}/{row.path}" for row in made(house, record_id, EffectState.CONFIRMED)]

    give_up(house, record_id)
    house.settle()

    steps = [row for row in house.effects(record_id) if row.kind is EffectKind.CANCELLATION]
    closed = [step.path for step in steps]
    assert sorted(closed) == sorted(created)
    assert closed[-1] == "parent/project"
    assert all(closed.index(path) < closed.index(below_it(path)) for path in closed if path.startswith("task/"))
    assert {(step.state, step.attempts) for step in steps} == {(EffectState.CONFIRMED, 1)}


def test_a_deal_of_which_nothing_was_created_can_be_given_up(house: House, books: Books, gate: Gate) -> None:
    record_id = parked_after(house, gate, writes=0)

    give_up(house, record_id)
    house.settle()

    assert house.state(record_id) is State.WITHDRAWN
    assert erp.works(books, record_id) == {}


def test_an_erp_that_is_away_meanwhile_is_waited_for(house: House, books: Books, gate: Gate) -> None:
    record_id = parked_after(house, gate, writes=4)
    gate.shut()

    give_up(house, record_id)
    house.work()
    assert house.state(record_id) is State.COMPENSATING

    gate.open()
    house.settle_later()
    assert house.state(record_id) is State.WITHDRAWN
    assert still_open(books, record_id) == []


def test_what_perhaps_exists_is_looked_up_after_its_quarantine_and_closed(
    house: House, books: Books, gate: Gate
) -> None:
    record_id = house.to_approval(deals.milestone(WON_ON))
    gate.lose_answer(to_write=1, then_shut=True)
    house.approve(record_id)
    house.work()
    house.rows(f"update opportunities set tries = {MAX_TRIES}, due_at = now()")
    house.rows("update effects set sent_at = sent_at - interval '1 hour'")
    house.settle()  # the look-up fails at the closed gate until its tries are used up
    assert house.exception(record_id).code == "RETRIES_EXHAUSTED"
    house.rows("update effects set sent_at = now()")
    gate.open()

    give_up(house, record_id)
    house.work()
    assert house.state(record_id) is State.COMPENSATING
    assert len(still_open(books, record_id)) == 1

    house.settle_later()
    assert house.state(record_id) is State.WITHDRAWN
    assert still_open(books, record_id) == []
    assert made(house, record_id, EffectState.UNKNOWN) == []


def test_what_never_came_to_be_is_not_waited_for_for_ever(house: House, gate: Gate, books: Books) -> None:
    record_id = parked_after(house, gate, writes=1, deal=deals.milestone(WON_ON))
    # A create whose answer was lost, and which the ERP never carried out.
    house.rows(
        "update effects set state = 'unknown', sent_at = now() - interval '1 hour' where state = 'rejected'"
    )

    give_up(house, record_id)
    house.settle()

    assert house.state(record_id) is State.WITHDRAWN
    assert made(house, record_id, EffectState.UNKNOWN) == []
    assert still_open(books, record_id) == []


def test_an_invoice_that_was_posted_stops_it_and_is_left_to_a_person(
    house: House, books: Books, gate: Gate
) -> None:
    record_id = parked_by_the_last_invoice(house, gate)
    by_age = sorted(erp.invoices(books, record_id).items(), key=lambda pair: int(pair[1]["id"]))
    posted, draft, *_others = by_age
    books.post(posted[1]["id"])

    give_up(house, record_id)
    house.settle()

    item = house.exception(record_id)
    assert (item.code, house.opportunity(record_id).resume_state) == ("VENDOR_REJECTED", State.COMPENSATING)
    assert "posted: credit it there" in item.message
    still = still_open(books, record_id)
    assert posted[0] in still
    assert draft[0] not in still
    assert posted[0] in {row.key for row in made(house, record_id, EffectState.CONFIRMED)}


def test_what_somebody_deleted_or_closed_there_is_closed_already(
    house: House, books: Books, gate: Gate
) -> None:
    record_id = parked_after(house, gate, writes=2)
    *_above, last = erp.works(books, record_id).values()
    books.write("project.work", int(last["id"]), {"status": 2, "progress": 1.0})

    give_up(house, record_id)
    house.settle()

    assert house.state(record_id) is State.WITHDRAWN
    attempts = sorted(row.attempts for row in house.effects(record_id) if row.kind is EffectKind.CANCELLATION)
    assert attempts == [0, 1, 1, 1]


def test_a_deal_lost_while_it_is_given_up_is_nobodys_exception(house: House, gate: Gate) -> None:
    record_id = parked_after(house, gate, writes=2)
    gate.shut()
    give_up(house, record_id)
    house.work()

    house.lose(record_id)
    gate.open()
    house.settle_later()

    assert house.state(record_id) is State.WITHDRAWN
    assert house.exceptions(record_id) == []


def test_won_anew_and_approved_again_its_closed_projects_are_opened_and_no_second_tree_is_made(
    house: House, books: Books, gate: Gate
) -> None:
    record_id = parked_after(house, gate, writes=2, deal=deals.milestone(WON_ON))
    give_up(house, record_id)
    house.settle()
    before = {key: work["id"] for key, work in erp.works(books, record_id).items()}

    house.edit(record_id, opportunity={"PO_Number__c": "PO-2026-LATER"})
    house.settle()
    assert house.state(record_id) is State.AWAITING_APPROVAL
    house.approve(record_id)
    house.settle()

    assert house.state(record_id) is State.ACTIVE, house.exceptions(record_id)
    after = {key: work["id"] for key, work in erp.works(books, record_id).items()}
    assert before.items() <= after.items()
    erp.check_landed(books, record_id, house.plan(record_id).plan.content)
    assert len(still_open(books, record_id)) == len(after)
    assert house.salesforce.record(record_id)["oppsync_Status__c"] == "Active"


def test_a_deal_that_was_written_back_in_part_has_its_psa_project_archived(house: House, books: Books) -> None:
    record_id = house.to_approval(deals.milestone(WON_ON))
    house.salesforce.faults([{"method": "PATCH", "status": 400, "code": "FIELD_CUSTOM_VALIDATION_EXCEPTION"}])
    house.approve(record_id)
    house.settle()
    assert house.opportunity(record_id).resume_state is State.CREATED

    give_up(house, record_id)
    house.settle()

    assert house.state(record_id) is State.WITHDRAWN
    (workspace,) = [w for w in house.kantata.workspaces() if f":{record_id}:" in w["external_reference"]]
    assert workspace["archived"] is True
    assert still_open(books, record_id) == []
    assert house.salesforce.record(record_id)["oppsync_Status__c"] == "Withdrawn"

    house.edit(record_id, opportunity={"Name": "Won again"})
    house.settle()
    house.approve(record_id)
    house.settle()

    assert house.state(record_id) is State.ACTIVE, house.exceptions(record_id)
    (again,) = [w for w in house.kantata.workspaces() if f":{record_id}:" in w["external_reference"]]
    assert (again["id"], again["archived"]) == (workspace["id"], False)


def test_only_a_deal_parked_after_its_approval_can_be_given_up(house: House) -> None:
    waiting = house.to_approval(deals.milestone(WON_ON))
    invalid = house.win(deals.milestone(WON_ON) | {"lines": []})
    house.settle()
    for record_id in (waiting, invalid):
        with pytest.raises(Conflict) as refused:
            give_up(house, record_id)
        assert refused.value.code == "NOT_COMPENSABLE"
        assert house.state(record_id) is not State.COMPENSATING


def test_a_reason_is_needed(house: House, gate: Gate) -> None:
    record_id = parked_after(house, gate, writes=1)
    with pytest.raises(InvalidInput):
        give_up(house, record_id, "  ")
    assert house.state(record_id) is State.PARKED
