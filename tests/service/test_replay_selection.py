"""A selection is replayed: first a preview of each, then the run; finished deals stay as they are."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from oppsync.domain.reference.book import ReferenceKind, ReferenceRow
from oppsync.domain.values.actor import COMMAND_LINE
from oppsync.domain.values.model import changed
from oppsync.domain.work.replays import (
    Previewed,
    ReplayAction,
    ReplayedItem,
    ReplayItem,
    ReplayOf,
    ReplayPreview,
    Selection,
)
from oppsync.domain.work.states import State
from oppsync.kernel.errors import InvalidInput
from oppsync.services.queue.commands import PreviewReplay, RunReplay
from sandbox.firm import deals
from sandbox.firm.install import CRM_CONNECTION
from tests.harness import erp
from tests.harness.builders import TENANT
from tests.harness.gate import Gate
from tests.harness.house import WON_ON, House
from tests.harness.tryton import Books

COST_CENTRE = "kind = 'cost_centre'"


def preview(house: House, from_stage: str | None = None, **criteria: Any) -> ReplayPreview:
    return house.application.dispatch(PreviewReplay(TENANT, COMMAND_LINE, Selection(**criteria), from_stage))


def run(
    house: House, shown: ReplayPreview, of: ReplayOf = ReplayOf.OPPORTUNITIES, from_stage: str | None = None
) -> list[ReplayedItem]:
    items = [Previewed(id=item.id, version=item.version) for item in shown.items]
    return list(house.application.dispatch(RunReplay(TENANT, house.operator, of, items, from_stage)).items)


def only(shown: ReplayPreview) -> ReplayItem:
    (item,) = shown.items
    return item


def without_lines(house: House) -> str:
    record_id = house.win(deals.milestone(WON_ON) | {"lines": []})
    house.settle()
    assert house.state(record_id) is State.PARKED
    return record_id


def add_lines(house: House, record_id: str) -> None:
    """Fix the deal in the CRM, without a webhook."""
    lines = deals.milestone(WON_ON)["lines"]
    house.salesforce.edit(record_id, {"lines": lines})


def ids(house: House, *record_ids: str) -> list[UUID]:
    return sorted(house.opportunity(record_id).id for record_id in record_ids)


def test_what_an_erp_refused_is_worked_again_by_its_reason(house: House, books: Books, gate: Gate) -> None:
    refused = '{"status": 400, "message": "The fiscal year is closed.", "description": ""}'
    both = [house.to_approval(deals.milestone(WON_ON)) for _ in range(2)]
    other = without_lines(house)
    gate.refuse_after(2, status=400, body=refused)
    for record_id in both:
        house.approve(record_id)
        house.settle()
    gate.open()

    shown = preview(house, reason="VENDOR_REJECTED")
    assert [item.id for item in shown.items] == ids(house, *both)
    assert {(item.action, item.from_stage) for item in shown.items} == {(ReplayAction.RUN, "create_projects")}
    assert all(item.replayed for item in run(house, shown))
    house.settle()

    for record_id in both:
        assert house.state(record_id) is State.ACTIVE
        erp.check_landed(books, record_id, house.plan(record_id).plan.content)
    assert house.state(other) is State.PARKED
    assert house.entries(both[0])[-1].correlation_id
    assert "replayed.v1" in house.timeline(both[0])


def test_a_preview_changes_nothing(house: House) -> None:
    record_id = without_lines(house)
    before = house.entries(record_id)

    assert only(preview(house, reason="NO_LINES")).says == "runs from validate"

    assert house.entries(record_id) == before
    assert house.state(record_id) is State.PARKED
    house.settle()
    assert house.entries(record_id) == before


def test_replaying_what_is_finished_changes_nothing(house: House, books: Books) -> None:
    record_id = house.to_active(deals.milestone(WON_ON))
    before, works = house.entries(record_id), erp.works(books, record_id)

    shown = preview(house, state=State.ACTIVE)
    item = only(shown)
    assert (item.action, item.from_stage) == (ReplayAction.NOTHING, None)
    assert "finished" in item.says
    assert [each.replayed for each in run(house, shown)] == [False]
    house.settle()

    assert house.entries(record_id) == before
    assert erp.works(books, record_id) == works


def test_what_changed_since_the_preview_is_skipped_and_listed(house: House) -> None:
    first, second = without_lines(house), without_lines(house)
    for record_id in (first, second):
        add_lines(house, record_id)
    shown = preview(house, reason="NO_LINES")
    house.replay(house.exception(first))
    house.settle()

    outcome = {item.id: item for item in run(house, shown)}

    skipped = outcome[house.opportunity(first).id]
    assert (skipped.replayed, skipped.says) == (False, "skipped: it changed since the preview")
    assert outcome[house.opportunity(second).id].replayed
    house.settle()
    assert house.state(second) is State.AWAITING_APPROVAL


def test_what_is_still_blocked_is_said_and_not_run(house: House) -> None:
    kept = house.rows("select tenant_id, kind, key, valid_from, value from reference_rows where " + COST_CENTRE)
    house.rows("update reference_rows set valid_to = valid_from + 1 where valid_to is null and " + COST_CENTRE)
    record_id = house.win(deals.milestone(WON_ON))
    house.settle()
    assert house.exception(record_id).code == "COST_CENTRE_MISSING"

    shown = preview(house, stage="enrich")
    item = only(shown)
    assert item.action is ReplayAction.BLOCKED
    assert "still blocked: COST_CENTRE_MISSING" in item.says
    assert [each.replayed for each in run(house, shown)] == [False]

    assert kept
    house.rows("update reference_rows set valid_to = null where valid_to = valid_from + 1 and " + COST_CENTRE)
    assert only(preview(house, stage="enrich")).action is ReplayAction.RUN
    assert run(house, shown)[0].replayed
    house.settle()
    assert house.state(record_id) is State.AWAITING_APPROVAL


def test_a_margin_that_is_still_too_thin_is_foreseen(house: House) -> None:
    floor = ReferenceRow(
        kind=ReferenceKind.MARGIN_POLICY,
        key="ACME-US",
        valid_from=date(2026, 1, 1),
        value={"floor_percent": "99", "severity": "blocks"},
    )
    with house.application.uow() as uow:
        uow.references.put(TENANT, floor)
        uow.commit()
    record_id = house.win(deals.fixed_fee(WON_ON))
    house.settle()
    item = house.exception(record_id)
    assert (item.code, item.stage) == ("MARGIN_BELOW_FLOOR", "split_workstreams")

    for from_stage in (None, "enrich"):
        shown = only(preview(house, from_stage, ids=tuple(ids(house, record_id))))
        assert (shown.action, "still blocked: MARGIN_BELOW_FLOOR" in shown.says) == (ReplayAction.BLOCKED, True)

    with house.application.uow() as uow:
        uow.references.put(TENANT, changed(floor, value={"floor_percent": "1", "severity": "blocks"}))
        uow.commit()
    assert only(preview(house, ids=tuple(ids(house, record_id)))).action is ReplayAction.RUN


def test_nobody_to_approve_is_foreseen(house: House) -> None:
    house.rows("update people set is_active = false where email like 'dario%'")
    record_id = house.win(deals.milestone(WON_ON))
    house.settle()
    assert house.exception(record_id).code == "NO_APPROVER"
    assert only(preview(house, reason="NO_APPROVER")).action is ReplayAction.BLOCKED

    house.rows("update people set is_active = true")
    assert only(preview(house, reason="NO_APPROVER")).action is ReplayAction.RUN


def test_age_time_range_and_connection_narrow_a_selection(house: House) -> None:
    old, new = without_lines(house), without_lines(house)
    house.rows("update opportunities set state_since = now() - interval '3 days' where source_id = :id", id=old)
    now = datetime.now(UTC)

    def found(**criteria: Any) -> list[UUID]:
        return [item.id for item in preview(house, **criteria).items]

    assert found(older_than=timedelta(days=1)) == ids(house, old)
    assert found(since=now - timedelta(days=1)) == ids(house, new)
    assert found(since=now - timedelta(days=4), until=now - timedelta(days=2)) == ids(house, old)
    assert found(connection_id=CRM_CONNECTION) == ids(house, old, new)
    assert found(connection_id="another") == []
    assert found(ids=ids(house, new)) == ids(house, new)
    assert found(reason="NO_LINES", older_than=timedelta(days=1)) == ids(house, old)
    page = preview(house, reason="NO_LINES", limit=1)
    assert ([item.id for item in page.items], page.more) == (ids(house, old), True)


def test_a_deal_before_its_approval_starts_again_from_the_first_stage(house: House) -> None:
    record_id = house.to_approval(deals.milestone(WON_ON))
    plan = house.plan(record_id)
    mine = tuple(ids(house, record_id))
    assert only(preview(house, ids=mine)).says == "waits for people: a replay changes nothing"
    assert "can only start again from validate" in only(preview(house, "enrich", ids=mine)).says
    assert "it has not reached create_projects" in only(preview(house, "create_projects", ids=mine)).says

    shown = preview(house, "validate", ids=mine)
    assert run(house, shown, from_stage="validate")[0].replayed
    house.settle()

    assert house.state(record_id) is State.AWAITING_APPROVAL
    assert house.plan(record_id) == plan


def test_an_approved_deal_goes_on_with_its_plan_only(house: House, gate: Gate) -> None:
    record_id = house.to_approval(deals.milestone(WON_ON))
    gate.shut()
    house.approve(record_id)
    house.work()
    mine = tuple(ids(house, record_id))

    assert "can only go on from create_projects" in only(preview(house, "validate", ids=mine)).says
    gate.open()
    shown = preview(house, stage="create_projects")
    assert only(shown).says == "tries create_projects again now"
    assert run(house, shown)[0].replayed
    house.settle()
    assert house.state(record_id) is State.ACTIVE


def test_an_exception_of_a_deal_that_stands_stays_open(house: House) -> None:
    record_id = house.to_active(deals.milestone(WON_ON))
    house.lose(record_id)
    house.settle()

    shown = preview(house, reason="LOST_AFTER_APPROVAL")
    assert only(shown).action is ReplayAction.NOTHING
    run(house, shown)

    assert house.exception(record_id).code == "LOST_AFTER_APPROVAL"


def test_deliveries_are_read_again(house: House) -> None:
    record_id = house.to_active(deals.milestone(WON_ON))
    event_id = house.tell(record_id)
    house.settle()
    states = house.states_passed(record_id)
    shown = preview(house, of=ReplayOf.DELIVERIES, ids=(event_id,))
    assert only(shown).says.startswith("reads 1 records from the CRM again")

    assert run(house, shown, ReplayOf.DELIVERIES)[0].replayed
    house.settle()

    assert house.timeline(record_id)[-1] == "record.unchanged.v1"
    assert house.states_passed(record_id) == states


def test_a_delivery_that_cannot_be_read_or_was_pruned_is_said_to_be_blocked(house: House) -> None:
    garbled = house.deliver(b"no notification at all")
    shown = preview(house, of=ReplayOf.DELIVERIES, reason="UNREADABLE_DELIVERY")
    assert (only(shown).id, only(shown).action) == (garbled, ReplayAction.BLOCKED)
    assert "still cannot be read" in only(shown).says

    house.rows("update inbox set body = '', pruned_at = now()")
    shown = preview(house, of=ReplayOf.DELIVERIES, connection_id=CRM_CONNECTION)
    assert "was pruned on" in only(shown).says
    assert [item.replayed for item in run(house, shown, ReplayOf.DELIVERIES)] == [False]


def test_a_delivery_that_can_be_read_by_now_closes_its_exception(house: House) -> None:
    record_id = str(house.salesforce.win_deal(deals.milestone(WON_ON))["id"])
    readable = house.rows("select body from inbox where id = :id", id=house.tell(record_id))[0]["body"]
    house.settle()
    garbled = house.deliver(b"garbled")
    house.rows("update inbox set body = :body where id = :id", body=bytes(readable), id=garbled)

    shown = preview(house, of=ReplayOf.DELIVERIES, reason="UNREADABLE_DELIVERY")
    assert run(house, shown, ReplayOf.DELIVERIES)[0].replayed

    assert preview(house, of=ReplayOf.DELIVERIES, reason="UNREADABLE_DELIVERY").items == ()


def test_everything_at_once_is_no_selection_and_what_is_not_there_is_listed(house: House) -> None:
    with pytest.raises(InvalidInput):
        preview(house)
    with pytest.raises(InvalidInput):
        preview(house, stage="nonsense")
    nowhere = UUID(int=7)
    command = RunReplay(TENANT, house.operator, ReplayOf.OPPORTUNITIES, [Previewed(id=nowhere)])
    (item,) = house.application.dispatch(command).items
    assert (item.replayed, item.says) == (False, "There is no such opportunity.")
