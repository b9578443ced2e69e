"""Separation of duties holds when somebody relies on it, whatever was done in the CRM or here in between."""

from __future__ import annotations

from email import message_from_bytes
from email.policy import default
from typing import Any

import pytest

from oppsync.domain.approval.tasks import TaskStatus
from oppsync.domain.deal.parties import parties_of
from oppsync.domain.plan.overrides import OverrideField
from oppsync.domain.values.actor import COMMAND_LINE, person_actor
from oppsync.domain.values.model import changed
from oppsync.domain.values.roles import ApprovalRole, PersonRole
from oppsync.domain.work.events import CustomerLinked
from oppsync.domain.work.states import State
from oppsync.kernel.errors import Conflict, Forbidden
from oppsync.services.admin.commands import CreatePerson, DeactivatePerson, IdentifyPerson, SetRoles
from oppsync.services.changes.commands import OverridePlan, PlanAnew
from oppsync.services.queue.commands import ConfirmFindings, LinkCustomer
from sandbox.firm import deals
from sandbox.firm.install import CRM_CONNECTION
from tests.harness import erp
from tests.harness.builders import TENANT
from tests.harness.gate import Gate
from tests.harness.house import DELIVERY, FINANCE, PASSWORD, WON_ON, House
from tests.harness.tryton import Books

SAM, OLGA = "sam.seller@example.com", "olga.operations@example.com"
COLLEAGUE = {"Name": "Cora Colleague", "Email": "cora.colleague@example.com"}
FIONA_SELLS = {"Name": "Fiona Finance", "Email": FINANCE}


@pytest.fixture
def record_id(house: House) -> str:
    """Won by Sam, who may approve for finance: Fiona is asked."""
    return house.to_approval(deals.milestone(WON_ON))


def hire(
    house: House,
    email: str,
    *roles: PersonRole,
    further_emails: tuple[str, ...] = (),
    crm_user_ids: tuple[str, ...] = (),
) -> str:
    house.application.dispatch(
        CreatePerson(
            TENANT,
            COMMAND_LINE,
            email,
            f"New {email}",
            PASSWORD,
            frozenset(roles),
            further_emails,
            crm_user_ids,
        )
    )
    return email


def hire_financier(house: House) -> str:
    return hire(house, "fritz.finance@example.com", PersonRole.FINANCE_APPROVER)


def owned_by(house: House, record_id: str, **owner: Any) -> None:
    house.edit(record_id, owner=owner)
    house.settle()


def override(house: House, record_id: str, who: str, field: OverrideField, value: str) -> None:
    record = house.opportunity(record_id).record
    assert record is not None
    house.application.dispatch(
        OverridePlan(
            TENANT,
            house.opportunity(record_id).id,
            house.person(who).id,
            record.lines[0].id,
            field,
            value,
            "As agreed",
        )
    )


def tried(house: House, record_id: str) -> list[tuple[str, str]]:
    """Who tried to decide and was refused, and why."""
    return [
        (entry.actor, entry.detail["code"])
        for entry in house.entries(record_id)
        if entry.type == "decision.refused.v1"
    ]


def voided(house: House, record_id: str) -> list[str]:
    return [entry.summary for entry in house.entries(record_id) if entry.type == "approval.voided.v1"]


def mails(house: House) -> list[str]:
    folder = house.application.settings.outbox_folder
    letters = [message_from_bytes(path.read_bytes(), policy=default) for path in folder.iterdir()]
    return [f"To: {letter['To']}\n\n{letter.get_content()}" for letter in letters]


def test_a_seller_who_hands_the_deal_over_still_approves_nothing(house: House, record_id: str) -> None:
    owned_by(house, record_id, **COLLEAGUE)

    with pytest.raises(Forbidden) as refused:
        house.decide(house.tasks(record_id)[ApprovalRole.FINANCE], SAM)

    assert refused.value.code == "OWN_OPPORTUNITY"
    assert "Fiona Finance can." in refused.value.message


