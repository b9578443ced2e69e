"""Approvers who are out of office: who is asked meanwhile, who decides for them, and who may not by that."""

from __future__ import annotations

from datetime import date, timedelta
from email import message_from_bytes
from email.policy import default
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy.exc import IntegrityError

from oppsync.domain.approval.tasks import ApprovalTask, Decision, TaskStatus
from oppsync.domain.values.actor import COMMAND_LINE
from oppsync.domain.values.limits import RoleLimit
from oppsync.domain.values.roles import ApprovalRole, PersonRole
from oppsync.domain.work.states import State
from oppsync.kernel.errors import Conflict, Forbidden, InvalidInput
from oppsync.services.admin.commands import SetRoles
from oppsync.services.approvals.commands import EndAbsence, EnterAbsence, SetCalendar
from sandbox.firm import deals
from tests.harness.builders import TENANT
from tests.harness.house import DELIVERY, FINANCE, WON_ON, House
from tests.service.test_approvals import hire

SAM, OLGA, ADA = "sam.seller@example.com", "olga.operations@example.com", "ada.admin@example.com"
FRED, DORA, EVE = "fred.finance@example.com", "dora.delivery@example.com", "eve.delivery@example.com"
FINANCES, DELIVERIES = ApprovalRole.FINANCE, ApprovalRole.DELIVERY


@pytest.fixture
def firm(house: House) -> House:
    """Dora and Eve approve for delivery, as Dario does; Fiona is the only one for finance besides Sam, who
    sells."""
    hire(house, DORA, PersonRole.DELIVERY_APPROVER)
    hire(house, EVE, PersonRole.DELIVERY_APPROVER)
    return house


def today(house: House) -> date:
    return house.application.clock.now().date()


def away(
    house: House,
    who: str,
    delegate: str | None = None,
    *,
    first: int = 0,
    days: int = 14,
    confirmed: bool = True,
) -> Any:
    begin = today(house) + timedelta(days=first)
    last = begin + timedelta(days=days)
    command = EnterAbsence(TENANT, house.person(who).id, begin, last, delegate, confirmed=confirmed)
    return house.application.dispatch(command)


def over(house: House, absence_id: UUID, *, hours: int) -> None:
    """The absence lasted so long, and ended a moment ago; what waits now waited all the while."""
    lasted = "now() - :hours * interval '1 hour' - interval '1 minute'"
    house.rows(
        f"update absences set made_at = {lasted}, begins_at = {lasted},"
        " ended_at = now() - interval '1 second' where id = :id",
        id=absence_id,
        hours=hours,
    )
    house.rows(f"update approval_tasks set opened_at = {lasted} where status = 'open'", hours=hours)


def waiting(house: House, who: str) -> set[UUID]:
    """The ids of the open tasks on the person's page."""
    page = house.application.queries.approvals(TENANT, person=house.person(who), status=TaskStatus.OPEN)
    return {row.task.id for row in page.rows}


def of(house: House, record_id: str, role: str = FINANCES) -> ApprovalTask:
    return house.tasks(record_id)[role]


def asked(house: House, record_id: str, role: str = FINANCES) -> set[str]:
    candidates = of(house, record_id, role).candidates
    people = house.rows("select id, email from people")
    return {row["email"] for row in people if row["id"] in candidates}


def mails(house: House, beginning: str) -> list[str]:
    """Who got a mail whose subject begins so, by name."""
    folder = house.application.settings.outbox_folder
    letters = [message_from_bytes(path.read_bytes(), policy=default) for path in folder.glob("*")]
    return sorted(str(each["To"]) for each in letters if str(each["Subject"]).startswith(beginning))


def refusal(house: House, task: ApprovalTask, who: str) -> str:
    with pytest.raises(Forbidden) as refused:
        house.decide(task, who)
    return refused.value.code


# Who is asked.


def test_who_is_out_of_office_is_not_asked_while_a_colleague_is_there(firm: House) -> None:
    hire(firm, FRED, PersonRole.FINANCE_APPROVER)
    away(firm, FINANCE)

    record_id = firm.to_approval(deals.milestone(WON_ON))

    assert asked(firm, record_id) == {FRED}


