"""Who may not decide a plan is kept with the reason, and refused by the database too."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError

from oppsync.domain.approval.refusals import Refusal
from oppsync.domain.approval.tasks import Decision
from oppsync.domain.configuration.bundle import governed
from oppsync.domain.plan.overrides import OverrideField
from oppsync.domain.reading.open_deals import Fate
from oppsync.domain.reading.readings import ApprovalDetail
from oppsync.domain.reference.book import ReferenceKind, ReferenceRow
from oppsync.domain.values.actor import COMMAND_LINE
from oppsync.domain.values.identifiers import crm_user_key, email_key
from oppsync.domain.values.model import changed
from oppsync.domain.values.roles import PersonRole
from oppsync.domain.work.states import State
from oppsync.kernel.errors import Forbidden
from oppsync.services.admin.commands import CreatePerson, EditConnection, IdentifyPerson
from oppsync.services.configuration.commands import (
    ApplyConfiguration,
    CompareConfiguration,
    DecideProposal,
    Proposed,
)
from oppsync.services.insight.commands import PreviewPlan, RecomputePlan
from sandbox.firm import deals
from sandbox.firm.demo_firm import bundle
from sandbox.firm.install import CRM_CONNECTION
from tests.harness.builders import TENANT
from tests.harness.house import DELIVERY, FINANCE, PASSWORD, WON_ON, House
from tests.harness.waiting import somebody_waits, until
from tests.service.test_duties import override

FIRM, ROWS = bundle()
CRM = "Salesforce (stand-in)"
PAULA, PETRA = "paula.p@example.com", "petra.p@example.com"
SAM, OLGA, FRITZ = "sam.seller@example.com", "olga.operations@example.com", "fritz.finance@example.com"


@pytest.fixture
def live(house: House) -> House:
    """The firm is live, and has another finance approver."""
    house.rows("update tenants set went_live_at = now()")
    hire(house, FRITZ, PersonRole.FINANCE_APPROVER)
    return house


def hire(house: House, email: str, *roles: PersonRole) -> None:
    house.rows("update tenants set went_live_at = null")
    added = CreatePerson(TENANT, COMMAND_LINE, email, email.partition(".")[0], PASSWORD, frozenset(roles))
    house.application.dispatch(added)
    house.rows("update tenants set went_live_at = now()")


def hire_two_more(live: House) -> None:
    for email in (PAULA, PETRA):
        hire(live, email, PersonRole.FINANCE_APPROVER)


def changers(house: House, record_id: str) -> set[str]:
    return {name for name, reason in barred(house, record_id) if reason == "EDITED_REFERENCE_DATA"}


def dearer(kind: ReferenceKind, **values: Any) -> Sequence[ReferenceRow]:
    """The demo firm's rows, with another value in each of this kind."""
    return [changed(row, value={**row.value, **values}) if row.kind is kind else row for row in ROWS]


def agree(house: House, rows: Sequence[ReferenceRow], proposes: str = OLGA, approves: str = FINANCE) -> None:
    proposed = house.application.dispatch(ApplyConfiguration(TENANT, house.person(proposes).id, FIRM, rows))
    assert isinstance(proposed, Proposed)
    house.application.dispatch(
        DecideProposal(TENANT, house.person(approves).id, proposed.proposal_id, approve=True)
    )


def barred(house: House, record_id: str) -> set[tuple[str, str]]:
    return {(each.name, each.reason) for each in detail(house, record_id).barred}


def detail(house: House, record_id: str) -> ApprovalDetail:
    return house.application.queries.approval(TENANT, house.tasks(record_id)["finance"].id)


NEW_MARGIN = dearer(ReferenceKind.MARGIN_POLICY, floor_percent="1")


def test_whoever_changed_a_row_that_the_plan_uses_does_not_decide_it(live: House) -> None:
    agree(live, NEW_MARGIN)

    record_id = live.to_approval(deals.milestone(WON_ON))

    assert {("Fiona Finance", "EDITED_REFERENCE_DATA"), ("Olga Operations", "EDITED_REFERENCE_DATA")} <= barred(
        live, record_id
    )
    task = live.tasks(record_id)["finance"]
    assert task.candidates == (live.person(FRITZ).id,)
    shown = live.application.dispatch(PreviewPlan(TENANT, COMMAND_LINE, record_id)).approvals
    assert [[who.email for who in each.candidates] for each in shown] == [[FRITZ], [DELIVERY]]
    assert live.application.queries.counts(TENANT, live.person(FINANCE)).approvals == 0
    decided_by_fritz(live, record_id)


