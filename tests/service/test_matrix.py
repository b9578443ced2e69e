"""A firm's approval matrix: further roles, more than one of a group, in order; asked for by what a plan is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from oppsync.domain.approval.tasks import Decision, TaskStatus
from oppsync.domain.policy.approval_step import ApprovalStep, FurtherRole
from oppsync.domain.reading.backtest import Backtest, Way
from oppsync.domain.reading.open_deals import Fate
from oppsync.domain.reading.preview import NeededApproval
from oppsync.domain.reference.book import ReferenceKind, ReferenceRow
from oppsync.domain.values.actor import COMMAND_LINE
from oppsync.domain.values.money import Money
from oppsync.domain.values.roles import Role
from oppsync.domain.work.states import State
from oppsync.kernel.errors import Conflict, Forbidden, InvalidInput
from oppsync.services.admin.commands import CreatePerson, DeactivatePerson, SetRoles
from oppsync.services.approvals.commands import WithdrawApproval
from oppsync.services.configuration.commands import (
    ApplyConfiguration,
    BacktestConfiguration,
    CompareConfiguration,
)
from oppsync.services.insight.commands import PreviewPlan
from sandbox.firm import deals
from sandbox.firm.demo_firm import bundle
from tests.harness import erp
from tests.harness.builders import TENANT
from tests.harness.house import DELIVERY, FINANCE, PASSWORD, WON_ON, House
from tests.harness.tryton import Books
from tests.service.test_approval_rules import set_rule

FIRM, ROWS = bundle()
BEGIN = date(2026, 1, 1)
TAX, BOSS, FRITZ = "tax@example.com", "boss@example.com", "fritz.finance@example.com"
Steps = Mapping[str, Mapping[str, Any]]
MATRIX: Steps = {
    "two_of_finance": {"name": "Finance", "roles": ("finance",), "count": 2},
    "tax": {"name": "Tax review", "roles": ("tax",), "order": 2, "entities": ("ACME-DE",)},
    "board": {"name": "The board", "people": (BOSS.upper(),), "order": 2},
}


def row(kind: ReferenceKind, key: str, value: ApprovalStep | FurtherRole) -> ReferenceRow:
    return ReferenceRow(kind=kind, key=key, valid_from=BEGIN, value=value.model_dump(mode="json"))


def apply(house: House, steps: Steps) -> None:
    """The demo firm with these steps, and the approval roles `tax` and `cfo`."""
    roles = [row(ReferenceKind.APPROVAL_ROLE, code, FurtherRole(name=code)) for code in ("tax", "cfo")]
    wanted = [row(ReferenceKind.APPROVAL_STEP, code, ApprovalStep(**values)) for code, values in steps.items()]
    house.application.dispatch(ApplyConfiguration(TENANT, COMMAND_LINE, FIRM, (*ROWS, *roles, *wanted)))


def hire(house: House, email: str, *roles: Role) -> None:
    name = email.partition("@")[0].capitalize()
    house.application.dispatch(CreatePerson(TENANT, COMMAND_LINE, email, name, PASSWORD, frozenset(roles)))


def open_seats(house: House, record_id: str) -> set[str]:
    return {seat for seat, task in house.tasks(record_id).items() if task.status is TaskStatus.OPEN}


def approve(house: House, record_id: str, seat: str, who: str) -> None:
    house.decide(house.tasks(record_id)[seat], who)
    house.settle()


@pytest.fixture
def staffed(house: House) -> House:
    """A firm with the matrix and everybody whom it needs."""
    apply(house, MATRIX)
    hire(house, FRITZ, "finance_approver")
    hire(house, TAX, "approver:tax")
    hire(house, BOSS, "approver:cfo")
    return house


def test_a_deal_is_approved_by_everybody_in_the_order_that_the_matrix_says(
    staffed: House, books: Books
) -> None:
    house, record_id = staffed, staffed.to_approval(deals.milestone(WON_ON))
    assert open_seats(house, record_id) == {"two_of_finance", "delivery"}

    approve(house, record_id, "two_of_finance", FINANCE)

    assert open_seats(house, record_id) == {"two_of_finance#2", "delivery"}
    second = house.tasks(record_id)["two_of_finance#2"]
    assert second.candidates == (house.person(FRITZ).id,)
    with pytest.raises(Forbidden) as refused:
        house.decide(second, FINANCE)
    assert refused.value.code == "ALREADY_DECIDED_OTHER_ROLE"
    assert "Fritz.finance can." in refused.value.message

    approve(house, record_id, "delivery", DELIVERY)
    assert open_seats(house, record_id) == {"two_of_finance#2"}
    approve(house, record_id, "two_of_finance#2", FRITZ)
    assert open_seats(house, record_id) == {"tax", "board"}
    with pytest.raises(Forbidden) as refused:
        house.decide(house.tasks(record_id)["board"], TAX)
    assert refused.value.code == "NOT_AN_APPROVER"
    approve(house, record_id, "tax", TAX)
    assert erp.works(books, record_id) == {}
    approve(house, record_id, "board", BOSS)

    assert house.state(record_id) is State.ACTIVE
    erp.check_landed(books, record_id, house.plan(record_id).plan.content)
    told = [entry.summary for entry in house.entries(record_id) if entry.type == "approval.opened.v1"]
    assert told == [
        "Waits for Finance (1 of 2): Fiona Finance, Fritz.finance",
        "Waits for delivery: Dario Delivery",
        "Waits for Finance (2 of 2): Fritz.finance",
        "Waits for The board: Boss",
        "Waits for Tax review: Tax",
    ]


def test_who_is_asked_is_notified_and_finds_it_in_the_inbox_and_others_do_not(staffed: House) -> None:
    house, record_id = staffed, staffed.to_approval(deals.milestone(WON_ON))
    queries = house.application.queries

    def waiting(email: str) -> list[str]:
        rows = queries.approvals(TENANT, person=house.person(email), status=TaskStatus.OPEN).rows
        assert queries.counts(TENANT, house.person(email)).approvals == len(rows)
        return [row.task.seat.name for row in rows]

    assert (waiting(FRITZ), waiting(TAX), waiting(BOSS)) == (["Finance (1 of 2)"], [], [])
    for seat, who in (("two_of_finance", FINANCE), ("two_of_finance#2", FRITZ), ("delivery", DELIVERY)):
        approve(house, record_id, seat, who)

    assert (waiting(FRITZ), waiting(TAX), waiting(BOSS)) == ([], ["Tax review"], ["The board"])
    told = {row.path for row in house.effects(record_id) if row.kind == "notification"}
    assert {f"tax/{TAX}", f"board/{BOSS}", f"two_of_finance#2/{FRITZ}"} <= told


def test_a_rejection_by_any_of_them_ends_the_plan(staffed: House) -> None:
    record_id = staffed.to_approval(deals.milestone(WON_ON))
    for seat, who in (("two_of_finance", FINANCE), ("two_of_finance#2", FRITZ), ("delivery", DELIVERY)):
        approve(staffed, record_id, seat, who)
    staffed.decide(staffed.tasks(record_id)["tax"], TAX, Decision.REJECT, "No treaty relief")
    staffed.settle()

    assert staffed.state(record_id) is State.REJECTED
    message = staffed.salesforce.record(record_id)["oppsync_Message__c"]
    assert message == "Tax review: No treaty relief"


def test_what_does_not_meet_a_step_s_conditions_is_left_to_finance_and_delivery(house: House) -> None:
    much = Money(amount=Decimal(10_000_000), currency="EUR")
    apply(house, {"cfo": {"name": "CFO", "roles": ("cfo",), "from_amount": much}})

    record_id = house.to_active(deals.milestone(WON_ON))

    assert set(house.tasks(record_id)) == {"finance", "delivery"}
    assert house.plan(record_id).plan.content.approvals == ()


def test_a_matrix_that_changes_while_a_deal_waits_counts_when_it_is_planned_anew(house: House) -> None:
    record_id = house.to_approval(deals.milestone(WON_ON))
    approve(house, record_id, "finance", FINANCE)
    before = house.plan(record_id).hash
    apply(house, {"tax": MATRIX["tax"]})
    hire(house, TAX, "approver:tax")
    house.settle()
    assert open_seats(house, record_id) == {"delivery"}

    house.edit(record_id, opportunity={"Probability": Decimal(95)})  # read anew, though the plan is the same
    house.settle()

    assert house.plan(record_id).hash != before
    assert open_seats(house, record_id) == {"finance", "delivery"}
    house.approve(record_id)
    house.settle()
    approve(house, record_id, "tax", TAX)
    assert house.state(record_id) is State.ACTIVE


def test_a_rule_approves_one_role_of_three_and_the_others_are_asked(house: House) -> None:
    apply(house, {"tax": {**MATRIX["tax"], "order": 1}})
    hire(house, TAX, "approver:tax")
    set_rule(house, roles=("finance",))

    record_id = house.to_approval(deals.milestone(WON_ON))

    by_rule = house.tasks(record_id)["finance"].rule
    assert by_rule is not None
    assert by_rule.name == "small"
    assert open_seats(house, record_id) == {"delivery", "tax"}
    approve(house, record_id, "delivery", DELIVERY)
    approve(house, record_id, "tax", TAX)
    assert house.state(record_id) is State.ACTIVE


def test_a_rule_that_covers_the_earlier_steps_opens_the_later_at_once(house: House) -> None:
    apply(house, {"tax": MATRIX["tax"]})
    hire(house, TAX, "approver:tax")
    set_rule(house)

    record_id = house.to_approval(deals.milestone(WON_ON))

    assert open_seats(house, record_id) == {"tax"}
    approve(house, record_id, "tax", TAX)
    assert house.state(record_id) is State.ACTIVE


def test_a_plan_that_a_later_step_has_nobody_for_is_parked_at_once(house: House) -> None:
    apply(house, MATRIX)
    record_id = house.win(deals.milestone(WON_ON))
    house.settle()

    found = house.exception(record_id).findings
    assert [(each.code, each.value) for each in found] == [
        ("NO_APPROVER", "two_of_finance"),
        ("NO_APPROVER", "board"),
        ("NO_APPROVER", "tax"),
    ]
    for email, role in ((FRITZ, "finance_approver"), (TAX, "approver:tax"), (BOSS, "approver:cfo")):
        hire(house, email, role)
    house.replay(house.exception(record_id))
    house.settle()
    assert open_seats(house, record_id) == {"two_of_finance", "delivery"}


def test_two_steps_with_one_and_the_same_person_are_told_before_anybody_is_asked(house: House) -> None:
    """Each step has somebody, and one person decides once."""
    apply(house, {"board": {"name": "The board", "people": (FINANCE,)}})
    record_id = house.win(deals.milestone(WON_ON))
    house.settle()

    (found,) = house.exception(record_id).findings
    assert (found.code, found.value) == ("NO_APPROVER", "finance")
    assert found.message.startswith(
        "Finance and The board need 2 different people, and only 1 may approve: Fiona Finance"
    )
    shown = house.application.dispatch(PreviewPlan(TENANT, COMMAND_LINE, record_id))
    assert [each.value for each in shown.findings if each.code == "NO_APPROVER"] == ["finance"]
    assert house.tasks(record_id) == {}

    hire(house, FRITZ, "finance_approver")
    house.replay(house.exception(record_id))
    house.settle()
    assert open_seats(house, record_id) == {"finance", "delivery", "board"}
    approve(house, record_id, "board", FINANCE)
    approve(house, record_id, "finance", FRITZ)
    approve(house, record_id, "delivery", DELIVERY)
    assert house.state(record_id) is State.ACTIVE


def test_an_approver_of_a_later_order_who_left_before_it_is_asked_stops_the_deal(staffed: House) -> None:
    house, record_id = staffed, staffed.to_approval(deals.milestone(WON_ON))
    house.rows("update people set is_active = false where email = :email", email=TAX)
    for seat, who in (("two_of_finance", FINANCE), ("two_of_finance#2", FRITZ), ("delivery", DELIVERY)):
        approve(house, record_id, seat, who)

    assert [each.value for each in house.exception(record_id).findings] == ["tax"]
    hire(house, "t2@example.com", "approver:tax")
    house.replay(house.exception(record_id))
    house.settle()
    assert open_seats(house, record_id) == {"tax", "board"}
    approve(house, record_id, "tax", "t2@example.com")
    approve(house, record_id, "board", BOSS)
    assert house.state(record_id) is State.ACTIVE


def test_an_approval_that_falls_is_asked_anew_and_those_of_later_steps_stand(staffed: House) -> None:
    house, record_id = staffed, staffed.to_approval(deals.milestone(WON_ON))
    for seat, who in (
        ("two_of_finance", FINANCE),
        ("two_of_finance#2", FRITZ),
        ("delivery", DELIVERY),
        ("board", BOSS),
    ):
        approve(house, record_id, seat, who)
    hire(house, "frida@example.com", "finance_approver")

    house.edit(record_id, owner={"Name": "Fritz", "Email": FRITZ})
    house.settle()

    assert open_seats(house, record_id) == {"two_of_finance#2"}
    approve(house, record_id, "two_of_finance#2", "frida@example.com")
    assert open_seats(house, record_id) == {"tax"}
    approve(house, record_id, "tax", TAX)
    assert house.state(record_id) is State.ACTIVE


def test_what_is_asked_later_waits_while_an_earlier_approval_is_taken_back(staffed: House) -> None:
    house, record_id = staffed, staffed.to_approval(deals.milestone(WON_ON))
    for seat, who in (("two_of_finance", FINANCE), ("two_of_finance#2", FRITZ), ("delivery", DELIVERY)):
        approve(house, record_id, seat, who)
    tax, given = house.tasks(record_id)["tax"], house.tasks(record_id)["two_of_finance"]

    house.application.dispatch(WithdrawApproval(TENANT, given.id, house.person(FINANCE).id, "Too early"))
    house.settle()

    assert open_seats(house, record_id) == {"two_of_finance"}
    with pytest.raises(Conflict) as refused:
        house.decide(tax, TAX)
    assert refused.value.code == "PLAN_CHANGED"
    told = [each.summary for each in house.entries(record_id) if each.type == "approval.voided.v1"]
    assert sorted(told) == [
        "Tax review is asked again after what comes before it",
        "The board is asked again after what comes before it",
    ]
    approve(house, record_id, "two_of_finance", FINANCE)
    assert open_seats(house, record_id) == {"tax", "board"}


def test_where_one_of_two_needed_people_leaves_it_is_told_at_once(staffed: House) -> None:
    house, record_id = staffed, staffed.to_approval(deals.milestone(WON_ON))

    house.application.dispatch(DeactivatePerson(TENANT, COMMAND_LINE, FRITZ))
    house.settle()

    item = house.exception(record_id)
    assert (item.code, [each.value for each in item.findings]) == ("NO_APPROVER", ["two_of_finance"])
    hire(house, "frida@example.com", "finance_approver")
    house.replay(item)
    house.settle()
    approve(house, record_id, "two_of_finance", FINANCE)
    approve(house, record_id, "two_of_finance#2", "frida@example.com")
    assert open_seats(house, record_id) == {"delivery"}


def test_a_preview_says_who_would_be_asked_in_which_order(staffed: House) -> None:
    record_id = str(staffed.salesforce.win_deal(deals.milestone(WON_ON))["id"])

    shown = staffed.application.dispatch(PreviewPlan(TENANT, COMMAND_LINE, record_id))

    def told(each: NeededApproval) -> tuple[str, int, int, list[str]]:
        return each.name, each.order, each.count, [who.email for who in each.candidates]

    assert [told(each) for each in shown.approvals] == [
        ("Finance", 1, 2, [FINANCE, FRITZ]),
        ("Delivery", 1, 1, [DELIVERY]),
        ("The board", 2, 1, [BOSS]),
        ("Tax review", 2, 1, [TAX]),
    ]
    staffed.tell(record_id)
    staffed.settle()
    assert staffed.plan(record_id).hash == shown.hash


def test_only_a_role_that_the_configuration_names_can_be_given(house: House) -> None:
    with pytest.raises(InvalidInput, match=r"has no role approver:tax\. It names none"):
        hire(house, TAX, "approver:tax")
    apply(house, {})
    hire(house, TAX)
    with pytest.raises(InvalidInput, match=r"no role approver:king\. There are approver:cfo, approver:tax"):
        house.application.dispatch(SetRoles(TENANT, COMMAND_LINE, TAX, frozenset({"approver:king"})))

    house.application.dispatch(SetRoles(TENANT, COMMAND_LINE, TAX, frozenset({"approver:tax"})))

    assert house.person(TAX).roles == {"approver:tax"}


def test_what_a_step_asks_is_read_from_the_plan_and_not_from_the_task(staffed: House) -> None:
    """Somebody who writes into the database makes nobody an approver."""
    record_id = staffed.to_approval(deals.milestone(WON_ON))
    staffed.rows("""update approval_tasks set asks = '{"step": "delivery", "name": "D", "roles": ["tax"]}'""")

    with pytest.raises(Forbidden) as refused:
        staffed.decide(staffed.tasks(record_id)["delivery"], TAX)

    assert refused.value.code == "NOT_AN_APPROVER"


def test_what_a_step_would_ask_of_open_deals_is_said_before_it_is_applied(house: House) -> None:
    house.to_approval(deals.milestone(WON_ON))
    apply(house, {})
    hire(house, TAX, "approver:tax")
    further = [row(ReferenceKind.APPROVAL_ROLE, code, FurtherRole(name=code)) for code in ("tax", "cfo")]
    step = row(ReferenceKind.APPROVAL_STEP, "tax", ApprovalStep(name="Tax review", roles=("tax",), order=2))

    command = CompareConfiguration(TENANT, COMMAND_LINE, FIRM, (*ROWS, *further, step))
    (found,) = house.application.dispatch(command).open_deals.rows

    assert found.fate is Fate.OTHER_PLAN
    assert found.what == "the deal: approvals: Finance and Delivery -> Finance and Delivery, then Tax review"


def test_past_deals_tell_that_all_steps_together_need_more_people_than_there_are(house: House) -> None:
    """Two for finance, and the board, which is one of them."""
    hire(house, FRITZ, "finance_approver")
    record_id = house.to_active(deals.milestone(WON_ON))
    twice = {"name": "Finance", "roles": ("finance",), "count": 2}
    board = {"name": "The board", "people": (FINANCE,)}
    roles = [row(ReferenceKind.APPROVAL_STEP, "finance_twice", ApprovalStep(**twice))]
    both = [*roles, row(ReferenceKind.APPROVAL_STEP, "board", ApprovalStep(**board))]

    def tried(steps: Sequence[ReferenceRow]) -> Backtest:
        return house.application.dispatch(BacktestConfiguration(TENANT, COMMAND_LINE, (*ROWS, *steps), 10))

    assert (tried(roles).stopped, tried(roles).findings) == (0, ())
    found = tried(both)

    assert (found.stopped, [(each.what, each.after) for each in found.findings]) == (1, [("NO_APPROVER", 1)])
    (deal,) = found.rows
    assert (deal.source_id, deal.ways, deal.total_after) == (record_id, (Way.APPROVED,), None)
    assert "need 3 different people, and only 2 may approve: Fiona Finance, Fritz" in deal.what
    hire(house, "third@example.com", "finance_approver")
    assert tried(both).stopped == 0
