"""A fixed fee by percent complete: one amount that the ERP invoices as work proceeds."""

from __future__ import annotations

from oppsync.domain.billing.fixed_fee_progress import FixedFeeProgress
from oppsync.domain.plan.plan import LineKind
from tests.harness import builders as make


def test_the_fee_is_one_line_of_no_date() -> None:
    (line,) = FixedFeeProgress().lines(make.workstream(make.progress_line()))

    assert (line.path, line.kind, line.amount.text, line.due_on) == (
        "00kL5/progress/fee",
        LineKind.PROGRESS,
        "10000.00",
        None,
    )
