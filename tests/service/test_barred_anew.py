"""Who is barred from a plan of the same hash that is made anew, and after a mistake was corrected."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from oppsync.domain.approval.tasks import TaskStatus
from oppsync.domain.plan.overrides import OverrideField
from oppsync.domain.policy.approval_rule import ApprovalRule
from oppsync.domain.policy.approval_step import ApprovalStep
from oppsync.domain.reading.open_deals import Fate
from oppsync.domain.reference.book import ReferenceKind, ReferenceRow
from oppsync.domain.values.actor import COMMAND_LINE
from oppsync.domain.values.money import Money
from oppsync.domain.values.roles import ApprovalRole
from oppsync.domain.work.states import State
from oppsync.kernel.errors import Forbidden
from oppsync.services.admin.commands import IdentifyPerson
from oppsync.services.configuration.commands import BacktestConfiguration, CompareConfiguration
from oppsync.services.insight.commands import PreviewPlan
from sandbox.firm import deals
from tests.harness.builders import TENANT
from tests.harness.house import DELIVERY, FINANCE, WON_ON, House
from tests.service.test_barred import (
    FIRM,
    FRITZ,
    NEW_MARGIN,
    OLGA,
    PAULA,
    PETRA,
    ROWS,
    SAM,
    agree,
    changers,
    dearer,
    decided_by_fritz,
    hire_two_more,
    live,
)
from tests.service.test_duties import override

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


def identified(house: House, email: str, *user_ids: str, further: tuple[str, ...] = ()) -> None:
    house.application.dispatch(IdentifyPerson(TENANT, COMMAND_LINE, email, further, user_ids))
    house.settle()


def freed(house: House, record_id: str) -> list[str]:
    return [entry.summary for entry in house.entries(record_id) if entry.type == "approver.freed.v1"]


def test_who_was_barred_by_a_mistake_is_free_once_it_is_corrected(house: House) -> None:
    record_id = house.to_approval(deals.milestone(WON_ON))
    owner = house.salesforce.record(record_id)["OwnerId"]

    identified(house, FINANCE, owner)

    item = house.exception(record_id)
    assert item.code == "NO_APPROVER"
    assert "Fiona Finance owns this opportunity" in item.message
    kept = "select reason from barred_approvers where person_id = :it"
    house.rows(
        "insert into barred_approvers select tenant_id, opportunity_id, plan_hash, :it, 'OWN_OPPORTUNITY' "
        "from barred_approvers on conflict do nothing",
        it=house.person(FINANCE).id,
    )

    identified(house, FINANCE)

    assert house.rows(kept, it=house.person(FINANCE).id) == []
    assert house.rows(kept, it=house.person(SAM).id)
    (told,) = freed(house, record_id)
    assert told.startswith("Fiona Finance may decide plan")
    house.replay(item)
    house.settle()
    house.approve(record_id)
    house.settle()
    assert house.state(record_id) is State.ACTIVE


def test_who_is_kept_as_barred_is_refused_with_the_reason_and_asked_for_nothing(house: House) -> None:
    """As a release before freed nobody, where the mistake was corrected."""
    record_id = house.to_approval(deals.milestone(WON_ON))
    task, fiona = house.tasks(record_id)["finance"], house.person(FINANCE)
    house.rows(
        "insert into barred_approvers select tenant_id, opportunity_id, plan_hash, :it, 'OWN_OPPORTUNITY' "
        "from barred_approvers",
        it=fiona.id,
    )

    with pytest.raises(Forbidden) as refused:
        house.decide(task, FINANCE)
    assert refused.value.code == "OWN_OPPORTUNITY"
    assert fiona.id not in house.application.queries.approval(TENANT, task.id).may_decide
    assert house.application.queries.counts(TENANT, fiona).approvals == 0
    house.rows("update opportunities set due_at = now()")
    house.settle()
    item = house.exception(record_id)
    assert item.code == "NO_APPROVER"

    identified(house, FINANCE, house.salesforce.record(record_id)["OwnerId"])
    identified(house, FINANCE)
    house.replay(item)
    house.settle()
    house.approve(record_id)
    house.settle()
    assert house.state(record_id) is State.ACTIVE


def test_a_corrected_address_frees_who_had_it_and_not_whose_it_is(live: House) -> None:
    record_id = live.to_approval(deals.milestone(WON_ON))
    override(live, record_id, FINANCE, OverrideField.NAME, "Landing zone")
    identified(live, FRITZ, further=(FINANCE,))
    for person in (FINANCE, FRITZ):  # as somebody's try to decide keeps them
        live.rows(
            "insert into barred_approvers select tenant_id, opportunity_id, hash, :it, 'EDITED_PLAN' "
            "from plans on conflict do nothing",
            it=live.person(person).id,
        )

    identified(live, FRITZ)

    rows = live.rows("select person_id from barred_approvers where reason = 'EDITED_PLAN'")
    assert {each["person_id"] for each in rows} == {live.person(FINANCE).id}
    assert len(freed(live, record_id)) == 2  # once for each plan


def for_delivery(up_to: int = 1_000_000) -> Sequence[ReferenceRow]:
    """The demo firm's rows, with a rule that approves for delivery."""
    limit = Money(amount=Decimal(up_to), currency="EUR")
    rule = ApprovalRule(up_to=limit, roles=(ApprovalRole.DELIVERY,), known_customers_only=False)
    row = ReferenceRow(
        kind=ReferenceKind.APPROVAL_RULE,
        key="small",
        valid_from=date(2026, 1, 1),
        value=rule.model_dump(mode="json"),
    )
    return [*ROWS, row]


