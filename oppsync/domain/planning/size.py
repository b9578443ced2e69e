"""How many billing lines and months of revenue a plan would have, counted before any of them is made.

A deal of few lines can ask for many: each instalment of each phase of each line is one. People read what they
approve, and each one is stored, hashed and sent to the ERP.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from oppsync.domain.billing.periods import periods
from oppsync.domain.billing.table import BILLING_MODELS
from oppsync.domain.plan.plan import LineKind
from oppsync.domain.plan.workstream import Workstream
from oppsync.domain.reference.billing_policy import RevenueMethod
from oppsync.domain.revenue.table import method_of
from oppsync.domain.values.date_ranges import is_workable
from oppsync.domain.values.findings.codes import finding
from oppsync.domain.values.findings.finding import Finding
from oppsync.domain.values.model import require

# Made in one or two seconds of CPU and shown in some megabytes (`docs/plans.md`).
MOST_BILLING_LINES = 5_000
# Entries of a workstream's revenue schedule are one amount and a month: many more of them are as dear.
MOST_REVENUE_ENTRIES = 25_000


def size_findings(*alternatives: Iterable[Workstream]) -> Iterator[Finding]:
    """Bound the largest of these: a plan with overrides is made beside the one without them."""
    count = max(sum(_billing_lines(each) for each in workstreams) for workstreams in alternatives)
    if count > MOST_BILLING_LINES:
        yield finding(
            "TOO_MANY_INSTALMENTS",
            f"The plan would have {count:,} billing lines: the instalments and milestones of all lines and "
            f"phases; at most {MOST_BILLING_LINES:,} can be planned together",
            path="/lines",
            value=count,
        )
    entries = max(sum(_revenue_entries(each) for each in workstreams) for workstreams in alternatives)
    if entries > MOST_REVENUE_ENTRIES:
        yield finding(
            "TOO_MANY_INSTALMENTS",
            f"The plan would have {entries:,} entries of revenue: the months in which all lines and phases "
            f"earn it; at most {MOST_REVENUE_ENTRIES:,} can be planned together",
            path="/lines",
            value=entries,
            fix="Divide the opportunity in the CRM, correct the dates of its lines, or sum lines that are sold "
            "on the same terms.",
        )


def _revenue_entries(workstream: Workstream) -> int:
    """Count the most there can be: what is recognised by the calendar has one for each month of the run."""
    policy, first, last = workstream.seller.billing_policy, workstream.starts_on, workstream.ends_on
    if not policy.recognises_revenue or not workstream.amount.amount or not is_workable(first, last):
        return 0
    months = (last.year - first.year) * 12 + last.month - first.month + 1
    if method_of(workstream.billing_model, policy) is RevenueMethod.MILESTONE:
        return min(months, len(workstream.milestones) or 1)
    return months


def _billing_lines(workstream: Workstream) -> int:
    if workstream.parts:
        return sum(_billing_lines(part) for part in workstream.parts)
    model = BILLING_MODELS[workstream.billing_model]
    if LineKind.DATED not in model.kinds:
        return len(workstream.milestones) or 1
    if not is_workable(workstream.starts_on, workstream.ends_on):
        return 1  # dates that were overridden and have a finding of their own
    frequency = require(workstream.terms.frequency, "the billing frequency")
    run = periods(workstream.starts_on, workstream.ends_on, frequency, workstream.period_basis)
    return len(run) + (2 if "deposit" in model.uses else 0)
