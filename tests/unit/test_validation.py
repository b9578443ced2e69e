"""Validation: each fault of a deal gives its finding, and all of them are reported at once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oppsync.domain.deal.billing_terms import (
    BillingFrequency,
    BillingTerms,
    Cap,
    CapScope,
    Deposit,
    PeriodBasis,
    Retainer,
)
from oppsync.domain.deal.customers import CustomerMatch, ErpCustomer
from oppsync.domain.deal.opportunity import (
    BillingModelCode,
    ContractTerms,
    Milestone,
    Opportunity,
    OpportunityLine,
)
from oppsync.domain.deal.reading import FieldOfCrm
from oppsync.domain.deal.unread import UnreadField
from oppsync.domain.plan.plan import LineKind
from oppsync.domain.reference.billing_policy import BillingPolicy
from oppsync.domain.validation.close_date import begins_later
from oppsync.domain.validation.confirmations import Confirmation, confirmable
from oppsync.domain.validation.facts import ValidationFacts
from oppsync.domain.validation.other_deals import OtherDeal
from oppsync.domain.validation.table import RULES, RULES_WHEN_WON, validate
from oppsync.domain.values.findings.finding import Finding, Severity
from oppsync.domain.values.model import changed
from tests.harness import builders as make


class Case(NamedTuple):
    """A deal with one fault, and its one kind of finding. `said` is a part of its message."""

    name: str
    code: str
    path: str
    said: str
    deal: Opportunity
    facts: ValidationFacts = make.facts()


def _milestones(*percents: str) -> tuple[Milestone, ...]:
    return tuple(
        Milestone(id=f"a00M{index}", name=f"Step {index}", percent=Decimal(percent))
        for index, percent in enumerate(percents)
    )


def _first_planned_on(day: date, **changes: Any) -> OpportunityLine:
    """A line whose first milestone is planned for this day."""
    line = make.milestone_line(**changes)
    return changed(line, milestones=(changed(line.milestones[0], planned_on=day), *line.milestones[1:]))


def contract(**terms: Any) -> ContractTerms:
    return ContractTerms(payment_terms="NET30", po_number="PO-7", **terms)


def ordered(**terms: Any) -> Opportunity:
    return make.opportunity(contract=contract(**terms))


def _other(amount: int) -> OtherDeal:
    """Another deal with the same purchase order, approved."""
    record = changed(ordered(), id="006O9", name="Discovery", amount=Decimal(amount))
    return OtherDeal(id=UUID(int=9), record=record, amount=record.amount, is_committed=True)


UNSURE = make.opportunity(probability=90)


def _capped(amount: str, **changes: Any) -> BillingTerms:
    return BillingTerms(cap=Cap(amount=Decimal(amount), **changes))


US = {"contracting_entity": "ACME-US", "region": "NA", "currency": "USD"}
FIELD = "FIELD_MISSING"
WEEKLY = UnreadField(
    pointer="/contract/billing_frequency", label="Billing Frequency", value="Weekly", allowed="Once or Monthly"
)
CASES = [
    Case(
        "a choice that is none",
        "FIELD_UNREADABLE",
        "/contract/billing_frequency",
        "Billing Frequency is 'Weekly'; allowed is Once or Monthly",
        make.opportunity(unread=(WEEKLY,)),
    ),
    Case("not certain", "PROBABILITY_NOT_CERTAIN", "/probability", "its probability is 90 %", UNSURE),
    Case(
        "no purchase order",
        "PO_MISSING",
        "/contract/po_number",
        "Globex GmbH requires a purchase order, but the opportunity has none",
        make.opportunity(account=make.account(po_required=True)),
    ),
    Case(
        "expired purchase order",
        "PO_EXPIRED",
        "/contract/po_expires_on",
        "The purchase order PO-7 expired on 2026-05-03",
        ordered(po_expires_on=date(2026, 5, 3)),
    ),
    Case(
        "purchase order that expires",
        "PO_EXPIRED",
        "/contract/po_expires_on",
        "expires on 2026-05-04, before the work ends on 2026-09-15",
        ordered(po_expires_on=date(2026, 5, 4)),
    ),
    Case(
        "payment terms nobody knows",
        "PAYMENT_TERMS_UNKNOWN",
        "/contract/payment_terms",
        "The ERP has no payment terms NET30; the field is Terms (Opportunity.Terms__c)",
        make.opportunity(),
        make.facts(
            payment_terms_known=False,
            crm_fields={"/contract/payment_terms": FieldOfCrm("Terms (Opportunity.Terms__c)")},
        ),
    ),
    Case(
        "work before the win",
        "START_BEFORE_WON",
        "/starts_on",
        "starts on 2026-04-03, more than 30 days before the deal was won on 2026-05-04",
        make.opportunity(starts_on=date(2026, 4, 3)),
    ),
    Case(
        "work after the open years",
        "BOOKS_NOT_OPEN",
        "/ends_on",
        "but the open fiscal years of ACME-DE end on 2026-09-14",
        make.opportunity(),
        make.facts(books_open_until=date(2026, 9, 14)),
    ),
    Case("no account", "ACCOUNT_MISSING", "/account", "no account", make.opportunity(account=None)),
    Case(
        "no customer code",
        "ACCOUNT_CODE_MISSING",
        "/account/code",
        "Globex GmbH has no customer code of the ERP",
        make.opportunity(account=make.account(code=None)),
        make.facts(customer=CustomerMatch()),
    ),
    Case(
        "customer of another company",
        "CUSTOMER_CONTRADICTS",
        "/account/code",
        "The CRM says Globex GmbH (DE, DE136695976), the ERP has Nordbank AG (DE, DE129273398) under "
        "CUST-1001: another tax id",
        make.opportunity(),
        make.facts(customer=make.match_of(changed(make.GLOBEX, name="Nordbank AG", tax_ids=("DE129273398",)))),
    ),
    Case(
        "customer of another name",
        "CUSTOMER_NAME_DIFFERS",
        "/account/name",
        "the ERP has Initech Inc (DE, DE136695976) under CUST-1001",
        make.opportunity(),
        make.facts(customer=make.match_of(changed(make.GLOBEX, name="Initech Inc"))),
    ),
    Case(
        "a name without a word",
        "CUSTOMER_NAME_DIFFERS",
        "/account/name",
        "The CRM says !!! (DE, DE136695976), the ERP has Globex GmbH (DE, DE136695976) under CUST-1001",
        make.opportunity(account=make.account(name="!!!")),
        make.facts(customer=make.match_of(make.GLOBEX)),
    ),
    Case(
        "several customers",
        "ACCOUNT_AMBIGUOUS",
        "/account/code",
        "matches several customers of the ERP: CUST-1 Globex (DE, DE136695976); CUST-2 Globex",
        make.opportunity(account=make.account(code=None)),
        make.facts(
            customer=CustomerMatch(
                candidates=(
                    ErpCustomer(code="CUST-1", name="Globex", countries=("DE",), tax_ids=("DE136695976",)),
                    ErpCustomer(code="CUST-2", name="Globex"),
                )
            )
        ),
    ),
    Case(
        "entity approved later",
        "LEGAL_ENTITY_NOT_APPROVED",
        "/contracting_entity",
        "is approved by Group controlling only from 2026-05-05 on",
        make.opportunity(),
        make.facts(legal_entity=make.legal_entity(approved_from=date(2026, 5, 5))),
    ),
    Case(
        "entity approved no longer",
        "LEGAL_ENTITY_NOT_APPROVED",
        "/contracting_entity",
        "was approved by Group controlling only until 2026-05-04",
        make.opportunity(),
        make.facts(legal_entity=make.legal_entity(approved_to=date(2026, 5, 4))),
    ),
    Case(
        "customer not in the ERP",
        "ACCOUNT_UNKNOWN",
        "/account/code",
        "no customer CUST-1001 (Globex GmbH)",
        make.opportunity(),
        make.facts(customer=make.match_of(None)),
    ),
    Case("no name", FIELD, "/name", "no name", make.opportunity(name="")),
    Case("no amount", FIELD, "/amount", "no amount", make.opportunity(amount=None)),
    Case("no currency", FIELD, "/currency", "no currency", make.opportunity(currency=None)),
    Case("no close date", FIELD, "/won_on", "no close date", make.opportunity(won_on=None)),
    Case(
        "no entity", FIELD, "/contracting_entity", "no contracting", make.opportunity(contracting_entity=None)
    ),
    Case(
        "no payment terms",
        FIELD,
        "/contract/payment_terms",
        "no payment terms",
        make.opportunity(contract=ContractTerms()),
    ),
    Case("no region", FIELD, "/region", "no region, and these lines", make.opportunity(region=None)),
    Case("no region, no lines' own", FIELD, "/starts_on", "no start date", make.opportunity(starts_on=None)),
    Case("no end", FIELD, "/ends_on", "no end date", make.opportunity(ends_on=None)),
    Case(
        "no service line",
        FIELD,
        "/service_line",
        "these lines have none of their own: Senior consulting",
        make.opportunity(make.time_line(service_line=None), make.fixed_line()),
    ),
    Case(
        "no billing model",
        FIELD,
        "/billing_model",
        "these lines have none of their own: Cloud foundation",
        make.opportunity(make.fixed_line(billing_model=None)),
    ),
    Case(
        "no name of the account",
        FIELD,
        "/account/name",
        "no name",
        make.opportunity(account=make.account(name="")),
    ),
    Case(
        "no country of the account",
        FIELD,
        "/account/country",
        "no country, and the country decides the tax",
        make.opportunity(account=make.account(country=None)),
    ),
    Case(
        "hours of nobody", FIELD, "/lines/0/role", "names no role", make.opportunity(make.time_line(role=None))
    ),
    Case("no owner", "OWNER_EMAIL_MISSING", "/owner", "no owner", make.opportunity(owner=None)),
    Case(
        "an owner without e-mail",
        "OWNER_EMAIL_MISSING",
        "/owner/email",
        "Sam Seller has no e-mail",
        make.opportunity(owner=make.owner(email=None)),
    ),
    Case(
        "more lines than can be planned",
        "TOO_MANY_LINES",
        "/lines",
        "has 1001 product lines; at most 1000",
        make.opportunity(*(make.fixed_line(id=f"00k{number:04d}") for number in range(1_001))),
    ),
    Case(
        "no lines",
        "NO_LINES",
        "/lines",
        "no product lines",
        changed(
            make.opportunity(amount=1, service_line="Cloud", billing_model="milestone"),
            lines=(),
        ),
    ),
    Case(
        "entity unknown on that day",
        "LEGAL_ENTITY_UNKNOWN",
        "/contracting_entity",
        "No legal entity ACME-DE is known on 2026-05-04; "
        "Entity (Opportunity.Entity__c) can be ACME-IN or ACME-US",
        make.opportunity(),
        make.facts(
            legal_entity=None,
            legal_entities=("ACME-IN", "ACME-US"),
            crm_fields={"/contracting_entity": FieldOfCrm("Entity (Opportunity.Entity__c)")},
        ),
    ),
    Case(
        "entity not approved",
        "LEGAL_ENTITY_NOT_APPROVED",
        "/contracting_entity",
        "Acme Advisory GmbH (ACME-DE) is not approved",
        make.opportunity(),
        make.facts(legal_entity=make.legal_entity(approved=False)),
    ),
    Case(
        "entity not ready",
        "LEGAL_ENTITY_NOT_READY",
        "/contracting_entity",
        "missing: a receivable account, a fiscal year",
        make.opportunity(),
        make.facts(missing_in_erp=("a receivable account", "a fiscal year")),
    ),
    Case(
        "a billing model of another world",
        "BILLING_MODEL_UNKNOWN",
        "/lines/0/billing_model",
        "is 'barter', which is not a known billing model; allowed is time and materials, ",
        make.opportunity(make.fixed_line(billing_model="barter")),
    ),
    Case(
        "a model this ERP does not land",
        "BILLING_MODEL_UNSUPPORTED",
        "/lines/2/billing_model",
        "milestone cannot be set up in this ERP",
        make.opportunity(),
        make.facts(erp=make.erp(line_kinds=frozenset({LineKind.TIME, LineKind.DATED}))),
    ),
    Case(
        "a currency of the past",
        "CURRENCY_UNKNOWN",
        "/currency",
        "DEM was withdrawn in 2002-03 (ISO 4217, list three)",
        make.opportunity(make.fixed_line(), currency="DEM"),
    ),
    Case(
        "a currency in small letters",
        "CURRENCY_UNKNOWN",
        "/currency",
        "Currency is 'eur': eur is not the code of a current currency (ISO 4217), which is written EUR",
        make.opportunity(make.fixed_line(), currency="eur"),
    ),
    Case(
        "a currency the entity does not take",
        "CURRENCY_NOT_ALLOWED",
        "/currency",
        "contracts in EUR or USD, not in GBP",
        make.opportunity(make.fixed_line(), currency="GBP"),
    ),
    Case(
        "a line in another currency",
        "CURRENCY_DIFFERS",
        "/lines/1/currency",
        "Cloud foundation is in USD, the opportunity in EUR",
        make.opportunity(make.time_line(), make.fixed_line(currency="USD")),
    ),
    Case(
        "an amount finer than a cent",
        "AMOUNT_TOO_FINE",
        "/lines/0/net",
        "more than the 2 decimals of EUR: EUR 10,000.005",
        make.opportunity(make.fixed_line(net="10000.005")),
    ),
    Case(
        "an amount beyond all books",
        "AMOUNT_TOO_LARGE",
        "/amount",
        "too large to be booked: EUR 10,000,000,000,000,000.00",
        make.opportunity(make.fixed_line(unit_price="1E+16", net="1E+16")),
    ),
    Case(
        "nothing for the money",
        "AMOUNT_NOT_POSITIVE",
        "/lines/0/net",
        "Cloud foundation is not above zero: EUR 0.00",
        make.opportunity(make.fixed_line(unit_price=0, net=0), make.time_line()),
    ),
    Case(
        "a deal that only takes money back",
        "AMOUNT_NOT_POSITIVE",
        "/amount",
        "The amount is not above zero: EUR -10,000.00",
        make.opportunity(make.credit(make.fixed_line())),
    ),
    Case(
        "as much taken back as charged",
        "AMOUNT_NOT_POSITIVE",
        "/amount",
        "The amount is not above zero: EUR 0.00",
        make.opportunity(make.fixed_line(), make.credit(make.progress_line())),
    ),
    Case(
        "hours taken back",
        "CREDIT_BY_THE_HOUR",
        "/lines/1/net",
        "Senior consulting is a credit of EUR -14,400.00 by the hour",
        make.opportunity(make.milestone_line(), make.credit(make.time_line())),
    ),
    Case(
        "negative hours planned",
        "HOURS_NEGATIVE",
        "/lines/1/planned_hours",
        "Cloud foundation plans -8 hours",
        make.opportunity(make.milestone_line(), make.credit(make.fixed_line(planned_hours=-8))),
    ),
    Case(
        "a negative quantity at a negative price",
        "AMOUNT_NOT_POSITIVE",
        "/lines/0/quantity",
        "quantity of Cloud foundation is -1",
        make.opportunity(make.fixed_line(quantity=-1, unit_price=-10_000)),
    ),
    Case(
        "a net that is not quantity times price",
        "LINE_NET_MISMATCH",
        "/lines/0/net",
        "100 x EUR 160.00 less 10 % is EUR 14,400.00, but its net amount is EUR 14,400.02",
        make.opportunity(make.time_line(net="14400.02")),
    ),
    Case(
        "lines that sum to something else",
        "TOTAL_MISMATCH",
        "/amount",
        "The lines sum to EUR 44,400.00, but the opportunity's amount is EUR 44,400.04; "
        "the difference is EUR 0.04",
        make.opportunity(amount="44400.04"),  # three lines
    ),
    Case(
        "an end before the start",
        "DATES_OUT_OF_ORDER",
        "/ends_on",
        "The opportunity ends on 2026-05-31, before it starts on 2026-06-01",
        make.opportunity(make.fixed_line(), ends_on=date(2026, 5, 31)),
    ),
    Case(
        "a line that ends before the deal starts",
        "DATES_OUT_OF_ORDER",
        "/lines/0/ends_on",
        "Cloud foundation ends on 2026-05-31",
        make.opportunity(make.fixed_line(ends_on=date(2026, 5, 31))),
    ),
    Case(
        "a milestone before the signing",
        "MILESTONE_BEFORE_SIGNING",
        "/lines/0/milestones/0/planned_on",
        "Design of Cloud migration is planned for 2025-06-30, before the deal was signed or won, on 2026-05-04",
        make.opportunity(_first_planned_on(date(2025, 6, 30))),
    ),
    Case(
        "a start that nobody will live to see",
        "DATE_FAR_AWAY",
        "/starts_on",
        "The start date is 2206-06-01, more than 30 years from today",
        make.opportunity(starts_on=date(2206, 6, 1), ends_on=date(2206, 9, 15)),
    ),
    Case(
        "a run until the calendar's last day",
        "RUN_TOO_LONG",
        "/ends_on",
        "runs from 2026-06-01 to 9999-12-31",
        make.opportunity(ends_on=date.max),
    ),
    Case(
        "a slip of the year",
        "RUN_TOO_LONG",
        "/ends_on",
        "runs from 2026-06-01 to 2062-09-15",
        make.opportunity(ends_on=date(2062, 9, 15)),
    ),
    Case(
        "won the day after tomorrow",
        "WON_IN_THE_FUTURE",
        "/won_on",
        "2026-05-04 is in the future; today is 2026-05-02",
        make.opportunity(),
        make.facts(today=date(2026, 5, 2)),
    ),
    Case(
        "no milestones",
        "MILESTONES_MISSING",
        "/lines/0/milestones",
        "billed by milestones, but has none",
        make.opportunity(make.milestone_line(milestones=())),
    ),
    Case(
        "milestones of 99 %",
        "MILESTONE_PERCENTS",
        "/lines/0/milestones",
        "30 % + 69 %: 99 % in total",
        make.opportunity(make.milestone_line(milestones=_milestones("30", "69"))),
    ),
    Case(
        "a milestone that takes back",
        "MILESTONE_PERCENTS",
        "/lines/0/milestones",
        "110 % + -10 %",
        make.opportunity(make.milestone_line(milestones=_milestones("110", "-10"))),
    ),
    Case(
        "days on a rate card of hours",
        "UNIT_NOT_HOURS",
        "/lines/0/unit",
        "sold by the day",
        make.opportunity(make.time_line(unit="day")),
    ),
    Case(
        "hours in a foreign currency",
        "TIME_IN_FOREIGN_CURRENCY",
        "/lines/0",
        "bills hours in USD, but Acme Advisory GmbH invoices hours in EUR only",
        make.opportunity(currency="USD"),
    ),
    Case(
        "percent complete in a foreign currency",
        "PROGRESS_IN_FOREIGN_CURRENCY",
        "/lines/0",
        "percent complete in USD, but Acme Advisory GmbH does so in EUR only",
        make.opportunity(make.progress_line(), currency="USD"),
    ),
    Case(
        "percent complete of no hours",
        FIELD,
        "/lines/0/planned_hours",
        "has no planned hours to measure it by",
        make.opportunity(make.progress_line(planned_hours=None)),
    ),
    Case(
        "an entity in no country",
        "CALENDAR_UNKNOWN",
        "/contracting_entity",
        "there is no holiday calendar for DE-XX",
        make.opportunity(),
        make.facts(
            legal_entity=make.legal_entity(
                subdivision="XX", billing_policy=BillingPolicy(rolls_to_business_day=True)
            )
        ),
    ),
    Case(
        "no cap",
        "CAP_MISSING",
        "/lines/0/billing/cap/amount",
        "has no cap amount",
        make.opportunity(make.capped_line(billing=BillingTerms())),
    ),
    Case(
        "a warning beyond the cap",
        "CAP_INVALID",
        "/lines/0/billing/cap",
        "a cap of EUR 16,000.00, with a warning at 101 % of it",
        make.opportunity(make.capped_line(billing=_capped("16000", warning_percent=101))),
    ),
    Case(
        "a cap of nothing",
        "CAP_INVALID",
        "/lines/0/billing/cap",
        "a cap of EUR 0.00, with",
        make.opportunity(make.capped_line(billing=_capped("0"))),
    ),
    Case(
        "two caps for one contract",
        "CAPS_DIFFER",
        "/lines/1/billing/cap",
        "Architecture has a cap of EUR 30,000.00 (warning at 80 %), and Discovery has one of EUR 20,000.00",
        make.opportunity(
            make.capped_line(
                id="00kA", description="Discovery", billing=_capped("20000", scope=CapScope.CONTRACT)
            ),
            make.capped_line(
                id="00kB", description="Architecture", billing=_capped("30000", scope=CapScope.CONTRACT)
            ),
        ),
    ),
    Case(
        "a cap below a cent",
        "CAP_INVALID",
        "/lines/0/billing/cap",
        "a cap of EUR 0.001, with",
        make.opportunity(make.capped_line(billing=_capped("0.001"))),
    ),
    Case(
        "a cap finer than a cent",
        "CAP_INVALID",
        "/lines/0/billing/cap",
        "a cap of EUR 20,000.005, with",
        make.opportunity(make.capped_line(billing=_capped("20000.005"))),
    ),
    Case(
        "more sold than the cap",
        "CAP_BELOW_AMOUNT",
        "/lines/0/billing/cap/amount",
        "EUR 14,400.00 was sold under a cap of EUR 14,000.00; EUR 400.00 is planned as not billable",
        make.opportunity(make.capped_line(billing=_capped("14000"))),
    ),
    Case(
        "planned near to the cap",
        "CAP_NEARLY_REACHED",
        "/lines/0/billing/cap/amount",
        "EUR 14,400.00 is planned under a cap of EUR 16,000.00, which is 90 % of it; "
        "the warning starts at 80 %",
        make.opportunity(make.capped_line(billing=_capped("16000"))),
    ),
    Case(
        "no deposit",
        "DEPOSIT_MISSING",
        "/lines/0/billing/deposit/percent",
        "has no deposit percentage",
        make.opportunity(make.deposit_line(billing=BillingTerms())),
    ),
    Case(
        "a deposit that is more than all",
        "DEPOSIT_PERCENTS",
        "/lines/0/billing/deposit",
        "a deposit of 60 % and a final part of 41 %",
        make.opportunity(
            make.deposit_line(billing=BillingTerms(deposit=Deposit(percent=60, final_percent=41)))
        ),
    ),
    Case(
        "a retainer of no hours",
        "RETAINER_HOURS_MISSING",
        "/lines/0/billing/retainer/hours",
        "has no included hours each month",
        make.opportunity(make.retainer_line(billing=BillingTerms())),
    ),
    Case(
        "a retainer of minus an hour",
        "RETAINER_INVALID",
        "/lines/0/billing/retainer/hours",
        "includes -1 hours each month",
        make.opportunity(make.retainer_line(billing=BillingTerms(retainer=Retainer(hours=-1)))),
    ),
    Case(
        "hours carried on up to nothing",
        "RETAINER_INVALID",
        "/lines/0/billing/retainer/rollover_hours",
        "a capped rollover, and its limit is missing",
        make.opportunity(
            make.retainer_line(billing=BillingTerms(retainer=Retainer(hours=20, rollover="capped")))
        ),
    ),
    Case(
        "a price that falls",
        "INDEXATION_INVALID",
        "/contract/billing/indexation_percent",
        "Managed cloud has a yearly price increase of -1 %",
        make.opportunity(
            make.recurring_line(),
            contract=ContractTerms(payment_terms="NET30", billing=BillingTerms(indexation_percent=-1)),
        ),
    ),
    Case(
        "a price that rises and is the same for every month",
        "INDEXATION_INVALID",
        "/lines/0/billing/indexation_percent",
        "has a yearly price increase of 3 %, but is sold at one price for every month",
        make.opportunity(make.recurring_line(billing=BillingTerms(indexation_percent=3))),
    ),
    Case(
        "a year sold for a quarter",
        "MONTHS_MISMATCH",
        "/lines/0/quantity",
        "for 12 months, but runs from 2026-06-01 to 2026-09-15: 3.5 months",
        make.opportunity(make.recurring_line(quantity=12, net=24_000)),
    ),
    Case(
        "the 32nd",
        "BILLING_DAY_INVALID",
        "/lines/0/billing/day",
        "invoiced on day 32 of the month",
        make.opportunity(make.fixed_line(billing=BillingTerms(day=32))),
    ),
    Case(
        "free work that costs",
        "NON_BILLABLE_AMOUNT",
        "/lines/0/net",
        "Onboarding is not billable, but has a net amount of EUR 16.00",
        make.opportunity(make.non_billable_line(unit_price=1, net=16)),
    ),
    Case(
        "a purchase order for half of it",
        "PO_TOO_SMALL",
        "/contract/po_limit",
        "The purchase order PO-7 allows EUR 5,000.00, the opportunity's amount is EUR 10,000.00",
        make.opportunity(
            make.fixed_line(),
            contract=ContractTerms(payment_terms="NET30", po_number="PO-7", po_limit=Decimal(5_000)),
        ),
    ),
    Case(
        "a purchase order that another deal has",
        "PO_SHARED",
        "/contract/po_number",
        "The purchase order PO-7 is also that of Discovery (EUR 9,000.00; 006O9)",
        ordered(),
        make.facts(others=(_other(9_000),)),
    ),
    Case(
        "a deal entered twice",
        "DEAL_CLONED",
        "/name",
        "Globex goes to the cloud (EUR 44,400.00; 006O1) has the same customer, name, amount, lines and time",
        make.opportunity(),
        make.facts(others=(OtherDeal(id=UUID(int=1), record=make.opportunity(), amount=Decimal(44_400)),)),
    ),
]
TOGETHER = Case(
    "a purchase order that two deals use up",
    "PO_USED_UP",
    "/contract/po_limit",
    "allows EUR 50,000.00, but this deal comes to EUR 53,400.00 together with Discovery",
    ordered(po_limit=Decimal(50_000)),
    make.facts(others=(_other(9_000),)),
)


def test_a_sound_deal_has_no_findings() -> None:
    assert validate(make.opportunity(), make.facts()) == ()


def test_a_sound_american_deal_has_none_either() -> None:
    facts = make.facts(legal_entity=make.legal_entity("ACME-US"))

    assert validate(make.opportunity(**US), facts) == ()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_is_wrong_is_named(case: Case) -> None:
    findings = validate(case.deal, case.facts)

    assert {found.code for found in findings} == {case.code}
    (found,) = (found for found in findings if found.path == case.path)
    assert case.said in found.message
    assert found.fix


@pytest.mark.parametrize("rule", RULES + RULES_WHEN_WON, ids=lambda rule: rule.__name__)
def test_every_rule_finds_something(rule: Callable[[Opportunity, ValidationFacts], list[Finding]]) -> None:
    assert any(list(rule(case.deal, case.facts)) for case in CASES)


@pytest.mark.parametrize("won_on", [None, date(2027, 1, 1)])
def test_an_open_deal_need_not_have_been_won(won_on: date | None) -> None:
    won = make.opportunity(won_on=won_on)

    assert [found.path for found in validate(won, make.facts())] == ["/won_on"]
    assert validate(changed(won, is_won=False), make.facts()) == ()


NOON = datetime(2026, 5, 3, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("won_on", "zone", "begins_at"),
    [
        ("2026-05-03", "America/New_York", None),  # today there
        ("2026-05-04", "America/New_York", "2026-05-04T04:00:00+00:00"),
        ("2026-05-04", "Europe/Berlin", "2026-05-03T22:00:00+00:00"),
        ("2026-05-04", "Pacific/Kiritimati", None),  # has begun
        ("2026-05-04", "Etc/GMT+12", "2026-05-04T12:00:00+00:00"),
        ("2026-05-05", "Europe/Berlin", None),  # too far ahead to be a matter of time zones
        ("9999-12-31", "Europe/Berlin", None),
        ("0001-01-01", "Europe/Berlin", None),
    ],
)
def test_a_close_date_is_waited_for_as_long_as_time_zones_may_differ(
    won_on: str, zone: str, begins_at: str | None
) -> None:
    waits_until = begins_later(date.fromisoformat(won_on), make.legal_entity(time_zone=zone), NOON)

    assert (waits_until.isoformat() if waits_until else None) == begins_at


EARLY = make.opportunity(starts_on=date(2026, 2, 2))


def _confirmed(deal: Opportunity, reason: str = "Letter of intent of January") -> Confirmation:
    (found,) = validate(deal, make.facts())
    said = {"reason": reason, "by": "person:olga@example.com", "at": make.NOW}
    return Confirmation(code=found.code, path=found.path, value=found.value, **said)


def test_an_early_start_holds_the_deal_until_a_person_confirms_it() -> None:
    (asked,) = validate(EARLY, make.facts())
    (told,) = validate(EARLY, make.facts(confirmations=(_confirmed(EARLY),)))

    assert (asked.code, asked.severity) == ("START_BEFORE_WON", Severity.BLOCKS)
    assert (told.code, told.severity) == ("START_BEFORE_WON", Severity.WARNS)
    assert told.message.endswith("Confirmed by olga@example.com on 2026-05-04: Letter of intent of January")


@pytest.mark.parametrize("other", [{"starts_on": date(2026, 2, 3)}, {"won_on": date(2026, 5, 3)}])
def test_another_date_is_asked_about_again(other: dict[str, date]) -> None:
    (asked,) = validate(changed(EARLY, **other), make.facts(confirmations=(_confirmed(EARLY),)))

    assert asked.severity is Severity.BLOCKS


def test_the_earliest_line_is_what_starts() -> None:
    deal = make.opportunity(make.time_line(), make.fixed_line(starts_on=date(2026, 1, 15)))

    (asked,) = validate(deal, make.facts())

    assert (asked.path, asked.value) == ("/lines/1/starts_on", "2026-01-15, won on 2026-05-04")


def test_nothing_else_can_be_confirmed_away() -> None:
    deal = make.opportunity(amount=1)

    assert confirmable(validate(deal, make.facts())) == ()


def test_a_close_date_that_is_waited_for_is_no_finding() -> None:
    waits = make.facts(today=date(2026, 5, 3), waits_until=datetime(2026, 5, 3, 22, 0, tzinfo=UTC))

    assert validate(make.opportunity(), waits) == ()


def test_a_line_that_nobody_pays_is_told_of_the_model_non_billable() -> None:
    free = make.fixed_line(discount_percent=Decimal(100), net=Decimal(0))

    (found,) = validate(make.opportunity(make.time_line(), free, amount=Decimal(14_400)), make.facts())

    assert (found.code, found.path) == ("AMOUNT_NOT_POSITIVE", "/lines/1/net")
    assert "billing model non-billable" in found.fix


def test_a_hundred_lines_with_the_same_fault_are_one_finding() -> None:
    lines = [make.fixed_line(id=f"L{n}", product_name=f"Package {n}", currency="USD") for n in range(1, 101)]

    (found,) = validate(make.opportunity(*lines, amount=Decimal(1_000_000)), make.facts())

    assert (found.code, found.path, found.value) == ("CURRENCY_DIFFERS", "/lines", "USD")
    assert found.message.startswith("100 lines: Package 1 is in USD")
    assert "Package 3 is in USD" in found.message
    assert found.message.endswith("; and 97 more")


def test_three_lines_are_named_one_by_one() -> None:
    lines = [make.fixed_line(id=f"L{n}", currency="USD") for n in range(3)]

    found = validate(make.opportunity(*lines, amount=Decimal(30_000)), make.facts())

    assert [each.path for each in found] == ["/lines/0/currency", "/lines/1/currency", "/lines/2/currency"]


def test_all_findings_come_at_once() -> None:
    deal = make.opportunity(make.time_line(role=None), currency="XYZ", account=None, owner=None, ends_on=None)

    codes = [found.code for found in validate(deal, make.facts(legal_entity=None))]

    assert codes == [
        "ACCOUNT_MISSING",
        "LEGAL_ENTITY_UNKNOWN",
        "FIELD_MISSING",
        "OWNER_EMAIL_MISSING",
        "FIELD_MISSING",
        "CURRENCY_UNKNOWN",
    ]


def test_a_net_rounded_by_the_crm_is_right_within_one_minor_unit() -> None:
    line = make.fixed_line(quantity=3, unit_price="33.335", net="100.01")  # exactly 100.005

    assert validate(make.opportunity(line), make.facts()) == ()


@pytest.mark.parametrize(("net", "sound"), [("10000.01", True), ("9999.99", True), ("10000.02", False)])
def test_a_net_may_be_off_by_one_minor_unit_and_no_more(net: str, sound: bool) -> None:
    findings = validate(make.opportunity(make.fixed_line(net=net)), make.facts())

    assert (findings == ()) is sound


@pytest.mark.parametrize("signed_on", [None, date(2026, 5, 1)])
def test_a_milestone_at_signing_is_ordinary_though_the_work_starts_later(signed_on: date | None) -> None:
    at_signing = _first_planned_on(signed_on or make.WON_ON, starts_on=date(2026, 7, 15))
    deal = make.opportunity(at_signing, contract=contract(signed_on=signed_on))

    assert validate(deal, make.facts()) == ()


def _capped_each_month() -> OpportunityLine:
    return make.capped_line(billing=_capped("20000", scope=CapScope.PERIOD))


@pytest.mark.parametrize("line", [*make.LINES.values(), _capped_each_month], ids=lambda line: line().title)
@pytest.mark.parametrize("frequency", [*BillingFrequency])
@pytest.mark.parametrize("basis", [*PeriodBasis])
@pytest.mark.parametrize(
    ("start", "end"),
    [(date(2026, 6, 1), date.max), (date.max, date.max), (date.min, date.min), (date.min, date.max)],
)
def test_the_first_and_the_last_day_of_the_calendar_are_findings(
    line: Callable[..., OpportunityLine],
    frequency: BillingFrequency,
    basis: PeriodBasis,
    start: date,
    end: date,
) -> None:
    """Of every model: nothing overflows, and nothing is computed month by month for eight thousand years."""
    terms = contract(billing_frequency=frequency, billing_periods=basis)
    deal = make.opportunity(line(), starts_on=start, ends_on=end, contract=terms)

    codes = {found.code for found in validate(deal, make.facts()) if found.severity is Severity.BLOCKS}

    far = {"DATE_FAR_AWAY"} if start.year != 2026 else set()
    assert codes - {"START_BEFORE_WON"} == far | ({"RUN_TOO_LONG"} if start < end else set())


def test_a_purchase_order_may_be_valid_until_the_calendars_last_day() -> None:
    assert validate(ordered(po_expires_on=date.max), make.facts()) == ()


@pytest.mark.parametrize("day", [date.max, date.min])
def test_a_milestone_or_a_signing_on_such_a_day_is_a_finding_too(day: date) -> None:
    deal = make.opportunity(_first_planned_on(day), contract=contract(signed_on=day))

    far = [found.path for found in validate(deal, make.facts()) if found.code == "DATE_FAR_AWAY"]

    assert far == ["/contract/signed_on", "/lines/0/milestones/0/planned_on"]


def test_a_deal_without_lines_misses_what_its_lines_would_have_told() -> None:
    deal = changed(make.opportunity(amount=1), lines=())

    paths = [found.path for found in validate(deal, make.facts())]

    assert paths == ["/service_line", "/billing_model", "/lines"]


def test_a_yen_has_no_cents() -> None:
    facts = make.facts(legal_entity=make.legal_entity(currencies=("EUR", "JPY")))
    deal = make.opportunity(make.fixed_line(unit_price="10000.5", net="10000.5"), currency="JPY")

    assert {found.code for found in validate(deal, facts)} == {"AMOUNT_TOO_FINE"}


def test_a_field_that_every_line_has_is_not_missed_on_the_deal() -> None:
    line = make.fixed_line(
        delivery_region="DACH", starts_on=date(2026, 6, 1), ends_on=date(2026, 6, 30), billing_model="fixed_fee"
    )

    assert validate(make.opportunity(line, region=None, starts_on=None, ends_on=None), make.facts()) == ()


def test_the_longest_texts_a_crm_can_send_still_give_findings() -> None:
    line = make.time_line(description="x" * 2_000, role=None)

    assert [found.code for found in validate(make.opportunity(line), make.facts())] == ["FIELD_MISSING"]


_EMPTY_LINE = make.time_line(
    role=None, service_line=None, billing_model=None, starts_on=None, currency=None, product_name=None
)
_NUMBERS = st.sampled_from(["0", "-1", "0.0000000001", "999999999999999999", "1E+17", "14400"]).map(Decimal)
_OPTIONAL = {
    "account": st.sampled_from([None, make.account(), make.account(code=None, country=None)]),
    "owner": st.sampled_from([None, make.owner(email=None)]),
    "amount": st.none() | _NUMBERS,
    "currency": st.sampled_from([None, "EUR", "USD", "KWD", "nonsense"]),
    "won_on": st.none() | st.dates(),
    "starts_on": st.none() | st.dates() | st.just(date.max),
    "ends_on": st.none() | st.dates() | st.just(date.max),
    "billing_model": st.sampled_from([None, "?", *BillingModelCode]),
    "contracting_entity": st.sampled_from([None, "ACME-DE"]),
    "region": st.sampled_from([None, "DACH"]),
    "lines": st.lists(
        st.builds(
            lambda line, quantity, price, net: changed(line, quantity=quantity, unit_price=price, net=net),
            st.sampled_from([_EMPTY_LINE, *(line() for line in make.LINES.values())]),
            _NUMBERS,
            _NUMBERS,
            _NUMBERS,
        ),
        max_size=3,
    ).map(tuple),
}


BROKEN_DEALS = st.fixed_dictionaries(_OPTIONAL).map(lambda fields: changed(make.opportunity(), **fields))


@given(
    deal=BROKEN_DEALS,
    entity=st.sampled_from([None, make.legal_entity()]),
    customer=st.sampled_from([CustomerMatch(), make.match_of(None), make.match_of(make.GLOBEX)]),
)
def test_no_deal_is_so_broken_that_validation_fails(
    deal: Opportunity, entity: object, customer: CustomerMatch
) -> None:
    for found in validate(deal, make.facts(legal_entity=entity, customer=customer)):
        assert found.message
        assert found.path.startswith("/")


@pytest.mark.parametrize(
    "deal",
    [
        ordered(po_expires_on=date(2026, 9, 15)),
        make.opportunity(account=make.account(po_required=True), contract=contract()),
        make.opportunity(starts_on=date(2026, 4, 4)),
    ],
)
def test_what_is_just_in_time_is_in_time(deal: Opportunity) -> None:
    assert validate(deal, make.facts(books_open_until=deal.ends_on)) == ()


def test_a_purchase_order_blocks_once_it_expired_and_warns_before() -> None:
    expired, expiring = (
        validate(ordered(po_expires_on=day), make.facts()) for day in (date(2026, 5, 3), date(2026, 5, 4))
    )

    assert [found.severity for found in (*expired, *expiring)] == [Severity.BLOCKS, Severity.WARNS]


def test_an_erp_that_invoices_in_any_currency_takes_hours_in_a_foreign_one() -> None:
    anywhere = make.facts(erp=make.erp(own_currency_only=frozenset()))

    assert validate(make.opportunity(currency="USD"), anywhere) == ()


def test_a_new_customer_is_waited_for_where_the_erp_does_not_let_us_create_it() -> None:
    allowed = make.legal_entity(creates_customers=True)
    deal = make.opportunity()

    created = make.facts(customer=make.match_of(None), legal_entity=allowed)
    by_hand = make.changed(created, erp=make.erp(creates_customers=False))

    assert validate(deal, created) == ()
    assert [found.code for found in validate(deal, by_hand)] == ["ACCOUNT_UNKNOWN"]


BY_CONTRACT = BillingPolicy(periods=PeriodBasis.CONTRACT)
A_YEAR = {"quantity": 12, "unit_price": 1_000, "net": 12_000, "starts_on": date(2026, 6, 15)}


@pytest.mark.parametrize("line", [make.retainer_line, make.recurring_line])
@pytest.mark.parametrize(
    ("months", "ends_on", "runs"),
    [
        ("12", date(2027, 6, 14), None),
        ("12", date(2027, 6, 20), "12 months and 6 days"),
        ("12", date(2027, 6, 10), "11 months and 27 days"),
        ("12", date(2027, 5, 14), "11 months"),
        ("12.4", date(2027, 6, 14), "12 months"),
        ("12.02", date(2027, 6, 14), "12 months"),
        # Half a month is 15 or 16 days of 31.
        ("12.5", date(2027, 6, 29), None),
        ("12.5", date(2027, 6, 30), None),
        ("12.5", date(2027, 7, 3), "12 months and 19 days"),
        ("11.99", date(2027, 6, 15), "12 months and 1 day"),
    ],
)
def test_months_of_the_contract_are_sold_as_it_has_them(
    line: Callable[..., OpportunityLine], months: str, ends_on: date, runs: str | None
) -> None:
    """A month that was sold costs its price: it is not made cheaper or dearer by days before or after."""
    quantity = Decimal(months)
    sold = line(**(A_YEAR | {"quantity": quantity, "net": quantity * 1_000, "ends_on": ends_on}))
    own = changed(sold, billing=changed(sold.billing, periods=PeriodBasis.CONTRACT))
    by_policy = make.facts(legal_entity=make.legal_entity(billing_policy=BY_CONTRACT))

    by_terms = validate(make.opportunity(own), make.facts())

    assert by_terms == validate(make.opportunity(sold), by_policy)
    assert [found.code for found in by_terms] == (["MONTHS_MISMATCH"] if runs else [])
    assert all(
        f"runs from 2026-06-15 to {ends_on}: {runs} of the contract" in found.message for found in by_terms
    )


def test_the_months_that_were_sold_say_when_the_contract_ends() -> None:
    sold = make.retainer_line(**A_YEAR, ends_on=date(2027, 6, 20))
    own = changed(sold, billing=changed(sold.billing, periods=PeriodBasis.CONTRACT))

    (found,) = validate(make.opportunity(own), make.facts())

    assert found.fix.startswith("12 months from 2026-06-15 end on 2027-06-14.")


def test_calendar_months_may_miss_the_months_sold_by_half_a_month() -> None:
    sold = make.retainer_line(**A_YEAR, ends_on=date(2027, 6, 20))
    calendar = changed(sold, billing=changed(sold.billing, periods=PeriodBasis.CALENDAR))
    by_policy = make.facts(legal_entity=make.legal_entity(billing_policy=BY_CONTRACT))

    assert validate(make.opportunity(calendar), by_policy) == ()
