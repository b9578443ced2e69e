"""The stages that decide: validate, enrich, split. They write nothing outside."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID

import pytest

from oppsync.domain.deal.customers import ErpCustomer
from oppsync.domain.deal.field_words import field_words
from oppsync.domain.deal.opportunity import Opportunity
from oppsync.domain.deal.reading import FieldOfCrm
from oppsync.domain.plan.capabilities import ErpCapabilities
from oppsync.domain.plan.overrides import PlanOverride
from oppsync.domain.plan.plan import LineKind, Plan
from oppsync.domain.plan.references import ErpReferenceKind, ErpReferences, MissingReference
from oppsync.domain.plan.systems import ParentValues
from oppsync.domain.reference.book import ReferenceBook, ReferenceKind, ReferenceRow, ReferenceUse
from oppsync.domain.validation.other_deals import OtherDeal
from oppsync.domain.values.findings.finding import Severity
from oppsync.domain.values.model import changed
from oppsync.domain.work.states import State
from oppsync.domain.work.tracked import TrackedOpportunity
from oppsync.kernel.errors import RecordGone
from oppsync.pipeline import enrich, split_workstreams, validate
from oppsync.pipeline.stage import Advance, Outcome, Park, StageContext
from tests.harness import builders as make
from tests.unit import test_rates
from tests.unit.test_overrides import override_of


class UnitsOfWork:
    def __init__(self, world: Surroundings) -> None:
        self._world = world

    @contextmanager
    def __call__(self) -> Iterator[Surroundings]:
        self._world.in_transaction = True
        yield self._world
        self._world.in_transaction = False

    reading = __call__


class Surroundings:
    """A CRM with one record, an ERP, reference data and a clock; records the questions, in order."""

    def __init__(
        self,
        record: Opportunity | None,
        *,
        now: datetime = make.NOW,
        customers: str = "CUST-1001",
        has_project: bool = False,
        candidates: tuple[ErpCustomer, ...] = (),
    ) -> None:
        self.candidates = list(candidates)
        self.missing: list[MissingReference] = []
        self.linked: list[ReferenceRow] = []
        self.record = record
        self._now = now
        self._customers = customers
        self.asked: list[str] = []
        self.in_transaction = False
        self.capabilities = ErpCapabilities(line_kinds=frozenset(LineKind))
        self.opportunities = self
        self.references = self
        self.overrides = self
        self.ledger = self
        self.has_project = has_project
        self.systems = self
        self.uow = UnitsOfWork(self)

    def crm(self, connection_id: str) -> Surroundings:
        assert connection_id == "sf-demo"
        return self

    def erp(self, tenant_id: str, parent: ParentValues) -> tuple[str, Surroundings]:
        assert tenant_id == "default"
        return "erp", self

    def psa(self, tenant_id: str, parent: ParentValues) -> None:
        assert tenant_id == "default"

    def field_at(self, place: str) -> FieldOfCrm:
        return field_words(place)

    def read_opportunity(self, source_id: str) -> Opportunity:
        self._outside(f"read {source_id}")
        if self.record is None:
            raise RecordGone(f"there is no {source_id}")
        return self.record

    def customers_of_code(self, code: str) -> list[ErpCustomer]:
        self._outside(f"customer {code}")
        return [make.GLOBEX] if code == self._customers == make.GLOBEX.code else []

    def find_customers(self, name: str, tax_id: str | None) -> list[ErpCustomer]:
        self._outside(f"customers like {name}")
        return self.candidates

    def missing_for(self, erp_company: str) -> list[str]:
        self._outside(f"company {erp_company}")
        return []

    def has_payment_terms(self, code: str) -> bool:
        return code == "NET30"

    def books_open_until(self, erp_company: str) -> date | None:
        return None

    def comparable(self, tenant_id: str, record: Opportunity, but: UUID | None) -> Collection[OtherDeal]:
        assert self.in_transaction
        return ()

    def erp_at(self, connection_id: str) -> Surroundings:
        assert connection_id == "erp"
        return self

    def missing_references(self, wanted: ErpReferences) -> Sequence[MissingReference]:
        self._outside(f"what {wanted.company} lacks")
        return self.missing

    def existing_keys(self, keys: Sequence[str]) -> Collection[str]:
        self._outside(f"node {keys[0]}")
        return keys if self.has_project else ()

    def get(self, tenant_id: str, key: str) -> None:
        assert self.in_transaction

    def of(self, tenant_id: str, opportunity_id: UUID) -> list[PlanOverride]:
        assert self.in_transaction
        return []

    def book(self, tenant_id: str) -> ReferenceBook:
        assert self.in_transaction
        return make.book(*self.linked)

    def put(self, tenant_id: str, row: ReferenceRow) -> None:
        assert self.in_transaction
        self.linked.append(row)

    def commit(self) -> None:
        assert self.in_transaction

    def now(self) -> datetime:
        return self._now

    def _outside(self, what: str) -> None:
        assert not self.in_transaction, "a vendor was called inside a transaction"
        self.asked.append(what)

    def context(self, opportunity: TrackedOpportunity) -> StageContext:
        lease: Any = SimpleNamespace()
        return StageContext(
            opportunity=opportunity,
            lease=lease,
            systems=cast(Any, self),
            clock=self,
            uow=cast(Any, self.uow),
            effects=cast(Any, None),
            seals=cast(Any, None),
            base_url="http://localhost",
            stage="any",
        )


def advanced(outcome: Outcome, to: State) -> Advance:
    assert isinstance(outcome, Advance), outcome
    assert outcome.to is to
    return outcome


def parked(outcome: Outcome) -> Park:
    assert isinstance(outcome, Park), outcome
    return outcome


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


def warned_of(opportunity: TrackedOpportunity) -> list[tuple[str, str]]:
    assert opportunity.enrichment is not None
    return [(found.code, found.value) for found in opportunity.enrichment.warnings]


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


NAMELESS = make.opportunity(account=make.account(code=None))
GLOBEX = ErpCustomer(code="CUST-1001", name="GLOBEX GmbH", countries=("DE",))


def test_an_account_without_a_code_is_matched_once_and_its_plan_has_the_customer() -> None:
    world = Surroundings(NAMELESS, candidates=(GLOBEX,))

    validated = advanced(validate.run(world.context(make.tracked(NAMELESS))), State.VALIDATED)
    enriched = advanced(enrich.run(world.context(validated.opportunity)), State.ENRICHED)
    planned = advanced(split_workstreams.run(world.context(enriched.opportunity)), State.PLANNED)

    (linked,) = validated.events
    assert (linked.type, linked.after) == ("customer.linked.v1", {"customer": "CUST-1001"})
    assert linked.summary == "Globex GmbH is linked to the ERP's customer CUST-1001, by name and country"
    assert planned.plan is not None
    assert planned.plan.content.customer == "CUST-1001"
    assert planned.opportunity.record == NAMELESS


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


def test_an_account_that_was_linked_is_not_looked_for_again() -> None:
    world = Surroundings(NAMELESS, candidates=(GLOBEX,))
    advanced(validate.run(world.context(make.tracked(NAMELESS))), State.VALIDATED)
    world.asked.clear()

    again = advanced(validate.run(world.context(make.tracked(NAMELESS))), State.VALIDATED)

    assert again.events == ()
    assert world.asked == ["read 006O1", "customer CUST-1001", "company ACME-DE"]


def test_an_account_that_may_be_several_customers_waits_for_a_person() -> None:
    twin = changed(GLOBEX, code="CUST-1009")
    world = Surroundings(NAMELESS, candidates=(twin, GLOBEX))

    (found,) = parked(validate.run(world.context(make.tracked(NAMELESS)))).findings

    assert (found.code, found.path, found.value) == (
        "ACCOUNT_AMBIGUOUS",
        "/account/code",
        "CUST-1001, CUST-1009",
    )
    assert world.linked == []
