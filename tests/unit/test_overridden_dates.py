"""A date that a person overrides is judged as the CRM's would be: what blocks there blocks here, what warns
warns."""

from __future__ import annotations

from datetime import date

import pytest

from oppsync.domain.deal.opportunity import Opportunity
from oppsync.domain.plan.overrides import PlanOverride
from oppsync.domain.reference.book import ReferenceBook, ReferenceKind
from oppsync.domain.reference.splitting import SplitRule
from oppsync.domain.validation.confirmations import Confirmation, confirmable
from oppsync.domain.validation.table import validate
from oppsync.domain.values.findings.finding import Finding, Severity
from oppsync.domain.work.states import State
from oppsync.pipeline.stage import Advance, Park
from tests.harness import builders as make
from tests.unit.faults.case import contract
from tests.unit.test_overrides import DEAL, override_of, reference
from tests.unit.test_split_rules import row

EARLY = override_of("starts_on", "2026-02-02")
LATER = override_of("ends_on", "2026-12-31")


def outcome_of(
    deal: Opportunity,
    *overrides: PlanOverride,
    book: ReferenceBook | None = None,
    confirmations: tuple[Confirmation, ...] = (),
    books_open_until: date | None = None,
) -> Advance | Park:
    book = book or make.book()
    enriched = make.tracked(
        deal, state=State.ENRICHED, enrichment=make.enrichment(deal, book), confirmations=confirmations
    )
    return make.planned(enriched, book, overrides, books_open_until=books_open_until)


def findings(outcome: Advance | Park) -> list[Finding]:
    if isinstance(outcome, Park):
        return list(outcome.findings)
    assert outcome.opportunity.enrichment is not None
    return list(outcome.opportunity.enrichment.warnings)


def told(outcome: Advance | Park) -> list[tuple[str, str, Severity]]:
    return [(found.code, found.path, found.severity) for found in findings(outcome)]


def confirmed(found: Finding) -> Confirmation:
    said = {"reason": "Letter of intent of January", "by": "person:olga@example.com", "at": make.NOW}
    return Confirmation(code=found.code, path=found.path, value=found.value, **said)


def test_an_overridden_start_long_before_the_deal_was_won_holds_it_until_a_person_confirms_that_start() -> None:
    held = outcome_of(DEAL, EARLY)
    (asked,) = confirmable(findings(held))
    confirmation = confirmed(asked)
    goes_on = outcome_of(DEAL, EARLY, confirmations=(confirmation,))
    another = outcome_of(DEAL, override_of("starts_on", "2026-02-03"), confirmations=(confirmation,))

    assert told(held) == [("START_BEFORE_WON", "/overrides/00kL2/starts_on", Severity.BLOCKS)]
    assert asked.value == "2026-02-02, won on 2026-05-04"
    assert asked.fix.endswith("override it with another, or take the override back.")
    assert told(goes_on) == [("START_BEFORE_WON", "/overrides/00kL2/starts_on", Severity.WARNS)]
    assert findings(goes_on)[0].message.endswith(
        "by olga@example.com on 2026-05-04: Letter of intent of January"
    )
    assert told(another) == [("START_BEFORE_WON", "/overrides/00kL2/starts_on", Severity.BLOCKS)]


def test_who_confirmed_the_crm_s_early_start_confirmed_no_earlier_one() -> None:
    deal = make.opportunity(make.fixed_line(), starts_on=date(2026, 2, 2))
    (of_crm,) = validate(deal, make.facts())

    as_late = outcome_of(deal, override_of("starts_on", "2026-03-02"), confirmations=(confirmed(of_crm),))
    earlier = outcome_of(deal, override_of("starts_on", "2026-01-05"), confirmations=(confirmed(of_crm),))

    assert told(as_late) == []
    assert told(earlier) == [("START_BEFORE_WON", "/overrides/00kL2/starts_on", Severity.BLOCKS)]


def test_each_early_start_is_held_at_the_workstream_that_it_is_of() -> None:
    first, second = EARLY, override_of("starts_on", "2026-01-05", "00kL3", number=2)

    (found,) = findings(outcome_of(DEAL, first, second))

    assert (found.path, found.value) == ("/overrides/00kL3/starts_on", "2026-01-05, won on 2026-05-04")


