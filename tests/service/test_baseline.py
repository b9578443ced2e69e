"""The baseline is frozen with the move to active, once."""

from __future__ import annotations

import pytest

from oppsync.domain.plan.baseline import Baseline
from oppsync.domain.values.model import changed
from oppsync.domain.values.money import Money
from oppsync.domain.work.states import State
from oppsync.kernel.errors import NotFound
from sandbox.firm import deals
from tests.harness.builders import TENANT
from tests.harness.house import WON_ON, House


def baseline(house: House, record_id: str) -> Baseline:
    return house.application.queries.baseline(TENANT, house.opportunity(record_id).id)


def test_what_was_planned_is_frozen_when_the_deal_becomes_active(house: House) -> None:
    record_id = house.to_approval(deals.milestone(WON_ON))
    with pytest.raises(NotFound):
        baseline(house, record_id)
    house.approve(record_id)
    house.settle()

    frozen, plan = baseline(house, record_id), house.plan(record_id)

    assert house.state(record_id) is State.ACTIVE
    assert (frozen.plan_hash, frozen.budget) == (plan.hash, plan.plan.content.total)
    assert frozen.frozen_at == house.opportunity(record_id).activated_at
    lines = [line for node in frozen.nodes for line in node.lines]
    assert lines == [line for _node, line in plan.plan.content.billing_lines()]


def test_a_deal_activated_again_keeps_its_first_baseline(house: House) -> None:
    record_id = house.to_active(deals.milestone(WON_ON))
    first = baseline(house, record_id)
    other = changed(first, budget=Money.zero(first.budget.currency))

    with house.application.uow() as uow:
        uow.baselines.freeze(TENANT, house.opportunity(record_id).id, other)
        uow.commit()
    house.rows(
        "update opportunities set state = 'created', due_at = now(), emit_at = now() where source_id = :id",
        id=record_id,
    )
    house.settle()

    assert house.state(record_id) is State.ACTIVE
    assert baseline(house, record_id) == first