def test_who_set_a_rule_that_approves_for_one_role_does_not_decide_for_the_other(live: House) -> None:
    agree(live, for_delivery())

    record_id = live.to_approval(deals.milestone(WON_ON))

    task = live.tasks(record_id)["finance"]
    assert live.tasks(record_id)["delivery"].rule is not None
    assert task.candidates == (live.person(FRITZ).id,)
    assert changers(live, record_id) == {"Fiona Finance", "Olga Operations"}
    assert live.application.queries.counts(TENANT, live.person(FINANCE)).approvals == 0
    with pytest.raises(Forbidden) as refused:
        live.decide(task, FINANCE)
    assert refused.value.code == "EDITED_REFERENCE_DATA"
    live.decide(task, FRITZ)
    live.settle()
    assert live.state(record_id) is State.ACTIVE


def test_a_plan_is_previewed_without_who_set_such_a_rule(live: House) -> None:
    agree(live, for_delivery())
    record_id = live.win(deals.milestone(WON_ON))

    shown = live.application.dispatch(PreviewPlan(TENANT, COMMAND_LINE, record_id)).approvals

    assert [[who.email for who in each.candidates] for each in shown] == [[FRITZ], [DELIVERY]]


def test_what_a_change_does_to_open_deals_counts_without_them_too(house: House) -> None:
    """The one finance approver agreed to a rule that approves this deal for delivery, so nobody is left for
    finance; by a rule of less it is not used, and people decide both."""
    house.rows("update tenants set went_live_at = now()")
    agree(house, for_delivery())
    record_id = house.win(deals.milestone(WON_ON))
    house.settle()
    assert house.exception(record_id).code == "NO_APPROVER"

    less = for_delivery(up_to=1)
    shown = house.application.dispatch(CompareConfiguration(TENANT, house.person(OLGA).id, FIRM, less))

    (effect,) = shown.open_deals.rows
    assert (effect.fate, effect.what) == (Fate.FREED, "No longer: No active user may approve for finance")


def test_and_so_does_what_it_does_to_past_deals(house: House) -> None:
    house.rows("update tenants set went_live_at = now()")
    record_id = house.to_approval(deals.milestone(WON_ON))
    agree(house, for_delivery())

    found = house.application.dispatch(BacktestConfiguration(TENANT, COMMAND_LINE, for_delivery(up_to=1), 10))

    assert [row.source_id for row in found.rows] == [record_id]
    assert (found.freed, found.stopped, found.stopped_by_both) == (1, 0, 0)


def with_step(**values: Any) -> Sequence[ReferenceRow]:
    """The demo firm's rows, with a step of the approval matrix."""
    step = ApprovalStep.model_validate({"name": "Finance", "roles": ("finance",), **values})
    kind, value = ReferenceKind.APPROVAL_STEP, step.model_dump(mode="json")
    return [*ROWS, ReferenceRow(kind=kind, key="more", valid_from=date(2026, 1, 1), value=value)]


def test_who_set_a_step_of_the_matrix_does_not_decide_the_plans_that_it_asks_for(live: House) -> None:
    agree(live, with_step())

    record_id = live.to_approval(deals.milestone(WON_ON))

    task = live.tasks(record_id)["more"]
    assert task.candidates == (live.person(FRITZ).id,)
    shown = live.application.queries.approval(TENANT, task.id)
    named = {each.name for each in shown.barred if each.reason == "EDITED_REFERENCE_DATA"}
    assert named == {"Fiona Finance", "Olga Operations"}
    asked = live.application.dispatch(PreviewPlan(TENANT, COMMAND_LINE, record_id)).approvals
    assert {who.email for each in asked for who in each.candidates} == {FRITZ, DELIVERY}
    decided_by_fritz(live, record_id, "more")


def test_and_decides_those_that_it_asks_nobody_for(live: House) -> None:
    agree(live, with_step(billing_models=["retainer"]))

    record_id = live.to_approval(deals.milestone(WON_ON))

    assert live.person(FINANCE).id in live.tasks(record_id)["finance"].candidates


def test_past_deals_are_tried_without_who_set_a_step(house: House) -> None:
    house.rows("update tenants set went_live_at = now()")
    record_id = house.to_approval(deals.milestone(WON_ON))
    agree(house, with_step())

    found = house.application.dispatch(BacktestConfiguration(TENANT, COMMAND_LINE, ROWS, 10))

    assert [row.source_id for row in found.rows] == [record_id]
    assert (found.freed, found.stopped, found.stopped_by_both) == (1, 0, 0)