def test_a_transfer_there_and_back_between_two_readings_is_in_the_crm_s_history(
    house: House, record_id: str
) -> None:
    """Nobody told us, and both readings name Sam: Fiona owned the deal in between."""
    house.salesforce.edit(record_id, {"owner": FIONA_SELLS})
    house.salesforce.edit(record_id, {"owner": {"Name": "Sam Seller", "Email": SAM}})
    house.tell(record_id)
    house.settle()

    task_of_nobody = house.exception(record_id)
    assert (task_of_nobody.code, task_of_nobody.findings[0].value) == ("NO_APPROVER", "finance")
    assert task_of_nobody.owner == "operations"
    why = "owns this opportunity, owned it before, or requested it"
    assert f"Fiona Finance {why}; Sam Seller {why}" in task_of_nobody.findings[0].message

    hire_financier(house)
    house.replay(task_of_nobody)
    house.settle()
    with pytest.raises(Forbidden) as refused:
        house.decide(house.tasks(record_id)[ApprovalRole.FINANCE], FINANCE)
    assert refused.value.code == "OWN_OPPORTUNITY"


def test_without_a_history_only_owners_that_were_read_count(house: House) -> None:
    house.connect(CRM_CONNECTION, owner_history=False)
    record_id = house.to_approval(deals.milestone(WON_ON))
    house.salesforce.edit(record_id, {"owner": FIONA_SELLS})
    house.salesforce.edit(record_id, {"owner": {"Name": "Sam Seller", "Email": SAM}})
    house.tell(record_id)
    house.settle()

    house.approve(record_id)
    house.settle()
    assert house.state(record_id) is State.ACTIVE


def test_an_approver_who_becomes_the_owner_afterwards_has_approved_nothing(
    house: House, record_id: str, books: Books
) -> None:
    fritz = hire_financier(house)
    house.decide(house.tasks(record_id)[ApprovalRole.FINANCE], FINANCE)
    house.settle()

    owned_by(house, record_id, **FIONA_SELLS)

    assert house.state(record_id) is State.AWAITING_APPROVAL
    anew = house.tasks(record_id)[ApprovalRole.FINANCE]
    assert (anew.status, anew.candidates) == (TaskStatus.OPEN, (house.person(fritz).id,))
    assert any("Fiona Finance's approval of plan" in words for words in voided(house, record_id))
    written = mails(house)
    assert any(f"To: {FINANCE}" in mail and "does not stand" in mail for mail in written)
    assert any(f"To: {fritz}" in mail and str(anew.id) in mail for mail in written)
    house.decide(house.tasks(record_id)[ApprovalRole.DELIVERY], DELIVERY)
    house.settle()
    assert erp.works(books, record_id) == {}

    house.decide(anew, fritz)
    house.settle()
    assert house.state(record_id) is State.ACTIVE


def test_an_approver_who_turns_out_to_have_a_part_stops_the_deal_before_anything_is_written(
    house: House, record_id: str, books: Books
) -> None:
    """Both approved; before the first project is made, it becomes known that Sam's CRM user is Fiona's too."""
    house.approve(record_id)
    owner = house.salesforce.record(record_id)["OwnerId"]
    house.rows("update opportunities set due_at = null, state = 'approved'")
    house.application.dispatch(IdentifyPerson(TENANT, COMMAND_LINE, FINANCE, (), (owner[:15],)))

    house.rows("update opportunities set due_at = now()")
    house.settle()

    assert (house.state(record_id), house.exception(record_id).code) == (State.PARKED, "NO_APPROVER")
    assert "Fiona Finance's approval of plan" in voided(house, record_id)[0]
    assert any(f"To: {FINANCE}" in mail and "does not stand" in mail for mail in mails(house))
    assert erp.works(books, record_id) == {}

    fritz = hire_financier(house)
    house.replay(house.exception(record_id))
    house.settle()
    house.decide(house.tasks(record_id)[ApprovalRole.FINANCE], fritz)
    house.settle()
    assert house.state(record_id) is State.ACTIVE
    assert set(house.tasks(record_id)) == {ApprovalRole.FINANCE, ApprovalRole.DELIVERY}


