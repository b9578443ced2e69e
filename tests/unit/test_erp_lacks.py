"""What the ERP does not know parks or warns before anybody approves."""

from __future__ import annotations

from oppsync.domain.plan.references import ErpReferenceKind, MissingReference
from oppsync.domain.work.states import State
from oppsync.pipeline import enrich, split_workstreams
from tests.harness import builders as make
from tests.unit.surroundings import Surroundings, advanced, parked, warned_of

LACKS_CENTRE = "The ERP's company ACME-DE has no cost centre CC-DE-CLOUD"
COST_CENTRE = MissingReference(kind=ErpReferenceKind.COST_CENTRE, company="ACME-DE", name="CC-DE-CLOUD")


def test_what_the_erp_does_not_know_parks_the_deal_before_anybody_approves() -> None:
    world = Surroundings(make.opportunity())
    tax = MissingReference(kind=ErpReferenceKind.TAX, company="ACME-DE", name="VAT-DE-19")
    world.missing = [COST_CENTRE, tax]
    enriched = make.tracked(
        make.opportunity(), state=State.ENRICHED, enrichment=make.enrichment(make.opportunity())
    )

    outcome = parked(split_workstreams.run(world.context(enriched)))

    assert [(found.code, found.owner, found.message) for found in outcome.findings] == [
        (
            "COST_CENTRE_UNKNOWN",
            "finance",
            f"{LACKS_CENTRE}, planned for Cloud foundation, Cloud migration",
        ),
        ("TAX_CODE_UNKNOWN", "finance", "The ERP's company ACME-DE has no tax VAT-DE-19"),
    ]
    # A code corrected in the reference data has to come into the enrichment.
    assert outcome.resume is State.VALIDATED


def test_an_invoice_on_a_day_without_a_fiscal_year_is_a_warning_told_once() -> None:
    world = Surroundings(make.opportunity())
    world.missing = [
        MissingReference(kind=ErpReferenceKind.FISCAL_YEAR, company="ACME-DE", name=day)
        for day in ("2026-06-30", "2026-07-31")
    ]
    enriched = make.tracked(
        make.opportunity(), state=State.ENRICHED, enrichment=make.enrichment(make.opportunity())
    )

    first = advanced(split_workstreams.run(world.context(enriched)), State.PLANNED)
    again = advanced(enrich.run(world.context(first.opportunity)), State.ENRICHED)
    second = advanced(split_workstreams.run(world.context(again.opportunity)), State.PLANNED)

    assert warned_of(first.opportunity) == [("FISCAL_YEAR_NOT_OPEN", "2026-06-30, 2026-07-31")]
    assert [event.type for event in first.events] == ["warnings.found.v1", "plan.made.v1"]
    assert second.events == ()
    assert warned_of(second.opportunity) == warned_of(first.opportunity)