def test_where_nobody_else_may_decide_they_are_asked_all_the_same(firm: House) -> None:
    away(firm, FINANCE)

    record_id = firm.to_approval(deals.milestone(WON_ON))

    assert asked(firm, record_id) == {FINANCE}
    firm.approve(record_id)
    firm.settle()
    assert firm.state(record_id) is State.ACTIVE


def test_what_waits_goes_to_the_colleague_who_stands_in_and_comes_back(firm: House) -> None:
    record_id = firm.to_approval(deals.milestone(WON_ON))
    assert asked(firm, record_id) == {FINANCE}

    absence_id = away(firm, FINANCE, DORA)
    firm.work()
    assert asked(firm, record_id) == {DORA}

    firm.application.dispatch(EndAbsence(TENANT, firm.person(FINANCE).id, absence_id))
    firm.work()
    assert asked(firm, record_id) == {FINANCE}
    assert refusal(firm, of(firm, record_id), DORA) == "NOT_AN_APPROVER"


# Deciding for somebody.


def test_who_stands_in_decides_for_them_and_the_record_says_so(firm: House) -> None:
    away(firm, FINANCE, DORA)
    record_id = firm.to_approval(deals.milestone(WON_ON))

    decided = firm.decide(of(firm, record_id), DORA)

    assert (decided.decided_by, decided.decided_for) == (firm.person(DORA).id, firm.person(FINANCE).id)
    (summary,) = [each.summary for each in firm.entries(record_id) if each.type == "plan.approved.v1"]
    assert "Newly Hired for Fiona Finance approved plan" in summary
    firm.decide(of(firm, record_id, DELIVERIES), DELIVERY)
    firm.settle()
    assert firm.state(record_id) is State.ACTIVE


def test_who_stands_in_wants_changes_for_them_and_both_are_named(firm: House) -> None:
    away(firm, FINANCE, DORA)
    record_id = firm.to_approval(deals.milestone(WON_ON))

    asked_for = firm.decide(of(firm, record_id), DORA, Decision.REQUEST_CHANGES, "Name the purchase order")

    fiona, dora = firm.person(FINANCE), firm.person(DORA)
    assert (asked_for.decided_by, asked_for.decided_for) == (dora.id, fiona.id)
    assert firm.exception(record_id).message.startswith(
        f"{dora.name} for Fiona Finance: Name the purchase order"
    )
    (told,) = [each for each in firm.entries(record_id) if each.type == "changes.requested.v1"]
    assert told.summary.startswith(f"{dora.name} for Fiona Finance wants plan")
    assert told.detail["decided_for"] == str(fiona.id)


def test_for_whom_a_decision_was_made_is_sealed_with_it(firm: House) -> None:
    away(firm, FINANCE, DORA)
    record_id = firm.to_approval(deals.milestone(WON_ON))
    decided = firm.decide(of(firm, record_id), DORA)
    firm.rows("update approval_tasks set decided_for = null where id = :id", id=decided.id)

    firm.decide(of(firm, record_id, DELIVERIES), DELIVERY)
    firm.settle()

    assert firm.exception(record_id).code == "APPROVAL_FORGED"


def test_one_word_is_one_word_whoever_says_it(firm: House) -> None:
    """Dora decided for Fiona: neither of them decides the plan's other approval."""
    away(firm, FINANCE, DORA)
    both = frozenset({PersonRole.FINANCE_APPROVER, PersonRole.DELIVERY_APPROVER})
    firm.application.dispatch(SetRoles(TENANT, COMMAND_LINE, FINANCE, both))
    record_id = firm.to_approval(deals.milestone(WON_ON))
    firm.decide(of(firm, record_id), DORA)

    for who in (DORA, FINANCE):
        assert refusal(firm, of(firm, record_id, DELIVERIES), who) == "ALREADY_DECIDED_OTHER_ROLE"


def test_the_limits_are_those_of_the_absent(firm: House) -> None:
    limit = RoleLimit(role=PersonRole.FINANCE_APPROVER, entities=("ACME-US",))
    fred = hire(firm, FRED, PersonRole.FINANCE_APPROVER)
    away(firm, FINANCE, DORA)
    roles = frozenset({PersonRole.FINANCE_APPROVER})
    firm.application.dispatch(SetRoles(TENANT, COMMAND_LINE, FINANCE, roles, (limit,)))

    record_id = firm.to_approval(deals.milestone(WON_ON))

    assert asked(firm, record_id) == {fred}
    assert refusal(firm, of(firm, record_id), DORA) == "NOT_AN_APPROVER"


