"""Builders of canonical shapes: a sound deal of the demo firm, and its later forms.

Every builder takes changes by field name; the result is validated like anything that comes from outside.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from oppsync.domain.deal.customers import CustomerMatch, ErpCustomer
from oppsync.domain.deal.opportunity import (
    Opportunity,
    OpportunityLine,
)
from oppsync.domain.plan.capabilities import ErpCapabilities
from oppsync.domain.plan.overrides import PlanOverride
from oppsync.domain.plan.plan import LineKind, Plan
from oppsync.domain.plan.workstream import Workstream
from oppsync.domain.planning.overridden_dates import DateFacts
from oppsync.domain.planning.split import split
from oppsync.domain.planning.workstreams import make_workstreams
from oppsync.domain.reference.billing_policy import BillingPolicy
from oppsync.domain.reference.book import ReferenceBook, ReferenceKind, ReferenceRow
from oppsync.domain.reference.entities import LegalEntity
from oppsync.domain.validation.facts import ValidationFacts
from oppsync.domain.values.model import changed
from oppsync.domain.work.states import State
from oppsync.domain.work.tracked import TrackedOpportunity
from oppsync.pipeline import split_workstreams
from oppsync.pipeline.destination import Destination
from oppsync.pipeline.split_workstreams import plan_of
from oppsync.pipeline.stage import Advance, Park
from sandbox.contracts.deals import (
    CREDITS,
    LINES,
    NO_FLOOR,
    WON_ON,
    account,
    book,
    capped_line,
    content,
    credit,
    deposit_line,
    enrichment,
    fixed_line,
    milestone_line,
    non_billable_line,
    opportunity,
    owner,
    progress_line,
    recurring_line,
    retainer_line,
    time_line,
)

__all__ = [
    "CREDITS",
    "LINES",
    "NOW",
    "NO_FLOOR",
    "OPPORTUNITY_ID",
    "TENANT",
    "WON_ON",
    "account",
    "book",
    "capped_line",
    "changed",
    "content",
    "credit",
    "deposit_line",
    "enrichment",
    "erp",
    "facts",
    "fixed_line",
    "legal_entity",
    "milestone_line",
    "non_billable_line",
    "opportunity",
    "owner",
    "plan",
    "planned",
    "progress_line",
    "recurring_line",
    "retainer_line",
    "template_row",
    "time_line",
    "tracked",
    "workstream",
]

TENANT = "default"
NOW = datetime(2026, 5, 4, 9, 30, tzinfo=UTC)
OPPORTUNITY_ID = UUID("01890000-0000-7000-8000-000000000001")


def template_row(key: str, **fields: Any) -> ReferenceRow:
    """A project template; `key` is `<service line code>|<region>|<billing model>`."""
    value = {"code": "TPL-1", "name": "Cloud", **fields}
    return ReferenceRow(kind=ReferenceKind.PROJECT_TEMPLATE, key=key, valid_from=date(2026, 1, 1), value=value)


def legal_entity(code: str = "ACME-DE", on: date = WON_ON, **changes: Any) -> LegalEntity:
    found = book().find(LegalEntity, ReferenceKind.LEGAL_ENTITY, code, on)
    assert found is not None
    return changed(found[0], **changes)


# The account of `opportunity` as the ERP has it.
GLOBEX = ErpCustomer(code="CUST-1001", name="Globex GmbH", countries=("DE",), tax_ids=("DE136695976",))


def match_of(customer: ErpCustomer | None, code: str = "CUST-1001") -> CustomerMatch:
    """By the code that the account carries; None: the ERP has nobody of this code."""
    return CustomerMatch(customer=customer, by="customer code" if customer else "", code=code)


# What overridden dates are judged by, where there is no more to know.
DATES = DateFacts(today=WON_ON, books_open_until=None, confirmations=())


def facts(**changes: Any) -> ValidationFacts:
    """Facts of an ERP with the customer, a ready entity, and every kind of billing line."""
    usual = ValidationFacts(legal_entity=legal_entity(), erp=erp(), today=WON_ON, customer=match_of(GLOBEX))
    return changed(usual, **changes)


def erp(**changes: Any) -> ErpCapabilities:
    """The capabilities of the demo firm's ERP."""
    own = frozenset({LineKind.TIME, LineKind.PROGRESS})
    return changed(ErpCapabilities(line_kinds=frozenset(LineKind), own_currency_only=own), **changes)


def workstream(line: OpportunityLine, policy: BillingPolicy | None = None, **deal: Any) -> Workstream:
    """The one workstream of a deal with this line, sold by an entity with this policy."""
    sold = opportunity(line, **deal)
    found = enrichment(sold)
    seller = changed(found.legal_entity, billing_policy=policy or found.legal_entity.billing_policy)
    (only,) = split(sold, changed(found, legal_entity=seller))
    return only


def plan(
    deal: Opportunity | None = None,
    reference: ReferenceBook | None = None,
    customer: ErpCustomer | None = None,
) -> Plan:
    deal = deal or opportunity()
    enriched = enrichment(deal, reference)
    workstreams = make_workstreams(deal, enriched, (), reference or book(), DATES)
    return plan_of(deal, enriched, workstreams, NOW, customer=customer)


def planned(
    enriched: TrackedOpportunity,
    reference: ReferenceBook,
    overrides: Sequence[PlanOverride] = (),
    destination: Destination | None = None,
    *,
    now: datetime = NOW,
    books_open_until: date | None = None,
) -> Advance | Park:
    """What the stage `split_workstreams` comes to where ERP and PSA know all that the plan names."""
    proposal = split_workstreams.propose(
        enriched, now, reference, overrides, destination, books_open_until=books_open_until
    )
    return split_workstreams.decide(enriched, proposal)


def tracked(deal: Opportunity | None = None, **changes: Any) -> TrackedOpportunity:
    """An opportunity just received; its record is read when `deal` is given."""
    fresh = TrackedOpportunity(
        tenant_id=TENANT,
        id=OPPORTUNITY_ID,
        connection_id="sf-demo",
        source_id="006O1",
        state=State.RECEIVED,
        record=deal,
        record_digest=deal.content_digest() if deal else None,
        received_at=NOW,
        traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    )
    return changed(fresh, **changes)
