"""Rules about the contract: its purchase order, its payment terms, and the time it is for."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from oppsync.domain.deal.opportunity import BillingModelCode, Opportunity
from oppsync.domain.deal.reading import takes
from oppsync.domain.validation.facts import ValidationFacts
from oppsync.domain.values.findings.codes import finding
from oppsync.domain.values.findings.finding import Finding, Severity

# Work may begin this long before the deal is closed in the CRM: people often start on a letter of intent.
_EARLIEST_START_DAYS = 30


def purchase_order_is_there(opportunity: Opportunity, facts: ValidationFacts) -> Iterator[Finding]:
    account = opportunity.account
    if account is not None and account.po_required and not opportunity.contract.po_number:
        yield finding(
            "PO_MISSING",
            f"{account.name} requires a purchase order, but the opportunity has none",
            path="/contract/po_number",
            value=account.name,
        )


def purchase_order_holds(opportunity: Opportunity, facts: ValidationFacts) -> Iterator[Finding]:
    """A purchase order that has expired by today blocks; one that expires before the work ends warns."""
    contract, expires_on = opportunity.contract, opportunity.contract.po_expires_on
    if expires_on is None:
        return
    order = f"The purchase order {contract.po_number or 'without a number'}"
    path = "/contract/po_expires_on"
    if expires_on < facts.today:
        yield finding("PO_EXPIRED", f"{order} expired on {expires_on}", path=path, value=expires_on)
    elif opportunity.ends_on is not None and expires_on < opportunity.ends_on:
        message = f"{order} expires on {expires_on}, before the work ends on {opportunity.ends_on}"
        yield finding("PO_EXPIRED", message, path=path, value=expires_on, severity=Severity.WARNS)


def payment_terms_are_known(opportunity: Opportunity, facts: ValidationFacts) -> Iterator[Finding]:
    terms = opportunity.contract.payment_terms
    if terms is not None and not facts.payment_terms_known:
        yield finding(
            "PAYMENT_TERMS_UNKNOWN",
            f"The ERP has no payment terms {terms}"
            f"{takes(facts.field_at('/contract/payment_terms'), facts.payment_terms)}",
            path="/contract/payment_terms",
            value=terms,
        )


def work_starts_with_the_contract(opportunity: Opportunity, facts: ValidationFacts) -> Iterator[Finding]:
    """The earliest day of work, of the deal or of a line. It may be right, so a person confirms it."""
    won_on, starts = opportunity.won_on, dict(_starts(opportunity))
    if not starts or won_on is None or won_on > facts.today:
        return
    path, starts_on = min(starts.items(), key=lambda each: each[1])
    if (won_on - starts_on).days > _EARLIEST_START_DAYS:
        yield finding(
            "START_BEFORE_WON",
            f"The work starts on {starts_on}, more than {_EARLIEST_START_DAYS} days before the deal was won on "
            f"{won_on}",
            path=path,
            value=f"{starts_on}, won on {won_on}",
        )


def _starts(opportunity: Opportunity) -> Iterator[tuple[str, date]]:
    if opportunity.starts_on is not None:
        yield "/starts_on", opportunity.starts_on
    for index, line in enumerate(opportunity.lines):
        if line.starts_on is not None:
            yield f"/lines/{index}/starts_on", line.starts_on


def milestones_follow_the_signing(opportunity: Opportunity, facts: ValidationFacts) -> Iterator[Finding]:
    """A milestone between signing and start is ordinary: a part that is due at signing. One before both the
    signing and the close date may be a wrong year."""
    won_on, signed_on = opportunity.won_on, opportunity.contract.signed_on
    if won_on is None or won_on > facts.today:
        return
    agreed_on = min(won_on, signed_on or won_on)
    for index, line in enumerate(opportunity.lines):
        if opportunity.billing_model_of(line) != BillingModelCode.MILESTONE:
            continue
        for number, milestone in enumerate(line.milestones):
            if milestone.planned_on is not None and milestone.planned_on < agreed_on:
                yield finding(
                    "MILESTONE_BEFORE_SIGNING",
                    f"The milestone {milestone.name} of {line.title} is planned for {milestone.planned_on}, "
                    f"before the deal was signed or won, on {agreed_on}",
                    path=f"/lines/{index}/milestones/{number}/planned_on",
                    value=milestone.planned_on,
                )


def books_are_open(opportunity: Opportunity, facts: ValidationFacts) -> Iterator[Finding]:
    ends_on, until = opportunity.ends_on, facts.books_open_until
    if ends_on is not None and until is not None and ends_on > until:
        yield finding(
            "BOOKS_NOT_OPEN",
            f"The work ends on {ends_on}, but the open fiscal years of {opportunity.contracting_entity} "
            f"end on {until}",
            path="/ends_on",
            value=ends_on,
        )