def test_who_stands_in_hands_nothing_on(firm: House) -> None:
    away(firm, FINANCE, DORA)
    away(firm, DORA, EVE)

    record_id = firm.to_approval(deals.milestone(WON_ON))

    assert refusal(firm, of(firm, record_id), EVE) == "NOT_AN_APPROVER"


def test_who_no_longer_approves_stands_in_for_nobody(firm: House) -> None:
    away(firm, FINANCE, DORA)
    firm.application.dispatch(SetRoles(TENANT, COMMAND_LINE, DORA, frozenset({PersonRole.OPERATIONS})))

    record_id = firm.to_approval(deals.milestone(WON_ON))

    assert asked(firm, record_id) == {FINANCE}
    assert refusal(firm, of(firm, record_id), DORA) == "NOT_AN_APPROVER"


# Separation of duties.


def test_who_stands_in_for_the_owner_decides_nothing(firm: House) -> None:
    """Sam sold it, and may approve for finance; Dora is an approver of delivery in her own right."""
    away(firm, SAM, DORA)

    record_id = firm.to_approval(deals.milestone(WON_ON))

    assert DORA not in asked(firm, record_id, DELIVERIES)
    assert refusal(firm, of(firm, record_id, DELIVERIES), DORA) == "STOOD_IN"
    assert refusal(firm, of(firm, record_id), DORA) == "NOT_AN_APPROVER"


def test_who_approves_nothing_names_nobody_and_bars_nobody(firm: House) -> None:
    with pytest.raises(InvalidInput, match="approves nothing, so that nobody stands in"):
        away(firm, OLGA, DORA)
    away(firm, OLGA)


def test_of_a_live_firm_an_administrator_names_nobody_who_may_less_than_the_absent(firm: House) -> None:
    """One administrator would make an approver, who decides at once."""
    hire(firm, ADA, PersonRole.ADMIN)
    firm.rows("update tenants set went_live_at = now()")
    first = today(firm)

    def entered(of_whom: str, delegate: str | None) -> None:
        command = EnterAbsence(TENANT, firm.person(ADA).id, first, first, delegate, of_whom)
        firm.application.dispatch(command)

    with pytest.raises(Forbidden) as refused:
        entered(FINANCE, DORA)
    entered(DORA, EVE)
    entered(FINANCE, None)

    assert refused.value.code == "NEEDS_SECOND_PERSON"
    assert "may not approve all that Fiona Finance may" in refused.value.message


def test_nor_does_who_stood_in_for_a_working_day_while_it_waited(firm: House) -> None:
    record_id = firm.to_approval(deals.milestone(WON_ON))
    over(firm, away(firm, SAM, DORA), hours=8)

    assert refusal(firm, of(firm, record_id, DELIVERIES), DORA) == "STOOD_IN"
    assert of(firm, record_id, DELIVERIES).id not in waiting(firm, DORA)
    firm.decide(of(firm, record_id), FINANCE)
    firm.work()
    with pytest.raises(IntegrityError, match="may not decide this plan"):
        firm.rows(
            "update approval_tasks set status = 'approved', decided_by = :by where id = :id",
            by=firm.person(DORA).id,
            id=of(firm, record_id, DELIVERIES).id,
        )


def test_an_absence_of_a_moment_bars_nobody_afterwards(firm: House) -> None:
    """Sam, who sells and may approve, would choose alone who never decides his deals."""
    record_id = firm.to_approval(deals.milestone(WON_ON))
    absence_id = away(firm, SAM, DORA)
    assert refusal(firm, of(firm, record_id, DELIVERIES), DORA) == "STOOD_IN"
    firm.work()

    firm.application.dispatch(EndAbsence(TENANT, firm.person(SAM).id, absence_id))
    firm.work()

    assert of(firm, record_id, DELIVERIES).id in waiting(firm, DORA)
    firm.decide(of(firm, record_id, DELIVERIES), DORA)
    firm.decide(of(firm, record_id), FINANCE)
    firm.settle()
    assert firm.state(record_id) is State.ACTIVE


