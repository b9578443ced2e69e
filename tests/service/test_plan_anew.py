"""After its approval and before it is active a deal is planned anew with today's data: the difference is
shown, approvals are asked again, and what exists outside is taken over, changed, closed, or named."""

from __future__ import annotations

from datetime import date
from functools import partial
from typing import Any
from uuid import uuid4

import pytest
from pydantic import create_model

from adapters.postgres.rows import document
from oppsync.domain.approval.tasks import TaskStatus
from oppsync.domain.plan.enrichment import Enrichment
from oppsync.domain.plan.overrides import OverrideField
from oppsync.domain.reading.plan_changes import plan_changes
from oppsync.domain.reference.book import ReferenceKind, ReferenceRow
from oppsync.domain.values.model import Frozen, changed
from oppsync.domain.work.states import State
from oppsync.kernel.errors import Conflict, Forbidden, InvalidInput, NewerRelease
from oppsync.services.changes.commands import OverridePlan, PlanAnew
from sandbox.firm import deals
from sandbox.firm.deals import Deal
from sandbox.firm.install import ERP_CONNECTION, PSA_CONNECTION
from tests.harness import erp
from tests.harness.builders import TENANT
from tests.harness.gate import Gate
from tests.harness.house import FINANCE, OPERATIONS, WON_ON, House
from tests.harness.tryton import Books
from tests.service.test_compensation import give_up, parked_after, parked_by_the_last_invoice, still_open
from tests.service.test_preflight import book_on, create_centre

# The enrichment as the release before this one knows it.
_KNOWN: Any = {
    name: (field.annotation, field) for name, field in Enrichment.model_fields.items() if name != "replaces"
}
Before = create_model("Before", __base__=Frozen, **_KNOWN)
REASON = "The purchase order was wrong."


def plan_anew(house: House, record_id: str, reason: str = REASON) -> None:
    house.application.dispatch(PlanAnew(TENANT, house.opportunity(record_id).id, house.operator, reason))


def order_later(house: House, record_id: str, number: str = "PO-2026-LATER") -> None:
    """The purchase order is corrected in the CRM; no webhook tells of it."""
    house.salesforce.edit(record_id, {"opportunity": {"PO_Number__c": number}})


def connect_another_erp(house: House) -> None:
    """At the same address, where all deals go from now on."""
    with house.application.uow() as uow:
        connection = uow.connections.get(ERP_CONNECTION)
        other = changed(connection, id="a-new-erp", name="A new ERP")
        uow.connections.put(other, uow.connections.secrets(ERP_CONNECTION))
        route = {"connection": other.name}
        uow.references.put(
            TENANT,
            ReferenceRow(kind=ReferenceKind.ROUTE, key="erp|*|*|*", valid_from=date(2025, 1, 1), value=route),
        )
        uow.commit()


def existing(books: Books, record_id: str) -> dict[str, object]:
    """The ids of what the ERP has of a deal, by our keys."""
    found = erp.works(books, record_id) | erp.invoices(books, record_id)
    return {key: record["id"] for key, record in found.items()}


def test_nothing_was_created_yet_and_the_new_plan_is_asked_for_again(
    house: House, books: Books, gate: Gate
) -> None:
    record_id = parked_after(house, gate, writes=0, deal=deals.milestone(WON_ON))
    approved = house.plan(record_id)
    order_later(house, record_id)

    plan_anew(house, record_id)
    house.settle()

    assert house.state(record_id) is State.AWAITING_APPROVAL
    assert house.exceptions(record_id) == []
    assert house.opportunity(record_id).replaces == approved.hash
    (change,) = plan_changes(approved.plan.content, house.plan(record_id).plan.content)
    assert (change.part, change.field, change.after) == ("the deal", "po number", "PO-2026-LATER")
    made = [entry for entry in house.entries(record_id) if entry.type == "plan.made.v1"][-1]
    assert made.detail["changes"] == [change.in_words]
    asked = next(entry for entry in house.entries(record_id) if entry.type == "planned.anew.v1")
    assert (asked.actor, asked.detail["reason"], asked.before) == (OPERATIONS, REASON, {"plan": approved.hash})

    house.approve(record_id)
    house.settle()

    assert house.state(record_id) is State.ACTIVE, house.exceptions(record_id)
    assert house.opportunity(record_id).replaces is None
    erp.check_landed(books, record_id, house.plan(record_id).plan.content)


def test_the_same_plan_again_keeps_its_approvals(house: House, books: Books, gate: Gate) -> None:
    record_id = parked_after(house, gate, writes=2, deal=deals.milestone(WON_ON))
    approved = house.plan(record_id).hash

    plan_anew(house, record_id)
    house.settle()

    assert house.state(record_id) is State.ACTIVE, house.exceptions(record_id)
    assert house.plan(record_id).hash == approved
    assert house.timeline(record_id).count("approval.opened.v1") == 2
    erp.check_landed(books, record_id, house.plan(record_id).plan.content)


