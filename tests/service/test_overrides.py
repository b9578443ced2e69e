"""A person overrides a plan before it is approved: it is planned anew, approved anew, and never by that
person."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

import pytest

from oppsync.domain.approval.tasks import Decision, TaskStatus
from oppsync.domain.plan.overrides import OverrideField, PlanOverride
from oppsync.domain.plan.plan import ROOT_PATH
from oppsync.domain.reference.book import ReferenceKind, ReferenceRow
from oppsync.domain.values.actor import COMMAND_LINE
from oppsync.domain.values.roles import ApprovalRole, PersonRole
from oppsync.domain.work.states import State
from oppsync.kernel.errors import Conflict, Forbidden, InvalidInput
from oppsync.services.admin.commands import CreatePerson
from oppsync.services.changes.commands import OverridePlan
from oppsync.services.insight.commands import PreviewPlan
from oppsync.services.queue.commands import ConfirmFindings
from sandbox.firm import deals
from tests.harness.builders import TENANT
from tests.harness.house import DELIVERY, FINANCE, PASSWORD, WON_ON, House

OLGA, SAM = "olga.operations@example.com", "sam.seller@example.com"


@pytest.fixture
def record_id(house: House) -> str:
    return house.to_approval(deals.milestone(WON_ON))


def override(house: House, record_id: str, who: str = OLGA, **changes: Any) -> PlanOverride:
    with house.application.uow() as uow:
        found = uow.people.by_email(TENANT, who)
    assert found is not None
    asked: dict[str, Any] = {
        "field": "name",
        "value": "Landing zone",
        "reason": "The customer's own name of it",
    }
    asked |= {"workstream": workstream(house, record_id)} | changes
    asked["field"] = OverrideField(asked["field"])
    opportunity_id = house.opportunity(record_id).id
    return house.application.dispatch(OverridePlan(TENANT, opportunity_id, found[0].id, **asked))


def workstream(house: House, record_id: str) -> str:
    record = house.opportunity(record_id).record
    assert record is not None
    return record.lines[0].id


def named(house: House, record_id: str) -> str:
    return house.plan(record_id).plan.content.node(ROOT_PATH).name


def test_a_changed_plan_is_made_anew_and_approved_anew(house: House, record_id: str) -> None:
    house.decide(house.tasks(record_id)[ApprovalRole.FINANCE], FINANCE)
    before = house.plan(record_id)

    override(house, record_id)
    house.settle()

    after = house.plan(record_id)
    assert (named(house, record_id), house.state(record_id)) == ("Landing zone", State.AWAITING_APPROVAL)
    assert after.hash != before.hash
    assert {task.status for task in house.tasks(record_id).values()} == {TaskStatus.OPEN}
    (use,) = after.plan.provenance.overrides
    assert (use.author, use.reason) == (OLGA, "The customer's own name of it")
    assert any("Olga Operations: name of" in entry.summary for entry in house.entries(record_id))
    house.approve(record_id)
    house.settle()
    assert house.state(record_id) is State.ACTIVE


def test_a_deal_that_is_read_again_keeps_what_people_said(house: House, record_id: str) -> None:
    override(house, record_id)
    house.settle()

    house.edit(record_id, opportunity={"PO_Number__c": "PO-LATER"})
    house.tell(record_id)
    house.settle()

    plan = house.plan(record_id).plan
    assert (plan.content.po_number, named(house, record_id)) == ("PO-LATER", "Landing zone")


def test_who_changed_it_may_not_approve_it(house: House, record_id: str) -> None:
    override(house, record_id, who=FINANCE)
    house.settle()

    item = house.exception(record_id)  # nobody else may approve for finance
    assert (item.code, item.findings[0].value) == ("NO_APPROVER", "finance")


def test_what_is_taken_back_is_as_it_was(house: House, record_id: str) -> None:
    before = house.plan(record_id).hash
    override(house, record_id)
    house.settle()

    override(house, record_id, value=None, reason="A misunderstanding")
    house.settle()

    assert house.plan(record_id).hash == before


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"workstream": "00kNONE"}, "workstream", "There is no workstream 00kNONE: this deal has "),
        ({"field": "ends_on", "value": "soon"}, "value", "'soon' is not a date"),
        ({"value": None}, "value", "This field has no override to take back"),
        ({"value": " "}, "value", "The value is empty: give a value, or take the override back"),
        ({"value": "x" * 201}, "value", "The value has 201 characters: use 200 at most."),
        ({"workstream": ""}, "workstream", "The workstream is empty: give its key."),
        ({"reason": " "}, "reason", "Give a reason for this override"),
    ],
)
def test_what_does_not_fit_is_refused_and_changes_nothing(
    house: House, record_id: str, changes: dict[str, Any], field: str, words: str
) -> None:
    with pytest.raises(InvalidInput, match=words) as refused:
        override(house, record_id, **changes)

    assert refused.value.field == field
    assert house.state(record_id) is State.AWAITING_APPROVAL
    assert house.rows("select id from plan_overrides") == []


def test_hours_that_leave_too_thin_a_margin_stop_the_deal_until_they_are_taken_back(
    house: House, record_id: str
) -> None:
    before = house.plan(record_id)
    root = before.plan.content.node(ROOT_PATH)
    assert root.margin_percent is not None
    floor = ReferenceRow(
        kind=ReferenceKind.MARGIN_POLICY,
        key=before.plan.content.legal_entity,
        valid_from=date(2026, 1, 1),
        value={"floor_percent": str(root.margin_percent - 1), "severity": "blocks"},
    )
    with house.application.uow() as uow:
        uow.references.put(TENANT, floor)
        uow.commit()

    override(house, record_id, field="hours", value="1000")
    house.settle()
    item = house.exception(record_id)
    override(house, record_id, field="hours", value=None)
    house.settle()

    assert (item.code, item.stage) == ("MARGIN_BELOW_FLOOR", "split_workstreams")
    assert house.state(record_id) is State.AWAITING_APPROVAL
    assert house.plan(record_id).hash == before.hash


def test_an_approved_plan_is_not_changed_any_more(house: House, record_id: str) -> None:
    house.approve(record_id)

    with pytest.raises(Conflict) as decided:
        override(house, record_id)
    house.settle()
    with pytest.raises(Conflict) as active:
        override(house, record_id)

    assert (decided.value.code, active.value.code) == ("ALREADY_DECIDED", "NOT_OVERRIDABLE")


def test_who_only_reads_changes_nothing(house: House, record_id: str) -> None:
    reader = "ada.auditor@example.com"
    roles = frozenset({PersonRole.AUDITOR})
    house.application.dispatch(CreatePerson(TENANT, COMMAND_LINE, reader, "Ada Auditor", PASSWORD, roles))

    with pytest.raises(Forbidden) as refused:
        override(house, record_id, who=reader)

    assert refused.value.code == "MAY_NOT_OVERRIDE"


def test_a_decision_on_the_plan_before_is_refused(house: House, record_id: str) -> None:
    task = house.tasks(record_id)[ApprovalRole.DELIVERY]
    override(house, record_id)

    with pytest.raises(Conflict) as refused:
        house.decide(task, DELIVERY, Decision.APPROVE)

    assert refused.value.code in {"PLAN_CHANGED", "REREAD_DUE"}


def test_an_overridden_start_long_before_the_win_waits_for_somebody_who_did_not_sell_the_deal(
    house: House, record_id: str
) -> None:
    early = "2025-12-01"
    override(house, record_id, field="starts_on", value=early)
    house.settle()
    item = house.exception(record_id)
    assert (item.code, item.findings[0].value) == ("START_BEFORE_WON", f"{early}, won on {WON_ON}")
    shown = house.application.dispatch(PreviewPlan(TENANT, house.operator, house.opportunity(record_id).id))
    assert (shown.is_blocked, item.findings[0] in shown.findings) == (True, True)

    roles = frozenset({PersonRole.INTEGRATION_ADMIN})
    owner = CreatePerson(
        TENANT, COMMAND_LINE, "sam@acme.example", "Sam", PASSWORD, roles, further_emails=(SAM,)
    )
    house.application.dispatch(owner)
    with pytest.raises(Forbidden) as refused:
        confirm(house, item.id, "sam@acme.example")
    assert refused.value.code == "OWN_OPPORTUNITY"
    confirm(house, item.id, OLGA)
    house.settle()

    assert (house.state(record_id), house.exceptions(record_id)) == (State.AWAITING_APPROVAL, [])
    (kept,) = house.opportunity(record_id).confirmations
    assert (kept.path, kept.value) == (item.findings[0].path, item.findings[0].value)
    task = house.tasks(record_id)[ApprovalRole.FINANCE]
    (warning,) = [
        each for each in house.application.queries.approval(TENANT, task.id).warnings if each.code == item.code
    ]
    assert warning.message.endswith("A letter of intent of November")
    house.tell(record_id)  # read again, it is not asked about again
    house.settle()
    house.approve(record_id)
    house.settle()
    assert house.state(record_id) is State.ACTIVE


def confirm(house: House, item_id: UUID, who: str) -> None:
    reason = "A letter of intent of November"
    house.application.dispatch(ConfirmFindings(TENANT, item_id, house.person(who).id, reason))


def test_who_sold_the_deal_overrides_nothing_of_it(house: House, record_id: str) -> None:
    """Sam may approve for finance, and so override the plans of others."""
    with pytest.raises(Forbidden) as refused:
        override(house, record_id, who=SAM, field="starts_on", value="2025-12-01")

    assert refused.value.code == "OWN_OPPORTUNITY"
    assert house.rows("select id from plan_overrides") == []
