"""Make a plan again from what was kept of it, by the rows of the configuration that made it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from oppsync.domain.approval.matrix import asked_of, with_needed
from oppsync.domain.enrichment.enrich import enrich
from oppsync.domain.plan.enrichment import Enrichment
from oppsync.domain.plan.plan import PlanContent
from oppsync.domain.planning.inputs import PlanInputs
from oppsync.domain.planning.line_paths import with_own_paths
from oppsync.domain.planning.overridden_dates import DateFacts
from oppsync.domain.planning.planning import content_of
from oppsync.domain.planning.workstreams import make_workstreams
from oppsync.domain.reference.book import ReferenceBook, ReferenceRow
from oppsync.domain.values.findings.finding import Finding, blocking


def recompute(
    inputs: PlanInputs,
    rows: Iterable[ReferenceRow],
    replaced: PlanContent | None = None,
    earlier: Sequence[PlanContent] = (),
) -> PlanContent | tuple[Finding, ...]:
    """Pure: the plan's content, or why this release makes none. `rows`: those of the inputs' configuration;
    `replaced` and `earlier`: the plans whose hashes the inputs name."""
    book = ReferenceBook([*rows, *inputs.links])
    customer = inputs.customer.code if inputs.customer else None
    enrichment = inputs.enrichment or enrich(inputs.record, book, customer)
    if not isinstance(enrichment, Enrichment):
        return enrichment
    today = enrichment.legal_entity.today(inputs.moment)
    facts = DateFacts(today, inputs.books_open_until, inputs.confirmations)
    workstreams = make_workstreams(inputs.record, enrichment, inputs.overrides, book, facts)
    if blocks := blocking(workstreams.overridden.findings):
        return blocks
    decimals = inputs.erp.price_decimals
    content = content_of(inputs.record, enrichment, workstreams.wanted, decimals, inputs.customer)
    day, known = inputs.moment.date(), inputs.knows_customer
    needed = asked_of(content, inputs.record, enrichment, book, day, known_customer=known)
    if blocks := blocking(needed.findings):
        return blocks
    content = with_needed(content, needed)
    return with_own_paths(content, replaced, earlier) if replaced or earlier else content
