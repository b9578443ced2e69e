"""The ERP is down, loses answers, refuses, or has other content under a key: nothing is made twice or lost."""

from __future__ import annotations

import json

import pytest

from oppsync.domain.effects.effects import EffectState, LedgerRow
from oppsync.domain.work.exceptions import Disposition
from oppsync.domain.work.states import State
from oppsync.pipeline.effects import MAX_UNCLEAR_SENDS
from oppsync.pipeline.retry import MAX_TRIES
from sandbox.firm import deals
from sandbox.firm.install import ERP_CONNECTION, DemoSystems
from tests.harness import erp
from tests.harness.gate import Gate
from tests.harness.house import WON_ON, House
from tests.harness.tryton import Books
from tests.service.test_approval_rules import set_rule

# The parent, a task and four milestones of the deal in these stories: the four go in one call.
WRITES, MILESTONES = 3, 4


@pytest.fixture
def record_id(house: House) -> str:
    record_id = house.to_approval(deals.milestone(WON_ON))
    house.approve(record_id)
    return record_id


def in_erp(house: House, record_id: str) -> list[LedgerRow]:
    return [row for row in house.effects(record_id) if row.kind in ("parent", "task", "billing")]


def check_active(house: House, books: Books, record_id: str) -> None:
    assert house.state(record_id) is State.ACTIVE, house.exceptions(record_id)
    erp.check_landed(books, record_id, house.plan(record_id).plan.content)
    assert house.salesforce.record(record_id)["oppsync_Status__c"] == "Active"


def test_an_erp_that_cannot_be_reached_delays_and_changes_nothing(
    house: House, books: Books, systems: DemoSystems, record_id: str
) -> None:
    house.connect(ERP_CONNECTION, base_url="http://127.0.0.1:1")
    house.work_later(times=3)

    seen = house.opportunity(record_id)
    assert (seen.state, seen.tries) == (State.APPROVED, 4)
    assert in_erp(house, record_id) == []
    assert house.exceptions(record_id) == []
    assert house.timeline(record_id).count("stage.deferred.v1") == 4

    house.connect(ERP_CONNECTION, base_url=systems.tryton_url)
    house.settle_later()

    assert house.opportunity(record_id).tries == 0
    check_active(house, books, record_id)


@pytest.mark.parametrize("passed", [1, 2])
def test_an_erp_that_goes_down_in_the_middle_resumes_where_it_stopped(
    house: House, books: Books, gate: Gate, record_id: str, passed: int
) -> None:
    """What was unclear in one call is not sent in one again."""
    unclear = 1 if passed < WRITES - 1 else MILESTONES
    gate.refuse_after(writes=passed)
    house.work()
    assert house.state(record_id) is State.APPROVED
    states = [row.state for row in in_erp(house, record_id)]
    assert states == [EffectState.CONFIRMED] * passed + [EffectState.UNKNOWN] * unclear

    gate.open()
    house.settle_later()

    assert gate.writes == WRITES - passed - 1 + unclear
    check_active(house, books, record_id)


@pytest.mark.parametrize("lost", [1, 2, WRITES])
def test_a_create_whose_answer_was_lost_is_found_again_and_not_repeated(
    house: House, books: Books, gate: Gate, record_id: str, lost: int
) -> None:
    gate.lose_answer(to_write=lost)
    house.work()
    unclear = in_erp(house, record_id)[-1]
    assert unclear.state is EffectState.UNKNOWN
    assert unclear.outside_id is None

    house.settle_later()

    assert gate.writes == WRITES
    check_active(house, books, record_id)
    assert {row.attempts for row in in_erp(house, record_id)} == {1}


def test_of_many_in_one_call_only_the_one_at_fault_is_refused(
    house: House, books: Books, gate: Gate, record_id: str
) -> None:
    lines = [line for _, line in house.plan(record_id).plan.content.billing_lines()]
    said = json.dumps({"status": 400, "message": "Not this one.", "description": ""})
    gate.refuse_naming(erp.key(record_id, "billing", lines[1].path), said)
    house.settle()

    item = house.exception(record_id)
    assert item.code == "VENDOR_REJECTED"
    states = {row.path: row.state for row in in_erp(house, record_id) if row.kind == "billing"}
    assert states.pop(lines[1].path) is EffectState.REJECTED
    assert set(states.values()) == {EffectState.CONFIRMED}
    assert {row.attempts for row in in_erp(house, record_id)} == {1}
    landed = erp.works(books, record_id)
    assert [erp.key(record_id, "billing", line.path) in landed for line in lines] == [True, False, True, True]

    gate.open()
    house.replay(item)
    house.settle()
    check_active(house, books, record_id)


def test_a_deal_s_keys_are_looked_up_in_two_searches(
    house: House, books: Books, gate: Gate, record_id: str
) -> None:
    """Its projects before the first is made, and its billing lines before they are."""
    gate.open()
    house.settle()

    assert sum(path.endswith("/project.work") for path in gate.reads) == 2
    check_active(house, books, record_id)


def test_a_deal_that_a_rule_approves_is_looked_up_once_for_both_stages(
    house: House, books: Books, gate: Gate
) -> None:
    set_rule(house)
    gate.open()
    record_id = house.win(deals.milestone(WON_ON))
    house.settle()

    assert sum(path.endswith("/project.work") for path in gate.reads) == 2
    check_active(house, books, record_id)


