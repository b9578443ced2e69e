"""Overrides: a person's value for a workstream counts instead of those of CRM, rules and reference data."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from oppsync.domain.approval.deciding import may_decide
from oppsync.domain.approval.involved import involved
from oppsync.domain.approval.refusals import Refusal
from oppsync.domain.approval.tasks import Person
from oppsync.domain.deal.opportunity import Opportunity
from oppsync.domain.plan.approvals import DEFAULT_APPROVALS
from oppsync.domain.plan.overrides import OverrideField, PlanOverride, editors, in_force
from oppsync.domain.plan.plan import ROOT_PATH, NodeKind, Plan, PlanNode
from oppsync.domain.planning.apply_overrides import Overridden, apply
from oppsync.domain.planning.split import split
from oppsync.domain.reading.why import Reason, why
from oppsync.domain.reference.book import ReferenceBook, ReferenceKind, ReferenceRow
from oppsync.domain.values.model import changed
from oppsync.domain.values.roles import PersonRole
from oppsync.domain.work.states import State
from oppsync.pipeline.stage import Advance, Outcome, Park
from sandbox.firm.demo_firm import reference_rows
from tests.harness import builders as make
from tests.unit.test_split_rules import BY_FAMILY, platform, row

ANN, BOB = UUID(int=1), UUID(int=2)
DEAL = make.opportunity(make.fixed_line(), make.milestone_line())


def override_of(
    field: str, value: str | None, workstream: str = "00kL2", *, by: UUID = ANN, number: int = 1
) -> PlanOverride:
    return PlanOverride(
        id=UUID(int=number),
        workstream=workstream,
        field=OverrideField(field),
        value=value,
        reason="Agreed with the customer",
        made_by=by,
        author="ann@example.com",
        made_at=datetime(2026, 5, 4, tzinfo=UTC) + timedelta(minutes=number),
    )


def applied(deal: Opportunity, *overrides: PlanOverride) -> Overridden:
    book = make.book()
    enrichment = make.enrichment(deal, book)
    return apply(split(deal, enrichment), overrides, book, make.WON_ON)


def planned(deal: Opportunity, *overrides: PlanOverride) -> Plan:
    enriched = make.tracked(deal, state=State.ENRICHED, enrichment=make.enrichment(deal))
    outcome = make.planned(enriched, make.book(), overrides)
    assert isinstance(outcome, Advance)
    assert outcome.plan is not None
    return outcome.plan


def node(*overrides: PlanOverride, path: str = "00kL2") -> PlanNode:
    return planned(DEAL, *overrides).content.node(path)


def test_every_field_can_be_said_otherwise() -> None:
    assert node(override_of("name", "Landing zone")).name == "Landing zone"
    assert node(override_of("starts_on", "2026-07-01")).starts_on == date(2026, 7, 1)
    assert node(override_of("ends_on", "2026-10-31")).ends_on == date(2026, 10, 31)
    assert node(override_of("hours", "80.5")).hours == Decimal("80.5")
    assert node(override_of("cost_centre", "CC-DE-ADV")).cost_centre == "CC-DE-ADV"
    assert node(override_of("template", "TPL-ADV-DACH-FF")).template == "TPL-ADV-DACH-FF"
    service = node(override_of("service_line", "ADV"))
    assert (service.service_line, service.cost_centre, service.template) == (
        "ADV",
        "CC-DE-ADV",
        "TPL-ADV-DACH-FF",
    )
    delivered = node(override_of("delivery_entity", "ACME-US"))
    assert (delivered.cost_centre, delivered.revenue_cost_centre) == ("CC-US-CLOUD", "CC-DE-CLOUD")
    assert set(OverrideField) == {
        "name", "starts_on", "ends_on", "hours", "service_line", "delivery_entity", "cost_centre", "template",
    }  # fmt: skip


def test_only_the_workstream_that_is_named_changes() -> None:
    before, after = planned(DEAL).content, planned(DEAL, override_of("cost_centre", "CC-DE-ADV")).content

    assert after.node("00kL3") == before.node("00kL3")
    assert after.total == before.total


def test_dates_move_the_billing_with_them() -> None:
    moved = node(override_of("ends_on", "2026-07-31"))

    assert [line.due_on for line in moved.lines] == [date(2026, 6, 30), date(2026, 7, 31)]


def test_a_single_workstream_takes_the_name_before_the_deals_own() -> None:
    content = planned(make.opportunity(make.fixed_line()), override_of("name", "Landing zone")).content

    assert content.node(ROOT_PATH).name == "Landing zone"


def test_more_hours_cost_more() -> None:
    before, after = node(), node(override_of("hours", "120"))

    assert before.cost is not None
    assert after.cost is not None
    assert after.cost.amount == before.cost.amount * 2


def test_the_last_word_counts_and_can_be_taken_back() -> None:
    first, second = override_of("name", "One", number=1), override_of("name", "Two", number=2)

    assert node(second, first).name == "Two"
    assert node(first, second, override_of("name", None, number=3)).name == "Cloud foundation"
    assert in_force([first, override_of("name", None, number=2)]) == ()


def test_an_overridden_cost_centre_stands_beside_an_overridden_entity() -> None:
    both = node(
        override_of("cost_centre", "CC-US-ADV", number=1), override_of("delivery_entity", "ACME-US", number=2)
    )

    assert (both.cost_centre, both.revenue_cost_centre) == ("CC-US-ADV", "CC-DE-CLOUD")


def test_an_override_waits_for_a_workstream_that_is_gone() -> None:
    waiting = override_of("name", "Landing zone", workstream="00kL9")

    assert planned(DEAL, waiting) == planned(DEAL)
    back = make.opportunity(make.fixed_line(), make.fixed_line(id="00kL9"))
    assert planned(back, waiting).content.node("00kL9").name == "Landing zone"


def test_a_plan_tells_what_was_overridden_by_whom_and_which_rows_that_took() -> None:
    plan = planned(DEAL, override_of("cost_centre", "CC-DE-ADV"))

    (use,) = plan.provenance.overrides
    assert (use.workstream, use.field, use.value, use.author) == (
        "00kL2",
        "cost_centre",
        "CC-DE-ADV",
        "ann@example.com",
    )
    assert use.reason == "Agreed with the customer"
    assert "ACME-DE|ADV" in {row.key for row in plan.provenance.reference}
    assert plan.hash != planned(DEAL).hash
    assert "overrides" not in planned(DEAL).provenance.model_dump(mode="json")


def test_why_tells_who_overrode_a_value_when_for_what_reason_and_what_it_was() -> None:
    (reason,) = why(planned(DEAL, override_of("cost_centre", "CC-DE-ADV")), "/nodes/1/cost_centre").reasons

    assert (reason.value, reason.rule, reason.fields) == ("CC-DE-ADV", "overridden", ())
    assert reason.says == (
        "a person overrode it before the plan was approved; "
        "override: cost centre of 00kL2 CC-DE-ADV instead of CC-DE-CLOUD, "
        "by ann@example.com at 2026-05-04 00:01 UTC: "
        "Agreed with the customer; "
        "reference data: cost centre ACME-DE|ADV, valid from 2025-01-01, version 1"
    )


def test_what_follows_from_an_override_is_told_by_its_rule_and_the_override() -> None:
    plan = planned(DEAL, override_of("service_line", "ADV"))

    (centre,) = why(plan, "/nodes/1/cost_centre").reasons

    assert (centre.value, centre.rule, centre.fields) == ("CC-DE-ADV", "looked_up", ("/contracting_entity",))
    assert [row.key for row in centre.rows] == ["ACME-DE|ADV"]
    assert [(use.field, use.value, use.before) for use in centre.overrides] == [
        ("service_line", "ADV", "CLOUD")
    ]
    untouched = by_path(plan)["00kL3/cost_centre"]
    assert (untouched.overrides, [row.key for row in untouched.rows]) == ((), ["ACME-DE|CLOUD"])


# An override of each field of the second line, its value in the plan, and the value before.
SAID = [
    ("name", "Landing zone", "/name", "Cloud foundation"),
    ("starts_on", "2026-07-01", "/starts_on", "2026-06-01"),
    ("ends_on", "2026-10-31", "/ends_on", "2026-09-15"),
    ("hours", "80.5", "/hours", "60"),
    ("service_line", "ADV", "/service_line", "CLOUD"),
    ("delivery_entity", "ACME-US", "/intercompany/delivery_entity", "ACME-DE"),
    ("cost_centre", "CC-DE-ADV", "/cost_centre", "CC-DE-CLOUD"),
    ("template", "TPL-ADV-DACH-FF", "/template", "TPL-CLOUD-DACH-FF"),
]


@pytest.mark.parametrize(("field", "value", "place", "before"), SAID)
@pytest.mark.parametrize("alone", [True, False])
def test_each_value_that_an_override_changed_names_it(
    field: str, value: str, place: str, before: str, alone: bool
) -> None:
    deal = make.opportunity(make.fixed_line()) if alone else DEAL
    path = ROOT_PATH if alone else "00kL2"
    if alone and field == "name":
        before = deal.name

    was, now = by_path(planned(deal)), by_path(planned(deal, override_of(field, value)))

    own = now[path + place]
    assert (own.value, own.rule) == (value, "overridden")
    assert [(use.value, use.before) for use in own.overrides] == [(value, before)]
    named = {at for at, reason in now.items() if [use.field for use in reason.overrides] == [field]}
    # The tree follows from the other values, and so do the paths of lines, which are made of their days.
    changed = {at for at, each in now.items() if at in was and was[at].value != each.value}
    assert {at for at in changed - named if now[at].rule not in {"tree", "path"}} == set()
    # Neither the deal's own facts nor another workstream's mention the override.
    assert {at.partition("/")[0] for at in named} <= {
        ROOT_PATH,
        path,
        *tasks_of(planned(deal, override_of(field, value)), path),
    }


def by_path(plan: Plan) -> dict[str, Reason]:
    """Reasons by their project's path and the place in it, since an override may bring other tasks along."""
    paths = [node.path for node in plan.content.nodes]
    return {
        re.sub(r"^/nodes/(\d+)", lambda found: paths[int(found[1])], reason.place): reason
        for reason in why(plan, "").reasons
    }