def decided_by_fritz(live: House, record_id: str, seat: str = "finance") -> None:
    """The one who agreed to the change is refused, somebody else decides, and the deal becomes active."""
    task = live.tasks(record_id)[seat]
    with pytest.raises(Forbidden) as refused:
        live.decide(task, FINANCE)
    assert refused.value.code == "EDITED_REFERENCE_DATA"
    live.decide(task, FRITZ)
    live.decide(live.tasks(record_id)["delivery"], DELIVERY)
    live.settle()
    assert live.state(record_id) is State.ACTIVE


def mapping_otherwise(house: House) -> Sequence[ReferenceRow]:
    """The rows of now, with a CRM of which something else is read."""
    with house.application.uow.reading() as uow:
        rows = governed(uow.configurations.rows(TENANT))
    row = next(each for each in rows if (each.kind, each.key) == (ReferenceKind.CONNECTION_MAP, CRM))
    settings = {**row.value["settings"], "owner_history": False}
    new = changed(row, value={**row.value, "settings": settings})
    return [new if each is row else each for each in rows]


def maps_used(house: House, record_id: str) -> list[str]:
    used = house.plan(record_id).plan.provenance.reference
    return [use.key for use in used if use.kind is ReferenceKind.CONNECTION_MAP]


def test_whoever_changed_what_the_deal_s_systems_map_does_not_decide_it(live: House) -> None:
    agree(live, mapping_otherwise(live))

    record_id = live.to_approval(deals.milestone(WON_ON))

    assert changers(live, record_id) == {"Fiona Finance", "Olga Operations"}
    shown = live.application.dispatch(PreviewPlan(TENANT, COMMAND_LINE, record_id)).approvals
    assert [[who.email for who in each.candidates] for each in shown] == [[FRITZ], [DELIVERY]]
    assert sorted(maps_used(live, record_id)) == ["Kantata (stand-in)", CRM, "Tryton"]
    recomputed = live.application.dispatch(RecomputePlan(TENANT, COMMAND_LINE, live.opportunity(record_id).id))
    assert recomputed.is_same


def test_nor_once_the_connection_has_another_name(live: House) -> None:
    agree(live, mapping_otherwise(live))
    live.application.dispatch(
        EditConnection(TENANT, live.person(OLGA).id, CRM_CONNECTION, "Another name", {}, {})
    )

    record_id = live.to_approval(deals.milestone(WON_ON))

    assert changers(live, record_id) == {"Fiona Finance", "Olga Operations"}


def test_a_new_name_of_the_row_takes_the_bar_off_nobody(live: House) -> None:
    agree(live, NEW_MARGIN)
    live.rows(
        "update reference_rows set version = version + 1 where kind = 'margin_policy'"
    )  # as an edit of what only shows does

    record_id = live.to_approval(deals.milestone(WON_ON))

    assert ("Fiona Finance", "EDITED_REFERENCE_DATA") in barred(live, record_id)


def test_what_a_change_does_to_open_deals_counts_without_who_may_not_decide_them(house: House) -> None:
    """The one finance approver agreed to the margin that holds for everybody; with one of its own, the entity's
    deals do not use that any more."""
    house.rows("update tenants set went_live_at = now()")
    agree(house, NEW_MARGIN)
    record_id = house.win(deals.milestone(WON_ON))
    house.settle()
    assert house.exception(record_id).code == "NO_APPROVER"
    (general,) = (row for row in NEW_MARGIN if row.kind is ReferenceKind.MARGIN_POLICY)
    rows = [*NEW_MARGIN, changed(general, key="ACME-DE")]

    shown = house.application.dispatch(CompareConfiguration(TENANT, house.person(OLGA).id, FIRM, rows))

    (effect,) = shown.open_deals.rows
    assert effect.fate is Fate.FREED
    assert effect.what == "No longer: No active user may approve for finance"


def test_whoever_changed_a_value_that_a_later_change_left_as_it_was_stays_barred(live: House) -> None:
    hire_two_more(live)
    agree(live, NEW_MARGIN)
    agree(live, dearer(ReferenceKind.MARGIN_POLICY, floor_percent="1", severity="blocks"), PETRA, PAULA)

    record_id = live.to_approval(deals.milestone(WON_ON))

    assert changers(live, record_id) == {"Fiona Finance", "Olga Operations", "paula", "petra"}


def test_whose_values_were_all_changed_since_is_free_again(live: House) -> None:
    hire_two_more(live)
    agree(live, NEW_MARGIN)
    agree(live, dearer(ReferenceKind.MARGIN_POLICY, floor_percent="2"), PETRA, PAULA)

    record_id = live.to_approval(deals.milestone(WON_ON))

    assert changers(live, record_id) == {"paula", "petra"}


