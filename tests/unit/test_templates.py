"""Project templates: a workstream's name, its first tasks, and the staff it requests."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from adapters.erp.tryton import landing
from oppsync.domain.deal.opportunity import Opportunity, OpportunityLine
from oppsync.domain.plan.plan import ROOT_PATH, PlanContent, plan_hash
from oppsync.domain.reference.billing_policy import BillingPolicy
from oppsync.domain.reference.book import ReferenceBook, ReferenceKind, ReferenceRow
from oppsync.domain.reference.entities import ProjectTemplate
from oppsync.domain.values.model import changed
from tests.harness import builders as make

PHASES = [
    {
        "code": "design",
        "name": "Design",
        "percent": "25",
        "tasks": [{"name": "Workshop", "role": "Senior Consultant"}, {"name": "Concept"}],
    },
    {"code": "build", "name": "Build", "percent": "75", "tasks": [{"name": "Workshop"}]},
]
BUDGET = [
    {"role": "Senior Consultant", "percent": "33.3"},
    {"role": "Consultant", "percent": "66.7", "location": "NA"},
]


def book(key: str = "CLOUD|DACH|fixed_fee", **fields: Any) -> ReferenceBook:
    return make.book(make.template_row(key, **fields))


def fixed(**changes: Any) -> Opportunity:
    return make.opportunity(make.fixed_line(**changes))


def planned(deal: Opportunity, **fields: Any) -> PlanContent:
    return make.content(deal, book(**fields))


def test_a_credit_has_a_templates_tasks_only_where_it_plans_hours() -> None:
    taken_back = make.credit(make.fixed_line(id="00kZ", unit_price=2_000, net=2_000))
    with_hours, without = (
        planned(make.opportunity(make.fixed_line(), changed(taken_back, planned_hours=hours)), phases=PHASES)
        for hours in (8, None)
    )

    def below(content: PlanContent, path: str) -> list[str]:
        return [node.name for node in content.nodes if node.path.startswith(f"{path}/")]

    assert below(without, "00kZ") == []
    assert below(with_hours, "00kZ") == below(without, "00kL2") != []


# The reference data that existed before templates, rules and rates of cost.
FIRST_KINDS = frozenset({"legal_entity", "service_line", "cost_centre", "project_template", "tax_treatment"})
FIRST_KINDS |= {"delivery_model", "region", "rate_card"}


@pytest.mark.parametrize(
    ("lines", "known"),
    [
        ((make.fixed_line(),), "ec75e975fe4d7fbfe17695b69f486fb4f1c60b8fdb04684f6d79ce45fa3e39e0"),
        (
            (make.fixed_line(), make.milestone_line()),
            "83f6596291a25e2cf475b57869e856e1d86b890a7070113c7712dcb06ada1f70",
        ),
    ],
    ids=["one line", "two lines"],
)
def test_a_deal_that_needs_nothing_new_has_the_plan_it_always_had(
    lines: tuple[OpportunityLine, ...], known: str
) -> None:
    """Approved plans are known by their hashes, and the last release reads them while this one is deployed."""
    later = frozenset(kind for kind in ReferenceKind if kind not in FIRST_KINDS)
    tax = ReferenceRow(
        kind=ReferenceKind.TAX_TREATMENT,
        key="ACME-DE|DE",
        valid_from=date(2025, 1, 1),
        value={"code": "VAT-DE-19", "percent": "19", "reason": "German VAT at the standard rate"},
    )

    entity = make.legal_entity(billing_policy=BillingPolicy())
    plain = ReferenceRow(
        kind=ReferenceKind.LEGAL_ENTITY,
        key=entity.code,
        valid_from=date(2025, 1, 1),
        value=entity.model_dump(mode="json"),
    )

    assert plan_hash(make.content(make.opportunity(*lines), make.book(tax, plain, without=later))) == known


def test_phases_follow_one_another_with_their_tasks_below_them() -> None:
    content = planned(fixed(), phases=PHASES, tasks=["Kick-off"])

    # 107 days: the first quarter is 26 whole days.
    assert [
        (node.path, node.parent, node.name, node.starts_on.isoformat(), node.ends_on.isoformat())
        for node in content.nodes[1:]
    ] == [
        ("project/phase/design", "project", "Design", "2026-06-01", "2026-06-26"),
        ("project/phase/design/task/workshop", "project/phase/design", "Workshop", "2026-06-01", "2026-06-26"),
        ("project/phase/design/task/concept", "project/phase/design", "Concept", "2026-06-01", "2026-06-26"),
        ("project/phase/build", "project", "Build", "2026-06-27", "2026-09-15"),
        ("project/phase/build/task/workshop", "project/phase/build", "Workshop", "2026-06-27", "2026-09-15"),
        ("project/task/kick-off", "project", "Kick-off", "2026-06-01", "2026-09-15"),
    ]
    assert content.node("project/phase/design/task/workshop").role == "Senior Consultant"


def test_a_budget_shares_out_the_hours_among_roles_and_places() -> None:
    node = planned(fixed(planned_hours="100"), budget=BUDGET).node(ROOT_PATH)

    assert [(each.path, each.role, each.location, each.hours) for each in node.staffing] == [
        ("00kL2/staffing/senior-consultant/dach", "Senior Consultant", "DACH", Decimal("33.3")),
        ("00kL2/staffing/consultant/na", "Consultant", "NA", Decimal("66.7")),
    ]
    assert {(each.starts_on, each.ends_on) for each in node.staffing} == {(date(2026, 6, 1), date(2026, 9, 15))}


@given(hours=st.decimals("0.0001", 100_000, places=4))
def test_no_hour_of_a_budget_is_lost(hours: Decimal) -> None:
    node = planned(fixed(planned_hours=hours), budget=BUDGET).node(ROOT_PATH)

    assert sum(each.hours for each in node.staffing) == hours


def test_a_budget_without_hours_asks_for_nobody_and_warns() -> None:
    deal = fixed(planned_hours=None)
    reference = book(budget=BUDGET)

    (warning,) = make.enrichment(deal, reference).warnings

    assert (warning.code, warning.path) == ("BUDGET_HOURS_MISSING", "/lines/0/planned_hours")
    assert make.content(deal, reference).node(ROOT_PATH).staffing == ()


def test_the_roles_sold_are_asked_for_where_the_template_says_so() -> None:
    deal = make.opportunity(make.time_line())
    key = "ADV|DACH|time_and_materials"

    (request,) = make.content(deal, book(key, requests_roles_sold=True)).node(ROOT_PATH).staffing

    assert (request.role, request.location, request.hours) == ("Senior Consultant", "DACH", Decimal(100))
    assert make.content(deal, book(key)).node(ROOT_PATH).staffing == ()


def test_a_project_is_named_and_numbered_by_its_templates_patterns() -> None:
    deal = make.opportunity(make.fixed_line(description="Landing  zone"), make.milestone_line())
    content = planned(deal, naming="{account} / {workstream}", numbering="{entity}-{service_line}-{record}")

    node = content.node("00kL2")
    assert (node.name, node.number) == ("Globex GmbH / Landing zone", "ACME-DE-CLOUD-006O1")
    assert (content.node("00kL3").name, content.node("00kL3").number) == ("Cloud migration", None)
    assert content.node(ROOT_PATH).name == "Globex goes to the cloud"
    assert landing.node_notes(content, node)["project number"] == "ACME-DE-CLOUD-006O1"


def test_the_only_workstream_is_named_by_its_pattern_too() -> None:
    content = planned(fixed(), naming="{customer} {deal}: {template}, {region}, {key}")

    assert content.node(ROOT_PATH).name == "CUST-1001 Globex goes to the cloud: TPL-1, DACH, 00kL2"


@pytest.mark.parametrize("pattern", ["{acount}", "{account!r}", "{account:>9}", "{}"])
def test_a_pattern_that_names_what_is_not_there_is_refused(pattern: str) -> None:
    with pytest.raises(ValidationError, match=r"is not one of \{account\}, \{customer\}"):
        ProjectTemplate(code="T", name="T", naming=pattern)


@pytest.mark.parametrize("time_entry", [True, False])
def test_time_entry_is_opened_or_not(time_entry: bool) -> None:
    content = planned(fixed(), time_entry=time_entry, tasks=["Kick-off"])

    assert [node.time_entry for node in content.nodes] == [time_entry, time_entry]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"phases": [PHASES[0]]}, "the percents of phases are .* % in total; each has to be above 0 %"),
        ({"phases": [{**PHASES[1], "percent": 50}] * 2}, "phases: two are the same"),
        ({"budget": [BUDGET[1]]}, "the percents of budget are .* % in total; each has to be above 0 %"),
        ({"budget": [{**BUDGET[0], "percent": 50}] * 2}, "budget: two are the same"),
    ],
)
def test_a_template_that_is_not_whole_is_refused(fields: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        ProjectTemplate.model_validate({"code": "T", "name": "T", **fields})
