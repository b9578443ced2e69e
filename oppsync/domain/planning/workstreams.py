"""The workstreams of a deal, split once: as sold, with their overrides, and the findings about them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from oppsync.domain.deal.opportunity import Opportunity
from oppsync.domain.plan.approvals import APPROVALS
from oppsync.domain.plan.enrichment import Enrichment
from oppsync.domain.plan.overrides import PlanOverride
from oppsync.domain.plan.workstream import Workstream
from oppsync.domain.planning.apply_overrides import OVERRIDES, Overridden, apply
from oppsync.domain.planning.margins import MARGIN_CODES, Margins, check_margins
from oppsync.domain.planning.overridden_dates import DateFacts, date_findings
from oppsync.domain.planning.preflight import is_about_references
from oppsync.domain.planning.size import size_findings
from oppsync.domain.planning.split import split
from oppsync.domain.reference.book import ReferenceBook, ReferenceKind, ReferenceUse
from oppsync.domain.values.findings.finding import Finding, blocking
from oppsync.domain.values.model import require


class Workstreams(NamedTuple):
    """`as_sold` are those before any override."""

    as_sold: tuple[Workstream, ...]
    overridden: Overridden
    margins: Margins

    @property
    def wanted(self) -> tuple[Workstream, ...]:
        return self.overridden.workstreams

    @property
    def findings(self) -> tuple[Finding, ...]:
        return (*self.overridden.findings, *self.margins.findings)


def make_workstreams(
    opportunity: Opportunity,
    enrichment: Enrichment,
    overrides: Iterable[PlanOverride],
    book: ReferenceBook,
    facts: DateFacts,
) -> Workstreams:
    """The workstreams of a validated and enriched deal. `book` has the margin floors, and the rows that
    overrides name by code; `facts` is what overridden dates are judged by."""
    as_sold = split(opportunity, enrichment)
    overridden = apply(as_sold, overrides, book, require(opportunity.won_on, "the close date"))
    too_many = size_findings(as_sold, overridden.workstreams)
    overridden = overridden._replace(findings=(*overridden.findings, *too_many))
    if not blocking(overridden.findings):  # impossible dates are not computed with
        dated = date_findings(opportunity, enrichment.legal_entity, as_sold, overridden, facts)
        overridden = overridden._replace(findings=(*overridden.findings, *dated))
    return Workstreams(as_sold, overridden, check_margins(opportunity, enrichment, overridden, book))


def rows_used(enrichment: Enrichment, workstreams: Workstreams) -> tuple[ReferenceUse, ...]:
    """The rows that values of the plan came from."""
    # An earlier release judged margins in enrichment and kept the policies there.
    used = (use for use in enrichment.used if use.kind is not ReferenceKind.MARGIN_POLICY)
    overridden = (use for each in workstreams.overridden.applied for use in each.rows)
    return tuple(dict.fromkeys((*used, *overridden, *workstreams.margins.rows)))


def is_about_planning(found: Finding) -> bool:
    """Whether the finding comes from the stage that makes the plan, not from an earlier one."""
    is_about_workstreams = found.code in MARGIN_CODES or found.path.startswith(OVERRIDES)
    return is_about_workstreams or found.path.startswith(APPROVALS) or is_about_references(found)
