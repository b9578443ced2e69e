"""What the stages up to the plan would find of a deal, one after the other, from facts that are at hand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from oppsync.domain.deal.opportunity import Opportunity
from oppsync.domain.enrichment.enrich import enrich
from oppsync.domain.plan.enrichment import Enrichment
from oppsync.domain.plan.overrides import PlanOverride
from oppsync.domain.planning.overridden_dates import DateFacts
from oppsync.domain.planning.workstreams import Workstreams, make_workstreams
from oppsync.domain.reading.preview import as_if_won, leaves_a_plan
from oppsync.domain.reference.book import ReferenceBook
from oppsync.domain.validation.facts import ValidationFacts
from oppsync.domain.validation.table import validate
from oppsync.domain.validation.typing_faults import without_consequences
from oppsync.domain.values.findings.finding import Finding, blocking


class Judged(NamedTuple):
    """`priced`: the deal with the day whose rows it gets. `wrong`: what validation finds; `later`: what
    enrichment and planning find. `workstreams` is None where an earlier stage leaves nothing to split."""

    priced: Opportunity
    wrong: tuple[Finding, ...]
    later: tuple[Finding, ...]
    enrichment: Enrichment | None = None
    workstreams: Workstreams | None = None

    @property
    def leaves_a_plan(self) -> bool:
        return self.workstreams is not None and not blocking(self.workstreams.overridden.findings)


def judge(
    deal: Opportunity, facts: ValidationFacts, book: ReferenceBook, overrides: Sequence[PlanOverride] = ()
) -> Judged:
    """Pure. The stages go on even where an earlier one would stop the deal."""
    priced, customer = as_if_won(deal, facts.today), facts.customer.customer
    wrong = validate(deal if deal.is_won else priced, facts)
    enrichment = enrich(priced, book, customer.code if customer else None, facts.field_at)
    if not isinstance(enrichment, Enrichment):
        return Judged(priced, wrong, without_consequences(enrichment, deal))
    if not all(leaves_a_plan(found) for found in wrong):
        return Judged(priced, wrong, enrichment.warnings, enrichment)
    dates = DateFacts(facts.today, facts.books_open_until, facts.confirmations)
    workstreams = make_workstreams(priced, enrichment, overrides, book, dates)
    return Judged(priced, wrong, (*enrichment.warnings, *workstreams.findings), enrichment, workstreams)