def test_whoever_added_a_row_stays_barred_and_frees_who_changed_the_one_before(live: House) -> None:
    hire_two_more(live)
    agree(live, NEW_MARGIN)
    agree(live, [row for row in NEW_MARGIN if row.kind is not ReferenceKind.MARGIN_POLICY])
    agree(live, NEW_MARGIN, PETRA, PAULA)
    agree(live, dearer(ReferenceKind.MARGIN_POLICY, floor_percent="2"))

    record_id = live.to_approval(deals.milestone(WON_ON))

    assert changers(live, record_id) == {"Fiona Finance", "Olga Operations", "paula", "petra"}


def test_also_under_another_account_of_theirs(live: House) -> None:
    agree(live, NEW_MARGIN)
    live.application.dispatch(IdentifyPerson(TENANT, COMMAND_LINE, FRITZ, (FINANCE,), ()))

    record_id = live.win(deals.milestone(WON_ON))
    live.settle()

    (found,) = live.exception(record_id).findings
    assert (found.code, found.value) == ("NO_APPROVER", "finance")
    assert "Fiona Finance made or approved a change of the configuration that this plan uses" in found.message
    assert "Sam Seller owns this opportunity" in found.message


def test_what_the_plan_does_not_use_what_only_shows_and_what_was_set_up_bars_nobody(house: House) -> None:
    house.application.dispatch(ApplyConfiguration(TENANT, house.person(OLGA).id, FIRM, NEW_MARGIN))
    house.rows("update tenants set went_live_at = now()")
    rows = [
        changed(row, value={**row.value, "name": "Renamed"}) if row.kind is ReferenceKind.COST_CENTRE else row
        for row in NEW_MARGIN
    ]
    house.application.dispatch(ApplyConfiguration(TENANT, house.person(OLGA).id, FIRM, rows))
    agree(
        house,
        [
            changed(row, value={**row.value, "percent": "14"}) if row.kind is ReferenceKind.WITHHOLDING else row
            for row in rows
        ],
    )

    record_id = house.to_approval(deals.milestone(WON_ON))

    assert barred(house, record_id) == {("Sam Seller", "OWN_OPPORTUNITY")}
    house.approve(record_id)
    house.settle()
    assert house.state(record_id) is State.ACTIVE


def test_a_later_change_of_a_row_bars_from_plans_made_with_it_and_not_from_earlier_ones(live: House) -> None:
    record_id = live.to_approval(deals.milestone(WON_ON))
    agree(live, NEW_MARGIN)

    live.decide(live.tasks(record_id)["finance"], FINANCE)
    live.decide(live.tasks(record_id)["delivery"], DELIVERY)
    live.settle()

    assert live.state(record_id) is State.ACTIVE


@pytest.mark.parametrize("decision", [Decision.APPROVE, Decision.REJECT])
def test_the_database_refuses_a_barred_persons_decision_whoever_writes_it(
    house: House, decision: Decision
) -> None:
    house.to_approval(deals.milestone(WON_ON))
    status = {Decision.APPROVE: "approved", Decision.REJECT: "rejected"}[decision]
    query = "update approval_tasks set status = :status, decided_by = :by where role = 'finance'"

    with pytest.raises(IntegrityError, match="may not decide this plan"):
        house.rows(query, status=status, by=house.person(SAM).id)

    house.rows(query, status=status, by=house.person(FINANCE).id)


@pytest.mark.parametrize(
    "statement",
    [
        "delete from barred_approvers",
        "update barred_approvers set plan_hash = 'another'",
        "update barred_approvers set person_id = gen_random_uuid()",
        "truncate barred_approvers",
    ],
)
def test_nobody_frees_a_barred_person_in_the_database(house: House, statement: str) -> None:
    record_id = house.to_approval(deals.milestone(WON_ON))

    with pytest.raises(IntegrityError, match="stays barred"):
        house.rows(statement)

    assert ("Sam Seller", "OWN_OPPORTUNITY") in barred(house, record_id)


def test_with_a_plan_that_is_gone_who_was_barred_from_it_may_go_too(house: House) -> None:
    house.to_approval(deals.milestone(WON_ON))

    house.rows("delete from approval_tasks")
    house.rows("delete from plan_inputs")
    house.rows("delete from plans")
    house.rows("delete from barred_approvers")

    assert house.rows("select person_id from barred_approvers") == []


