"""Who is barred from a plan of the same hash that is made anew, and after a mistake was corrected."""

from __future__ import annotations

import pytest

from oppsync.domain.approval.tasks import TaskStatus
from oppsync.domain.reference.book import ReferenceKind
from oppsync.domain.work.states import State
from oppsync.kernel.errors import Forbidden
from sandbox.firm import deals
from tests.harness.builders import TENANT
from tests.harness.house import DELIVERY, FINANCE, WON_ON, House
from tests.service.test_barred import (
    FRITZ,
    NEW_MARGIN,
    PAULA,
    PETRA,
    ROWS,
    agree,
    changers,
    dearer,
    hire_two_more,
    live,
)

__all__ = ["live"]


def warned_of_margin(live: House) -> str:
    """A deal waits with a warning: its margin is below the floor."""
    with live.application.uow() as uow:
        for row in dearer(ReferenceKind.MARGIN_POLICY, floor_percent="99"):
            if row.kind is ReferenceKind.MARGIN_POLICY:
                uow.references.put(TENANT, row)
        uow.commit()
    record_id = live.to_approval(deals.milestone(WON_ON))
    assert [each.code for each in live.opportunity(record_id).warnings] == ["MARGIN_BELOW_FLOOR"]
    return record_id


def planned_anew(live: House, record_id: str) -> None:
    live.edit(record_id, opportunity={"Probability": 95})
    live.settle()


def test_a_floor_that_somebody_lowered_bars_them_though_the_plan_has_the_same_hash(live: House) -> None:
    record_id = warned_of_margin(live)
    before = live.plan(record_id).hash
    agree(live, NEW_MARGIN)

    planned_anew(live, record_id)

    assert live.plan(record_id).hash == before
    assert "MARGIN_BELOW_FLOOR" not in {each.code for each in live.opportunity(record_id).warnings}
    assert changers(live, record_id) == {"Fiona Finance", "Olga Operations"}
    with pytest.raises(Forbidden) as refused:
        live.decide(live.tasks(record_id)["finance"], FINANCE)
    assert refused.value.code == "EDITED_REFERENCE_DATA"


def test_and_their_approval_of_before_falls(live: House) -> None:
    record_id = warned_of_margin(live)
    live.decide(live.tasks(record_id)["finance"], FINANCE)
    live.settle()
    agree(live, NEW_MARGIN)

    planned_anew(live, record_id)

    task = live.tasks(record_id)["finance"]
    assert (task.status, task.candidates) == (TaskStatus.OPEN, (live.person(FRITZ).id,))
    live.decide(live.tasks(record_id)["delivery"], DELIVERY)
    live.settle()
    assert live.state(record_id) is State.AWAITING_APPROVAL
    live.decide(task, FRITZ)
    live.settle()
    assert live.state(record_id) is State.ACTIVE


def test_who_sets_a_value_back_is_barred_from_the_plan_of_before(live: House) -> None:
    hire_two_more(live)
    record_id = live.to_approval(deals.three_workstreams(WON_ON))
    first = live.plan(record_id).hash
    agree(live, dearer(ReferenceKind.COST_RATE, hourly="77"), PETRA, PAULA)
    planned_anew(live, record_id)
    assert live.plan(record_id).hash != first
    assert changers(live, record_id) == {"paula", "petra"}

    agree(live, ROWS)
    planned_again(live, record_id)

    assert live.plan(record_id).hash == first
    assert changers(live, record_id) == {"Fiona Finance", "Olga Operations"}
    with pytest.raises(Forbidden) as refused:
        live.decide(live.tasks(record_id)["finance"], FINANCE)
    assert refused.value.code == "EDITED_REFERENCE_DATA"


def planned_again(live: House, record_id: str) -> None:
    live.edit(record_id, opportunity={"Probability": 90})
    live.settle()
