"""CRM and PSA fail in every way a write can fail: each is written once, independently of the other."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from oppsync.domain.effects.effects import EffectState, LedgerRow
from oppsync.domain.values.keys import EffectKind
from oppsync.domain.work.exceptions import Disposition
from oppsync.domain.work.states import State
from oppsync.pipeline.retry import MAX_TRIES
from sandbox.firm import deals
from sandbox.firm.install import CRM_CONNECTION, PSA_CONNECTION
from tests.harness import erp
from tests.harness.house import IMPATIENT, WON_ON, House
from tests.harness.tryton import Books
from tests.harness.waiting import until

WORKSPACES = "/api/v1/workspaces"
# How a write goes wrong, and whether its outcome is unknown afterwards.
FAULTS: dict[str, tuple[dict[str, Any], bool]] = {
    "500 before commit": ({"status": 500}, True),
    "500 after commit": ({"status": 500, "after_commit": True}, True),
    "dropped before commit": ({"drop_connection": True}, True),
    "dropped after commit": ({"drop_connection": True, "after_commit": True}, True),
    "hangs": ({"hang": True}, True),
    "hangs after commit": ({"hang": True, "after_commit": True}, True),
    "429": ({"status": 429, "retry_after": 60}, False),
}


@pytest.fixture
def record_id(house: House) -> str:
    record_id = house.to_approval(deals.milestone(WON_ON))
    house.approve(record_id)
    return record_id


def effect(house: House, record_id: str, kind: str) -> LedgerRow:
    (row,) = (row for row in house.effects(record_id) if row.kind == kind)
    return row


def written_back(house: House, record_id: str) -> list[Mapping[str, Any]]:
    """Every committed write of ours, from the CRM's own journal."""
    return [change for change in house.salesforce.changes(record_id) if change["by"] != "user"]


def workspaces(house: House, record_id: str) -> list[Mapping[str, Any]]:
    return [each for each in house.kantata.workspaces() if f":{record_id}:" in each["external_reference"]]


@pytest.mark.parametrize("fault", FAULTS)
def test_the_crm_is_told_once_whatever_happens_to_the_first_try(
    house: House, books: Books, record_id: str, fault: str
) -> None:
    rule, unclear = FAULTS[fault]
    house.salesforce.faults([{"method": "PATCH", **rule}])
    if "hang" in rule:
        house.connect(CRM_CONNECTION, timeout=IMPATIENT)
    house.work()
    assert house.state(record_id) is State.CREATED
    after = EffectState.UNKNOWN if unclear else EffectState.INTENDED
    assert effect(house, record_id, "crm").state is after
    assert len(workspaces(house, record_id)) == 1  # the PSA is told beside the CRM

    house.settle_later()

    assert house.state(record_id) is State.ACTIVE
    assert len(written_back(house, record_id)) == 1
    assert len(workspaces(house, record_id)) == 1
    erp.check_landed(books, record_id, house.plan(record_id).plan.content)


@pytest.mark.parametrize("fault", FAULTS)
def test_the_psa_has_one_project_whatever_happens_to_the_first_try(
    house: House, record_id: str, fault: str
) -> None:
    rule, unclear = FAULTS[fault]
    house.kantata.faults([{"method": "POST", "path": WORKSPACES, **rule}])
    if "hang" in rule:
        house.connect(PSA_CONNECTION, timeout=IMPATIENT)
    house.work()
    after = EffectState.UNKNOWN if unclear else EffectState.INTENDED
    assert effect(house, record_id, "psa").state is after
    told = written_back(house, record_id)

    house.settle_later()

    assert house.state(record_id) is State.ACTIVE
    (workspace,) = workspaces(house, record_id)
    assert "Status: Active" in workspace["description"]
    # Each effect is retried by itself: the CRM was not written again.
    assert written_back(house, record_id) == told
    assert effect(house, record_id, "crm").attempts == 1


def test_the_psa_s_project_is_created_with_its_status_in_one_call(house: House, record_id: str) -> None:
    house.kantata.faults([{"method": "PUT", "path": WORKSPACES, "status": 400, "count": None}])

    house.settle()

    assert house.state(record_id) is State.ACTIVE
    (workspace,) = workspaces(house, record_id)
    assert "Status: Active" in workspace["description"]
    told = effect(house, record_id, "psa-status")
    assert (told.state, told.outside_id) == (EffectState.CONFIRMED, effect(house, record_id, "psa").outside_id)


def test_the_status_of_a_project_that_was_found_is_an_effect_by_itself(house: House, record_id: str) -> None:
    """Its write has an unclear answer too; then it is found, as the project was created with it."""
    lost = {"method": "POST", "path": WORKSPACES, "drop_connection": True, "after_commit": True}
    house.kantata.faults([lost, {"method": "PUT", "path": WORKSPACES, "status": 503}])
    house.work()
    assert effect(house, record_id, "psa").state is EffectState.UNKNOWN

    house.settle_later()

    assert house.state(record_id) is State.ACTIVE
    assert effect(house, record_id, "psa").attempts == 1
    told = effect(house, record_id, "psa-status")
    assert (told.state, told.attempts) == (EffectState.CONFIRMED, 1)
    (workspace,) = workspaces(house, record_id)
    assert "Status: Active" in workspace["description"]