def test_nothing_is_sent_nor_looked_up_before_the_quarantine_is_over(
    house: House, books: Books, gate: Gate, record_id: str
) -> None:
    """A look-up before its end would miss what is still being committed."""
    gate.lose_answer(to_write=1)
    house.work()
    seen = house.opportunity(record_id)
    gate.open()

    for _ in range(3):
        house.rows("update opportunities set due_at = now()")
        house.work()

    assert gate.writes == 0
    assert house.state(record_id) is State.APPROVED
    assert house.opportunity(record_id).tries == seen.tries == 1
    assert in_erp(house, record_id)[-1].state is EffectState.UNKNOWN
    house.settle_later()
    check_active(house, books, record_id)


def test_an_answer_that_could_not_be_recorded_is_found_again(
    house: House, books: Books, gate: Gate, record_id: str
) -> None:
    """As when a worker dies between create and record: the effect stays `sent`."""
    house.rows(
        "create function refuse() returns trigger language plpgsql as"
        " $$ begin raise exception 'the disk is full'; end $$"
    )
    house.rows(
        "create trigger refuse before update on effects for each row"
        " when (new.kind = 'parent' and new.state = 'confirmed') execute function refuse()"
    )
    house.settle()
    (sent,) = in_erp(house, record_id)
    assert sent.state is EffectState.SENT
    item = house.exception(record_id)
    assert (item.code, item.disposition) == ("BUG", Disposition.DEAD_LETTER)

    house.rows("drop trigger refuse on effects")
    house.replay(item)
    house.work()
    assert house.state(record_id) is State.APPROVED  # first the quarantine
    house.settle_later()

    assert gate.writes == WRITES
    check_active(house, books, record_id)


def test_an_erp_that_fails_on_the_same_write_each_time_is_a_dead_letter(
    house: House, books: Books, gate: Gate, record_id: str
) -> None:
    gate.refuse_after(writes=0, status=500)
    house.work_later(times=MAX_UNCLEAR_SENDS)

    item = house.exception(record_id)
    assert (item.code, item.disposition, item.owner) == ("BUG", Disposition.DEAD_LETTER, "operations")
    gate.open()
    house.replay(item)
    house.settle_later()
    check_active(house, books, record_id)


def test_something_else_under_our_key_is_a_conflict_and_is_not_overwritten(
    house: House, books: Books, gate: Gate, record_id: str
) -> None:
    own_key = erp.key(record_id, "parent", "project")
    company = books.one("company.company", [["party.code", "=", "ACME-DE"]])["id"]
    stranger = {"name": "Somebody's " + "own " * 600, "type": "project", "company": company, "comment": own_key}
    there = books.create("project.work", stranger)["id"]

    house.settle()

    item = house.exception(record_id)
    assert (item.code, item.owner, item.stage) == ("CONTENT_CONFLICT", "operations", "create_projects")
    assert "Somebody's own" in item.message
    assert house.opportunity(record_id).resume_state is State.APPROVED
    assert gate.writes == 0
    (row,) = in_erp(house, record_id)
    assert row.state is EffectState.REJECTED

    books.write("project.work", there, {"comment": "nobody's key"})
    house.replay(item)
    house.settle()
    check_active(house, books, record_id)


def test_a_refusal_by_the_erp_s_rules_is_parked_and_replayed(
    house: House, books: Books, gate: Gate, record_id: str
) -> None:
    said = json.dumps({"status": 400, "message": "The party is blocked.", "description": ""})
    gate.refuse_after(writes=2, status=400, body=said)
    house.settle()

    item = house.exception(record_id)
    assert (item.code, item.owner, item.disposition) == (
        "VENDOR_REJECTED",
        "integration",
        Disposition.BUSINESS,
    )
    assert "The party is blocked." in item.message
    assert house.state(record_id) is State.PARKED
    assert in_erp(house, record_id)[-1].state is EffectState.REJECTED

    gate.open()
    house.replay(item)
    house.settle()

    assert gate.writes == WRITES - 2
    check_active(house, books, record_id)


def test_credentials_that_are_refused_are_for_people(
    house: House, books: Books, gate: Gate, record_id: str
) -> None:
    gate.refuse_after(writes=0, status=401)
    house.settle()

    item = house.exception(record_id)
    assert (item.code, item.owner) == ("CONNECTION_MISCONFIGURED", "integration")
    gate.open()
    house.replay(item)
    house.settle()
    check_active(house, books, record_id)


def test_retries_used_up_are_a_dead_letter_and_a_replay_starts_counting_anew(
    house: House, books: Books, gate: Gate, record_id: str
) -> None:
    gate.shut()
    house.work()
    house.rows("update opportunities set tries = :tries", tries=MAX_TRIES)
    house.settle_later()

    item = house.exception(record_id)
    assert (item.code, item.disposition) == ("RETRIES_EXHAUSTED", Disposition.DEAD_LETTER)
    assert house.state(record_id) is State.PARKED

    gate.open()
    house.replay(item)
    house.settle()

    check_active(house, books, record_id)


def test_a_deal_waits_for_an_erp_that_is_away_when_it_is_validated(house: House, gate: Gate) -> None:
    gate.shut()
    record_id = house.win(deals.milestone(WON_ON))
    house.work_later(times=2)
    assert house.state(record_id) is State.RECEIVED

    gate.open()
    house.settle_later()

    assert house.state(record_id) is State.AWAITING_APPROVAL
