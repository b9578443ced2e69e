"""Terms of billing in words, for the ERP's comments and the pages: label -> what was agreed."""

from __future__ import annotations

from collections.abc import Iterator

from oppsync.domain.deal.billing_terms import (
    BillingTerms,
    Cap,
    CapScope,
    Deposit,
    PeriodBasis,
    Retainer,
    Rollover,
    Timing,
)
from oppsync.domain.values.model import plain, require
from oppsync.domain.values.money import Money

_SCOPES = {
    CapScope.CONTRACT: "for the contract",
    CapScope.PERIOD: "for each month",
    CapScope.WORKSTREAM: "for the workstream",
}
_TIMINGS = {Timing.IN_ADVANCE: "in advance", Timing.IN_ARREARS: "in arrears"}
_PERIODS = {
    PeriodBasis.CALENDAR: "calendar months",
    PeriodBasis.CONTRACT: "months from the first day of the contract",
}
_LAST_DAY = 31


def in_words(terms: BillingTerms, currency: str) -> dict[str, str]:
    """Empty when nothing was agreed."""
    return dict(_in_words(terms, currency))


def _in_words(terms: BillingTerms, currency: str) -> Iterator[tuple[str, str]]:
    if terms.cap is not None:
        yield "not to exceed", _cap(terms.cap, terms.periods, currency)
    if terms.deposit is not None:
        yield "deposit", _deposit(terms.deposit)
    if terms.retainer is not None:
        yield "hours included", f"{plain(require(terms.retainer.hours, 'the hours included'))} a month"
        yield "hours not used", _rollover(terms.retainer)
    if terms.periods is not None:
        yield "periods", _PERIODS[terms.periods]
    if terms.timing is not None:
        yield "invoiced", _TIMINGS[terms.timing]
    if terms.indexation_percent:
        yield "indexation", f"{plain(terms.indexation_percent)} % on each anniversary"
    if terms.day is not None:
        yield "day of invoicing", "last of the month" if terms.day >= _LAST_DAY else str(terms.day)


def _cap(cap: Cap, periods: PeriodBasis | None, currency: str) -> str:
    by_contract = cap.scope is CapScope.PERIOD and periods is PeriodBasis.CONTRACT
    scope = "for each month of the contract" if by_contract else _SCOPES[cap.scope]
    amount = require(cap.amount, "the cap")
    limit = Money.rounded(amount, currency)
    warning = Money.rounded(amount * cap.warning_percent / 100, currency)
    return f"{limit} {scope}, warning at {warning}, hours beyond are not billable"


def _deposit(deposit: Deposit) -> str:
    final = f", final part {plain(deposit.final_percent)} %" if deposit.final_percent else ""
    return f"{plain(require(deposit.percent, 'the deposit'))} %{final}"


def _rollover(retainer: Retainer) -> str:
    match retainer.rollover:
        case Rollover.NONE:
            return "lapse"
        case Rollover.CAPPED:
            return f"are carried on, at most {plain(require(retainer.rollover_hours, 'the most'))}"
        case Rollover.ALL:
            return "are carried on"
