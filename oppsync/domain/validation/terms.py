"""Rules about what was agreed: billing models, the purchase order and dates."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal

from oppsync.domain.billing.caps import beyond_caps
from oppsync.domain.billing.model import BillingModel
from oppsync.domain.billing.periods import Period, contract_months_in, periods
from oppsync.domain.billing.table import BILLING_MODELS
from oppsync.domain.deal.billing_terms import PeriodBasis
from oppsync.domain.deal.opportunity import Opportunity, OpportunityLine
from oppsync.domain.deal.reading import either
from oppsync.domain.plan.plan import LineKind
from oppsync.domain.validation.facts import ValidationFacts
from oppsync.domain.values.date_ranges import LONGEST_RUN_DAYS, is_workable
from oppsync.domain.values.findings.codes import finding
from oppsync.domain.values.findings.finding import Finding, Severity
from oppsync.domain.values.model import plain
from oppsync.domain.values.money import amount_text

# From today: nobody plans a project further away, and dates of it can still be computed with.
_FARTHEST_YEARS = 30
_CERTAIN = Decimal(100)


def billing_models_are_supported(opportunity: Opportunity, facts: ValidationFacts) -> Iterator[Finding]:
    own, lines = opportunity.billing_model, opportunity.lines
    if own is not None and not lines:
        yield from _billing_model_findings(own, "/billing_model", facts)
    elif own is not None and own not in BILLING_MODELS and all(line.billing_model for line in lines):
        yield _unknown_model(
            own,
            "/billing_model",
            facts,
            more="; no line is billed by it, each has a model of its own",
            severity=Severity.WARNS,
        )
    for index, line in enumerate(opportunity.lines):
        code = opportunity.billing_model_of(line)
        if code is not None:
            path = f"/lines/{index}/billing_model" if line.billing_model else "/billing_model"
            whose = f" of {line.title}" if line.billing_model else ""
            yield from _billing_model_findings(code, path, facts, whose)


def _billing_model_findings(code: str, path: str, facts: ValidationFacts, whose: str = "") -> Iterator[Finding]:
    model_name = code.replace("_", " ")
    model = BILLING_MODELS.get(code)
    if model is None:
        yield _unknown_model(code, path, facts, whose)
    elif not model.kinds <= facts.erp.line_kinds:
        yield finding(
            "BILLING_MODEL_UNSUPPORTED",
            f"Billing by {model_name} cannot be set up in this ERP; allowed is {either(_supported(facts))}",
            path=path,
            value=code,
            fix="Choose another billing model in the CRM.",
        )


def _supported(facts: ValidationFacts) -> list[str]:
    models = BILLING_MODELS.items()
    return [code.replace("_", " ") for code, model in models if model.kinds <= facts.erp.line_kinds]


def _unknown_model(
    code: str,
    path: str,
    facts: ValidationFacts,
    whose: str = "",
    *,
    more: str = "",
    severity: Severity = Severity.BLOCKS,
) -> Finding:
    field = facts.field_at(path)
    allowed = either(field.choices or [each.replace("_", " ") for each in BILLING_MODELS])
    message = (
        f"{field.label}{whose} is {code!r}, which is not a known billing model; allowed is {allowed}{more}"
    )
    return finding("BILLING_MODEL_UNKNOWN", message, path=path, value=code, severity=severity)


def billing_models_find_what_they_need(opportunity: Opportunity, facts: ValidationFacts) -> Iterator[Finding]:
    """Check what each model needs of its lines: roles and hours, milestones."""
    deal = facts.with_periods(opportunity)
    for index, line, model in _lines_with_models(deal):
        yield from model.findings(deal, line, f"/lines/{index}")


def periods_are_stated(opportunity: Opportunity, facts: ValidationFacts) -> Iterator[Finding]:
    """Warn where deal and entity leave it open. A contract of whole months that begins inside a calendar month
    has more calendar periods than its own, and whoever sold a year expects one invoice a year."""
    entity = facts.legal_entity
    if entity is None or entity.billing_policy.periods is not None:
        return
    for index, line, model in _lines_with_models(opportunity):
        terms, start, end = opportunity.billing_of(line), opportunity.start_of(line), opportunity.end_of(line)
        if LineKind.DATED not in model.kinds or terms.frequency is None or terms.periods is not None:
            continue
        if start is None or end is None or not is_workable(start, end):
            continue
        calendar = periods(start, end, terms.frequency)
        months = contract_months_in(start, Period(start, end))
        whole = periods(start, end, terms.frequency, PeriodBasis.CONTRACT)
        if months.denominator == 1 and len(calendar) > len(whole):
            yield finding(
                "PERIODS_NOT_STATED",
                f"{line.title} runs for {months} months from {start} to {end}, and nothing says whether its "
                f"periods are those of the contract: by the calendar it is invoiced in {_parts(calendar)}, "
                f"instead of {len(whole)}",
                path=f"/lines/{index}/billing/periods",
                value=f"{start} to {end}",
            )


def _parts(periods: Sequence[Period]) -> str:
    """`2 parts, 2027-01-15 to 2027-12-31 and 2028-01-01 to 2028-01-14`; of more the first and the last."""
    first, last = (f"{each.starts_on} to {each.ends_on}" for each in (periods[0], periods[-1]))
    between = " ... " if periods[1:-1] else " and "
    return f"{len(periods)} parts, {first}{between}{last}"


# Kinds that an ERP may invoice in its company's own currency only: code and words of the finding.
_IN_OWN_CURRENCY = {
    LineKind.TIME: ("TIME_IN_FOREIGN_CURRENCY", "bills hours", "invoices hours"),
    LineKind.PROGRESS: ("PROGRESS_IN_FOREIGN_CURRENCY", "is invoiced by percent complete", "does so"),
}


def the_erp_invoices_in_the_currency(opportunity: Opportunity, facts: ValidationFacts) -> Iterator[Finding]:
    entity, currency = facts.legal_entity, opportunity.currency
    if entity is None or currency is None or currency == entity.currency:
        return
    for index, line, model in _lines_with_models(opportunity):
        for kind in sorted(model.kinds & facts.erp.own_currency_only):
            code, bills, only = _IN_OWN_CURRENCY[kind]
            yield finding(
                code,
                f"{line.title} {bills} in {currency}, but {entity.name} {only} in {entity.currency} only",
                path=f"/lines/{index}",
                value=currency,
            )


def purchase_order_is_large_enough(opportunity: Opportunity, facts: ValidationFacts) -> Iterator[Finding]:
    """For what may be invoiced: hours beyond a cap never are."""
    limit, amount = opportunity.contract.po_limit, opportunity.amount
    if limit is None or amount is None or limit >= amount:
        return
    beyond = beyond_caps(facts.with_periods(opportunity))
    if limit < amount - beyond:
        allowed, capped = amount_text(limit, opportunity.currency), ""
        if beyond:
            billable = amount_text(amount - beyond, opportunity.currency)
            capped = f", of which {billable} may be invoiced under its caps"
        yield finding(
            "PO_TOO_SMALL",
            f"The purchase order {opportunity.contract.po_number or 'without a number'} allows {allowed}, "
            f"the opportunity's amount is {amount_text(amount, opportunity.currency)}{capped}",
            path="/contract/po_limit",
            value=allowed,
        )


def dates_are_in_order(opportunity: Opportunity, facts: ValidationFacts) -> Iterator[Finding]:
    yield from _run_findings("The opportunity", opportunity.starts_on, opportunity.ends_on, "")
    for index, line in enumerate(opportunity.lines):
        if line.starts_on or line.ends_on:
            start, end = opportunity.start_of(line), opportunity.end_of(line)
            yield from _run_findings(line.title, start, end, f"/lines/{index}")


def _run_findings(what: str, start: date | None, end: date | None, path: str) -> Iterator[Finding]:
    if start is None or end is None:
        return
    if end < start:
        message = f"{what} ends on {end}, before it starts on {start}"
        yield finding("DATES_OUT_OF_ORDER", message, path=f"{path}/ends_on", value=end)
    elif (end - start).days > LONGEST_RUN_DAYS:
        message = f"{what} runs from {start} to {end}, which is more than ten years"
        yield finding("RUN_TOO_LONG", message, path=f"{path}/ends_on", value=end)


def dates_are_near(opportunity: Opportunity, facts: ValidationFacts) -> Iterator[Finding]:
    """Check the dates that a plan computes with; the end of a run is judged by its length, and a close date to
    come by its wait."""
    today = facts.today
    for path, label, day in _planned_days(opportunity):
        if abs(day.year - today.year) > _FARTHEST_YEARS and not (path == "/won_on" and day > today):
            yield finding(
                "DATE_FAR_AWAY",
                f"{label} is {day}, more than {_FARTHEST_YEARS} years from today",
                path=path,
                value=day,
            )


def _planned_days(opportunity: Opportunity) -> Iterator[tuple[str, str, date]]:
    days = [
        ("/won_on", "The close date", opportunity.won_on),
        ("/starts_on", "The start date", opportunity.starts_on),
        ("/contract/signed_on", "The day of signing", opportunity.contract.signed_on),
    ]
    for index, line in enumerate(opportunity.lines):
        days.append((f"/lines/{index}/starts_on", f"The start date of {line.title}", line.starts_on))
        for number, milestone in enumerate(line.milestones):
            here = f"/lines/{index}/milestones/{number}/planned_on"
            days.append((here, f"The milestone {milestone.name} of {line.title}", milestone.planned_on))
    return ((path, label, day) for path, label, day in days if day is not None)


def won_date_has_come(opportunity: Opportunity, facts: ValidationFacts) -> Iterator[Finding]:
    won_on = opportunity.won_on
    if won_on is not None and won_on > facts.today and facts.waits_until is None:
        yield finding(
            "WON_IN_THE_FUTURE",
            f"The close date {won_on} is in the future; today is {facts.today}",
            path="/won_on",
            value=won_on,
        )


def probability_is_certain(opportunity: Opportunity, facts: ValidationFacts) -> Iterator[Finding]:
    """A won deal's probability is 100; another one suggests that somebody closed it by hand, or too early."""
    probability = opportunity.probability
    if probability is not None and probability != _CERTAIN:
        yield finding(
            "PROBABILITY_NOT_CERTAIN",
            f"The deal is won, but its probability is {plain(probability)} %",
            path="/probability",
            value=f"{plain(probability)} %",
        )


def _lines_with_models(opportunity: Opportunity) -> Iterator[tuple[int, OpportunityLine, BillingModel]]:
    for index, line in enumerate(opportunity.lines):
        model = BILLING_MODELS.get(opportunity.billing_model_of(line) or "")
        if model is not None:
            yield index, line, model
