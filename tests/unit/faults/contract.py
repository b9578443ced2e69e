"""Deals whose contract is wrong."""

from __future__ import annotations

from datetime import date

from oppsync.domain.deal.reading import FieldOfCrm
from tests.harness import builders as make
from tests.unit.faults.case import Case, first_planned_on, ordered

CASES = [
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
        "The ERP has no payment terms NET30; Terms (Opportunity.Terms__c) can be NET14 or NET60",
        make.opportunity(),
        make.facts(
            payment_terms_known=False,
            payment_terms=("NET14", "NET60"),
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
    Case(
        "a milestone before the signing",
        "MILESTONE_BEFORE_SIGNING",
        "/lines/0/milestones/0/planned_on",
        "Design of Cloud migration is planned for 2025-06-30, before the deal was signed or won, on 2026-05-04",
        make.opportunity(first_planned_on(date(2025, 6, 30))),
    ),
]
