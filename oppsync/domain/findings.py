"""Findings and exception codes: what is wrong, who owns it, what to do. One row a code.

A table test holds every row to its text; `docs/runbook.md` has an entry for each.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from oppsync.domain.model import Code, Frozen, Text


class OwnerRole(StrEnum):
    """Who has to act on an exception."""

    SALES = "sales"
    FINANCE = "finance"
    DELIVERY = "delivery"
    INTEGRATION = "integration"
    OPERATIONS = "operations"


class Severity(StrEnum):
    BLOCKS = "blocks"  # parks the deal until somebody acts
    WARNS = "warns"  # the deal goes on; whoever approves its plan is shown it


class Finding(Frozen):
    """One thing wrong with a deal. `path` points into the canonical opportunity (JSON pointer)."""

    code: Code
    severity: Severity = Severity.BLOCKS
    path: Text = ""
    value: Text = ""
    message: Text
    fix: Text
    owner: OwnerRole


class CodeText(Frozen):
    """What an operator reads about a code: its title, whose it is, and what to do when nothing says more."""

    title: Text
    owner: OwnerRole
    fix: Text
    severity: Severity = Severity.BLOCKS


# What a CRM says can be long; a finding quotes as much as a text holds.
_LONGEST = 2_000


def _row(title: str, owner: OwnerRole, fix: str, severity: Severity = Severity.BLOCKS) -> CodeText:
    return CodeText(title=title, owner=owner, fix=fix, severity=severity)


CODES: dict[str, CodeText] = {
    # validate
    "ACCOUNT_MISSING": _row(
        "The opportunity has no account",
        OwnerRole.SALES,
        "Set the account on the opportunity in the CRM and save it.",
    ),
    "ACCOUNT_CODE_MISSING": _row(
        "The account has no ERP customer code",
        OwnerRole.SALES,
        "Fill the account number in the CRM with the customer's code in the ERP.",
    ),
    "ACCOUNT_AMBIGUOUS": _row(
        "The account may be several customers of the ERP",
        OwnerRole.FINANCE,
        "Say which of the customers it is, once for all deals of the account; or fill its number in the CRM.",
    ),
    "ACCOUNT_UNKNOWN": _row(
        "The account does not exist in the ERP",
        OwnerRole.FINANCE,
        "Create the customer in the ERP under this code, or correct the code in the CRM; then replay.",
    ),
    "FIELD_MISSING": _row(
        "A required field is empty",
        OwnerRole.SALES,
        "Fill the field on the opportunity in the CRM and save it.",
    ),
    "OWNER_EMAIL_MISSING": _row(
        "The owner has no e-mail address",
        OwnerRole.SALES,
        "Give the owner an e-mail address in the CRM: without it nobody can tell who may not approve.",
    ),
    "LEGAL_ENTITY_UNKNOWN": _row(
        "The contracting entity is not known",
        OwnerRole.INTEGRATION,
        "Add the legal entity to the reference data, or correct the contracting entity in the CRM.",
    ),
    "LEGAL_ENTITY_NOT_APPROVED": _row(
        "The contracting entity is not approved",
        OwnerRole.FINANCE,
        "Approve the legal entity in the reference data from this date on, or choose another entity.",
    ),
    "LEGAL_ENTITY_NOT_READY": _row(
        "The contracting entity is not ready in the ERP",
        OwnerRole.FINANCE,
        "Set up in the ERP what is missing for this company, then replay.",
    ),
    "BILLING_MODEL_UNKNOWN": _row(
        "The billing model is not one we know",
        OwnerRole.SALES,
        "Choose one of the supported billing models in the CRM.",
    ),
    "BILLING_MODEL_UNSUPPORTED": _row(
        "The billing model is not supported",
        OwnerRole.INTEGRATION,
        "Choose another billing model in the CRM.",
    ),
    "CURRENCY_UNKNOWN": _row(
        "The currency is not an ISO 4217 code",
        OwnerRole.SALES,
        "Correct the currency in the CRM.",
    ),
    "CURRENCY_NOT_ALLOWED": _row(
        "The contracting entity does not contract in this currency",
        OwnerRole.FINANCE,
        "Allow the currency for the legal entity in the reference data, or change it in the CRM.",
    ),
    "CURRENCY_DIFFERS": _row(
        "A line is in another currency than the opportunity",
        OwnerRole.SALES,
        "Put all lines into the currency of the opportunity.",
    ),
    "AMOUNT_TOO_FINE": _row(
        "An amount is finer than the currency's minor unit",
        OwnerRole.SALES,
        "Round the amount to the currency's minor unit in the CRM.",
    ),
    "AMOUNT_TOO_LARGE": _row(
        "An amount is larger than can be booked",
        OwnerRole.SALES,
        "Correct the amount in the CRM: it has more than sixteen digits before the point.",
    ),
    "AMOUNT_NOT_POSITIVE": _row(
        "An amount is not positive",
        OwnerRole.SALES,
        "Correct the amount in the CRM. A line may be a credit as long as the whole deal is above zero: a deal "
        "that only takes money back is credited in the ERP, by a person.",
    ),
    "HOURS_NEGATIVE": _row(
        "The planned hours are negative",
        OwnerRole.SALES,
        "Correct the planned hours of the line in the CRM; a credit has none.",
    ),
    "CREDIT_BY_THE_HOUR": _row(
        "A credit is sold by the hour",
        OwnerRole.SALES,
        "Make the credit a line of its own with a fixed fee of one negative amount in the CRM.",
    ),
    "LINE_NET_MISMATCH": _row(
        "A line's net amount is not quantity times price less discount",
        OwnerRole.SALES,
        "Correct quantity, price or discount of the line in the CRM.",
    ),
    "TOTAL_MISMATCH": _row(
        "The lines do not sum to the opportunity's amount",
        OwnerRole.SALES,
        "Correct the lines or the amount in the CRM.",
    ),
    "NO_LINES": _row(
        "The opportunity has no product lines",
        OwnerRole.SALES,
        "Add what was sold as product lines in the CRM.",
    ),
    "DATES_OUT_OF_ORDER": _row(
        "The dates are out of order",
        OwnerRole.SALES,
        "Correct the start and end dates in the CRM.",
    ),
    "RUN_TOO_LONG": _row(
        "Start and end lie more than ten years apart",
        OwnerRole.SALES,
        "Correct the year of the start or end date in the CRM.",
    ),
    "WON_IN_THE_FUTURE": _row(
        "The deal was won in the future",
        OwnerRole.SALES,
        "Correct the close date in the CRM.",
    ),
    "PROBABILITY_NOT_CERTAIN": _row(
        "The deal is won, but not to 100 per cent",
        OwnerRole.SALES,
        "Set the probability to 100 in the CRM, or reopen the deal if it is not won yet.",
        Severity.WARNS,
    ),
    "MILESTONES_MISSING": _row(
        "A milestone line has no milestones",
        OwnerRole.SALES,
        "Add the milestones of the line in the CRM.",
    ),
    "MILESTONE_PERCENTS": _row(
        "The milestones' percents do not sum to 100",
        OwnerRole.SALES,
        "Correct the percents of the milestones in the CRM.",
    ),
    "UNIT_NOT_HOURS": _row(
        "A time and materials line is not sold in hours",
        OwnerRole.SALES,
        "Sell the line in hours, priced by the hour.",
    ),
    "TIME_IN_FOREIGN_CURRENCY": _row(
        "Time and materials in another currency than the ERP company's",
        OwnerRole.FINANCE,
        "Contract through an entity whose currency is the deal's, or choose another billing model: "
        "the ERP invoices time in the company's currency only.",
    ),
    "PROGRESS_IN_FOREIGN_CURRENCY": _row(
        "Percent complete in another currency than the ERP company's",
        OwnerRole.FINANCE,
        "Contract through an entity whose currency is the deal's, or choose another billing model: "
        "the ERP invoices percent complete in the company's currency only.",
    ),
    "CALENDAR_UNKNOWN": _row(
        "The contracting entity's calendar of holidays is not known",
        OwnerRole.INTEGRATION,
        "Correct country and subdivision of the legal entity in the reference data, or let its due dates stay "
        "where they fall.",
    ),
    "CAP_MISSING": _row(
        "Time and materials with a cap has no cap",
        OwnerRole.SALES,
        "Fill the amount of the cap on the line, or on the opportunity for all lines together, in the CRM.",
    ),
    "CAP_INVALID": _row(
        "A cap or its warning is out of range",
        OwnerRole.SALES,
        "Correct the cap in the CRM: its amount has to be above zero, its warning above 0 % and at most 100 %.",
    ),
    "CAP_BELOW_AMOUNT": _row(
        "More was sold than the cap lets be invoiced",
        OwnerRole.SALES,
        "Correct the hours of the line or the cap in the CRM.",
    ),
    "CAP_NEARLY_REACHED": _row(
        "The planned hours come near to the cap, or go beyond it",
        OwnerRole.DELIVERY,
        "Plan fewer hours, or have sales agree a higher cap and correct it in the CRM: hours beyond it are not "
        "billable.",
        Severity.WARNS,
    ),
    "DEPOSIT_MISSING": _row(
        "A fixed fee with a deposit has no deposit",
        OwnerRole.SALES,
        "Fill the deposit's percent in the CRM.",
    ),
    "DEPOSIT_PERCENTS": _row(
        "Deposit and final part are out of range",
        OwnerRole.SALES,
        "Correct the percents in the CRM: the deposit has to be above 0 %, both together at most 100 %.",
    ),
    "RETAINER_HOURS_MISSING": _row(
        "A retainer does not say how many hours it includes",
        OwnerRole.SALES,
        "Fill the hours included each month in the CRM.",
    ),
    "RETAINER_INVALID": _row(
        "A retainer's hours are out of range",
        OwnerRole.SALES,
        "Correct the retainer's hours in the CRM: those included, and with a capped rollover the most that are "
        "carried on, have to be above zero.",
    ),
    "INDEXATION_INVALID": _row(
        "The yearly raise of a price is out of range",
        OwnerRole.SALES,
        "Correct the indexation in the CRM: from 0 % to 100 % a year.",
    ),
    "MONTHS_MISMATCH": _row(
        "The months sold are not those of the run",
        OwnerRole.SALES,
        "Correct the quantity, or the start and end date of the line, in the CRM.",
    ),
    "BILLING_DAY_INVALID": _row(
        "The day of invoicing is not a day of the month",
        OwnerRole.SALES,
        "Correct the day in the CRM: 1 to 31, where 31 is always the last day of the month.",
    ),
    "NON_BILLABLE_AMOUNT": _row(
        "A non-billable line has an amount",
        OwnerRole.SALES,
        "Set the line's price or discount so that its net amount is zero, or choose another billing model.",
    ),
    "PO_TOO_SMALL": _row(
        "The purchase order allows less than the deal's amount",
        OwnerRole.SALES,
        "Have the customer raise the purchase order, and correct its limit in the CRM.",
    ),
    "PO_MISSING": _row(
        "The customer asks for a purchase order, and there is none",
        OwnerRole.SALES,
        "Get the purchase order from the customer and fill its number in the CRM.",
    ),
    "PO_EXPIRED": _row(
        "The purchase order expires",
        OwnerRole.SALES,
        "Have the customer extend the purchase order, and fill the new day in the CRM.",
    ),
    "PAYMENT_TERMS_UNKNOWN": _row(
        "The ERP does not know the payment terms",
        OwnerRole.FINANCE,
        "Add the payment terms to the ERP under this name, or correct them in the CRM; then replay.",
    ),
    "START_BEFORE_WON": _row(
        "The work starts long before the deal was won",
        OwnerRole.SALES,
        "Correct the start or the close date in the CRM, or make sure that the earlier work was agreed.",
        Severity.WARNS,
    ),
    "BOOKS_NOT_OPEN": _row(
        "The work ends after the open fiscal years",
        OwnerRole.FINANCE,
        "Open the later fiscal years in the ERP before their invoices are due.",
        Severity.WARNS,
    ),
    # enrich
    "SERVICE_LINE_UNKNOWN": _row(
        "The service line is not mapped",
        OwnerRole.INTEGRATION,
        "Add the service line to the reference data, then replay.",
    ),
    "REGION_UNKNOWN": _row(
        "The region is not known",
        OwnerRole.INTEGRATION,
        "Add the region with its compliance attributes to the reference data, then replay.",
    ),
    "DELIVERY_MODEL_UNKNOWN": _row(
        "The delivery model is not known",
        OwnerRole.INTEGRATION,
        "Add the delivery model to the reference data, or correct it in the CRM.",
    ),
    "COST_CENTRE_MISSING": _row(
        "There is no cost centre for this entity and service line",
        OwnerRole.FINANCE,
        "Add the cost centre to the reference data, then replay.",
    ),
    "TEMPLATE_MISSING": _row(
        "There is no project template for this service line, region and billing model",
        OwnerRole.DELIVERY,
        "Add the project template to the reference data, then replay.",
    ),
    "TAX_TREATMENT_MISSING": _row(
        "There is no tax treatment for this entity and customer country",
        OwnerRole.FINANCE,
        "Add the tax treatment to the reference data, then replay.",
    ),
    "TAX_ID_MISSING": _row(
        "The tax treatment needs the customer's tax id",
        OwnerRole.SALES,
        "Fill the customer's tax id in the CRM.",
    ),
    "RATE_MISSING": _row(
        "The rate card has no rate for this role on this date",
        OwnerRole.FINANCE,
        "Add the rate to the reference data, then replay.",
    ),
    "RATE_DIFFERS": _row(
        "The sold price is not the rate card's",
        OwnerRole.SALES,
        "Correct the price or the discount in the CRM, or the rate card in the reference data.",
    ),
    "BUDGET_HOURS_MISSING": _row(
        "A template shares out hours that the line does not have",
        OwnerRole.SALES,
        "Fill the planned hours of the line in the CRM; without them nobody is asked for in the PSA.",
        Severity.WARNS,
    ),
    "TRANSFER_PRICE_MISSING": _row(
        "There is no transfer price between the entity that sells and the one that delivers",
        OwnerRole.FINANCE,
        "Add the transfer price to the reference data, or let another entity deliver; then replay.",
    ),
    "OVERRIDE_NOT_POSSIBLE": _row(
        "What a person overrode does not fit any more",
        OwnerRole.OPERATIONS,
        "Override the field anew or take the override back; the plan is then made again.",
    ),
    "SPLIT_NOT_POSSIBLE": _row(
        "A split rule does not fit a line",
        OwnerRole.DELIVERY,
        "Correct the split rule in the reference data, or give it a condition that leaves this line out; "
        "then replay.",
    ),
    "COST_CENTRE_CLOSED": _row(
        "The cost centre closes",
        OwnerRole.FINANCE,
        "Give entity and service line a cost centre that stays open, then replay.",
    ),
    "TAX_ID_INVALID": _row(
        "The customer's tax id has the wrong form",
        OwnerRole.SALES,
        "Correct the customer's tax id in the CRM.",
    ),
    "TAX_STATE_MISSING": _row(
        "The customer's state is not known",
        OwnerRole.SALES,
        "Fill the state of the account's billing address in the CRM.",
        Severity.WARNS,
    ),
    "TAX_DIFFERS_BY_LINE": _row(
        "The customer's state taxes a part of the deal only",
        OwnerRole.FINANCE,
        "Have the taxed services contracted apart, or add a tax treatment of the entity for this country.",
    ),
    "TAX_CERTIFICATE_EXPIRES": _row(
        "The exemption certificate expires before the work ends",
        OwnerRole.FINANCE,
        "Ask the customer for a new certificate and put it into the reference data.",
        Severity.WARNS,
    ),
    "EXCHANGE_RATE_MISSING": _row(
        "There is no exchange rate between the deal's currency and the entity's",
        OwnerRole.FINANCE,
        "Add the exchange rate of this day to the reference data, then replay.",
    ),
    "RATE_GAP": _row(
        "The rate card ends before the work does",
        OwnerRole.FINANCE,
        "Extend the rate card in the reference data, or agree with sales what the later hours are sold at.",
        Severity.WARNS,
    ),
    "COST_RATE_MISSING": _row(
        "There is no cost rate, so the margin is not known",
        OwnerRole.FINANCE,
        "Add the cost rate to the reference data, then replay.",
        Severity.WARNS,
    ),
    "PLANNED_HOURS_MISSING": _row(
        "There are no planned hours, so the margin is not known",
        OwnerRole.SALES,
        "Fill the planned hours of the line in the CRM.",
        Severity.WARNS,
    ),
    "MARGIN_BELOW_FLOOR": _row(
        "The margin is below its floor",
        OwnerRole.DELIVERY,
        "Plan fewer or cheaper hours, raise the price, or have the margin policy changed.",
        Severity.WARNS,
    ),
    # approve
    "NO_APPROVER": _row(
        "Nobody may approve this plan",
        OwnerRole.OPERATIONS,
        "Give the role to a person who does not own this opportunity, then replay.",
    ),
    "APPROVAL_LOST": _row(
        "Projects exist in the ERP, but nothing here says that they were approved",
        OwnerRole.OPERATIONS,
        "After a restored backup the plan has to be approved once more: the projects are then taken over where "
        "they equal it, never created again. Ask the approvers, or decide in the ERP; then dismiss this item.",
    ),
    "LOST_AFTER_APPROVAL": _row(
        "The deal was lost after its projects were created",
        OwnerRole.DELIVERY,
        "Decide what becomes of the projects in the ERP, then dismiss this item with what was decided.",
    ),
    # outside systems
    "VENDOR_REJECTED": _row(
        "An outside system refused what we sent",
        OwnerRole.INTEGRATION,
        "Read its answer, correct the data or the connection, then replay.",
    ),
    "CONNECTION_MISCONFIGURED": _row(
        "A connection's credentials or settings do not work",
        OwnerRole.INTEGRATION,
        "Correct the connection's credentials or permissions, then replay.",
    ),
    "CRM_RECORD_GONE": _row(
        "The CRM no longer has this opportunity",
        OwnerRole.SALES,
        "Restore it in the CRM and replay, or dismiss this item.",
    ),
    "CONTENT_CONFLICT": _row(
        "Something else exists in an outside system under our key",
        OwnerRole.OPERATIONS,
        "Compare the two; correct the outside record so that it equals the plan, then replay.",
    ),
    "UNREADABLE_DELIVERY": _row(
        "A signed delivery cannot be read",
        OwnerRole.INTEGRATION,
        "Correct what the CRM sends; the delivery is kept and can be replayed.",
    ),
    "POLL_REFUSED": _row(
        "The CRM cannot be asked what changed",
        OwnerRole.INTEGRATION,
        "Correct the connection: its settings, its secrets, or what its user may read. Then replay: it is "
        "asked at once. Webhooks are taken in meanwhile; what none tells of is found late.",
    ),
    # dead letters
    "RETRIES_EXHAUSTED": _row(
        "An outside system stayed away for too long",
        OwnerRole.OPERATIONS,
        "Check the system and its connection, then replay.",
    ),
    "WORKER_CRASHED": _row(
        "Working on this opportunity killed its worker three times",
        OwnerRole.OPERATIONS,
        "Report it with the payload reference; replay once it is mended.",
    ),
    "BUG": _row(
        "An unexpected error in oppsync",
        OwnerRole.OPERATIONS,
        "Report it with its reference; replay once it is mended.",
    ),
}


def finding(
    code: str,
    message: str,
    *,
    path: str = "",
    value: object = "",
    fix: str = "",
    severity: Severity | None = None,
) -> Finding:
    """A finding with its code's owner, and the code's own advice and severity unless they are given."""
    text = CODES[code]
    return Finding(
        code=code,
        severity=severity or text.severity,
        path=path,
        value=str(value)[:_LONGEST],
        message=message[:_LONGEST],
        fix=fix or text.fix,
        owner=text.owner,
    )


def blocking(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    return tuple(found for found in findings if found.severity is Severity.BLOCKS)


def warnings(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    return tuple(found for found in findings if found.severity is Severity.WARNS)
