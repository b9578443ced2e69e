"""Rules about money: the currency, and amounts that agree with each other."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from oppsync.domain.deal.opportunity import BillingModelCode, Opportunity
from oppsync.domain.deal.signed_nets import missing_of, rounding_allowed
from oppsync.domain.validation.facts import ValidationFacts
from oppsync.domain.values.findings.codes import finding
from oppsync.domain.values.findings.finding import Finding
from oppsync.domain.values.model import plain
from oppsync.domain.values.money import (
    TOO_LARGE,
    amount_text,
    current_currencies,
    minor_digits,
    minor_unit,
    why_not_current,
)
from oppsync.domain.values.pricing import net_of

_FREE_LINE = (
    "If nobody pays for the line, give it the billing model non-billable in the CRM; else give it a price."
)


def currency_is_known(opportunity: Opportunity, facts: ValidationFacts) -> Iterator[Finding]:
    code = opportunity.currency
    if code is not None and code not in current_currencies():
        label = facts.field_at("/currency").label
        message = f"{label} is {code!r}: {code} {why_not_current(code)}; allowed is a code such as EUR"
        yield finding("CURRENCY_UNKNOWN", message, path="/currency", value=code)


def currency_is_allowed(opportunity: Opportunity, facts: ValidationFacts) -> Iterator[Finding]:
    code, entity = _currency(opportunity), facts.legal_entity
    if code is not None and entity is not None and code not in entity.currencies:
        yield finding(
            "CURRENCY_NOT_ALLOWED",
            f"{entity.name} contracts in {' or '.join(entity.currencies)}, not in {code}",
            path="/currency",
            value=code,
        )


def lines_share_the_currency(opportunity: Opportunity, facts: ValidationFacts) -> Iterator[Finding]:
    for index, line in enumerate(opportunity.lines):
        if opportunity.currency is not None and line.currency not in (None, opportunity.currency):
            yield finding(
                "CURRENCY_DIFFERS",
                f"{line.title} is in {line.currency}, the opportunity in {opportunity.currency}",
                path=f"/lines/{index}/currency",
                value=line.currency,
            )


def amounts_are_positive(opportunity: Opportunity, facts: ValidationFacts) -> Iterator[Finding]:
    """A line may be a credit, the whole deal may not. Zero is right for what is not billable."""
    may_be_zero = _not_billable(opportunity)
    for path, label, amount in _amounts(opportunity):
        is_credit = amount < 0 and path.startswith("/lines/")
        if amount <= 0 and not is_credit and (amount < 0 or path not in may_be_zero):
            message = f"{label} is not above zero"
            fix = _FREE_LINE if amount == 0 and path.startswith("/lines/") else ""
            yield _of_amount("AMOUNT_NOT_POSITIVE", opportunity, path, amount, message, fix=fix)
    for index, line in enumerate(opportunity.lines):
        if line.quantity <= 0:
            yield finding(
                "AMOUNT_NOT_POSITIVE",
                f"The quantity of {line.title} is {plain(line.quantity)}, not above zero",
                path=f"/lines/{index}/quantity",
                value=plain(line.quantity),
                fix="Give the line a quantity above zero in the CRM; a credit has a negative price.",
            )


def hours_are_not_negative(opportunity: Opportunity, facts: ValidationFacts) -> Iterator[Finding]:
    """A credit takes money back, never work."""
    for index, line in enumerate(opportunity.lines):
        if line.planned_hours is not None and line.planned_hours < 0:
            yield finding(
                "HOURS_NEGATIVE",
                f"{line.title} plans {plain(line.planned_hours)} hours",
                path=f"/lines/{index}/planned_hours",
                value=plain(line.planned_hours),
            )


def amounts_fit_the_currency(opportunity: Opportunity, facts: ValidationFacts) -> Iterator[Finding]:
    code = _currency(opportunity)
    for path, label, amount in _amounts(opportunity):
        if abs(amount) >= TOO_LARGE:
            yield _of_amount(
                "AMOUNT_TOO_LARGE", opportunity, path, amount, f"{label} is too large to be booked"
            )
        elif code is not None and amount % minor_unit(code):
            message = f"{label} has more than the {minor_digits(code)} decimals of {code}"
            yield _of_amount("AMOUNT_TOO_FINE", opportunity, path, amount, message)


def line_nets_are_right(opportunity: Opportunity, facts: ValidationFacts) -> Iterator[Finding]:
    """Within one minor unit: CRMs round the net their own way."""
    code = _currency(opportunity)
    for index, line in enumerate(opportunity.lines):
        net = net_of(line.quantity, line.unit_price, line.discount_percent)
        if code is None or abs(line.net - net) <= minor_unit(code):
            continue
        discount = f" less {plain(line.discount_percent)} %" if line.discount_percent else ""
        yield finding(
            "LINE_NET_MISMATCH",
            f"{line.title}: {plain(line.quantity)} x {amount_text(line.unit_price, code)}{discount} is "
            f"{amount_text(Decimal(f'{net:.{minor_digits(code)}f}'), code)}, but its net amount is "
            f"{amount_text(line.net, code)}",
            path=f"/lines/{index}/net",
            value=amount_text(line.net, code),
        )


def lines_sum_to_the_amount(opportunity: Opportunity, facts: ValidationFacts) -> Iterator[Finding]:
    """Within one minor unit for each line with a price: CRMs round each line their own way. The plan allocates
    such a difference, so that its money is the opportunity's to the last minor unit."""
    amount, code = opportunity.amount, opportunity.currency
    if amount is None or not opportunity.lines:
        return
    missing = missing_of(opportunity)
    if abs(missing) > rounding_allowed(opportunity):
        yield finding(
            "TOTAL_MISMATCH",
            f"The lines sum to {amount_text(amount - missing, code)}, but the opportunity's amount is "
            f"{amount_text(amount, code)}; the difference is {amount_text(missing, code)}",
            path="/amount",
            value=amount_text(amount, code),
        )


def _not_billable(opportunity: Opportunity) -> set[str]:
    """Places of the amounts of lines that are not billable, and of the deal's amount when no line is
    billable."""
    models = [opportunity.billing_model_of(line) for line in opportunity.lines]
    unbilled = {f"/lines/{n}/net" for n, model in enumerate(models) if model == BillingModelCode.NON_BILLABLE}
    return unbilled | {"/amount"} if len(unbilled) == len(models) else unbilled


def _amounts(opportunity: Opportunity) -> Iterator[tuple[str, str, Decimal]]:
    if opportunity.amount is not None:
        yield "/amount", "The amount", opportunity.amount
    if opportunity.contract.po_limit is not None:
        yield "/contract/po_limit", "The limit of the purchase order", opportunity.contract.po_limit
    for index, line in enumerate(opportunity.lines):
        yield f"/lines/{index}/net", f"The net amount of {line.title}", line.net


def _of_amount(
    code: str, opportunity: Opportunity, path: str, amount: Decimal, message: str, *, fix: str = ""
) -> Finding:
    shown = amount_text(amount, opportunity.currency)
    return finding(code, f"{message}: {shown}", path=path, value=shown, fix=fix)


def _currency(opportunity: Opportunity) -> str | None:
    """The deal's currency, when it is one whose minor unit we know."""
    return opportunity.currency if opportunity.currency in current_currencies() else None