def test_what_exists_in_part_is_changed_in_the_erp_and_nothing_is_created_twice(
    house: House, books: Books, gate: Gate
) -> None:
    record_id = parked_by_the_last_invoice(house, gate)
    before = existing(books, record_id)
    order_later(house, record_id)
    house.salesforce.edit(record_id, {"opportunity": {"Name": "Another name"}})

    plan_anew(house, record_id)
    house.settle()
    house.approve(record_id)
    house.settle()

    assert house.state(record_id) is State.ACTIVE, house.exceptions(record_id)
    assert before.items() <= existing(books, record_id).items()
    erp.check_landed(books, record_id, house.plan(record_id).plan.content)
    root = erp.works(books, record_id)[erp.key(record_id, "parent", "project")]
    assert "PO number: PO-2026-LATER" in root["comment"]
    assert root["name"] == house.plan(record_id).plan.content.nodes[0].name


def test_what_somebody_changed_there_is_named_and_goes_on_once_it_is_settled(
    house: House, books: Books, gate: Gate
) -> None:
    record_id = parked_after(house, gate, writes=2, deal=deals.milestone(WON_ON))
    root = erp.works(books, record_id)[erp.key(record_id, "parent", "project")]
    books.write("project.work", int(root["id"]), {"name": "Renamed by Petra"})
    house.salesforce.edit(record_id, {"opportunity": {"Name": "Another name"}})

    plan_anew(house, record_id)
    house.settle()
    house.approve(record_id)
    house.settle()

    item = house.exception(record_id)
    wanted = house.plan(record_id).plan.content.nodes[0].name
    assert item.code == "CONTENT_CONFLICT"
    assert f"parent project ({root['id']}): name: planned '{wanted}', found 'Renamed by Petra'" in item.message
    books.write("project.work", int(root["id"]), {"name": wanted})
    house.replay(item)
    house.settle()
    assert house.state(record_id) is State.ACTIVE, house.exceptions(record_id)
    erp.check_landed(books, record_id, house.plan(record_id).plan.content)


def test_a_cost_centre_that_was_renamed_a_moment_ago_is_missing_at_once(
    house: House, books: Books, gate: Gate
) -> None:
    """What the ERP was asked before the approval does not count any more."""
    code = f"CC-{uuid4().hex[:8]}"
    create_centre(books, code)
    book_on(house, code)
    record_id = parked_after(house, gate, writes=1, deal=deals.fixed_fee(WON_ON, "CUST-1003", "ACME-DE"))
    centre = books.one("analytic_account.account", [["code", "=", code]], "id")
    books.write("analytic_account.account", int(centre["id"]), {"code": f"{code}-OLD"})

    plan_anew(house, record_id)
    house.settle()

    item = house.exception(record_id)
    assert (item.code, [each.value for each in item.findings]) == ("COST_CENTRE_UNKNOWN", [f"ACME-DE {code}"])


def test_an_invoice_posted_on_another_day_is_still_what_was_ordered(
    house: House, books: Books, gate: Gate
) -> None:
    record_id = parked_by_the_last_invoice(house, gate)
    before = post_the_first(books, record_id)
    house.salesforce.edit(record_id, {"opportunity": {"Name": "Another name"}})

    plan_anew(house, record_id)
    house.settle()
    house.approve(record_id)
    house.settle()

    assert house.state(record_id) is State.ACTIVE, house.exceptions(record_id)
    assert before.items() <= existing(books, record_id).items()


def test_a_posted_invoice_that_the_new_plan_wants_otherwise_is_said_to_be_posted(
    house: House, books: Books, gate: Gate
) -> None:
    """The deal is corrected to what was posted, planned anew, and becomes active."""
    record_id = parked_by_the_last_invoice(house, gate)
    ordered = house.plan(record_id).plan.content.po_number
    before = post_the_first(books, record_id)
    order_later(house, record_id)
    plan_anew(house, record_id)
    house.settle()
    house.approve(record_id)
    house.settle()
    item = house.exception(record_id)
    assert item.code == "CONTENT_CONFLICT"
    assert "PO number: planned 'PO-2026-LATER'" in item.message
    assert "state: planned 'draft', found 'posted'" in item.message

    order_later(house, record_id, ordered or "")
    plan_anew(house, record_id)
    house.settle()
    house.approve(record_id)
    house.settle()

    assert house.state(record_id) is State.ACTIVE, house.exceptions(record_id)
    assert before.items() <= existing(books, record_id).items()