def test_it_says_first_how_many_deals_the_delegate_may_not_decide_meanwhile(firm: House) -> None:
    firm.to_approval(deals.milestone(WON_ON))
    firm.to_approval(deals.milestone(WON_ON))
    away(firm, FINANCE, DORA, confirmed=False)  # who has no part in any

    with pytest.raises(Conflict, match="Sam Seller has a part in 2 of the 2 deals that wait for Dario"):
        away(firm, DELIVERY, SAM, confirmed=False)
    with pytest.raises(Conflict, match="Sam Seller has a part in 2 deals that wait for approval") as refused:
        away(firm, SAM, EVE, confirmed=False)

    assert refused.value.code == "DELEGATE_BARRED"
    away(firm, SAM, confirmed=False)


def test_nor_one_that_was_over_before_the_deal_was_put_to_people(firm: House) -> None:
    over(firm, away(firm, SAM, DORA), hours=48)

    record_id = firm.to_approval(deals.milestone(WON_ON))

    assert DORA in asked(firm, record_id, DELIVERIES)
    firm.decide(of(firm, record_id, DELIVERIES), DORA)


def test_nor_one_that_was_taken_back_before_it_began(firm: House) -> None:
    record_id = firm.to_approval(deals.milestone(WON_ON))
    absence_id = away(firm, SAM, DORA, first=3)
    firm.application.dispatch(EndAbsence(TENANT, firm.person(SAM).id, absence_id))

    firm.decide(of(firm, record_id, DELIVERIES), DORA)


def test_an_approval_stands_whose_decider_stands_in_for_the_owner_afterwards(firm: House) -> None:
    """An owner who could have it fall would take back what others decided of the deal."""
    record_id = firm.to_approval(deals.milestone(WON_ON))
    firm.decide(of(firm, record_id, DELIVERIES), DORA)
    firm.settle()

    away(firm, SAM, DORA)
    firm.decide(of(firm, record_id), FINANCE)
    firm.settle()

    assert firm.state(record_id) is State.ACTIVE


def test_an_approval_falls_that_was_given_while_standing_in_for_an_owner(firm: House) -> None:
    """That Fiona owned the deal before is known after Dora, who stands in for her, approved it."""
    fred = hire(firm, FRED, PersonRole.FINANCE_APPROVER)
    record_id = firm.to_approval(deals.milestone(WON_ON))
    away(firm, FINANCE, DORA)
    decided = firm.decide(of(firm, record_id, DELIVERIES), DORA)
    firm.rows("update people set further_emails = array[:seller] where email = :who", seller=SAM, who=FINANCE)

    firm.decide(of(firm, record_id), fred)
    firm.work()

    fallen = firm.application.queries.approval(TENANT, decided.id).task
    assert (fallen.status, fallen.void_because) == (TaskStatus.VOID, "STOOD_IN")


# Entering it.


@pytest.mark.parametrize(
    ("who", "delegate", "says"),
    [
        (FINANCE, OLGA, "standing in makes nobody an approver"),
        (FINANCE, FINANCE, "Nobody stands in for themselves"),
        (FINANCE, "nobody@example.com", "no active person"),
    ],
)
def test_who_may_not_stand_in(firm: House, who: str, delegate: str, says: str) -> None:
    with pytest.raises(InvalidInput, match=says) as refused:
        away(firm, who, delegate)

    assert refused.value.field == "delegate"
    assert firm.rows("select 1 from absences") == []


def test_nobody_stands_in_who_is_away_themselves(firm: House) -> None:
    away(firm, DORA, first=2, days=1)

    with pytest.raises(InvalidInput, match="out of office at that time too"):
        away(firm, FINANCE, DORA)

    away(firm, FINANCE, DORA, days=1)


@pytest.mark.parametrize(
    ("days", "field"),
    [((-1, 1), "from"), ((0, -1), "until"), ((0, 400), "until")],
)
def test_the_days_must_be_possible(firm: House, days: tuple[int, int], field: str) -> None:
    first, lasts = days
    with pytest.raises(InvalidInput) as refused:
        away(firm, FINANCE, first=first, days=lasts)

    assert refused.value.field == field