def tasks_of(plan: Plan, path: str) -> list[str]:
    return [node.path for node in plan.content.nodes if node.parent == path and node.kind is NodeKind.TASK]


def test_of_two_overrides_the_later_one_names_what_both_change() -> None:
    plan = planned(
        DEAL,
        override_of("service_line", "ADV", number=1),
        override_of("template", "TPL-CLOUD-DACH-FF", number=2),
    )

    reasons = {each.place: each for each in why(plan, "/nodes/1").reasons}

    assert [use.field for use in reasons["/nodes/1/template"].overrides] == ["template"]
    assert [use.field for use in reasons["/nodes/1/cost_centre"].overrides] == ["service_line"]


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        ([override_of("starts_on", "soon")], "'soon' is not a date"),
        ([override_of("starts_on", "2026-10-01")], "would start on 2026-10-01 and end on 2026-09-15"),
        ([override_of("ends_on", "9999-12-31")], "and end on 9999-12-31, which is too long"),
        ([override_of("ends_on", "9999-12-31"), override_of("starts_on", "9999-12-31")], "which is too long"),
        ([override_of("hours", "many")], "'many' is not a number of hours"),
        ([override_of("hours", "NaN")], "NaN is not a number of hours"),
        ([override_of("hours", "-1")], "-1 is not a number of hours"),
        ([override_of("hours", "1.001")], "1.001 is not a number of hours"),
        ([override_of("service_line", "CATERING")], "No service line CATERING is known"),
        ([override_of("delivery_entity", "ACME-JP")], "No legal entity ACME-JP is known"),
        ([override_of("cost_centre", "CC-US-ADV")], "No cost centre CC-US-ADV is known for ACME-DE"),
        ([override_of("template", "TPL-X")], "No project template TPL-X is known"),
    ],
)
def test_what_does_not_fit_stops_the_deal(overrides: Sequence[PlanOverride], words: str) -> None:
    enriched = make.tracked(DEAL, state=State.ENRICHED, enrichment=make.enrichment(DEAL))

    outcome = make.planned(enriched, make.book(), overrides)

    assert isinstance(outcome, Park)
    assert outcome.findings[0].code == "OVERRIDE_NOT_POSSIBLE"
    assert words in outcome.findings[0].message
    assert outcome.findings[0].path == f"/overrides/{overrides[0].workstream}/{overrides[0].field}"


