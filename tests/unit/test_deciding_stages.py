"""The stages that decide: validate, enrich, split. They write nothing outside."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from oppsync.domain.plan.plan import Plan
from oppsync.domain.work.states import State
from oppsync.kernel.errors import RecordGone
from oppsync.pipeline import enrich, split_workstreams, validate
from tests.harness import builders as make
from tests.unit.surroundings import Surroundings, advanced, parked


def test_a_deal_goes_from_received_to_planned() -> None:
    world = Surroundings(make.opportunity())

    validated = advanced(validate.run(world.context(make.tracked())), State.VALIDATED)
    enriched = advanced(enrich.run(world.context(validated.opportunity)), State.ENRICHED)
    planned = advanced(split_workstreams.run(world.context(enriched.opportunity)), State.PLANNED)

    assert world.asked == ["read 006O1", "customer CUST-1001", "company ACME-DE", "what ACME-DE lacks"]
    assert isinstance(planned.plan, Plan)
    assert planned.opportunity.plan_hash == planned.plan.hash
    assert planned.plan.provenance.record_digest == validated.opportunity.record_digest
    assert [event.type for event in planned.events] == ["plan.made.v1"]
    assert "EUR 44,400.00, workstreams: 3" in planned.events[0].summary


def test_the_first_reading_is_on_the_timeline_as_a_whole() -> None:
    deal = make.opportunity()

    outcome = advanced(validate.run(Surroundings(deal).context(make.tracked())), State.VALIDATED)

    (read,) = outcome.events
    assert (read.type, read.actor, read.before) == ("record.read.v1", "stage:validate", {})
    assert read.after["amount"] == "44400"
    assert outcome.opportunity.record == deal
    assert outcome.opportunity.record_digest == deal.content_digest()


def test_a_later_reading_tells_what_changed() -> None:
    known, now = make.opportunity(), make.opportunity(name="Globex, phase one", version="later")

    outcome = validate.run(Surroundings(now).context(make.tracked(known)))

    (read,) = outcome.events
    assert (read.before, read.after) == ({"name": "Globex goes to the cloud"}, {"name": "Globex, phase one"})


def test_a_reading_that_only_has_a_new_version_is_no_news() -> None:
    known, now = make.opportunity(), make.opportunity(version="later")

    outcome = validate.run(Surroundings(now).context(make.tracked(known)))

    assert outcome.events == ()
    assert outcome.opportunity.record == now


def test_a_deal_that_is_not_won_is_withdrawn() -> None:
    world = Surroundings(make.opportunity(is_won=False, amount=None))

    withdrawn = advanced(validate.run(world.context(make.tracked())), State.WITHDRAWN)

    assert withdrawn.items == []
    assert world.asked == ["read 006O1", "node oppsync:default:sf-demo:006O1:parent:project"]


def test_a_deal_that_is_not_won_and_has_a_project_that_nobody_remembers_is_for_a_person() -> None:
    world = Surroundings(make.opportunity(is_won=False, amount=None), has_project=True)

    withdrawn = advanced(validate.run(world.context(make.tracked())), State.WITHDRAWN)

    assert [item.code for item in withdrawn.items] == ["LOST_AFTER_APPROVAL"]


def test_a_record_that_is_gone_is_a_business_failure() -> None:
    with pytest.raises(RecordGone):
        validate.run(Surroundings(None).context(make.tracked()))


def test_findings_park_the_deal_with_its_reading() -> None:
    deal = make.opportunity(owner=None)

    outcome = parked(validate.run(Surroundings(deal, customers="").context(make.tracked())))

    assert [found.code for found in outcome.findings] == ["ACCOUNT_UNKNOWN", "OWNER_EMAIL_MISSING"]
    assert outcome.payload_reference == f"record:{make.OPPORTUNITY_ID}"
    assert outcome.opportunity.record == deal
    assert len(outcome.events) == 1


def test_a_deal_without_account_and_entity_asks_the_erp_nothing() -> None:
    world = Surroundings(make.opportunity(account=None, contracting_entity=None))

    parked(validate.run(world.context(make.tracked())))

    assert world.asked == ["read 006O1"]


def test_today_is_the_entitys_own_day() -> None:
    """Just after midnight in Berlin, where the deal was won, it is still the day before in UTC."""
    after_midnight = datetime(2026, 5, 3, 22, 30, tzinfo=UTC)

    advanced(
        validate.run(Surroundings(make.opportunity(), now=after_midnight).context(make.tracked())),
        State.VALIDATED,
    )


def test_a_warning_does_not_park_and_is_told_once() -> None:
    deal = make.opportunity(probability=90)

    first = advanced(validate.run(Surroundings(deal).context(make.tracked(deal))), State.VALIDATED)
    again = advanced(validate.run(Surroundings(deal).context(first.opportunity)), State.VALIDATED)

    assert [warning.code for warning in first.opportunity.warnings] == ["PROBABILITY_NOT_CERTAIN"]
    (told,) = first.events
    assert (told.type, told.actor) == ("warnings.found.v1", "stage:validate")
    assert told.summary == "PROBABILITY_NOT_CERTAIN: The deal is won, but its probability is 90 %"
    assert again.opportunity.warnings == first.opportunity.warnings
    assert again.events == ()


def test_a_warning_that_no_longer_holds_is_dropped() -> None:
    unsure, sure = make.opportunity(probability=90), make.opportunity()
    first = advanced(validate.run(Surroundings(unsure).context(make.tracked(unsure))), State.VALIDATED)

    again = advanced(validate.run(Surroundings(sure).context(first.opportunity)), State.VALIDATED)

    assert again.opportunity.warnings == ()


def test_what_blocks_gives_the_item_its_code_and_the_warning_comes_along() -> None:
    deal = make.opportunity(probability=90, owner=None)

    outcome = parked(validate.run(Surroundings(deal).context(make.tracked())))

    assert [found.code for found in outcome.findings] == ["OWNER_EMAIL_MISSING", "PROBABILITY_NOT_CERTAIN"]


def test_missing_reference_data_parks_the_deal() -> None:
    deal = make.opportunity(make.fixed_line(), delivery_model="Lunar")

    outcome = parked(enrich.decide(make.tracked(deal, state=State.VALIDATED), make.book()))

    assert [found.code for found in outcome.findings] == ["DELIVERY_MODEL_UNKNOWN"]


def test_the_same_plan_made_again_is_no_news() -> None:
    deal = make.opportunity()
    enriched = make.tracked(deal, state=State.ENRICHED, enrichment=make.enrichment(deal))
    first = advanced(make.planned(enriched, make.book()), State.PLANNED)

    again = advanced(
        make.planned(first.opportunity, make.book(), now=datetime(2027, 1, 1, tzinfo=UTC)),
        State.PLANNED,
    )

    assert again.opportunity.plan_hash == first.opportunity.plan_hash
    assert again.events == ()


def test_a_plan_of_a_deal_that_was_never_enriched_is_a_bug() -> None:
    with pytest.raises(ValueError, match="the enrichment is missing"):
        make.planned(make.tracked(make.opportunity()), make.book())
