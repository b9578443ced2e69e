"""The dry run: the same findings and the same plan as the stages produce, for open deals too."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given

from oppsync.domain.approval.tasks import Person, RuleUse
from oppsync.domain.deal.billing_terms import BillingFrequency, BillingTerms
from oppsync.domain.deal.opportunity import Opportunity
from oppsync.domain.plan.overrides import OverrideField, PlanOverride
from oppsync.domain.planning.size import size_findings
from oppsync.domain.policy.approval_rule import ApprovalRule
from oppsync.domain.reading.preview import LEAVE_A_PLAN, PlanPreview
from oppsync.domain.reference.book import ReferenceBook, ReferenceKind, ReferenceRow
from oppsync.domain.values.findings.codes import CODES
from oppsync.domain.values.findings.finding import Severity
from oppsync.domain.values.model import changed, require
from oppsync.domain.values.money import Money
from oppsync.domain.values.roles import ApprovalRole, PersonRole
from oppsync.domain.work.states import State
from oppsync.pipeline.approve import RuleFacts
from oppsync.pipeline.duties import Candidates
from oppsync.pipeline.split_workstreams import decide, propose
from oppsync.pipeline.stage import Advance, Park
from oppsync.services.insight.preview_plan import NO_RULES, Deciders, preview
from tests.harness import builders as make
from tests.unit import test_rates
from tests.unit.faults.table import CASES
from tests.unit.test_origins import calls_made
from tests.unit.test_validation import BROKEN_DEALS

FIONA = Person(
    id=make.OPPORTUNITY_ID,
    email="fiona@example.com",
    name="Fiona",
    roles=frozenset({PersonRole.FINANCE_APPROVER, PersonRole.DELIVERY_APPROVER}),
)
PEOPLE: Candidates = {ApprovalRole.FINANCE: [FIONA], ApprovalRole.DELIVERY: [FIONA]}
TODAY = make.NOW.date()
NEW_YEAR = date(2026, 1, 1)


def shown(
    deal: Opportunity, *, book: ReferenceBook | None = None, people: Candidates = PEOPLE, **facts: Any
) -> PlanPreview:
    return preview(
        deal, make.facts(**facts), book or make.book(), lambda plan, by_rule: Deciders(people), make.NOW
    )


def codes(previewed: PlanPreview) -> Sequence[str]:
    return [found.code for found in previewed.findings]


def test_a_won_deal_shows_the_plan_it_gets() -> None:
    deal = make.opportunity()

    previewed = shown(deal)

    plan = make.plan(deal, customer=make.GLOBEX)
    assert (previewed.plan, previewed.hash) == (plan, plan.hash)
    assert (previewed.findings, previewed.is_blocked) == ((), False)
    assert [(needed.role, needed.candidates[0].email) for needed in previewed.approvals] == [
        ("finance", "fiona@example.com"),
        ("delivery", "fiona@example.com"),
    ]


def test_an_open_deal_shows_the_plan_it_would_get() -> None:
    won = make.opportunity(won_on=TODAY)
    still_open = changed(won, is_won=False, won_on=None, stage="Proposal", probability=60)

    previewed = shown(still_open)

    assert (previewed.findings, previewed.is_won, previewed.as_of) == ((), False, TODAY)
    assert previewed.hash == shown(won).hash


@pytest.mark.parametrize(
    ("is_won", "won_on", "as_of"),
    [
        (False, date(2027, 3, 1), date(2027, 3, 1)),  # expected
        (False, date(2025, 3, 1), TODAY),  # expected, but not yet won
        (True, date(2025, 3, 1), date(2025, 3, 1)),
        (True, None, TODAY),
    ],
)
def test_values_are_those_of_the_day_it_is_or_would_be_won(
    is_won: bool, won_on: date | None, as_of: date
) -> None:
    previewed = shown(make.opportunity(make.fixed_line(), is_won=is_won, won_on=won_on))

    assert previewed.as_of == as_of
    assert codes(previewed) == ([] if won_on else ["FIELD_MISSING"])
    if previewed.plan:
        centre = previewed.plan.content.nodes[0].cost_centre
        assert centre == ("CC-DE-ADV" if as_of < NEW_YEAR else "CC-DE-CLOUD")


def test_an_open_deals_day_is_that_of_its_entity() -> None:
    """Not the day that it is in Greenwich: a deal won tonight in New York is won there before midnight."""
    still_open = changed(make.opportunity(), is_won=False, won_on=None)
    yesterday = date(2026, 5, 3)

    assert shown(still_open, today=yesterday).as_of == yesterday
    assert shown(changed(still_open, won_on=yesterday), today=yesterday).as_of == yesterday


def test_a_preview_tells_until_when_a_deal_waits_for_its_close_date() -> None:
    until = datetime(2026, 5, 3, 22, 0, tzinfo=UTC)

    previewed = shown(make.opportunity(), today=date(2026, 5, 3), waits_until=until)

    assert (previewed.waits_until, previewed.findings, previewed.is_blocked) == (until, (), False)
    assert previewed.plan


def test_a_preview_shows_the_margin_where_every_cost_is_known() -> None:
    root = make.plan(make.opportunity(make.time_line())).content.nodes[0]
    assert root.cost is not None

    known = shown(make.opportunity(make.time_line()))
    unknown = shown(make.opportunity(make.fixed_line(planned_hours=None)))

    assert (known.cost, known.margin_percent) == (root.cost, root.margin_percent)
    assert (unknown.cost, unknown.margin_percent) == (None, None)


def test_a_rule_approves_in_a_preview_as_it_does_later() -> None:
    use = RuleUse(name="small", valid_from=date(2026, 1, 1), version=1)
    up_to = Money(amount=Decimal(50_000), currency="EUR")
    rules = RuleFacts({use: ApprovalRule(up_to=up_to, roles=(ApprovalRole.FINANCE,))}, known_customer=True)
    nobody: Candidates = {role: [] for role in ApprovalRole}

    def asked(deal: Opportunity) -> tuple[object, list[str]]:
        previewed = preview(
            deal, make.facts(), make.book(), lambda plan, by_rule: Deciders(nobody), make.NOW, rules=rules
        )
        by_role = {needed.role: needed.rule for needed in previewed.approvals}
        return by_role[ApprovalRole.FINANCE], [found.value for found in previewed.findings]

    assert asked(make.opportunity()) == (use, ["delivery"])
    # Warnings are for people to read.
    assert asked(make.opportunity(probability=75)) == (None, ["finance", "delivery", "75 %"])


def override(field: str, value: str | None, number: int = 1) -> PlanOverride:
    return PlanOverride(
        id=UUID(int=number),
        workstream="00kL2",
        field=OverrideField(field),
        value=value,
        reason="Agreed with the customer",
        made_by=UUID(int=7),
        author="ann@example.com",
        made_at=make.NOW,
    )


def overridden(*overrides: PlanOverride, rules: RuleFacts = NO_RULES) -> PlanPreview:
    deal = make.opportunity()
    return preview(
        deal,
        make.facts(),
        make.book(),
        lambda plan, by_rule: Deciders(PEOPLE),
        make.NOW,
        rules=rules,
        overrides=overrides,
        shaped=bool(overrides),
    )


def test_a_preview_shows_the_plan_as_people_want_it() -> None:
    enriched = make.tracked(
        make.opportunity(),
        state=State.ENRICHED,
        enrichment=make.enrichment(make.opportunity()),
        customer=make.GLOBEX,
    )
    outcome = make.planned(enriched, make.book(), [override("hours", "90")])
    assert isinstance(outcome, Advance)

    previewed = overridden(override("hours", "90"))

    assert previewed.plan == outcome.plan
    assert previewed.plan is not None
    assert [use.value for use in previewed.plan.provenance.overrides] == ["90"]
    assert previewed.hash != shown(make.opportunity()).hash


def test_a_preview_tells_what_people_said_that_does_not_fit() -> None:
    previewed = overridden(override("cost_centre", "CC-US-ADV"))

    assert codes(previewed) == ["OVERRIDE_NOT_POSSIBLE"]
    assert (previewed.plan, previewed.is_blocked) == (None, True)


def test_no_rule_approves_what_a_person_changed() -> None:
    use = RuleUse(name="small", valid_from=date(2026, 1, 1), version=1)
    up_to = Money(amount=Decimal(50_000), currency="EUR")
    rules = RuleFacts({use: ApprovalRule(up_to=up_to, roles=tuple(ApprovalRole))}, known_customer=True)

    def approved_by(*overrides: PlanOverride) -> set[RuleUse | None]:
        return {needed.rule for needed in overridden(*overrides, rules=rules).approvals}

    assert approved_by() == {use}
    assert approved_by(override("hours", "90")) == {None}
    assert approved_by(override("hours", "90"), override("hours", None, number=2)) == {None}


def test_a_margin_that_is_too_thin_stands_beside_the_plan_it_is_of() -> None:
    book = make.book(
        test_rates.cost("DACH|*|EUR", "100"),
        test_rates.floor("*", "50", Severity.BLOCKS),
        without=test_rates.MARGINS,
    )

    previewed = shown(make.opportunity(make.fixed_line()), book=book)

    assert codes(previewed) == ["MARGIN_BELOW_FLOOR"]
    assert previewed.is_blocked
    assert previewed.margin_percent == Decimal(40)


def test_a_deal_without_a_plan_has_no_margin_to_be_judged() -> None:
    book = make.book(test_rates.floor("*", "99"), without=test_rates.MARGINS)

    previewed = shown(make.opportunity(make.fixed_line(), delivery_model="Lunar"), book=book)

    assert codes(previewed) == ["DELIVERY_MODEL_UNKNOWN"]


def test_findings_of_every_stage_come_at_once() -> None:
    deal = make.opportunity(
        make.time_line(role="Astrologer"), owner=None, account=make.account(country="BR", tax_id=None)
    )

    previewed = shown(deal, people={role: [] for role in ApprovalRole}, customer=make.match_of(None))

    assert codes(previewed) == [
        "ACCOUNT_UNKNOWN",
        "OWNER_EMAIL_MISSING",
        "TAX_TREATMENT_MISSING",
        "RATE_MISSING",
        "NO_APPROVER",
        "NO_APPROVER",
    ]
    assert previewed.is_blocked
    assert previewed.plan is None
    assert previewed.hash is None


def test_what_only_warns_stands_behind_what_stops_the_deal() -> None:
    deal = make.opportunity(account=make.account(country="BR", tax_id=None), probability=75)

    brazilian = make.match_of(changed(make.GLOBEX, countries=("BR",)))

    assert codes(shown(deal, customer=brazilian)) == ["TAX_TREATMENT_MISSING", "PROBABILITY_NOT_CERTAIN"]
    assert not shown(make.opportunity(probability=75)).is_blocked


def test_what_two_stages_miss_is_told_once() -> None:
    previewed = shown(make.opportunity(contracting_entity="ACME-XX"), legal_entity=None)

    assert codes(previewed) == ["LEGAL_ENTITY_UNKNOWN"]


def test_a_customer_that_the_erp_does_not_know_yet_hides_no_figure() -> None:
    previewed = shown(make.opportunity(), customer=make.match_of(None))

    assert previewed.is_blocked
    assert previewed.plan == make.plan()


def test_codes_that_leave_a_plan_are_codes_that_can_be_found_and_leave_one() -> None:
    assert set(CODES) >= LEAVE_A_PLAN
    cases = [case for case in CASES if case.code in LEAVE_A_PLAN]
    assert {case.code for case in cases} == LEAVE_A_PLAN
    for case in cases:
        previewed = preview(
            case.deal, case.facts, make.book(), lambda plan, by_rule: Deciders(PEOPLE), make.NOW
        )
        assert codes(previewed) == [case.code]
        assert previewed.plan is not None, case.name


@given(deal=BROKEN_DEALS)
def test_no_deal_is_so_broken_that_it_cannot_be_previewed(deal: Opportunity) -> None:
    for is_won in (True, False):
        previewed = shown(make.changed(deal, is_won=is_won), erp=make.erp())
        assert previewed.plan is not None or previewed.findings


def test_a_deal_is_previewed_before_there_is_any_reference_data() -> None:
    previewed = shown(make.opportunity(make.fixed_line()), book=ReferenceBook([]))

    assert set(codes(previewed)) >= {"LEGAL_ENTITY_UNKNOWN", "SERVICE_LINE_UNKNOWN", "REGION_UNKNOWN"}


def long_lines(count: int, frequency: BillingFrequency) -> Opportunity:
    """Lines of ten years: 120 months, or ten years."""
    run = {"starts_on": date(2026, 6, 1), "ends_on": date(2036, 5, 31)}
    terms = BillingTerms(frequency=frequency)
    return make.opportunity(*(make.fixed_line(id=f"00k{n:04d}", billing=terms, **run) for n in range(count)))


def test_more_billing_lines_than_a_plan_can_have_are_counted_and_not_planned() -> None:
    monthly = BillingFrequency.MONTHLY

    fits, too_many = shown(long_lines(41, monthly)), shown(long_lines(42, monthly))

    assert (codes(fits), len(list(fits.plan.content.billing_lines())) if fits.plan else None) == ([], 4_920)
    assert (codes(too_many), too_many.plan, too_many.is_blocked) == (["TOO_MANY_INSTALMENTS"], None, True)
    assert "would have 5,040 billing lines" in too_many.findings[0].message


def test_months_of_revenue_are_counted_too_before_any_is_made() -> None:
    """209 lines of ten years, invoiced yearly, are 2,090 billing lines and 25,080 entries of revenue."""
    yearly = BillingFrequency.YEARLY

    fits, too_many = shown(long_lines(208, yearly)), shown(long_lines(209, yearly))

    entries = [line for each in require(fits.plan, "a plan").content.revenue_schedules() for line in each.lines]
    assert (codes(fits), len(entries)) == ([], 24_960)
    assert (codes(too_many), too_many.plan, too_many.is_blocked) == (["TOO_MANY_INSTALMENTS"], None, True)
    assert "would have 25,080 entries of revenue" in too_many.findings[0].message


def test_a_fee_that_milestones_earn_has_an_entry_for_each_of_them() -> None:
    run = {"starts_on": date(2026, 6, 1), "ends_on": date(2036, 5, 31)}
    lines = [make.workstream(make.milestone_line(id=f"00k{n:04d}", **run)) for n in range(300)]
    yearly = BillingTerms(frequency=BillingFrequency.YEARLY)
    by_the_calendar = [
        make.workstream(make.fixed_line(id=f"00k{n:04d}", billing=yearly, **run)) for n in range(300)
    ]

    assert list(size_findings(lines)) == []
    assert [found.value for found in size_findings(by_the_calendar)] == ["36000"]


def test_a_won_deal_of_too_many_billing_lines_is_parked_with_the_same_finding() -> None:
    deal = long_lines(42, BillingFrequency.MONTHLY)
    enriched = changed(make.tracked(deal), enrichment=make.enrichment(deal))

    proposal = propose(enriched, make.NOW, make.book())
    outcome = decide(enriched, proposal)

    assert proposal.plan is None
    assert isinstance(outcome, Park)
    assert [found.code for found in outcome.findings] == ["TOO_MANY_INSTALMENTS"]


def test_lines_that_are_billed_as_one_count_as_one() -> None:
    together = ReferenceRow(
        kind=ReferenceKind.SPLIT_RULE,
        key="together",
        valid_from=NEW_YEAR,
        value={"code": "together", "order": 1, "group_by": ["service_line"]},
    )

    previewed = shown(long_lines(42, BillingFrequency.MONTHLY), book=make.book(together))

    assert previewed.plan
    assert len(list(previewed.plan.content.billing_lines())) == 120


def test_counting_too_many_billing_lines_costs_less_than_planning_a_few() -> None:
    planned, counted = long_lines(42, BillingFrequency.YEARLY), long_lines(42, BillingFrequency.MONTHLY)
    shown(planned)  # what is only worked out once

    assert calls_made(lambda: shown(counted)) < calls_made(lambda: shown(planned)) * 2