@pytest.mark.parametrize(
    ("further", "user_ids"),
    [(("Sam.Seller+deals@Example.com.",), ()), (("sam.seller@example.com.invalid",), ()), ((), ("SAM",))],
)
def test_the_database_knows_a_barred_person_under_an_account_that_came_later(
    house: House, further: tuple[str, ...], user_ids: tuple[str, ...]
) -> None:
    house.to_approval(deals.milestone(WON_ON))
    sam = house.person(SAM)
    house.application.dispatch(IdentifyPerson(TENANT, COMMAND_LINE, SAM, (), ("SAM",)))
    hire(house, FRITZ, PersonRole.FINANCE_APPROVER)
    house.application.dispatch(IdentifyPerson(TENANT, COMMAND_LINE, FRITZ, further, user_ids))
    query = (
        "update approval_tasks set status = 'approved', decided_by = :by, decided_for = :of"
        " where role = 'finance'"
    )
    fritz, fiona = house.person(FRITZ).id, house.person(FINANCE).id

    for by, of in ((fritz, None), (fiona, fritz)):
        with pytest.raises(IntegrityError, match="may not decide this plan"):
            house.rows(query, by=by, of=of)

    assert house.rows("select count(*) from barred_approvers where person_id = :it", it=sam.id)
    house.rows(query, by=fiona, of=None)


def test_the_database_lets_nobody_decide_a_plan_twice_under_two_accounts(house: House) -> None:
    house.to_approval(deals.milestone(WON_ON))
    hire(house, FRITZ, PersonRole.DELIVERY_APPROVER)
    house.application.dispatch(IdentifyPerson(TENANT, COMMAND_LINE, FRITZ, ("Fiona.Finance@example.com",), ()))
    decided = (
        "update approval_tasks set status = :status, decided_by = :by, decided_for = :of where role = :role"
    )
    fiona, fritz, dario = (house.person(email).id for email in (FINANCE, FRITZ, DELIVERY))
    house.rows(decided, status="approved", by=fiona, of=None, role="finance")

    for status, by, of in (("approved", fritz, None), ("rejected", fritz, None), ("approved", dario, fritz)):
        with pytest.raises(IntegrityError, match="decided this plan already"):
            house.rows(decided, status=status, by=by, of=of, role="delivery")

    house.rows(decided, status="approved", by=dario, of=None, role="delivery")


ADDRESSES = (
    "Ann.Approver@Example.com",
    "ann.approver+tag+more@example.com",
    "ann.approver@example.com.invalid",
    " ann.approver@example.com. ",
    "ann\u200b.approver@example.com",
    "\uff21nn.approver@example.com",
    "ann@here@example.com",
    "no-at-sign",
    "+@example.com",
    "stra\u00dfe@example.com",
    "\u00c4nne@example.com",
    "@",
)
USER_IDS = (
    "005000000000001",
    "005000000000001AAA",
    "005000000000001aaa",
    " 005\u200b000000000001AAA",
    "u-17",
    "",
)


def test_the_database_knows_mailboxes_and_users_by_the_same_normal_form(house: House) -> None:
    for address in ADDRESSES:
        (found,) = house.rows("select mailbox_of(:it) as of_database", it=address)
        assert found["of_database"] == email_key(address)
    for user_id in USER_IDS:
        (found,) = house.rows("select crm_user_of(:it) as of_database", it=user_id)
        assert found["of_database"] == crm_user_key(user_id)


def test_who_shapes_the_plan_is_barred_in_the_database_from_the_next_one(house: House) -> None:
    record_id = house.to_approval(deals.milestone(WON_ON))
    hire(house, FRITZ, PersonRole.FINANCE_APPROVER)
    override(house, record_id, FINANCE, OverrideField.NAME, "Landing zone")
    house.settle()

    assert barred(house, record_id) == {("Sam Seller", "OWN_OPPORTUNITY"), ("Fiona Finance", "EDITED_PLAN")}
    with pytest.raises(IntegrityError):
        house.rows(
            "update approval_tasks set status = 'approved', decided_by = :by where status = 'open'",
            by=house.person(FINANCE).id,
        )


def test_a_decision_and_the_stage_that_keep_the_same_at_once_take_turns(house: House) -> None:
    record_id = house.to_approval(deals.milestone(WON_ON))
    task = house.tasks(record_id)["finance"]
    barred_now = {house.person(OLGA).id: [Refusal.EDITED_PLAN]}

    def stage() -> None:
        with house.application.uow() as uow:
            uow.approvals.bar(TENANT, task.opportunity_id, task.plan_hash, barred_now)
            uow.commit()

    with house.application.uow() as deciding, ThreadPoolExecutor(1) as pool:
        deciding.opportunities.lock(TENANT, task.opportunity_id)
        worked = pool.submit(stage)
        until(lambda: somebody_waits(house.application.engine), "the stage waits")
        deciding.approvals.bar(TENANT, task.opportunity_id, task.plan_hash, barred_now)
        deciding.commit()
        worked.result()

    assert ("Olga Operations", "EDITED_PLAN") in barred(house, record_id)