def test_two_absences_at_once_are_one_too_many(firm: House) -> None:
    away(firm, FINANCE, days=3)

    with pytest.raises(Conflict) as refused:
        away(firm, FINANCE, first=3)

    assert refused.value.code == "ABSENT_ALREADY"
    absence_id = away(firm, FINANCE, first=4)
    firm.application.dispatch(EndAbsence(TENANT, firm.person(FINANCE).id, absence_id))
    with pytest.raises(Conflict) as over:
        firm.application.dispatch(EndAbsence(TENANT, firm.person(FINANCE).id, absence_id))
    assert over.value.code == "ABSENCE_OVER"


def test_an_absence_that_was_ended_today_is_entered_again_today(firm: House) -> None:
    first = away(firm, FINANCE)
    firm.application.dispatch(EndAbsence(TENANT, firm.person(FINANCE).id, first))

    second = away(firm, FINANCE)
    away(firm, DORA, EVE)

    over, now = firm.rows(
        "select id, begins_at, ended_at from absences where person_id = :who order by begins_at",
        who=firm.person(FINANCE).id,
    )
    assert (over["id"], now["id"]) == (first, second)
    assert now["begins_at"] == over["ended_at"]
    with pytest.raises(Conflict):
        away(firm, FINANCE)


def test_who_was_away_until_today_stands_in_today(firm: House) -> None:
    over = away(firm, EVE)
    firm.application.dispatch(EndAbsence(TENANT, firm.person(EVE).id, over))

    away(firm, DORA, EVE)

    record_id = firm.to_approval(deals.milestone(WON_ON))
    assert EVE in asked(firm, record_id, DELIVERIES)


def test_whoever_stands_in_is_told_by_mail(firm: House) -> None:
    away(firm, DORA)
    assert mails(firm, "You decide for") == []

    away(firm, DELIVERY, EVE)

    assert mails(firm, "You decide for Dario Delivery from") == [EVE]
    (told,) = firm.rows("select summary, detail from audit where type = 'delegate.told.v1'")
    assert told["detail"]["person"] == str(firm.person(EVE).id)
    assert told["detail"]["told"] is False, "files reach nobody"


def test_an_administrator_enters_it_for_others_and_nobody_else_does(firm: House) -> None:
    hire(firm, ADA, PersonRole.ADMIN)
    first = today(firm)

    def entered_by(who: str) -> None:
        command = EnterAbsence(TENANT, firm.person(who).id, first, first, DORA, FINANCE)
        firm.application.dispatch(command)

    with pytest.raises(Forbidden):
        entered_by(OLGA)
    entered_by(ADA)

    (row,) = firm.rows("select summary, actor, detail from audit where type = 'absence.entered.v1'")
    assert row["actor"] == f"person:{ADA}"
    assert row["summary"].startswith("Fiona Finance is out of office")
    assert row["detail"]["delegate"] == str(firm.person(DORA).id)
    (absence,) = firm.rows("select id, made_by from absences")
    assert absence["made_by"] == f"person:{ADA}"
    with pytest.raises(Forbidden):
        firm.application.dispatch(EndAbsence(TENANT, firm.person(OLGA).id, absence["id"]))
    firm.application.dispatch(EndAbsence(TENANT, COMMAND_LINE, absence["id"]))


def test_a_calendar_that_is_not_configured_is_refused(firm: House) -> None:
    with pytest.raises(InvalidInput, match="The configuration has none") as refused:
        firm.application.dispatch(SetCalendar(TENANT, firm.person(FINANCE).id, "BERLIN"))

    assert refused.value.field == "calendar"
    with pytest.raises(Forbidden):
        firm.application.dispatch(SetCalendar(TENANT, firm.person(OLGA).id, None, FINANCE))
    firm.application.dispatch(SetCalendar(TENANT, COMMAND_LINE, None, FINANCE))


def test_the_database_refuses_a_decision_for_somebody_with_a_part_in_the_deal(firm: House) -> None:
    """Somebody writes it there by hand, as Dora's for Sam, who sold the deal."""
    record_id = firm.to_approval(deals.milestone(WON_ON))
    by_hand = (
        "update approval_tasks set status = 'approved', decided_by = :by, decided_for = :of where id = :id"
    )
    task, dora, fiona = of(firm, record_id), firm.person(DORA).id, firm.person(FINANCE).id

    with pytest.raises(IntegrityError, match="may not decide this plan"):
        firm.rows(by_hand, id=task.id, by=dora, of=firm.person(SAM).id)

    firm.rows(by_hand, id=task.id, by=dora, of=fiona)  # its seal is missed by the stage
