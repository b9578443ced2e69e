"""The baseline: a deal's planned cost, revenue and dates, copied from the plan that was applied."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from oppsync.domain.plan.baseline import Baseline, baseline_of
from tests.harness import builders as make


def test_budget_cost_margin_dates_and_schedules_are_those_of_the_plan() -> None:
    plan = make.plan(make.opportunity(make.time_line(), make.fixed_line()))

    baseline = baseline_of(plan, make.NOW)

    assert (baseline.plan_hash, baseline.frozen_at) == (plan.hash, make.NOW)
    assert (baseline.budget.text, baseline.hours) == ("24400.00", Decimal(160))
    assert (baseline.starts_on, baseline.ends_on) == (date(2026, 6, 1), date(2026, 9, 15))
    root = plan.content.nodes[0]
    assert (baseline.cost, baseline.margin_percent) == (root.cost, root.margin_percent)
    assert root.cost is not None
    assert [(node.path, node.amount.text, len(node.lines)) for node in baseline.nodes] == [
        ("project", "24400.00", 0),
        ("00kL1", "14400.00", 1),
        ("00kL2", "10000.00", 4),
    ]


def test_a_baseline_is_read_as_it_was_stored() -> None:
    baseline = baseline_of(make.plan(), make.NOW)

    assert Baseline.model_validate(baseline.model_dump(mode="json")) == baseline
