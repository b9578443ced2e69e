"""A deal waits for approval by a plan of an earlier version of the configuration: that is said, the plan stays
until somebody has it made anew, and then today's version counts."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from oppsync.domain.approval.tasks import TaskStatus
from oppsync.domain.reading.open_deals import DealEffect, Fate
from oppsync.domain.reference.book import ReferenceKind, ReferenceRow
from oppsync.domain.values.actor import COMMAND_LINE
from oppsync.domain.work.states import State
from oppsync.kernel.errors import Conflict
from oppsync.services.changes.commands import PlanAnew
from oppsync.services.configuration.commands import (
    Applied,
    ApplyConfiguration,
    CompareConfiguration,
    RevertConfiguration,
)
from sandbox.firm import deals
from tests.harness import erp
from tests.harness.builders import TENANT
from tests.harness.house import DELIVERY, FINANCE, WON_ON, House
from tests.harness.tryton import Books
from tests.service.test_configuration import FIRM, ROWS, dearer

REASON = "The rates were wrong."


def apply_dearer(house: House) -> Applied:
    answer = house.application.dispatch(ApplyConfiguration(TENANT, COMMAND_LINE, FIRM, dearer()))
    assert isinstance(answer, Applied)
    return answer


def revert(house: House, number: int = 1) -> Applied:
    answer = house.application.dispatch(RevertConfiguration(TENANT, COMMAND_LINE, number))
    assert isinstance(answer, Applied)
    return answer


def plan_anew(house: House, record_id: str, *, ask_again: bool = False) -> None:
    opportunity_id = house.opportunity(record_id).id
    house.application.dispatch(PlanAnew(TENANT, opportunity_id, house.operator, REASON, ask_again))


def test_planned_anew_a_waiting_deal_is_planned_and_asked_about_by_the_rows_of_now(
    house: House, books: Books
) -> None:
    """Its cost rates were wrong in one version, and taken back by the next while it waited."""
    apply_dearer(house)
    record_id = house.to_approval(deals.fixed_fee(WON_ON))
    wrong = house.plan(record_id)
    house.decide(house.tasks(record_id)["finance"], FINANCE)
    house.settle()
    revert(house)
    house.settle()
    assert house.plan(record_id).hash == wrong.hash  # nobody's plan is made anew behind their back

    plan_anew(house, record_id)
    house.settle()

    assert house.state(record_id) is State.AWAITING_APPROVAL, house.exceptions(record_id)
    right = house.plan(record_id)
    assert right.hash != wrong.hash
    assert right.plan.configuration is not None
    assert right.plan.configuration.number == 3
    assert house.opportunity(record_id).replaces is None  # nobody had approved all of it
    assert {task.status for task in house.tasks(record_id).values()} == {TaskStatus.OPEN}
    asked = next(entry for entry in house.entries(record_id) if entry.type == "planned.anew.v1")
    assert (asked.detail["reason"], asked.before) == (REASON, {"plan": wrong.hash})
    house.approve(record_id)
    house.settle()
    assert house.state(record_id) is State.ACTIVE, house.exceptions(record_id)
    erp.check_landed(books, record_id, right.plan.content)


def test_a_waiting_deal_with_the_same_plan_keeps_who_approved_it(house: House) -> None:
    record_id = house.to_approval(deals.fixed_fee(WON_ON))
    before = house.plan(record_id).hash
    house.decide(house.tasks(record_id)["finance"], FINANCE)
    house.settle()

    plan_anew(house, record_id)
    house.settle()

    assert (house.state(record_id), house.plan(record_id).hash) == (State.AWAITING_APPROVAL, before)
    assert house.tasks(record_id)["finance"].status is TaskStatus.APPROVED
    house.decide(house.tasks(record_id)["delivery"], DELIVERY)
    house.settle()
    assert house.state(record_id) is State.ACTIVE, house.exceptions(record_id)


def test_who_doubts_has_everybody_asked_again_about_a_waiting_deal(house: House) -> None:
    record_id = house.to_approval(deals.fixed_fee(WON_ON))
    house.decide(house.tasks(record_id)["finance"], FINANCE)

    plan_anew(house, record_id, ask_again=True)
    house.settle()

    assert {task.status for task in house.tasks(record_id).values()} == {TaskStatus.OPEN}


def test_a_rejection_that_is_not_worked_yet_ends_the_plan_all_the_same(house: House) -> None:
    record_id = house.to_approval(deals.fixed_fee(WON_ON))
    house.reject(record_id, "Not with this customer")

    with pytest.raises(Conflict) as refused:
        plan_anew(house, record_id)

    assert refused.value.code == "ALREADY_DECIDED"
    house.settle()
    assert house.state(record_id) is State.REJECTED


def now_holds(house: House, record_id: str) -> tuple[int | None, int | None]:
    """The version that holds now, as the plan and as the approval of finance say it."""
    task = house.tasks(record_id)["finance"]
    by_plan = house.plan(record_id).configuration_now
    by_task = house.application.queries.approval(TENANT, task.id).configuration_now
    return by_plan.number if by_plan else None, by_task.number if by_task else None


def test_a_plan_and_its_approval_say_that_another_version_holds_now(house: House) -> None:
    """Until it is planned anew, or the rows that made it hold again."""
    record_id = house.to_approval(deals.fixed_fee(WON_ON))
    assert now_holds(house, record_id) == (None, None)

    apply_dearer(house)
    assert now_holds(house, record_id) == (2, 2)

    revert(house)
    assert now_holds(house, record_id) == (None, None)

    apply_dearer(house)
    assert now_holds(house, record_id) == (4, 4)
    plan_anew(house, record_id)
    house.settle()
    assert now_holds(house, record_id) == (None, None)


def effect(house: House, rows: Sequence[ReferenceRow]) -> DealEffect:
    (found,) = house.application.dispatch(
        CompareConfiguration(TENANT, COMMAND_LINE, FIRM, rows)
    ).open_deals.rows
    return found


def without_nexus(rows: Sequence[ReferenceRow]) -> list[ReferenceRow]:
    """Rows that differ in what the deal does not use."""
    return [row for row in rows if row.kind is not ReferenceKind.TAX_NEXUS]


def test_what_rows_would_do_to_a_waiting_deal_is_told_of_the_plan_that_waits(house: House) -> None:
    """Not of a plan that the rows of now would make, which nobody was shown."""
    apply_dearer(house)
    record_id = house.to_approval(deals.fixed_fee(WON_ON))
    waits = house.plan(record_id).plan.content
    assert effect(house, without_nexus(dearer())).fate is Fate.SAME
    revert(house)

    otherwise = effect(house, without_nexus(ROWS))

    assert (otherwise.fate, otherwise.source_id) == (Fate.OTHER_PLAN, record_id)
    assert (otherwise.keeps_until_anew, otherwise.total_before) == (True, waits.total)
    assert "cost" in otherwise.what
    assert effect(house, without_nexus(dearer())).fate is Fate.SAME  # as it waits
    plan_anew(house, record_id)
    house.settle()
    assert effect(house, without_nexus(ROWS)).fate is Fate.SAME


def test_a_waiting_deal_that_the_rows_of_now_would_stop_is_not_said_to_be_stopped(house: House) -> None:
    house.to_approval(deals.fixed_fee(WON_ON))
    stopping = [row for row in ROWS if row.kind is not ReferenceKind.PROJECT_TEMPLATE]
    house.application.dispatch(ApplyConfiguration(TENANT, COMMAND_LINE, FIRM, stopping))

    assert effect(house, ROWS).fate is Fate.SAME
    stopped = effect(house, without_nexus(stopping))
    assert (stopped.fate, stopped.keeps_until_anew) == (Fate.STOPPED, True)


def test_who_applies_or_takes_back_rows_is_told_how_many_deals_wait_by_others(house: House) -> None:
    house.to_active(deals.milestone(WON_ON))
    record_id = house.to_approval(deals.fixed_fee(WON_ON))

    applied = apply_dearer(house)

    assert applied.waiting == 1
    assert applied.waiting_in_words == (
        "1 deal waits for approval by plans of an earlier version. It keeps its plan until it is planned anew."
    )
    with house.application.uow.reading() as uow:
        listed, count = uow.plans.waiting_by_others(TENANT, applied.fingerprint, 10)
    assert (count, [each.number for each in listed]) == (1, [1])
    assert listed[0].opportunity_id == house.opportunity(record_id).id
    assert revert(house).waiting == 0  # the rows that made its plan hold again
    again = apply_dearer(house)
    plan_anew(house, record_id)
    house.settle()
    with house.application.uow.reading() as uow:
        assert uow.plans.waiting_by_others(TENANT, again.fingerprint, 10) == ([], 0)
