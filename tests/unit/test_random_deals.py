"""Any deal, any currency, any billing models and policies: no minor unit is lost, credits mirror charges."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given

from oppsync.domain.billing.table import BILLING_MODELS
from oppsync.domain.deal.opportunity import BillingModelCode
from oppsync.domain.plan.plan import (
    ROOT_PATH,
    BillingLine,
    LineKind,
    NodeKind,
    PlanContent,
    RevenueSchedule,
    plan_hash,
)
from oppsync.domain.plan.workstream import Workstream
from oppsync.domain.reference.public_holidays import is_business_day
from oppsync.domain.revenue.schedule import revenue_schedules
from oppsync.domain.validation.table import validate
from oppsync.domain.values.findings.finding import blocking
from oppsync.domain.values.model import Frozen, changed
from oppsync.domain.values.money import Money, minor_unit
from tests.harness import builders as make
from tests.harness.random_deals import Sold, profile, sold


@profile(60)
@given(sale=sold())
def test_deal_children_billing_and_revenue_are_the_same_money(sale: Sold) -> None:
    assert blocking(validate(sale.deal, make.facts(legal_entity=sale.entity))) == ()

    content = sale.plan()

    currency = content.currency
    children = [node.amount for node in content.nodes if node.kind is NodeKind.WORKSTREAM]
    assert content.total.amount == sale.deal.amount
    assert content.node(ROOT_PATH).amount == content.total
    assert not children or Money.total(children, currency) == content.total
    assert Money.total((line.amount for _, line in content.billing_lines()), currency) == content.total
    for node in content.nodes:
        assert not node.lines or Money.total((line.amount for line in node.lines), currency) == node.amount
    schedules = list(content.revenue_schedules())
    assert Money.total((each.price for each in schedules), currency) == content.total
    for each in schedules:
        assert Money.total((line.amount for line in each.lines), currency) == each.price
        periods = [line.period for line in each.lines]
        assert periods == sorted(set(periods))


@profile(25)
@given(sale=sold())
def test_a_credit_is_the_mirror_of_its_charge(sale: Sold) -> None:
    workstreams = sale.workstreams()
    taken_back = [changed(each, amount=-each.amount) for each in workstreams]

    charged = {each.key: _lines(each) for each in workstreams}
    credited = {each.key: _lines(each) for each in taken_back}

    assert {key: _mirrored(lines) for key, lines in charged.items()} == credited
    undiscounted = [changed(each, is_discounted=False) for each in workstreams]
    mirrored = [changed(each, amount=-each.amount) for each in undiscounted]
    earned, returned = revenue_schedules(undiscounted, charged), revenue_schedules(mirrored, credited)
    assert {key: [-line.amount for line in each.lines] for key, each in earned.items()} == {
        key: [line.amount for line in each.lines] for key, each in returned.items()
    }


CREDITABLE = (*make.CREDITS, BillingModelCode.NON_BILLABLE)


@profile(60)
@given(sale=sold(CREDITABLE))
def test_the_plan_of_a_credit_is_that_of_its_charge_with_every_amount_negated(sale: Sold) -> None:
    charge, credit = sale.plan(), sale.taken_back().plan()

    assert credit.total == -charge.total
    charged = {node.path: node for node in charge.nodes if node.kind is not NodeKind.TASK}
    credited = {node.path: node for node in credit.nodes if node.kind is not NodeKind.TASK}
    assert list(charged) == list(credited)
    for path, node in charged.items():
        back = credited[path]
        assert back.amount == -node.amount
        assert back.lines == _mirrored(node.lines)
        assert [credit.tax_on(line) for line in back.lines] == [-charge.tax_on(line) for line in node.lines]
        assert back.revenue == (node.revenue and _mirrored_revenue(node.revenue))
    assert not [money for money in _texts(credit) if Decimal(money).is_signed() and not Decimal(money)]


@profile(60)
@given(sale=sold())
def test_charges_and_their_credits_in_one_deal_cancel_to_the_last_cent(sale: Sold) -> None:
    mixed = sale.with_credits()
    assert blocking(validate(mixed.deal, make.facts(legal_entity=mixed.entity))) == ()

    content = mixed.plan()

    lines = {line.path: line for _, line in content.billing_lines()}
    for node in content.nodes:
        for line in node.lines:
            if line.amount.amount < 0:
                charge = lines[line.path.replace(f"{node.path}/", f"{node.path.removesuffix('C')}/")]
                assert line.amount == -charge.amount
                assert content.tax_on(line) == -content.tax_on(charge)
    earned = Money.total((each.price for each in content.revenue_schedules()), content.currency)
    assert earned == content.total


@profile(25)
@given(sale=sold((BillingModelCode.TIME_AND_MATERIALS, BillingModelCode.TIME_AND_MATERIALS_CAPPED)))
def test_hours_are_never_taken_back(sale: Sold) -> None:
    codes = {found.code for found in validate(sale.taken_back().deal, make.facts(legal_entity=sale.entity))}

    assert {"CREDIT_BY_THE_HOUR", "AMOUNT_NOT_POSITIVE"} <= codes


@profile(25)
@given(sale=sold())
def test_due_dates_keep_to_the_entity_s_business_days_and_no_line_has_another_s_path(sale: Sold) -> None:
    lines = [line for _, line in sale.plan().billing_lines()]

    assert len({line.path for line in lines}) == len(lines)
    for line in lines:
        if line.kind is LineKind.DATED:
            assert line.due_on is not None
            assert not sale.entity.billing_policy.rolls_to_business_day or is_business_day(
                line.due_on, sale.entity.country, sale.entity.subdivision
            )


@profile(25)
@given(sale=sold())
def test_the_tax_of_a_line_is_rounded_once(sale: Sold) -> None:
    content = sale.plan()

    for _, line in content.billing_lines():
        exact = line.amount.amount * content.tax_percent / 100
        assert abs(content.tax_on(line).amount - exact) <= minor_unit(content.currency) / Decimal(2)


@profile(20)
@given(sale=sold())
def test_what_is_stored_is_read_back_as_it_was(sale: Sold) -> None:
    content = sale.plan()

    assert plan_hash(PlanContent.model_validate(content.document())) == plan_hash(content)
    for shape in (sale.deal, sale.entity):
        stored: Frozen = type(shape).model_validate(shape.model_dump(mode="json"))
        assert stored == shape


def _lines(workstream: Workstream) -> tuple[BillingLine, ...]:
    return BILLING_MODELS[workstream.billing_model].lines(workstream)


def _texts(content: PlanContent) -> list[str]:
    """Every amount of billing, its tax and revenue, in its written form."""
    lines = [line for _, line in content.billing_lines()]
    earned = [line.amount for each in content.revenue_schedules() for line in each.lines]
    return [money.text for money in [*(line.amount for line in lines), *map(content.tax_on, lines), *earned]]


def _mirrored_revenue(schedule: RevenueSchedule) -> RevenueSchedule:
    lines = tuple(changed(line, amount=-line.amount) for line in schedule.lines)
    return changed(schedule, price=-schedule.price, lines=lines)


def _mirrored(lines: tuple[BillingLine, ...]) -> tuple[BillingLine, ...]:
    return tuple(changed(line, amount=-line.amount) for line in lines)
