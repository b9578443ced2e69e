"""Billing lines for another customer, company or currency are other lines than those that exist."""

from __future__ import annotations

from oppsync.domain.plan.plan import LineKind, PlanContent
from oppsync.domain.planning.line_paths import with_own_paths
from oppsync.domain.values.model import changed
from sandbox.contracts import deals


def plan(customer: str = "CUST-1", **changes: object) -> PlanContent:
    content = deals.content(deals.opportunity(deals.time_line(), deals.fixed_line()))
    return changed(content, customer=customer, **changes)


def paths(content: PlanContent, *kinds: LineKind) -> list[str]:
    return [line.path for _node, line in content.billing_lines() if not kinds or line.kind in kinds]


def test_for_the_same_customer_every_path_stays() -> None:
    before = plan()

    assert with_own_paths(changed(before, name="Another name"), before, [before]).nodes == before.nodes


def test_invoices_for_another_customer_have_paths_of_their_own_and_tasks_stay() -> None:
    before, after = plan(), with_own_paths(plan("CUST-2"), plan(), [plan()])

    currency = before.currency
    own = [f"{path}@CUST-2/{before.erp_company}/{currency}" for path in paths(before, LineKind.DATED)]
    assert own
    assert paths(after, LineKind.DATED) == own
    assert paths(after, LineKind.TIME) == paths(before, LineKind.TIME)


def test_planned_again_it_has_the_same_paths_whatever_was_stored_since() -> None:
    first, second = plan(), with_own_paths(plan("CUST-2"), plan(), [plan()])
    third = with_own_paths(plan("CUST-3"), first, [first, second])

    assert with_own_paths(plan("CUST-2"), first, [first]) == second
    assert with_own_paths(plan("CUST-2"), first, [third, second, first]) == second
    assert with_own_paths(plan("CUST-2"), second, [third, second, first]) == second  # it is applied by now
    assert with_own_paths(plan(), second, [third, second, first]) == first  # what was cancelled is opened again


def test_a_plan_that_was_never_applied_moves_nothing_that_exists() -> None:
    approved = plan()

    assert with_own_paths(plan(), approved, [approved, plan("CUST-0")]) == approved


def test_in_another_company_no_line_is_the_one_that_exists() -> None:
    before = plan()
    after = with_own_paths(plan(erp_company="OTHER"), before, [before])

    assert not set(paths(after)) & set(paths(before))
    assert all("@" in path for path in paths(after))