def post_the_first(books: Books, record_id: str) -> dict[str, object]:
    """Returns what exists of the deal."""
    first = min(erp.invoices(books, record_id).values(), key=lambda invoice: int(invoice["id"]))
    books.post(int(first["id"]))
    return existing(books, record_id)


def test_rejected_and_given_up_nothing_of_the_old_plan_stays_open(
    house: House, books: Books, gate: Gate
) -> None:
    record_id = parked_after(house, gate, writes=2, deal=deals.milestone(WON_ON))
    order_later(house, record_id)
    plan_anew(house, record_id)
    house.settle()

    house.reject(record_id, "Not with this customer")
    house.settle()

    item = house.exception(record_id)
    assert item.code == "REJECTED_AFTER_CREATION"
    assert "Not with this customer" in item.message
    give_up(house, record_id)
    house.settle()
    assert house.state(record_id) is State.WITHDRAWN
    assert still_open(books, record_id) == []


def test_what_was_frozen_by_the_approval_can_be_overridden_while_it_is_planned_anew(
    house: House, books: Books, gate: Gate
) -> None:
    record_id = parked_after(house, gate, writes=2, deal=deals.milestone(WON_ON))
    order_later(house, record_id)
    line = house.salesforce.records("OpportunityLineItem")
    (workstream,) = [each["Id"] for each in line if each["OpportunityId"] == record_id]
    override = partial(
        OverridePlan,
        TENANT,
        house.opportunity(record_id).id,
        house.operator,
        str(workstream),
        OverrideField.COST_CENTRE,
        "CC-DE-ADV",
        "Booked there this year",
    )
    with pytest.raises(Conflict) as refused:
        house.application.dispatch(override())
    assert refused.value.code == "NOT_OVERRIDABLE"

    plan_anew(house, record_id)
    house.settle()
    house.application.dispatch(override())
    house.settle()
    house.approve(record_id)
    house.settle()

    assert house.state(record_id) is State.ACTIVE, house.exceptions(record_id)
    content = house.plan(record_id).plan.content
    assert {node.cost_centre for node in content.nodes if node.billing_model} == {"CC-DE-ADV"}
    erp.check_landed(books, record_id, content)


def test_what_exists_in_another_system_than_it_goes_to_now_is_not_left_behind(
    house: House, books: Books, gate: Gate
) -> None:
    record_id = parked_after(house, gate, writes=2, deal=deals.milestone(WON_ON))
    connect_another_erp(house)

    plan_anew(house, record_id)
    house.settle()

    item = house.exception(record_id)
    assert item.code == "DESTINATION_CHANGED"
    assert f"exist in {ERP_CONNECTION} and {PSA_CONNECTION}; today it goes to a-new-erp" in item.message
    house.rows("delete from connections where id = 'a-new-erp'")
    house.rows("delete from reference_rows where kind = 'route'")
    house.replay(item)
    house.settle()
    assert house.state(record_id) is State.ACTIVE, house.exceptions(record_id)


def test_a_plan_put_right_after_a_change_by_hand_leaves_nothing_behind_elsewhere(
    house: House, books: Books, gate: Gate
) -> None:
    record_id = parked_after(house, gate, writes=2, deal=deals.milestone(WON_ON))
    house.rows("update plans set content = jsonb_set(content, '{total,amount}', '\"12000.01\"')")
    house.replay(house.exception(record_id))
    house.settle()
    assert house.exception(record_id).code == "PLAN_TAMPERED"
    connect_another_erp(house)

    house.replay(house.exception(record_id))
    house.settle()

    item = house.exception(record_id)
    assert item.code == "DESTINATION_CHANGED"
    assert f"exist in {ERP_CONNECTION} and {PSA_CONNECTION}; today it goes to a-new-erp" in item.message


def parked_when_created(house: House, deal: Deal) -> str:
    """All of it exists in the ERP, and the CRM refuses what is written back."""
    record_id = house.to_approval(deal)
    refused = {"method": "PATCH", "status": 400, "code": "FIELD_CUSTOM_VALIDATION_EXCEPTION", "count": None}
    house.salesforce.faults([refused])
    house.approve(record_id)
    house.settle()
    house.salesforce.faults([])
    assert house.opportunity(record_id).resume_state is State.CREATED
    return record_id


def move_to_umbrella(house: House, record_id: str) -> None:
    """The deal's account is corrected in the CRM; no webhook tells of it."""
    umbrella = {**deals.ACCOUNTS["CUST-1003"], "AccountNumber": "CUST-1003"}
    house.salesforce.edit(record_id, {"account": umbrella})