def reference(kind: ReferenceKind, key: str, **changes: Any) -> ReferenceRow:
    """The demo firm's row of this key, changed."""
    known = next(row for row in reversed(reference_rows()) if (row.kind, row.key) == (kind, key))
    return changed(known, value=known.value | changes)


def of_book(book: ReferenceBook, *overrides: PlanOverride) -> Outcome:
    enriched = make.tracked(DEAL, state=State.ENRICHED, enrichment=make.enrichment(DEAL, book))
    return make.planned(enriched, book, overrides)


def test_work_may_start_after_a_milestone_that_is_due_at_signing() -> None:
    later = planned(DEAL, override_of("starts_on", "2026-07-01", "00kL3"))

    assert later.content.node("00kL3").starts_on == date(2026, 7, 1)
    assert next(line.due_on for line in later.content.node("00kL3").lines) == date(2026, 6, 30)


def test_an_entity_that_is_not_approved_delivers_nothing() -> None:
    row = reference(ReferenceKind.LEGAL_ENTITY, "ACME-US", approved=False)

    outcome = of_book(make.book(row), override_of("delivery_entity", "ACME-US"))

    assert isinstance(outcome, Park)
    assert "which is to deliver, is not approved for contracts" in outcome.findings[0].message


def test_an_entity_whose_approval_ended_before_the_deal_was_won_delivers_nothing() -> None:
    """As in enrichment, where a region or a split rule names the entity: won on 4 May, approved until March."""
    row = reference(ReferenceKind.LEGAL_ENTITY, "ACME-US", approved_to="2026-03-31")

    outcome = of_book(make.book(row), override_of("delivery_entity", "ACME-US"))

    assert isinstance(outcome, Park)
    (found,) = outcome.findings
    assert (found.code, found.path) == ("OVERRIDE_NOT_POSSIBLE", "/overrides/00kL2/delivery_entity")
    assert "which is to deliver, was approved by" in found.message
    assert "only until 2026-03-31" in found.message


