"""Fixed fee with a deposit: a part when the contract is signed, instalments, a final part when work ends."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from oppsync.domain.billing.calendar import due_day
from oppsync.domain.billing.fixed_fee import instalments
from oppsync.domain.billing.periods import first_day
from oppsync.domain.billing.terms import billing_day_findings, pointer
from oppsync.domain.deal.opportunity import BillingModelCode, Opportunity, OpportunityLine
from oppsync.domain.plan.plan import BillingLine, LineKind
from oppsync.domain.plan.workstream import Workstream
from oppsync.domain.reference.billing_policy import RevenueMethod
from oppsync.domain.values.findings.codes import finding
from oppsync.domain.values.findings.finding import Finding
from oppsync.domain.values.model import plain, require

DEPOSIT = "deposit"
_WHOLE = Decimal(100)


class Part(NamedTuple):
    """`key` names it in the line's path; `weight` is its per cent of the fee."""

    key: str
    what: str
    due_on: date
    weight: Fraction


class FixedFeeDeposit:
    """The deposit is due on the day of signing, or where that is not known on the first day of the work."""

    code = BillingModelCode.FIXED_FEE_DEPOSIT
    title = "Fixed fee with deposit"
    revenue_method = RevenueMethod.PERCENT_COMPLETE
    kinds = frozenset({LineKind.DATED})
    uses = frozenset({"day", "deposit", "periods"})

    def findings(self, opportunity: Opportunity, line: OpportunityLine, path: str) -> Iterator[Finding]:
        yield from billing_day_findings(opportunity, line, path)
        deposit = opportunity.billing_of(line).deposit
        here = pointer(opportunity, line, path, "deposit")
        if deposit is None or deposit.percent is None:
            yield finding(
                "DEPOSIT_MISSING",
                f"{line.title} is a fixed fee with a deposit, but has no deposit percentage",
                path=f"{here}/percent",
            )
            return
        first, final = deposit.percent, deposit.final_percent
        if first <= 0 or final < 0 or first + final > _WHOLE:
            yield finding(
                "DEPOSIT_PERCENTS",
                f"{line.title} has a deposit of {plain(first)} % and a final part of {plain(final)} %",
                path=here,
                value=f"{plain(first)} % and {plain(final)} %",
            )

    def lines(self, workstream: Workstream) -> tuple[BillingLine, ...]:
        parts = [part for part in _parts(workstream) if part.weight]
        amounts = workstream.amount.allocate([part.weight for part in parts])
        return tuple(
            BillingLine(
                path=f"{workstream.key}/dated/{part.key}",
                kind=LineKind.DATED,
                description=f"{workstream.name}: {part.what} due {part.due_on.isoformat()}",
                amount=amount,
                due_on=part.due_on,
            )
            for part, amount in zip(parts, amounts, strict=True)
        )


def _parts(workstream: Workstream) -> Iterator[Part]:
    deposit = require(workstream.terms.deposit, "the deposit")
    first, final = Fraction(require(deposit.percent, "the deposit's percent")), Fraction(deposit.final_percent)
    between = instalments(workstream)
    signed_on = workstream.signed_on or workstream.starts_on
    yield Part(DEPOSIT, "deposit", due_day(signed_on, workstream.seller), first)
    for instalment in between:
        weight = (100 - first - final) / len(between)
        yield Part(instalment.key, "instalment", instalment.due_on, weight)
    ends_on = first_day(workstream.ends_on, workstream.terms.day)
    yield Part("final", "final part", due_day(ends_on, workstream.seller), final)
