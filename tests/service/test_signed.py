"""What was approved is what is created: a plan or a decision that somebody changed in the database creates
nothing. The attacker of these stories may write every table and has no key."""

from __future__ import annotations

import json
from typing import Any

import pytest

from adapters.identity.seals import HmacSeals
from oppsync.domain.approval.tasks import Decision, TaskStatus
from oppsync.domain.values.roles import ApprovalRole
from oppsync.domain.work.states import State
from oppsync.kernel.errors import BusinessError
from sandbox.firm import deals
from tests.harness import erp
from tests.harness.builders import TENANT
from tests.harness.house import DELIVERY, FINANCE, WON_ON, House
from tests.harness.tryton import Books
from tests.service.test_approval_rules import set_rule

# A cent more, in the total and every sum that makes it.
A_CENT = """
update plans set content = replace(content::text, '"84999.99"', '"85000.00"')::jsonb
"""
OLGA = "olga.operations@example.com"


@pytest.fixture
def record_id(house: House) -> str:
    return house.to_approval(deals.milestone(WON_ON))


@pytest.fixture
def approved(house: House, record_id: str) -> str:
    """Both have decided; nobody has worked the deal since."""
    house.approve(record_id)
    return record_id


def is_refused(house: House, record_id: str, code: str) -> str:
    """Parked with this code, nothing created, told on the timeline. Returns what the item says."""
    item = house.exception(record_id)
    assert (house.state(record_id), item.code, item.owner) == (State.PARKED, code, "operations")
    assert "tampering.found.v1" in house.timeline(record_id)
    assert not [row for row in house.effects(record_id) if row.kind != "notification"]
    return item.message


def plan_anew(house: House, record_id: str) -> None:
    """The way out: replay, and everybody approves again."""
    house.replay(house.exception(record_id))
    house.settle()
    assert house.state(record_id) is State.AWAITING_APPROVAL
    assert {task.status for task in house.tasks(record_id).values()} == {TaskStatus.OPEN}
    house.approve(record_id)
    house.settle()
    assert house.state(record_id) is State.ACTIVE


def test_a_cent_changed_after_the_approval_creates_nothing(house: House, approved: str, books: Books) -> None:
    signed = house.plan(approved)
    house.rows(A_CENT)

    house.settle()

    said = is_refused(house, approved, "PLAN_TAMPERED")
    assert erp.works(books, approved) == {}
    assert signed.hash in said
    assert "84999.99 signed, 85000.00 found" in said
    plan_anew(house, approved)
    assert house.plan(approved).plan.content == signed.plan.content
    erp.check_landed(books, approved, signed.plan.content)


def test_a_changed_plan_is_shown_to_nobody_as_the_one_that_its_hash_names(house: House, record_id: str) -> None:
    task = house.tasks(record_id)[ApprovalRole.FINANCE]
    house.rows(A_CENT)

    with pytest.raises(BusinessError) as refused:
        house.application.queries.approval(TENANT, task.id)
    assert refused.value.code == "PLAN_TAMPERED"
    with pytest.raises(BusinessError) as refused:
        house.decide(task, FINANCE)

    assert refused.value.code == "PLAN_TAMPERED"
    assert house.tasks(record_id)[ApprovalRole.FINANCE].status is TaskStatus.OPEN


def test_a_cent_changed_between_two_decisions_parks_the_deal_and_keeps_who_tried(
    house: House, record_id: str
) -> None:
    house.decide(house.tasks(record_id)[ApprovalRole.FINANCE], FINANCE)
    house.settle()
    house.rows(A_CENT)

    with pytest.raises(BusinessError) as refused:
        house.decide(house.tasks(record_id)[ApprovalRole.DELIVERY], DELIVERY)
    house.settle()

    assert refused.value.code == "PLAN_TAMPERED"
    assert "84999.99 signed, 85000.00 found" in is_refused(house, record_id, "PLAN_TAMPERED")
    (tried,) = (each for each in house.entries(record_id) if each.type == "decision.refused.v1")
    assert (tried.actor, tried.detail["code"]) == (f"person:{DELIVERY}", "PLAN_TAMPERED")
    plan_anew(house, record_id)


def test_what_differs_is_told_by_hashes_and_sums_where_the_signed_plan_cannot_be_made_again(
    house: House, approved: str
) -> None:
    total = house.plan(approved).plan.content.total
    house.rows(A_CENT)
    house.rows("update opportunities set enrichment = null")

    house.settle()

    assert f"The sum that was signed is {total}" in is_refused(house, approved, "PLAN_TAMPERED")


