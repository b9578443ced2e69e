"""Which plans a rule approves, and which it leaves to people."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest

from oppsync.domain.approval.rules import approved_by_rule, rules_on
from oppsync.domain.approval.tasks import ApprovalTask, RuleUse, TaskStatus
from oppsync.domain.deal.opportunity import BillingModelCode, Opportunity
from oppsync.domain.policy.approval_rule import ApprovalRule
from oppsync.domain.reference.book import ReferenceKind, ReferenceRow
from oppsync.domain.values.model import changed
from oppsync.domain.values.money import Money
from oppsync.domain.values.roles import ApprovalRole
from oppsync.domain.work.states import State
from oppsync.pipeline.approve import open_tasks
from oppsync.pipeline.stage import Advance, Park
from tests.harness import builders as make
from tests.unit.test_overrides import override_of
from tests.unit.test_overrides import planned as plan_of

FINANCE, DELIVERY = ApprovalRole.FINANCE, ApprovalRole.DELIVERY
TODAY = date(2026, 5, 4)
TIME, FIXED = BillingModelCode.TIME_AND_MATERIALS, BillingModelCode.FIXED_FEE


def rule(**changes: Any) -> ApprovalRule:
    """A rule that covers the builders' deal: 44,400.00 EUR, ACME-DE, all three models."""
    usual = ApprovalRule(up_to=Money(amount=Decimal(50_000), currency="EUR"), known_customers_only=False)
    return changed(usual, **changes)


def row(
    name: str = "small", first_day: date = TODAY, until: date | None = None, **changes: Any
) -> ReferenceRow:
    return ReferenceRow(
        kind=ReferenceKind.APPROVAL_RULE,
        key=name,
        valid_from=first_day,
        valid_to=until,
        value=rule(**changes).model_dump(mode="json"),
    )


def approved(
    *rows: ReferenceRow,
    known: bool = False,
    warned: bool = False,
    before: tuple[ApprovalTask, ...] = (),
    deal: Opportunity | None = None,
) -> dict[str, str]:
    content = make.content(deal or make.opportunity())
    rules = rules_on(rows, TODAY)
    found = approved_by_rule(content, rules, known_customer=known, warned=warned, before=before)
    return {seat: use.name for seat, use in found.items()}


def money(amount: str, currency: str = "EUR") -> Money:
    return Money(amount=Decimal(amount), currency=currency)


BOTH = {"finance": "small", "delivery": "small"}


def test_nothing_is_approved_unless_somebody_set_a_rule() -> None:
    assert approved() == {}


def test_a_deal_that_a_credit_makes_small_is_left_to_people() -> None:
    large = make.fixed_line(unit_price=100_000, net=100_000)
    most_of_it = make.credit(large, id="00kC", unit_price=-90_000, net=-90_000)

    assert approved(row(), deal=make.opportunity(make.fixed_line())) == BOTH
    assert approved(row(), deal=make.opportunity(large, most_of_it)) == {}


@pytest.mark.parametrize(
    ("changes", "covered"),
    [
        ({}, True),
        ({"up_to": money("44400.00")}, True),
        ({"up_to": money("44399.99")}, False),
        ({"up_to": money("50000", "USD")}, False),
        ({"legal_entities": ("ACME-DE", "ACME-US")}, True),
        ({"legal_entities": ("ACME-US",)}, False),
        ({"billing_models": tuple(BillingModelCode)}, True),
        ({"billing_models": (TIME, FIXED)}, False),
    ],
    ids=str,
)
def test_a_plan_is_approved_when_every_condition_holds(changes: dict[str, Any], covered: bool) -> None:
    assert approved(row(**changes)) == (BOTH if covered else {})


def test_a_rule_for_known_customers_leaves_new_ones_to_people() -> None:
    known_only = row(known_customers_only=True)

    assert approved(known_only) == {}
    assert approved(known_only, known=True) == BOTH


