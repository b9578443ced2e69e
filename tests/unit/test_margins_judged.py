"""Margins are judged once, where the deal is split into workstreams."""

from __future__ import annotations

from datetime import date

from oppsync.domain.reference.book import ReferenceBook, ReferenceKind, ReferenceUse
from oppsync.domain.values.findings.finding import Severity
from oppsync.domain.values.model import changed
from oppsync.domain.work.states import State
from oppsync.domain.work.tracked import TrackedOpportunity
from oppsync.pipeline import enrich
from oppsync.pipeline.stage import Advance
from tests.harness import builders as make
from tests.unit import test_rates
from tests.unit.surroundings import advanced, parked, warned_of
from tests.unit.test_overrides import override_of

# Sold at 10,000 with 60 planned hours: at a cost of 100 an hour, 40 % are left.
THIN = make.opportunity(make.fixed_line())


def floors(of_deal: str, severity: Severity = Severity.WARNS) -> ReferenceBook:
    return make.book(
        test_rates.cost("DACH|*|EUR", "100"),
        test_rates.floor("*", of_deal, severity),
        without=test_rates.MARGINS,
    )


def enriched_by(book: ReferenceBook, before: TrackedOpportunity | None = None) -> TrackedOpportunity:
    start = before or make.tracked(THIN)
    outcome = advanced(enrich.decide(changed(start, state=State.VALIDATED), book), State.ENRICHED)
    return changed(outcome.opportunity, state=State.ENRICHED)


def split_by(book: ReferenceBook, opportunity: TrackedOpportunity) -> Advance:
    return advanced(make.planned(opportunity, book), State.PLANNED)


def test_a_thin_margin_is_warned_of_once_the_deal_is_split_and_told_once() -> None:
    book = floors("50")
    enriched = enriched_by(book)

    first = split_by(book, enriched)
    again = split_by(book, enriched_by(book, first.opportunity))

    assert warned_of(enriched) == []
    assert warned_of(first.opportunity) == [("MARGIN_BELOW_FLOOR", "40 %")]
    assert [event.type for event in first.events] == ["warnings.found.v1", "plan.made.v1"]
    assert warned_of(again.opportunity) == warned_of(first.opportunity)
    assert again.events == ()


def test_a_margin_that_got_better_is_no_longer_warned_of() -> None:
    warned = split_by(floors("50"), enriched_by(floors("50"))).opportunity

    better = split_by(floors("40"), enriched_by(floors("40"), warned))

    assert warned_of(better.opportunity) == []


def test_a_margin_that_blocks_parks_the_deal_where_it_is_split_and_not_before() -> None:
    book = floors("50", Severity.BLOCKS)

    outcome = parked(make.planned(enriched_by(book), book))

    assert [found.code for found in outcome.findings] == ["MARGIN_BELOW_FLOOR"]


def test_overrides_that_are_not_possible_and_thin_margins_are_found_together() -> None:
    book = floors("50", Severity.BLOCKS)
    overrides = [override_of("template", "TPL-X")]

    outcome = parked(make.planned(enriched_by(book), book, overrides))

    assert [found.code for found in outcome.findings] == ["OVERRIDE_NOT_POSSIBLE", "MARGIN_BELOW_FLOOR"]


def test_a_plan_names_the_policies_that_its_margins_were_judged_by() -> None:
    book = floors("30")

    plan = split_by(book, enriched_by(book)).plan

    assert plan is not None
    policies = [row.key for row in plan.provenance.reference if row.kind is ReferenceKind.MARGIN_POLICY]
    assert policies == ["*"]


def test_a_deal_that_an_earlier_release_enriched_is_judged_anew_and_told_nothing_twice() -> None:
    """The earlier release stored margins and their policies with the enrichment."""
    book = floors("50")
    known = split_by(book, enriched_by(book)).opportunity.enrichment
    assert known is not None
    old_row = ReferenceUse(kind=ReferenceKind.MARGIN_POLICY, key="*", valid_from=date(2024, 1, 1), version=7)
    old = make.tracked(THIN, state=State.ENRICHED, enrichment=changed(known, used=(*known.used, old_row)))

    outcome = split_by(book, old)

    assert warned_of(outcome.opportunity) == [("MARGIN_BELOW_FLOOR", "40 %")]
    assert [event.type for event in outcome.events] == ["plan.made.v1"]
    assert outcome.plan is not None
    assert old_row not in outcome.plan.provenance.reference
