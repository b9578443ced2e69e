"""A bug stops one deal, not the others, and becomes a dead letter."""

from __future__ import annotations

import pytest

from oppsync.domain.work.exceptions import Disposition
from oppsync.domain.work.states import State
from oppsync.kernel.errors import StoreUnavailable
from sandbox.firm import deals
from tests.harness import erp
from tests.harness.house import WON_ON, House
from tests.harness.tryton import Books


def break_creation(house: House, record_id: str) -> None:
    """Whatever is about to be created for this deal meets an error that nobody foresaw."""
    house.rows(
        "create function refuse() returns trigger language plpgsql as"
        " $$ begin raise exception 'a constraint nobody thought of'; end $$"
    )
    house.rows(
        "create trigger refuse before insert on effects for each row"
        f" when (new.opportunity_id = '{house.opportunity(record_id).id}') execute function refuse()"
    )


def test_a_bug_is_a_dead_letter_among_the_exceptions_and_others_go_on(house: House, books: Books) -> None:
    broken, sound = (house.to_approval(deals.milestone(WON_ON)) for _ in range(2))
    opportunity_id = house.opportunity(broken).id
    break_creation(house, broken)
    for record_id in (broken, sound):
        house.approve(record_id)
    house.settle()

    assert house.state(sound) is State.ACTIVE
    erp.check_landed(books, sound, house.plan(sound).plan.content)
    assert house.state(broken) is State.PARKED
    item = house.exception(broken)
    assert (item.code, item.owner, item.disposition) == ("BUG", "operations", Disposition.DEAD_LETTER)
    assert (item.stage, item.payload_reference) == ("create_projects", f"record:{opportunity_id}")
    assert "ProgrammingError" in item.message
    assert erp.works(books, broken) == {}


def test_a_dead_letter_is_replayed_once_it_is_mended(house: House, books: Books) -> None:
    record_id = house.to_approval(deals.milestone(WON_ON))
    break_creation(house, record_id)
    house.approve(record_id)
    house.settle()
    item = house.exception(record_id)

    house.rows("drop trigger refuse on effects")
    house.replay(item)
    house.settle()

    assert house.state(record_id) is State.ACTIVE
    erp.check_landed(books, record_id, house.plan(record_id).plan.content)


def test_an_outcome_that_cannot_be_recorded_is_a_dead_letter_too(house: House) -> None:
    house.rows(
        "create function refuse() returns trigger language plpgsql as"
        " $$ begin raise exception 'a constraint nobody thought of'; end $$"
    )
    house.rows("create trigger refuse before insert on plans for each row execute function refuse()")

    record_id = house.win(deals.milestone(WON_ON))
    house.settle()

    item = house.exception(record_id)
    assert (item.code, item.stage) == ("BUG", "split_workstreams")
    assert house.opportunity(record_id).resume_state is State.ENRICHED
    house.rows("drop trigger refuse on plans")
    house.replay(item)
    house.settle()
    assert house.state(record_id) is State.AWAITING_APPROVAL


def test_a_store_that_is_away_leaves_the_deal_to_be_taken_up_again(house: House) -> None:
    """What was decided together is rolled back together; the lease runs out by itself."""
    record_id = house.win(deals.milestone(WON_ON))
    house.rows(
        "create function vanish() returns trigger language plpgsql as"
        " $$ begin perform pg_terminate_backend(pg_backend_pid()); return new; end $$"
    )
    house.rows("create trigger vanish before insert on plans for each row execute function vanish()")
    with pytest.raises(StoreUnavailable):
        house.settle()
    assert house.state(record_id) is State.RECEIVED
    assert house.exceptions(record_id) == []

    house.rows("drop trigger vanish on plans")
    house.rows("update opportunities set lease_until = now() - interval '1 second'")
    house.settle()

    assert house.state(record_id) is State.AWAITING_APPROVAL
    assert house.exceptions(record_id) == []