@pytest.mark.parametrize(
    ("override", "key"),
    [
        (override_of("cost_centre", "CC-DE-ADV"), "ACME-DE|ADV"),
        (override_of("service_line", "ADV"), "ACME-DE|ADV"),
        (override_of("delivery_entity", "ACME-US"), "ACME-US|CLOUD"),
    ],
    ids=lambda value: value.field if isinstance(value, PlanOverride) else "",
)
def test_nobody_moves_work_to_a_cost_centre_that_closed_before_the_deal_was_won(
    override: PlanOverride, key: str
) -> None:
    row = reference(ReferenceKind.COST_CENTRE, key, closed_on="2026-04-30")

    outcome = of_book(make.book(row), override)

    assert isinstance(outcome, Park)
    (found,) = outcome.findings
    assert (found.code, found.path) == ("OVERRIDE_NOT_POSSIBLE", f"/overrides/00kL2/{override.field}")
    assert "closes on 2026-04-30" in found.message


def test_work_moved_to_a_cost_centre_that_closes_before_its_end_is_warned_of_once() -> None:
    book = make.book(reference(ReferenceKind.COST_CENTRE, "ACME-DE|ADV", closed_on="2026-08-31"))
    override = override_of("cost_centre", "CC-DE-ADV")

    first = of_book(book, override)

    assert isinstance(first, Advance)
    assert first.opportunity.enrichment is not None
    (warning,) = first.opportunity.enrichment.warnings
    assert (warning.code, warning.path) == ("COST_CENTRE_CLOSED", "/overrides/00kL2/cost_centre")
    assert [event.type for event in first.events] == ["warnings.found.v1", "plan.made.v1"]
    again = make.planned(first.opportunity, book, [override])
    assert isinstance(again, Advance)
    assert again.events == ()
    back = make.planned(first.opportunity, book)
    assert isinstance(back, Advance)
    assert back.opportunity.enrichment is not None
    assert back.opportunity.enrichment.warnings == ()


