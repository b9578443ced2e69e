"""Deals that lack a field, or have one that cannot be read."""

from __future__ import annotations

from oppsync.domain.deal.opportunity import (
    ContractTerms,
)
from oppsync.domain.values.model import changed
from tests.harness import builders as make
from tests.unit.faults.case import FIELD, Case

CASES = [
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
]
