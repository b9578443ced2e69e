"""During a deploy two releases work the same deals: what the newer one stored waits for a newer worker."""

from __future__ import annotations

from datetime import timedelta

import pytest

from oppsync.domain.work.states import State
from oppsync.kernel import canonical_json
from oppsync.kernel.errors import NewerRelease
from oppsync.services.work.commands import RunStage
from sandbox.firm import deals
from tests.harness import erp
from tests.harness.house import WON_ON, House
from tests.harness.tryton import Books


def test_a_record_of_a_newer_release_is_left_to_it(house: House) -> None:
    record_id = house.to_approval(deals.milestone(WON_ON))
    opportunity_id = house.opportunity(record_id).id
    house.approve(record_id)
    known = "update opportunities set record = record - 'of_tomorrow'"
    house.rows("""update opportunities set record = record || '{"of_tomorrow": 1}'""")

    for _ in range(4):
        with pytest.raises(NewerRelease, match="of_tomorrow"):
            house.application.dispatch(RunStage(opportunity_id, "approve"))
    left = house.rows("select state, crashes, lease_holder, due_at is not null as due from opportunities")

    assert left == [{"state": "awaiting_approval", "crashes": 0, "lease_holder": None, "due": True}]
    house.rows(known)
    house.settle()
    assert house.state(record_id) is State.ACTIVE


def test_a_plan_of_a_newer_release_waits_and_is_applied_by_whoever_can_read_it(
    house: House, books: Books
) -> None:
    record_id = house.to_approval(deals.milestone(WON_ON))
    house.approve(record_id)
    as_now, as_of_tomorrow = _with_a_field_of_tomorrow(house)
    house.rows(as_of_tomorrow)

    house.work()

    assert house.state(record_id) is State.AWAITING_APPROVAL
    assert house.exceptions(record_id) == []
    waits = house.rows("select due_at - now() as pause from opportunities")[0]["pause"]
    assert waits > timedelta(seconds=0)
    assert house.entries(record_id)[-1].detail["code"] == "NEWER_RELEASE"

    house.rows(as_now)
    house.settle_later()
    assert house.state(record_id) is State.ACTIVE
    assert len(erp.works(books, record_id)) == 6


def _with_a_field_of_tomorrow(house: House) -> tuple[str, str]:
    """How the one plan is written as it is, and as a later release has it: its hash is of all that it holds."""
    ((content, now),) = [tuple(row.values()) for row in house.rows("select content, hash from plans")]
    later = canonical_json.digest({**content, "of_tomorrow": 1})
    for table in ("approval_tasks", "plans"):
        house.rows(f"alter table {table} disable trigger all")
    writing = (
        "with plan as (update plans set content = {content}, hash = '{hash}'),"
        " deal as (update opportunities set plan_hash = '{hash}')"
        " update approval_tasks set plan_hash = '{hash}'"
    )
    return (
        writing.format(content="content - 'of_tomorrow'", hash=now),
        writing.format(content="""content || '{"of_tomorrow": 1}'""", hash=later),
    )


def test_a_role_of_a_newer_release_gives_no_right_and_stops_nothing(house: House) -> None:
    house.rows("update people set roles = roles || '{of_tomorrow}'")

    record_id = house.to_approval(deals.milestone(WON_ON))
    house.approve(record_id)
    house.settle()

    assert house.state(record_id) is State.ACTIVE
    roles = {role for row in house.rows("select roles from people") for role in row["roles"]}
    assert "of_tomorrow" in roles, "what the newer release gave stays"