def test_whoever_requested_the_deal_approves_it_as_little_as_its_owner(house: House) -> None:
    deal = {**deals.milestone(WON_ON), "created_by": FIONA_SELLS}
    hire_financier(house)

    record_id = house.to_approval(deal)

    with pytest.raises(Forbidden) as refused:
        house.decide(house.tasks(record_id)[ApprovalRole.FINANCE], FINANCE)
    assert refused.value.code == "OWN_OPPORTUNITY"


def test_an_owner_whose_address_was_changed_in_the_crm_is_known_by_the_one_before(
    house: House, record_id: str
) -> None:
    """Of the user of the CRM, not of the deal: another deal of theirs was read under the old address."""
    owned_by(house, record_id, **FIONA_SELLS)
    user = house.salesforce.record(record_id)["OwnerId"]
    other = house.win(deals.milestone(WON_ON, name="Another"))
    house.settle()
    hire_financier(house)
    with house.application.uow() as uow:  # as a reading that names the same user under another address
        known = uow.opportunities.lock(TENANT, house.opportunity(other).id)
        record = known.record
        assert record is not None
        assert record.owner is not None
        owner = changed(record.owner, id=user, email="f.f@elsewhere.example")
        uow.parties.keep(known, parties_of(changed(record, owner=owner)))
        uow.commit()

    with pytest.raises(Forbidden) as refused:
        house.decide(house.tasks(other)[ApprovalRole.FINANCE], FINANCE)
    assert refused.value.code == "OWN_OPPORTUNITY"


def test_who_leaves_and_comes_back_under_another_account_is_the_same_person(
    house: House, record_id: str
) -> None:
    override(house, record_id, FINANCE, OverrideField.NAME, "Landing zone")
    house.rows("update people set is_active = false where email = :email", email=FINANCE)
    again = hire(house, "fiona@acme.example", PersonRole.FINANCE_APPROVER, further_emails=(FINANCE.upper(),))
    hire_financier(house)
    house.settle()

    with pytest.raises(Forbidden) as refused:
        house.decide(house.tasks(record_id)[ApprovalRole.FINANCE], again)
    assert refused.value.code == "EDITED_PLAN"


def test_two_accounts_of_one_person_do_not_approve_for_both_roles(house: House, record_id: str) -> None:
    second = hire(
        house,
        "second@acme.example",
        PersonRole.DELIVERY_APPROVER,
        further_emails=("fiona.finance+d@example.com",),
    )
    house.decide(house.tasks(record_id)[ApprovalRole.FINANCE], FINANCE)

    with pytest.raises(Forbidden) as refused:
        house.decide(house.tasks(record_id)[ApprovalRole.DELIVERY], second)
    assert refused.value.code == "ALREADY_DECIDED_OTHER_ROLE"


def test_pinning_today_s_value_after_one_s_own_approval_washes_nothing_off(
    house: House, record_id: str
) -> None:
    """The plan's hash stays as it was; the approvals do not."""
    fritz = hire_financier(house)
    before = house.plan(record_id)
    (workstream,) = [node for node in before.plan.content.nodes if node.path == "project"]
    house.decide(house.tasks(record_id)[ApprovalRole.FINANCE], FINANCE)

    override(house, record_id, FINANCE, OverrideField.NAME, workstream.name)
    house.settle()

    assert {task.status for task in house.tasks(record_id).values()} == {TaskStatus.OPEN}
    with pytest.raises(Forbidden) as refused:
        house.decide(house.tasks(record_id)[ApprovalRole.FINANCE], FINANCE)
    assert refused.value.code == "EDITED_PLAN"
    override(house, record_id, OLGA, OverrideField.NAME, workstream.name)  # says again what she said
    house.settle()
    with pytest.raises(Forbidden):
        house.decide(house.tasks(record_id)[ApprovalRole.FINANCE], FINANCE)
    house.decide(house.tasks(record_id)[ApprovalRole.FINANCE], fritz)


def test_refused_attempts_are_on_the_timeline(house: House, record_id: str) -> None:
    task = house.tasks(record_id)[ApprovalRole.FINANCE]
    for who in (OLGA, SAM):
        with pytest.raises(Forbidden):
            house.decide(task, who)
    house.edit(record_id, opportunity={"PO_Number__c": "PO-LATER"})
    house.settle()
    with pytest.raises(Conflict):
        house.decide(task, FINANCE)

    assert tried(house, record_id) == [
        (f"person:{OLGA}", "NOT_AN_APPROVER"),
        (f"person:{SAM}", "OWN_OPPORTUNITY"),
        (f"person:{FINANCE}", "PLAN_CHANGED"),
    ]