def drafts_of(books: Books, record_id: str) -> dict[str, set[object]]:
    """The customers of open drafts, and of those that were cancelled."""
    found: dict[str, set[object]] = {"draft": set(), "cancelled": set()}
    for invoice in erp.invoices(books, record_id).values():
        found[invoice["state"]].add(invoice["party"]["code"])
    return found


@pytest.mark.parametrize("given_up", [False, True])
def test_for_another_customer_its_drafts_are_cancelled_and_others_made(
    house: House, books: Books, given_up: bool
) -> None:
    record_id = parked_when_created(house, deals.fixed_fee(WON_ON, "CUST-1004", "ACME-DE"))
    before = erp.invoices(books, record_id)
    projects = {key: work["id"] for key, work in erp.works(books, record_id).items()}
    assert len(before) > 1
    if given_up:
        give_up(house, record_id)
        house.settle()
    move_to_umbrella(house, record_id)

    if given_up:
        house.tell(record_id)
    else:
        plan_anew(house, record_id)
    house.settle()
    house.approve(record_id)
    house.settle()

    assert house.state(record_id) is State.ACTIVE, house.exceptions(record_id)
    assert drafts_of(books, record_id) == {"draft": {"CUST-1003"}, "cancelled": {"CUST-1004"}}
    after = erp.invoices(books, record_id)
    assert {key: invoice["id"] for key, invoice in before.items()}.items() <= {
        key: invoice["id"] for key, invoice in after.items()
    }.items()
    assert len(after) == 2 * len(before)
    works = erp.works(books, record_id)
    assert {key: work["id"] for key, work in works.items()} == projects
    assert works[erp.key(record_id, "parent", "project")]["party"]["code"] == "CUST-1003"


def test_a_corrected_purchase_order_reaches_what_exists_though_no_project_or_line_differs(
    house: House, books: Books
) -> None:
    record_id = parked_when_created(house, deals.fixed_fee(WON_ON, "CUST-1003", "ACME-DE"))
    before, made = house.plan(record_id).plan.content, existing(books, record_id)
    order_later(house, record_id)

    plan_anew(house, record_id)
    house.settle()
    house.approve(record_id)
    house.settle()

    assert house.state(record_id) is State.ACTIVE, house.exceptions(record_id)
    assert house.plan(record_id).plan.content.nodes == before.nodes
    assert existing(books, record_id) == made
    root = erp.works(books, record_id)[erp.key(record_id, "parent", "project")]
    assert "PO number: PO-2026-LATER" in root["comment"]
    drafts = books.find("account.invoice", [["reference", "like", f"oppsync:%:{record_id}:%"]], "comment")
    assert len(drafts) > 1
    assert all("PO number: PO-2026-LATER" in draft["comment"] for draft in drafts)


def test_what_exists_in_another_company_of_the_erp_stops_before_anybody_approves(
    house: House, books: Books, gate: Gate
) -> None:
    record_id = parked_after(house, gate, writes=2, deal=deals.fixed_fee(WON_ON))
    before = erp.works(books, record_id)
    house.salesforce.edit(record_id, {"opportunity": {"Contracting_Entity__c": "ACME-DE"}})

    plan_anew(house, record_id)
    house.settle()

    item = house.exception(record_id)
    assert item.code == "DESTINATION_CHANGED", item.message
    assert "exist in company ACME-US; today it goes to company ACME-DE" in item.message
    assert erp.works(books, record_id) == before
    assert all(task.status is not TaskStatus.OPEN for task in house.tasks(record_id).values())


def test_a_release_that_does_not_know_it_leaves_the_deal_alone(house: House, gate: Gate) -> None:
    record_id = parked_after(house, gate, writes=2, deal=deals.milestone(WON_ON))
    stored = "select enrichment from opportunities"
    (before,) = house.rows(stored)
    Before.model_validate(before["enrichment"])

    plan_anew(house, record_id)

    (after,) = house.rows(stored)
    with pytest.raises(NewerRelease, match="replaces"):
        document(Before, after["enrichment"])


def test_only_with_a_plan_and_before_it_is_active_and_with_a_reason_by_whoever_may(house: House) -> None:
    active = house.to_active(deals.milestone(WON_ON))
    unplanned = house.win(deals.fixed_fee(WON_ON))
    house.edit(unplanned, opportunity={"Payment_Terms__c": "NET31"})
    house.settle()
    for record_id in (unplanned, active):
        with pytest.raises(Conflict) as refused:
            plan_anew(house, record_id)
        assert refused.value.code == "NOT_PLANNABLE_ANEW"
    with pytest.raises(InvalidInput):
        plan_anew(house, active, "  ")
    by_fiona = PlanAnew(TENANT, house.opportunity(active).id, house.person(FINANCE).id, REASON)
    with pytest.raises(Forbidden):
        house.application.dispatch(by_fiona)