@pytest.mark.parametrize(
    "damage",
    [
        """update plans set content = content || '{"of_tomorrow": 1}'""",
        "update plans set content = content - 'currency'",
        """update plans set content = jsonb_set(content, '{total,amount}', '12000.01')""",
        "update plans set content = '[]'",
    ],
    ids=["a field nobody knows", "a field gone", "a number that no release writes", "no plan at all"],
)
def test_a_plan_that_cannot_be_read_any_more_creates_nothing(house: House, approved: str, damage: str) -> None:
    house.rows(damage)

    house.settle()

    is_refused(house, approved, "PLAN_TAMPERED")
    plan_anew(house, approved)


FORGERIES = {
    "another approver": f"decided_by = (select id from people where email = '{OLGA}')",
    "another time": "decided_at = decided_at - interval '1 day'",
    "another comment": "comment = 'As agreed with the board'",
    "a rule instead of a person": """rule = '{"name": "small", "valid_from": "2026-01-01", "version": 1}'""",
    "another seal": """seal = jsonb_set(seal, '{mac}', '"00"')""",
    "a seal that says the same of another": f"""
        seal = jsonb_set(seal, '{{signed,person}}', to_jsonb((select id from people where email = '{OLGA}'))),
        decided_by = (select id from people where email = '{OLGA}')""",
}


@pytest.mark.parametrize("changes", FORGERIES.values(), ids=FORGERIES.keys())
def test_an_approval_that_was_changed_is_found_and_creates_nothing(
    house: House, approved: str, books: Books, changes: str
) -> None:
    house.rows(f"update approval_tasks set {changes} where role = 'finance'")

    house.settle()

    assert "finance" in is_refused(house, approved, "APPROVAL_FORGED")
    assert erp.works(books, approved) == {}
    plan_anew(house, approved)


def test_the_seal_of_one_role_approves_for_no_other(house: House, record_id: str) -> None:
    house.decide(house.tasks(record_id)[ApprovalRole.FINANCE], FINANCE)
    house.rows(
        "update approval_tasks set (status, decided_by, decided_at, comment, seal) ="
        f" (select status, (select id from people where email = '{DELIVERY}'), decided_at, comment, seal"
        " from approval_tasks where role = 'finance') where role = 'delivery'"
    )

    house.settle()

    assert "/role: finance signed, delivery found" in is_refused(house, record_id, "APPROVAL_FORGED")


def test_a_rejection_that_was_turned_into_an_approval_creates_nothing(house: House, record_id: str) -> None:
    house.decide(house.tasks(record_id)[ApprovalRole.DELIVERY], DELIVERY)
    house.reject(record_id, "The margin is too thin")
    house.rows("update approval_tasks set status = 'approved', comment = ''")

    house.settle()

    assert "rejected signed, approved found" in is_refused(house, record_id, "APPROVAL_FORGED")


def test_a_deal_moved_on_by_hand_creates_nothing(house: House, record_id: str) -> None:
    """No approval at all, and the state says that there is one."""
    house.rows("update opportunities set state = 'approved', due_at = now()")

    house.settle()

    assert "delivery" in is_refused(house, record_id, "APPROVAL_FORGED")


def test_an_approved_plan_is_not_sent_to_another_erp(house: House, approved: str) -> None:
    house.rows("update plans set erp = 'kantata-demo'")

    house.settle()

    assert "/erp: tryton-demo signed, kantata-demo found" in is_refused(house, approved, "APPROVAL_FORGED")


def test_a_rejection_that_nobody_made_is_not_written_back(house: House, record_id: str) -> None:
    house.decide(house.tasks(record_id)[ApprovalRole.FINANCE], FINANCE)
    house.rows("update approval_tasks set status = 'rejected', comment = 'No' where role = 'finance'")

    house.settle()

    is_refused(house, record_id, "APPROVAL_FORGED")
    assert house.salesforce.record(record_id)["oppsync_Status__c"] != "Rejected"


def test_a_rule_approves_no_plan_that_was_made_small_for_it(house: House, record_id: str) -> None:
    """The sum is changed below the rule's limit before the stage weighs it, to be put back afterwards."""
    house.rows("update opportunities set state = 'planned', due_at = now()")
    house.rows("delete from approval_tasks")
    set_rule(house)
    house.rows(A_CENT)

    house.settle()

    assert house.exception(record_id).code == "PLAN_TAMPERED"


def test_what_a_rule_approved_is_sealed_too(house: House) -> None:
    set_rule(house)
    record_id = house.win(deals.milestone(WON_ON))
    house.settle()
    assert house.state(record_id) is State.ACTIVE

    for row in house.rows("select seal from approval_tasks"):
        assert row["seal"]["signed"]["rule"]["name"] == "small"
        assert row["seal"]["signed"]["person"] is None