def test_a_deal_that_an_older_release_read_has_its_owner_all_the_same(house: House, record_id: str) -> None:
    """It kept no parties, and its record names nobody who requested it."""
    house.rows("delete from opportunity_parties")
    with pytest.raises(Forbidden):
        house.decide(house.tasks(record_id)[ApprovalRole.FINANCE], SAM)

    owned_by(house, record_id, **COLLEAGUE)

    with pytest.raises(Forbidden):
        house.decide(house.tasks(record_id)[ApprovalRole.FINANCE], SAM)


def test_an_owner_whom_nobody_knows_is_shown_to_those_who_decide(house: House, record_id: str) -> None:
    owned_by(house, record_id, **COLLEAGUE)

    task = house.tasks(record_id)[ApprovalRole.FINANCE]
    detail = house.application.queries.approval(TENANT, task.id)
    assert [owner.email for owner in detail.unmatched_owners] == [COLLEAGUE["Email"]]
    assert any(
        "Cora Colleague (cora[.]colleague@example[.]com), matches no user here" in mail for mail in mails(house)
    )


def test_whoever_confirmed_a_finding_approves_nothing_that_came_of_it(house: House) -> None:
    sold = deals.milestone(WON_ON)
    early = sold | {"opportunity": sold["opportunity"] | {"Start_Date__c": "2025-12-01"}}
    record_id = house.win(early)
    house.settle()
    both = hire(house, "both@acme.example", PersonRole.FINANCE_APPROVER, PersonRole.OPERATIONS)
    item = house.exception(record_id)
    house.application.dispatch(ConfirmFindings(TENANT, item.id, house.person(both).id, "A letter of intent"))
    house.settle()

    task = house.tasks(record_id)[ApprovalRole.FINANCE]
    assert house.person(both).id not in task.candidates
    with pytest.raises(Forbidden) as refused:
        house.decide(task, both)
    assert refused.value.code == "EDITED_PLAN"
    assert house.application.queries.counts(TENANT, house.person(both)).approvals == 0
    house.approve(record_id)
    house.settle()
    assert house.state(record_id) is State.ACTIVE


def two_fits(house: House, books: Books, name: str, **more: Any) -> str:
    """A deal of an account that fits two customers of the ERP, CODE-1 and CODE-2."""
    code = name.split(maxsplit=1)[0].upper()
    for number in (1, 2):
        address = {"country": books.one("country.country", [["code", "=", "DE"]])["id"]}
        party = {"name": name, "code": f"{code}-{number}", "addresses": [["create", [address]]]}
        books.create("party.party", party)
    account = {"Name": name, "BillingCountryCode": "DE", "External_Key__c": code.lower()}
    record_id = house.win(deals.milestone(WON_ON) | {"account": account} | more)
    house.settle()
    return record_id


def test_whoever_linked_the_customer_approves_nothing_that_came_of_it(house: House, books: Books) -> None:
    record_id = two_fits(house, books, "Gemini GmbH")
    both = hire(house, "both@acme.example", PersonRole.FINANCE_APPROVER, PersonRole.OPERATIONS)
    house.application.dispatch(
        LinkCustomer(TENANT, house.exception(record_id).id, house.person(both).id, "GEMINI-2")
    )
    house.settle()

    task = house.tasks(record_id)[ApprovalRole.FINANCE]
    assert house.person(both).id not in task.candidates
    assert house.application.queries.counts(TENANT, house.person(both)).approvals == 0
    with pytest.raises(Forbidden) as refused:
        house.decide(task, both)
    assert refused.value.code == "EDITED_PLAN"
    house.approve(record_id)
    house.settle()
    assert house.state(record_id) is State.ACTIVE