def test_a_rule_counts_from_its_first_day_to_the_day_before_its_last() -> None:
    day = timedelta(days=1)

    assert approved(row(first_day=TODAY + day)) == {}
    assert approved(row(first_day=TODAY - day, until=TODAY)) == {}
    assert approved(row(first_day=TODAY - day, until=TODAY + day)) == BOTH


def test_a_rule_may_give_one_role_s_approval_and_the_first_by_name_is_named() -> None:
    assert approved(row(roles=(FINANCE,))) == {"finance": "small"}
    assert approved(row("b", roles=(FINANCE, DELIVERY)), row("a", roles=(FINANCE,))) == {
        "finance": "a",
        "delivery": "b",
    }


def test_a_credit_is_never_approved_by_a_rule() -> None:
    content = changed(make.content(make.opportunity()), total=money("-1.00"))

    found = approved_by_rule(content, rules_on([row()], TODAY), known_customer=True, warned=False, before=())

    assert found == {}


@pytest.mark.parametrize(("margin", "covered"), [("25", True), ("24.9", False), (None, False)])
def test_a_plan_below_the_least_margin_or_without_a_known_one_is_left_to_people(
    margin: str | None, covered: bool
) -> None:
    content = make.content(make.opportunity())
    root, *rest = content.nodes
    root = changed(root, margin_percent=None if margin is None else Decimal(margin))
    content = changed(content, nodes=(root, *rest))
    rules = rules_on([row(least_margin_percent=Decimal(25))], TODAY)

    found = approved_by_rule(content, rules, known_customer=True, warned=False, before=())

    assert bool(found) is covered


@pytest.mark.parametrize(("hours", "covered"), [("60", True), ("120", False)])
def test_the_least_margin_is_that_of_the_hours_that_people_plan(hours: str, covered: bool) -> None:
    content = plan_of(make.opportunity(make.fixed_line()), override_of("hours", hours)).content
    rules = rules_on([row(least_margin_percent=Decimal(25))], TODAY)

    found = approved_by_rule(content, rules, known_customer=True, warned=False, before=())

    assert content.nodes[0].margin_percent is not None
    assert bool(found) is covered


def test_a_plan_with_warnings_is_left_to_people() -> None:
    assert approved(row(), warned=True) == {}


@pytest.mark.parametrize("status", [TaskStatus.APPROVED, TaskStatus.REJECTED, TaskStatus.VOID])
def test_what_a_person_once_decided_about_people_finish(status: TaskStatus) -> None:
    decided = ApprovalTask(
        id=uuid4(),
        opportunity_id=make.OPPORTUNITY_ID,
        plan_hash="a" * 64,
        role=FINANCE,
        status=status,
        candidates=(),
        opened_at=make.NOW,
        decided_by=UUID(int=1),
    )

    assert approved(row(), before=(decided,)) == {}
    assert approved(row(), before=(changed(decided, decided_by=None),)) == BOTH


SMALL = RuleUse(name="small", valid_from=TODAY, version=3)


def planned() -> Any:
    return make.tracked(make.opportunity(), state=State.PLANNED, plan_hash="a" * 64)


def test_approved_for_both_roles_the_deal_goes_straight_on_though_nobody_could_be_asked() -> None:
    outcome = open_tasks(planned(), {FINANCE: [], DELIVERY: []}, {FINANCE: SMALL, DELIVERY: SMALL})

    assert isinstance(outcome, Advance)
    assert outcome.to is State.APPROVED
    assert outcome.open_tasks == {}
    assert [event.summary for event in outcome.events] == [
        "Rule small (from 2026-05-04, version 3) approved plan AAAA AAAA for finance",
        "Rule small (from 2026-05-04, version 3) approved plan AAAA AAAA for delivery",
    ]
    assert {event.actor for event in outcome.events} == {"stage:approve"}


def test_approved_for_one_role_the_other_still_needs_somebody_who_may() -> None:
    outcome = open_tasks(planned(), {FINANCE: [], DELIVERY: []}, {FINANCE: SMALL})

    assert isinstance(outcome, Park)
    assert [found.value for found in outcome.findings] == ["delivery"]