def test_the_seal_says_who_approved_what_and_when(house: House, approved: str) -> None:
    deal, plan = house.opportunity(approved), house.plan(approved)
    task = house.tasks(approved)[ApprovalRole.FINANCE]
    (row,) = house.rows("select seal from approval_tasks where role = 'finance'")

    signed = row["seal"]["signed"]
    assert task.decided_at is not None
    assert signed == {
        "tenant": "default",
        "opportunity": str(deal.id),
        "connection": "salesforce-demo",
        "record": approved,
        "task": str(task.id),
        "plan": plan.hash,
        "total": plan.plan.content.total.model_dump(mode="json"),
        "erp": "tryton-demo",
        "psa": "kantata-demo",
        "role": "finance",
        "decision": "approved",
        "person": str(task.decided_by),
        "rule": None,
        "comment": "",
        "at": task.decided_at.isoformat(),
    }


def resealed(house: House, secret: str) -> None:
    """As if the decisions had been sealed under another secret."""
    for row in house.rows("select id, seal from approval_tasks where seal is not null"):
        seal: dict[str, Any] = HmacSeals([secret]).seal(row["seal"]["signed"]).model_dump(mode="json")
        house.rows(
            "update approval_tasks set seal = cast(:seal as jsonb) where id = :id",
            id=row["id"],
            seal=json.dumps(seal),
        )


def test_a_decision_that_an_earlier_release_recorded_is_asked_for_again(
    house: House, approved: str, books: Books
) -> None:
    """During a deploy the release before this one records a decision; it knows no seals."""
    house.rows("update approval_tasks set seal = null where role = 'finance'")

    house.settle()

    tasks = house.tasks(approved)
    assert house.state(approved) is State.AWAITING_APPROVAL
    assert {role: task.status for role, task in tasks.items()} == {
        ApprovalRole.FINANCE: TaskStatus.OPEN,
        ApprovalRole.DELIVERY: TaskStatus.APPROVED,
    }
    (told,) = [entry for entry in house.entries(approved) if entry.type == "approval.voided.v1"]
    assert told.summary.startswith("Asked again: the decision of finance has no seal")
    assert house.exceptions(approved) == []
    house.decide(tasks[ApprovalRole.FINANCE], FINANCE)
    house.settle()
    assert house.state(approved) is State.ACTIVE
    erp.check_landed(books, approved, house.plan(approved).plan.content)


def test_a_deal_that_the_earlier_release_moved_on_is_asked_for_again(house: House, approved: str) -> None:
    house.rows("update approval_tasks set seal = null")
    house.rows("update opportunities set state = 'approved'")

    house.settle()

    assert house.state(approved) is State.AWAITING_APPROVAL
    house.approve(approved)
    house.settle()
    assert house.state(approved) is State.ACTIVE


def test_a_rejection_that_the_earlier_release_recorded_is_asked_for_again(house: House, record_id: str) -> None:
    house.reject(record_id, "Too cheap")
    house.rows("update approval_tasks set seal = null")
    house.rows("update opportunities set state = 'refused'")

    house.settle()

    assert house.state(record_id) is State.AWAITING_APPROVAL
    house.decide(house.tasks(record_id)[ApprovalRole.FINANCE], FINANCE, Decision.REJECT, "Too cheap")
    house.settle()
    assert house.state(record_id) is State.REJECTED


def test_a_decision_whose_key_is_gone_is_asked_for_again(house: House, approved: str) -> None:
    resealed(house, "a secret that this installation does not have any more")

    house.settle()

    assert house.state(approved) is State.AWAITING_APPROVAL
    assert {task.status for task in house.tasks(approved).values()} == {TaskStatus.OPEN}


def test_a_deal_whose_projects_exist_is_finished_by_the_decisions_it_had_before_seals(
    house: House, record_id: str
) -> None:
    house.approve(record_id)
    house.salesforce.faults([{"method": "PATCH", "status": 429, "code": "REQUEST_LIMIT_EXCEEDED"}])
    house.work()
    assert house.state(record_id) is State.CREATED
    house.rows("update approval_tasks set seal = null")

    house.settle_later()

    assert house.state(record_id) is State.ACTIVE


def test_a_cent_changed_before_the_write_back_tells_nobody(house: House, record_id: str) -> None:
    house.approve(record_id)
    house.salesforce.faults([{"method": "PATCH", "status": 429, "code": "REQUEST_LIMIT_EXCEEDED"}])
    house.work()
    assert house.state(record_id) is State.CREATED
    house.rows(A_CENT)

    house.settle_later()

    assert house.exception(record_id).code == "PLAN_TAMPERED"
    assert house.rows("select 1 from baselines") == []
    plan_anew(house, record_id)
