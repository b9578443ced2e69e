"""Gather what a plan is made from, to be kept with it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from oppsync import __version__
from oppsync.domain.configuration.files import UNGOVERNED
from oppsync.domain.configuration.versions import ConfigurationUse
from oppsync.domain.deal.opportunity import Opportunity
from oppsync.domain.enrichment.enrich import enrich
from oppsync.domain.plan.enrichment import Enrichment
from oppsync.domain.plan.overrides import PlanOverride
from oppsync.domain.plan.plan import Plan
from oppsync.domain.planning.inputs import PlanInputs
from oppsync.domain.reference.book import ReferenceBook, ReferenceRow, reference_key
from oppsync.domain.values.findings.finding import Finding
from oppsync.domain.values.model import changed, require
from oppsync.pipeline.destination import Destination
from oppsync.pipeline.stage import StageContext


def inputs_of(
    context: StageContext,
    plan: Plan,
    book: ReferenceBook,
    made_by: ConfigurationUse,
    *,
    overrides: Sequence[PlanOverride],
    destination: Destination,
    books_open_until: date | None,
    knows_customer: bool,
) -> PlanInputs:
    opportunity = context.opportunity
    record = require(opportunity.record, "the record")
    enrichment = require(opportunity.enrichment, "the enrichment")
    customer, erp_facts = opportunity.customer, opportunity.erp_facts
    anew = enrich(record, book, customer.code if customer else None)
    return PlanInputs(
        release=__version__,
        configuration=made_by,
        moment=plan.provenance.made_at,
        record=record,
        customer=customer,
        knows_customer=knows_customer,
        systems=destination.systems,
        erp=destination.erp,
        books_open_until=books_open_until,
        erp_facts=erp_facts if erp_facts and erp_facts.record_digest == record.content_digest() else None,
        confirmations=opportunity.confirmations,
        warnings=opportunity.warnings,
        links=links_of(record, book),
        overrides=tuple(overrides),
        enrichment=_unless_of_these_rows(enrichment, anew),
    )


def links_of(record: Opportunity, book: ReferenceBook) -> tuple[ReferenceRow, ...]:
    """The rows of the deal's account that belong to the installation and not to its configuration."""
    if record.account is None:
        return ()
    key, day = reference_key(record.system, record.account.id), require(record.won_on, "the close date")
    found = (book.row(kind, key, day) for kind in sorted(UNGOVERNED))
    return tuple(row for row in found if row is not None)


def _unless_of_these_rows(kept: Enrichment, anew: Enrichment | tuple[Finding, ...]) -> Enrichment | None:
    """The enrichment, where it does not say what the rows say now: they changed since the stage before."""
    if isinstance(anew, Enrichment) and _values(anew) == _values(kept):
        return None
    return kept


def _values(enrichment: Enrichment) -> Enrichment:
    """Without what belongs to one run: what it warned of, and which plan it replaces."""
    return changed(enrichment, warnings=(), replaces=None)