def test_the_hours_of_time_and_materials_are_what_was_sold() -> None:
    result = applied(make.opportunity(make.time_line()), override_of("hours", "10", "00kL1"))

    assert ["are those sold: change them in the CRM" in found.message for found in result.findings] == [True]


def test_lines_of_a_group_keep_their_own_days_within_the_groups() -> None:
    deal = make.opportunity(
        platform("00kL1", 3_000, ends_on=date(2026, 6, 30)),
        platform("00kL2", 6_000, starts_on=date(2026, 8, 1)),
    )
    book = make.book(row(changed(BY_FAMILY, code="platform")))
    enrichment = make.enrichment(deal, book)
    (group,) = split(deal, enrichment)

    (moved,) = apply([group], [override_of("ends_on", "2026-08-31", group.key)], book, make.WON_ON).workstreams

    assert moved.ends_on == date(2026, 8, 31)
    assert [(part.starts_on, part.ends_on) for part in moved.parts] == [
        (date(2026, 6, 1), date(2026, 6, 30)),
        (date(2026, 8, 1), date(2026, 8, 31)),
    ]


def test_a_cap_for_each_month_holds_between_the_days_that_people_moved() -> None:
    """14,400 in the 30 days of June instead of over 107 days; more than 5,000 a month is not billable."""
    cap = {"cap": {"amount": 5_000, "scope": "period"}}
    deal = make.opportunity(make.capped_line(id="00kL1", billing=cap))
    assert make.content(deal).total.text == "14400.00"

    result = applied(deal, override_of("ends_on", "2026-06-30", "00kL1"))
    (moved,) = result.workstreams

    assert (moved.amount.text, moved.sold.text) == ("5000.00", "14400.00")
    assert [(found.code, found.severity, found.path) for found in result.findings] == [
        ("CAP_BELOW_AMOUNT", "warns", "/overrides/00kL1/ends_on")
    ]
    assert planned(deal, override_of("ends_on", "2026-06-30", "00kL1")).content.total.text == "5000.00"


def test_whoever_ever_said_something_may_not_approve_what_came_of_it() -> None:
    """Bob repeats what Ann said, and then both are editors."""
    words = [override_of("name", "One", by=ANN, number=1), override_of("name", "One", by=BOB, number=2)]
    ann, bob = (
        Person(
            id=known, email=f"{known.int}@example.com", name="P", roles=frozenset({PersonRole.FINANCE_APPROVER})
        )
        for known in (ANN, BOB)
    )
    known = involved((), words, (), [ann, bob])

    assert editors(words) == {ANN, BOB}
    assert may_decide(ann, DEFAULT_APPROVALS[0], known) is Refusal.EDITED_PLAN
    assert may_decide(bob, DEFAULT_APPROVALS[0], known) is Refusal.EDITED_PLAN
