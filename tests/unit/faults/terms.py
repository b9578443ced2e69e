"""Deals whose billing terms are wrong."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from oppsync.domain.deal.billing_terms import (
    BillingFrequency,
    BillingTerms,
    Deposit,
    Retainer,
)
from oppsync.domain.deal.opportunity import (
    ContractTerms,
    OpportunityLine,
)
from oppsync.domain.plan.plan import LineKind
from tests.harness import builders as make
from tests.unit.faults.case import FIELD, UNSURE, Case, capped, milestones


def a_year_from_15_january(frequency: str) -> OpportunityLine:
    terms = BillingTerms(frequency=BillingFrequency(frequency))
    return make.fixed_line(starts_on=date(2027, 1, 15), ends_on=date(2028, 1, 14), billing=terms)


CASES = [
    Case("not certain", "PROBABILITY_NOT_CERTAIN", "/probability", "its probability is 90 %", UNSURE),
    Case(
        "hours of nobody", FIELD, "/lines/0/role", "names no role", make.opportunity(make.time_line(role=None))
    ),
    Case(
        "a billing model of another world",
        "BILLING_MODEL_UNKNOWN",
        "/lines/0/billing_model",
        "is 'barter', which is not a known billing model; allowed is time and materials, ",
        make.opportunity(make.fixed_line(billing_model="barter")),
    ),
    Case(
        "a billing model of the deal that no line follows",
        "BILLING_MODEL_UNKNOWN",
        "/billing_model",
        "Billing model is 'barter', which is not a known billing model; allowed is time and materials, ",
        make.opportunity(make.fixed_line(billing_model="fixed_fee"), billing_model="barter"),
    ),
    Case(
        "a model this ERP does not land",
        "BILLING_MODEL_UNSUPPORTED",
        "/lines/2/billing_model",
        "milestone cannot be set up in this ERP; allowed is time and materials, "
        "time and materials capped, fixed fee, fixed fee deposit, retainer, recurring or non billable",
        make.opportunity(),
        make.facts(erp=make.erp(line_kinds=frozenset({LineKind.TIME, LineKind.DATED}))),
    ),
    Case(
        "hours taken back",
        "CREDIT_BY_THE_HOUR",
        "/lines/1/net",
        "Senior consulting is a credit of EUR -14,400.00 by the hour",
        make.opportunity(make.milestone_line(), make.credit(make.time_line())),
    ),
    Case(
        "a year that begins inside a month",
        "PERIODS_NOT_STATED",
        "/lines/0/billing/periods",
        "Cloud foundation runs for 12 months from 2027-01-15 to 2028-01-14, and nothing says whether its "
        "periods are those of the contract: by the calendar it is invoiced in 2 parts, 2027-01-15 to "
        "2027-12-31 and 2028-01-01 to 2028-01-14, instead of 1",
        make.opportunity(a_year_from_15_january("yearly")),
    ),
    Case(
        "the same by the month",
        "PERIODS_NOT_STATED",
        "/lines/0/billing/periods",
        "invoiced in 13 parts, 2027-01-15 to 2027-01-31 ... 2028-01-01 to 2028-01-14, instead of 12",
        make.opportunity(a_year_from_15_january("monthly")),
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
        make.opportunity(make.milestone_line(milestones=milestones("30", "69"))),
    ),
    Case(
        "a milestone that takes back",
        "MILESTONE_PERCENTS",
        "/lines/0/milestones",
        "110 % + -10 %",
        make.opportunity(make.milestone_line(milestones=milestones("110", "-10"))),
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
        make.opportunity(make.capped_line(billing=capped("16000", warning_percent=101))),
    ),
    Case(
        "a cap of nothing",
        "CAP_INVALID",
        "/lines/0/billing/cap",
        "a cap of EUR 0.00, with",
        make.opportunity(make.capped_line(billing=capped("0"))),
    ),
    Case(
        "a cap below a cent",
        "CAP_INVALID",
        "/lines/0/billing/cap",
        "a cap of EUR 0.001, with",
        make.opportunity(make.capped_line(billing=capped("0.001"))),
    ),
    Case(
        "a cap finer than a cent",
        "CAP_INVALID",
        "/lines/0/billing/cap",
        "a cap of EUR 20,000.005, with",
        make.opportunity(make.capped_line(billing=capped("20000.005"))),
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
]
