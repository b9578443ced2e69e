"""Every value of every kind of plan has its origin, and the explanation names it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import date
from types import FrameType
from typing import Any

import pytest

from oppsync.domain.billing.table import BILLING_MODELS
from oppsync.domain.deal.opportunity import Opportunity
from oppsync.domain.plan.plan import BillingLine, Plan, PlanContent, PlanNode
from oppsync.domain.planning import origin_table
from oppsync.domain.planning.origin_table import BILLING, FILLED, OVERRIDDEN, RULES
from oppsync.domain.reading.why import NOT_KEPT, Reason, why
from oppsync.domain.reference.book import ReferenceBook
from oppsync.domain.reference.splitting import SplitRule
from oppsync.domain.values.model import changed
from oppsync.kernel import canonical_json
from oppsync.kernel.errors import NotFound
from oppsync.kernel.json_pointer import leaves
from tests.harness import builders as make
from tests.unit.test_intercompany import SOLD_BY_GERMANY
from tests.unit.test_split_rules import BY_FAMILY, IN_PHASES, book, platform

EMPTY: tuple[object, ...] = (None, [], {})
CENTRE = "/nodes/2/cost_centre"
Case = tuple[Opportunity, ReferenceBook]

KINDS: dict[str, Case] = {
    "hours, a fee and milestones": (make.opportunity(), make.book()),
    **{model.value: (make.opportunity(line()), make.book()) for model, line in make.LINES.items()},
    "one of each model": (make.opportunity(*(line() for line in make.LINES.values())), make.book()),
    "a fee with its order": (
        make.opportunity(
            make.fixed_line(),
            contract={
                "payment_terms": "NET30",
                "po_number": "PO-7",
                "po_limit": 20_000,
                "billing": {"frequency": "quarterly", "day": 15},
            },
        ),
        make.book(),
    ),
    "a fee with a deposit, signed": (
        make.opportunity(
            make.deposit_line(), contract={"payment_terms": "NET30", "signed_on": date(2026, 5, 4)}
        ),
        make.book(),
    ),
    "hours beyond caps, and a cent of rounding": (
        make.opportunity(
            make.capped_line(id="00kL1", billing={"cap": {"amount": 12_000}}),
            make.capped_line(id="00kL2", billing={}),
            make.fixed_line(id="00kL3"),
            amount="38800.01",
            contract={"payment_terms": "NET30", "billing": {"cap": {"amount": 9_000, "scope": "contract"}}},
        ),
        make.book(),
    ),
    "in groups": (
        make.opportunity(platform("00kL1", 10_000), platform("00kL2", 5_000), make.time_line(id="00kL3")),
        book(BY_FAMILY),
    ),
    "in a group with terms of their own": (
        make.opportunity(make.time_line(product_family="Platform"), platform("00kL2", 5_000)),
        book(
            SplitRule(code="all", order=1, when={"product_family": ["Platform"]}, group_by=["product_family"])
        ),
    ),
    "over phases": (make.opportunity(make.fixed_line(), make.time_line()), book(IN_PHASES)),
    "delivered by another entity": (SOLD_BY_GERMANY, make.book()),
}


def plan(name: str) -> Plan:
    return make.plan(*KINDS[name])


def only(of: Plan, place: str) -> Reason:
    (reason,) = why(of, place).reasons
    return reason


def at(document: Any, place: str) -> Any:
    for part in place.split("/")[1:]:
        document = document[int(part)] if isinstance(document, list) else document[part]
    return document


@pytest.mark.parametrize("name", KINDS)
def test_every_value_has_an_origin(name: str) -> None:
    unknown = [each.place for each in why(plan(name), "").reasons if each.rule is None]

    assert [place for place in unknown if at(plan(name).content.document(), place) not in EMPTY] == []


@pytest.mark.parametrize("name", KINDS)
def test_every_origin_is_there(name: str) -> None:
    """The fields have values in the record, the rows were used, the places are in the plan."""
    record, made = KINDS[name][0].model_dump(mode="json"), plan(name)

    for origin in made.provenance.origins:
        assert all(at(record, field) not in EMPTY for field in origin.fields), origin
        assert set(origin.rows) <= set(made.provenance.reference)
        assert all(at(made.content.document(), place) not in EMPTY for place in origin.places)


@pytest.mark.parametrize(
    ("shape", "held", "tables"),
    [
        (PlanContent, {"nodes"}, [origin_table.OF_DEAL]),
        (PlanNode, {"lines"}, [origin_table.OF_PARENT, origin_table.OF_WORKSTREAM, origin_table.OF_TASK]),
        (BillingLine, set(), [origin_table.OF_BILLING_LINE, origin_table.OF_MILESTONE]),
    ],
)
def test_every_field_of_a_plan_has_a_row(shape: Any, held: set[str], tables: list[dict[str, Any]]) -> None:
    """A new field needs its origin in `oppsync/domain/planning/origin_table.py`."""
    rows = set().union(*tables)

    assert rows == {name.rstrip("_") for name in shape.model_fields} - held


def test_every_rule_is_said_in_words() -> None:
    tables = (
        origin_table.OF_DEAL,
        origin_table.OF_PARENT,
        origin_table.OF_WORKSTREAM,
        origin_table.OF_TASK,
        origin_table.OF_BILLING_LINE,
        *origin_table.OF_KIND.values(),
    )
    used = {row.rule for table in tables for row in table.values()} - {BILLING}
    assert used | {OVERRIDDEN, FILLED} == set(RULES)
    for code, model in BILLING_MODELS.items():
        if not model.kinds:
            continue
        line = next(
            each for name in KINDS for each in why(plan(name), "").reasons if each.rule == f"{BILLING}{code}"
        )
        assert line.says.startswith(f"scheduled by the billing model {code.replace('_', ' ')}; ")


def test_why_is_this_cost_centre_here() -> None:
    reason = only(plan("hours, a fee and milestones"), CENTRE)

    assert reason.value == "CC-DE-CLOUD"
    assert reason.says == (
        "from the reference data; "
        "reference data: cost centre ACME-DE|CLOUD, valid from 2026-01-01, version 1; "
        "CRM: /contracting_entity, /lines/1/service_line of record 006O1, version 2026-05-04T09:00:00Z"
    )


def test_an_instalment_says_what_it_was_made_of() -> None:
    reason = only(plan("a fee with its order"), "/nodes/0/lines/0/amount/amount")

    assert reason.rule == "billing.fixed_fee"
    assert reason.fields == (
        "/lines/0/net",
        "/starts_on",
        "/ends_on",
        "/contract/billing/day",
        "/contract/billing/frequency",
    )


def test_a_milestone_says_which_one_it_is() -> None:
    reason = only(plan("milestone"), "/nodes/0/lines/1/due_on")

    assert reason.fields == ("/lines/0/milestones/1/planned_on",)


def test_a_deposit_is_due_by_the_signing_and_its_instalments_are_not() -> None:
    made = plan("a fee with a deposit, signed")

    due = [only(made, f"/nodes/0/lines/{number}/due_on").fields for number in (0, 1)]

    assert ["/contract/signed_on" in fields for fields in due] == [True, False]


def test_of_two_cost_centres_each_field_says_its_own() -> None:
    made = plan("delivered by another entity")
    node = next(i for i, node in enumerate(made.content.nodes) if node.intercompany)

    own = only(made, f"/nodes/{node}/cost_centre")
    revenue = only(made, f"/nodes/{node}/intercompany/revenue_cost_centre")

    assert {row.key.partition("|")[0] for row in own.rows} == {"ACME-US"}
    centres = {row.key.partition("|")[0] for row in revenue.rows if row.kind == "cost_centre"}
    assert centres == {"ACME-DE"}


def test_a_phase_says_which_rule_made_it() -> None:
    made = plan("over phases")
    phase = next(i for i, node in enumerate(made.content.nodes) if node.path == "phased.00kL2.build")

    reason = only(made, f"/nodes/{phase}/amount/amount")

    assert [(row.kind.value, row.key) for row in reason.rows] == [("split_rule", "phased")]
    assert reason.fields == ("/lines/0/net",)


def test_a_prefix_asks_for_all_below() -> None:
    made = plan("hours, a fee and milestones")

    below = why(made, "/nodes/1").reasons
    assert len(below) > 10
    assert {each.place.split("/")[2] for each in below} == {"1"}
    assert [each.place for each in why(made, "").reasons] == [
        place for place, _value in leaves(made.content.document())
    ]


@pytest.mark.parametrize("place", ["/nothing", "/nodes/99", "cost_centre", "/cust"])
def test_a_place_that_is_not_in_the_plan(place: str) -> None:
    with pytest.raises(NotFound, match="give a JSON pointer"):
        why(plan("time_and_materials"), place)


def test_a_plan_of_before_says_that_it_does_not_know() -> None:
    made = plan("hours, a fee and milestones")
    stored = canonical_json.loads(made.model_dump_json(by_alias=True))
    del stored["provenance"]["origins"]

    answer = why(Plan.model_validate(stored), CENTRE)

    assert answer.note == NOT_KEPT
    assert [(each.value, each.says) for each in answer.reasons] == [("CC-DE-CLOUD", "not known")]
    assert answer.reference == made.provenance.reference


def test_origins_are_no_part_of_what_is_approved() -> None:
    made = plan("hours, a fee and milestones")
    without = changed(made, provenance=changed(made.provenance, origins=()))

    assert without.hash == made.hash
    assert "origins" not in without.model_dump(mode="json")["provenance"]


def test_what_may_be_invoiced_names_the_cap() -> None:
    made = plan("hours beyond caps, and a cent of rounding")

    assert made.content.total.text == "31000.01"  # 12,000 and 9,000 of 14,400 each, and 10,000.01
    assert set(only(made, "/total/amount").fields) == {
        "/amount",
        "/currency",
        "/lines/0/billing/cap",
        "/contract/billing/cap",
    }


def calls_made(work: Callable[[], object]) -> int:
    """How many Python functions `work` calls: its cost, counted the same on every machine."""
    count = 0

    def note(frame: FrameType, event: str, argument: object) -> None:
        nonlocal count
        count += event == "call"

    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(None)
    return count


def test_a_plan_costs_as_much_for_each_line_however_many_there_are() -> None:
    def plan_of_lines(count: int) -> Plan:
        return make.plan(make.opportunity(*(make.fixed_line(id=f"00k{number:04d}") for number in range(count))))

    plan_of_lines(10)  # what is only worked out once
    few, many = calls_made(lambda: plan_of_lines(50)), calls_made(lambda: plan_of_lines(200))

    assert many < 4.5 * few