def test_an_approval_of_whoever_shaped_the_deal_does_not_stand(
    house: House, books: Books, record_id: str
) -> None:
    """As a release before this one took it: both approved, one of them had linked the customer."""
    house.approve(record_id)
    house.rows("update opportunities set due_at = null, state = 'approved'")
    with house.application.uow() as uow:
        deal = uow.opportunities.lock(TENANT, house.opportunity(record_id).id)
        by = person_actor(FINANCE)
        event = CustomerLinked(opportunity_id=deal.id, actor=by, summary="Linked")
        uow.audit.append(TENANT, event, deal.traceparent)
        uow.commit()

    house.rows("update opportunities set due_at = now()")
    house.settle()

    assert (house.state(record_id), house.exception(record_id).code) == (State.PARKED, "NO_APPROVER")
    assert "Fiona Finance's approval of plan" in voided(house, record_id)[0]
    assert erp.works(books, record_id) == {}


# An approval is right when it is given.


def retired(house: House, email: str, how: str) -> None:
    """The person loses the role, or leaves the firm."""
    if how == "loses the role":
        roles = frozenset({PersonRole.AUDITOR})
        house.application.dispatch(SetRoles(TENANT, COMMAND_LINE, email, roles))
    else:
        house.application.dispatch(DeactivatePerson(TENANT, COMMAND_LINE, email))
    house.settle()


@pytest.mark.parametrize("how", ["loses the role", "leaves the firm"])
def test_an_approval_stands_though_its_giver_loses_the_role_or_leaves_afterwards(
    house: House, record_id: str, how: str
) -> None:
    """They had the authority when they gave it. They give no other."""
    fritz = hire_financier(house)
    house.decide(house.tasks(record_id)[ApprovalRole.FINANCE], FINANCE)
    house.settle()

    retired(house, FINANCE, how)
    house.decide(house.tasks(record_id)[ApprovalRole.DELIVERY], DELIVERY)
    house.settle()

    assert (house.state(record_id), voided(house, record_id)) == (State.ACTIVE, [])
    other = house.to_approval(deals.milestone(WON_ON, name="Another"))
    assert house.tasks(other)[ApprovalRole.FINANCE].candidates == (house.person(fritz).id,)


def test_approvals_of_somebody_found_out_are_asked_for_again_though_the_plan_is_the_same(
    house: House, record_id: str, gate: Gate
) -> None:
    """The ERP was away, so nothing is made yet. Otherwise the same plan would keep its approvals."""
    fritz = hire_financier(house)
    gate.shut()
    house.approve(record_id)
    house.work()
    assert house.state(record_id) is State.APPROVED
    approved, opportunity_id = house.plan(record_id).hash, house.opportunity(record_id).id
    house.application.dispatch(DeactivatePerson(TENANT, COMMAND_LINE, FINANCE))

    reason = "Fiona's account was used by somebody else."
    house.application.dispatch(PlanAnew(TENANT, opportunity_id, house.operator, reason, ask_again=True))
    gate.open()
    house.settle_later()

    tasks = house.tasks(record_id)
    assert (house.state(record_id), house.plan(record_id).hash) == (State.AWAITING_APPROVAL, approved)
    assert {task.status for task in tasks.values()} == {TaskStatus.OPEN}
    assert tasks[ApprovalRole.FINANCE].candidates == (house.person(fritz).id,)
    assert voided(house, record_id) == ["2 approval tasks no longer count: everybody is asked again"]
    house.decide(tasks[ApprovalRole.FINANCE], fritz)
    house.decide(tasks[ApprovalRole.DELIVERY], DELIVERY)
    house.settle()
    assert house.state(record_id) is State.ACTIVE


def test_whoever_sold_a_deal_chooses_no_customer_for_it(house: House, books: Books) -> None:
    seller = hire(house, "seller@acme.example", PersonRole.OPERATIONS)
    record_id = two_fits(
        house, books, "Castor GmbH", owner={"Name": "Selma Seller", "Email": "seller@acme.example"}
    )

    with pytest.raises(Forbidden) as refused:
        house.application.dispatch(
            LinkCustomer(TENANT, house.exception(record_id).id, house.person(seller).id, "CASTOR-2")
        )

    assert refused.value.code == "OWN_OPPORTUNITY"
    assert house.exception(record_id).code == "ACCOUNT_AMBIGUOUS"