def test_an_overridden_end_is_warned_of_when_the_purchase_order_ends_before_it() -> None:
    deal = make.opportunity(make.fixed_line(), contract=contract(po_expires_on=date(2026, 10, 31)))

    within, beyond = outcome_of(deal, override_of("ends_on", "2026-10-31")), outcome_of(deal, LATER)

    assert told(within) == []
    assert told(beyond) == [("PO_EXPIRED", "/overrides/00kL2/ends_on", Severity.WARNS)]
    assert "expires on 2026-10-31, before the work ends on 2026-12-31" in findings(beyond)[0].message


def test_an_overridden_end_is_warned_of_when_the_cost_centre_closes_before_it() -> None:
    book = make.book(reference(ReferenceKind.COST_CENTRE, "ACME-DE|CLOUD", closed_on="2026-10-31"))
    elsewhere = override_of("cost_centre", "CC-DE-ADV", number=2)

    within = outcome_of(DEAL, override_of("ends_on", "2026-10-30"), book=book)
    beyond, moved = outcome_of(DEAL, LATER, book=book), outcome_of(DEAL, LATER, elsewhere, book=book)

    assert told(within) == []
    assert told(beyond) == [("COST_CENTRE_CLOSED", "/overrides/00kL2/ends_on", Severity.WARNS)]
    assert told(moved) == []  # nobody books on the one that closes


def test_a_cost_centre_that_the_same_person_chose_is_warned_of_once() -> None:
    book = make.book(reference(ReferenceKind.COST_CENTRE, "ACME-DE|ADV", closed_on="2026-10-31"))

    both = outcome_of(DEAL, LATER, override_of("cost_centre", "CC-DE-ADV", number=2), book=book)

    assert told(both) == [("COST_CENTRE_CLOSED", "/overrides/00kL2/cost_centre", Severity.WARNS)]


def test_work_that_another_entity_delivers_is_booked_on_two_cost_centres() -> None:
    """That of the entity that sells takes the revenue, until the work ends."""
    abroad = row(SplitRule(code="us", order=1, delivery_entity="ACME-US"))
    closing = reference(ReferenceKind.COST_CENTRE, "ACME-DE|CLOUD", closed_on="2026-10-31")

    (found,) = findings(outcome_of(DEAL, LATER, book=make.book(abroad, closing)))

    assert (found.code, found.path, found.value) == (
        "COST_CENTRE_CLOSED",
        "/overrides/00kL2/ends_on",
        "CC-DE-CLOUD",
    )


def test_an_overridden_end_after_the_open_books_is_warned_of() -> None:
    until = date(2026, 10, 31)

    assert told(outcome_of(DEAL, LATER, books_open_until=until)) == [
        ("BOOKS_NOT_OPEN", "/overrides/00kL2/ends_on", Severity.WARNS)
    ]


def test_a_start_that_nobody_plans_for_holds_the_deal() -> None:
    far = (override_of("starts_on", "2070-01-01"), override_of("ends_on", "2070-06-30", number=2))

    assert told(outcome_of(DEAL, *far)) == [("DATE_FAR_AWAY", "/overrides/00kL2/starts_on", Severity.BLOCKS)]


def test_months_that_were_sold_are_billed_at_their_price_between_overridden_dates_too() -> None:
    """Three and a half months were sold; a month later each is as many."""
    deal = make.opportunity(make.recurring_line())
    end = override_of("ends_on", "2026-10-15", "00kL8")
    start = override_of("starts_on", "2026-07-01", "00kL8", number=2)

    assert told(outcome_of(deal, end)) == [("MONTHS_MISMATCH", "/overrides/00kL8/ends_on", Severity.BLOCKS)]
    assert told(outcome_of(deal, end, start)) == []


@pytest.mark.parametrize(
    "override", [override_of("starts_on", "2026-07-01"), override_of("name", "Landing zone")]
)
def test_what_the_crm_s_own_dates_are_warned_of_is_not_said_of_an_override(override: PlanOverride) -> None:
    deal = make.opportunity(make.fixed_line(), contract=contract(po_expires_on=date(2026, 8, 1)))

    assert told(outcome_of(deal, override)) == []
