"""Rules about caps of time and materials. What lies beyond a cap is planned as not billable, and said."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import ROUND_FLOOR, Decimal
from functools import partial

from oppsync.domain.billing.caps import CapUse, MonthUse, cap_uses, charge, contract_caps
from oppsync.domain.billing.terms import pointer
from oppsync.domain.deal.billing_terms import Cap, CapScope
from oppsync.domain.deal.opportunity import Opportunity
from oppsync.domain.validation.facts import ValidationFacts
from oppsync.domain.values.findings.codes import finding
from oppsync.domain.values.findings.finding import Finding
from oppsync.domain.values.model import plain, require
from oppsync.domain.values.money import amount_text

_SHOWN = Decimal("0.01")


def caps_are_enough(opportunity: Opportunity, facts: ValidationFacts) -> Iterator[Finding]:
    """Selling more than a cap warns, and so do planned hours that reach its warning level or exceed it."""
    differ = any(contract_caps_agree(opportunity, facts))
    for use in cap_uses(facts.with_periods(opportunity)):
        if differ and use.cap.scope is CapScope.CONTRACT:
            continue
        first = use.lines[0]
        line = opportunity.lines[first]
        title = "The contract" if use.cap.scope is CapScope.CONTRACT else line.title
        path = f"{pointer(opportunity, line, f'/lines/{first}', 'cap')}/amount"
        shown = partial(amount_text, currency=opportunity.currency)
        if use.beyond > 0:
            yield finding(
                "CAP_BELOW_AMOUNT",
                f"{title}: {_sold(use, opportunity.currency)}; {shown(use.beyond)} is planned as not billable",
                path=path,
                value=shown(use.limit),
            )
        elif said := _near(use, opportunity.currency):
            yield finding("CAP_NEARLY_REACHED", f"{title}: {said}", path=path, value=shown(use.limit))


def contract_caps_agree(opportunity: Opportunity, facts: ValidationFacts) -> Iterator[Finding]:
    """All capped lines share the contract's one cap: nobody but sales knows which of two holds."""
    caps = contract_caps(opportunity)
    first = min(caps, default=None)
    for index, cap in caps.items():
        if first is None or _terms(cap) == _terms(caps[first]):
            continue
        line, other = opportunity.lines[index], opportunity.lines[first]
        yield finding(
            "CAPS_DIFFER",
            f"{line.title} has a cap of {_in_words(cap, opportunity.currency)}, and {other.title} has one of "
            f"{_in_words(caps[first], opportunity.currency)}, both for the whole contract",
            path=pointer(opportunity, line, f"/lines/{index}", "cap"),
            value=amount_text(require(cap.amount, "the cap"), opportunity.currency),
        )


def _terms(cap: Cap) -> tuple[Decimal | None, Decimal]:
    return cap.amount, cap.warning_percent


def _in_words(cap: Cap, currency: str | None) -> str:
    amount = amount_text(require(cap.amount, "the cap"), currency)
    return f"{amount} (warning at {plain(cap.warning_percent)} %)"


def _sold(use: CapUse, currency: str | None) -> str:
    shown = partial(amount_text, currency=currency)
    if not use.months:
        return f"{shown(sum(use.sold, start=Decimal(0)))} was sold under a cap of {shown(use.limit)}"
    worst = max(use.months, key=lambda month: month.sold)
    over = sum(month.sold > month.billable for month in use.months)
    return (
        f"{shown(sum(use.sold, start=Decimal(0)))} was sold, spread over its days {shown(worst.sold)} in "
        f"{_month(worst)}, under a cap of {shown(use.limit)} for each month, which is exceeded in {over} of "
        f"{len(use.months)} months"
    )


def _near(use: CapUse, currency: str | None) -> str:
    """How near the planned hours come to the cap; empty below its warning level."""
    shown = partial(amount_text, currency=currency)
    planned, where = use.planned, f"a cap of {shown(use.limit)}"
    if use.months:
        worst = max(use.months, key=lambda month: month.planned)
        planned, where = worst.planned, f"{where} for each month, in {_month(worst)}"
    used = charge(use.limit, use.cap.warning_percent, Decimal(0), planned)
    if not used.warns:
        return ""
    if used.beyond > 0:
        return f"{shown(planned)} is planned under {where}, so {shown(used.beyond)} is not billable"
    percent = (used.billable * 100 / use.limit).quantize(_SHOWN, ROUND_FLOOR)
    return (
        f"{shown(planned)} is planned under {where}, which is {plain(percent)} % of it; the warning starts at "
        f"{plain(use.cap.warning_percent)} %"
    )


def _month(use: MonthUse) -> str:
    """`2027-02`, and a month of the contract by its days."""
    first, last = use.period
    return f"{first:%Y-%m}" if f"{first:%Y-%m}" == f"{last:%Y-%m}" else f"{first} to {last}"