def test_a_late_commit_is_found_after_the_quarantine(house: House, record_id: str) -> None:
    """The PSA carries the create out after we stopped waiting for it."""
    house.kantata.faults([{"method": "POST", "path": WORKSPACES, "commit_late_seconds": 600}])
    house.work()
    assert effect(house, record_id, "psa").state is EffectState.UNKNOWN
    house.work()  # still in its quarantine

    house.kantata.clear_faults()  # ends its wait
    until(lambda: workspaces(house, record_id), "it is committed late")
    house.settle_later()

    assert house.state(record_id) is State.ACTIVE
    assert len(workspaces(house, record_id)) == 1
    assert effect(house, record_id, "psa").attempts == 1


def test_a_vendor_s_wish_to_be_left_alone_is_honoured(house: House, record_id: str) -> None:
    house.kantata.faults([{"method": "POST", "path": WORKSPACES, "status": 429, "retry_after": 3600}])
    before = datetime.now(UTC)
    house.work()

    next_at = house.opportunity(record_id).next_at
    assert next_at is not None
    assert (next_at - before).total_seconds() >= 3600
    (deferred,) = [entry for entry in house.entries(record_id) if entry.type == "stage.deferred.v1"]
    assert deferred.detail["code"] == "RATE_LIMITED"


def test_a_refusal_by_the_crm_s_rules_is_parked_and_replayed(house: House, record_id: str) -> None:
    refused = {"method": "PATCH", "status": 400, "code": "FIELD_CUSTOM_VALIDATION_EXCEPTION", "count": None}
    house.salesforce.faults([refused])
    house.settle()

    item = house.exception(record_id)
    assert (item.code, item.stage, item.disposition) == ("VENDOR_REJECTED", "write_back", Disposition.BUSINESS)
    assert house.opportunity(record_id).resume_state is State.CREATED

    house.salesforce.clear_faults()
    house.replay(item)
    house.settle()

    assert house.state(record_id) is State.ACTIVE
    assert len(written_back(house, record_id)) == 1


def test_a_session_the_crm_forgot_is_opened_anew(house: House, record_id: str) -> None:
    house.salesforce.revoke_tokens()
    house.settle()

    assert house.state(record_id) is State.ACTIVE


@pytest.mark.parametrize("standing", [State.AWAITING_APPROVAL, State.ACTIVE])
def test_a_re_read_that_fails_backs_off_like_everything_else(house: House, standing: State) -> None:
    """It does not retry without pause while the CRM is down, and the deal stays where it is."""
    reach = house.to_approval if standing is State.AWAITING_APPROVAL else house.to_active
    record_id = reach(deals.milestone(WON_ON))
    house.salesforce.faults([{"method": "POST", "status": 503, "count": None}])

    house.tell(record_id)
    house.work()

    seen = house.opportunity(record_id)
    assert (seen.state, seen.tries, seen.reread_due) == (standing, 1, True)
    assert seen.next_at is not None
    assert seen.next_at > datetime.now(UTC)
    house.salesforce.clear_faults()
    house.settle_later()
    assert not house.opportunity(record_id).reread_due
    assert house.timeline(record_id)[-1] == "record.unchanged.v1"


def test_a_re_read_that_never_succeeds_is_a_dead_letter_and_is_made_again_by_a_replay(house: House) -> None:
    """Otherwise a plan could be approved that the CRM has changed long ago."""
    record_id = house.to_approval(deals.milestone(WON_ON))
    old = house.plan(record_id)
    house.salesforce.faults([{"method": "POST", "status": 503, "count": None}])
    house.edit(record_id, opportunity={"PO_Number__c": "PO-MISSED"})
    house.work()
    house.rows("update opportunities set tries = :tries", tries=MAX_TRIES)
    house.settle_later()
    item = house.exception(record_id)
    assert (item.code, item.stage) == ("RETRIES_EXHAUSTED", "refresh")
    assert house.opportunity(record_id).resume_state is State.AWAITING_APPROVAL

    house.salesforce.clear_faults()
    house.replay(item)
    house.settle()

    assert house.state(record_id) is State.AWAITING_APPROVAL
    assert house.plan(record_id).hash != old.hash
    assert house.plan(record_id).plan.content.po_number == "PO-MISSED"


def test_a_re_read_of_an_active_deal_that_cannot_be_read_leaves_it_active(house: House) -> None:
    record_id = house.to_active(deals.milestone(WON_ON))

    house.edit(record_id, opportunity={"Custom_Attributes__c": "{not json"})
    house.settle()

    assert (house.exceptions(record_id), house.state(record_id)) == ([], State.ACTIVE)
    assert "unread" in str(house.rows("select summary from audit order by id desc limit 1"))
    house.edit(record_id, opportunity={"Custom_Attributes__c": None})
    house.settle()
    assert (house.exceptions(record_id), house.state(record_id)) == ([], State.ACTIVE)


def test_a_folder_for_mail_that_cannot_be_written_holds_up_nobody(house: House) -> None:
    """Without a mail server messages are written to files, for whoever tries the product out."""
    folder = house.application.settings.outbox_folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.write_text("not a folder")
    record_id = house.win(deals.milestone(WON_ON))
    house.settle()

    assert (house.state(record_id), house.exceptions(record_id)) == (State.AWAITING_APPROVAL, [])
    notifications = [row for row in house.effects(record_id) if row.kind is EffectKind.NOTIFICATION]
    assert {row.state for row in notifications} == {EffectState.INTENDED}
    assert all(row.error for row in notifications)
    house.approve(record_id)
    house.settle()
    assert house.state(record_id) is State.ACTIVE
