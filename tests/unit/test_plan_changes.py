"""What people are shown of a plan that was made in place of another."""

from __future__ import annotations

from decimal import Decimal

from oppsync.domain.plan.plan import PlanContent
from oppsync.domain.reading.plan_changes import plan_changes
from oppsync.domain.values.model import changed
from oppsync.domain.values.money import Money
from sandbox.contracts import deals


def plan() -> PlanContent:
    return deals.content(deals.opportunity(deals.time_line(), deals.fixed_line()))


def test_a_plan_differs_from_itself_in_nothing() -> None:
    assert plan_changes(plan(), plan()) == ()


def test_each_field_is_named_with_what_was_approved_and_what_is_planned_now() -> None:
    before = plan()
    first, *others = before.nodes
    after = changed(before, po_number="PO-9", nodes=(changed(first, name="Another name"), *others))

    told = [change.in_words for change in plan_changes(before, after)]

    assert told == [
        f"the deal: po number: {before.po_number or 'empty'} -> PO-9",
        f"Another name: name: {first.name} -> Another name",
    ]


def test_one_more_project_moves_no_other() -> None:
    before = plan()
    root, first, *others = before.nodes
    fewer = changed(before, nodes=(root, *others))

    more = plan_changes(fewer, before)

    assert {change.path for change in more} >= {first.path}
    assert {change.in_words for change in more if not change.field} >= {f"{first.name}: new"}
    gone = {change.in_words for change in plan_changes(before, fewer) if not change.field}
    assert f"{first.name}: no longer planned" in gone
    assert {change.field for change in more} == {""}


def test_the_amount_of_a_billing_line_is_told_under_its_name() -> None:
    before = plan()
    node, line = next((node, line) for node, line in before.billing_lines())
    dearer = changed(line, amount=Money(amount=line.amount.amount + Decimal(1), currency=line.amount.currency))
    lines = tuple(dearer if each.path == line.path else each for each in node.lines)
    nodes = tuple(changed(each, lines=lines) if each.path == node.path else each for each in before.nodes)

    (change,) = plan_changes(before, changed(before, nodes=nodes))

    assert (change.part, change.path, change.field) == (line.description, line.path, "amount amount")
