"""Who has to approve a plan, by the steps that a firm set; and in which order they are asked."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from pydantic import ValidationError

from adapters.documents.bundle_files import read_bundle, write_bundle
from oppsync.domain.approval.conditions import plan_context
from oppsync.domain.approval.deciding import may_decide
from oppsync.domain.approval.involved import Involved, involved
from oppsync.domain.approval.matrix import DealFacts, needed_approvals, steps_on
from oppsync.domain.approval.refusals import Refusal
from oppsync.domain.approval.rules import approved_by_rule
from oppsync.domain.approval.tasks import ApprovalTask, Person, RuleUse, TaskStatus
from oppsync.domain.configuration.bundle import governed
from oppsync.domain.configuration.faults import BadBundle
from oppsync.domain.plan.approvals import DEFAULT_APPROVALS, RequiredApproval, seats, to_ask
from oppsync.domain.plan.plan import PlanContent
from oppsync.domain.policy.approval_rule import ApprovalRule
from oppsync.domain.policy.approval_step import ApprovalStep
from oppsync.domain.policy.expressions import Context
from oppsync.domain.reading.plan_changes import plan_changes
from oppsync.domain.reading.why import why
from oppsync.domain.reference.book import ReferenceBook, ReferenceKind, ReferenceRow
from oppsync.domain.values.findings.finding import Severity
from oppsync.domain.values.model import changed
from oppsync.domain.values.money import Money
from oppsync.domain.values.roles import PersonRole
from oppsync.domain.work.states import State
from oppsync.pipeline.approve import ask_next, open_tasks, weigh_decisions
from oppsync.pipeline.duties import Duties
from oppsync.pipeline.stage import Advance, Await, Park
from sandbox.firm.demo_firm import reference_rows
from tests.harness import builders as make

TODAY = date(2026, 5, 4)
FINANCE, DELIVERY = DEFAULT_APPROVALS
FACTS = DealFacts(regions={"DACH"}, discount_percent=Decimal(10), known_customer=True, won_on=make.WON_ON)
CONTENT = make.content(make.opportunity())  # 44,400.00 EUR of ACME-DE


def row(code: str = "tax", until: date | None = None, **values: Any) -> ReferenceRow:
    step = ApprovalStep(**{"name": f"The {code} step", "roles": ("tax",), **values})
    return ReferenceRow(
        kind=ReferenceKind.APPROVAL_STEP,
        key=code,
        valid_from=date(2026, 1, 1),
        valid_to=until,
        value=step.model_dump(mode="json"),
    )


def quote(pair: str, rate: str) -> ReferenceRow:
    value = {"rate": rate, "source": "ECB", "quoted_on": "2026-03-01"}
    return ReferenceRow(kind=ReferenceKind.EXCHANGE_RATE, key=pair, valid_from=date(2026, 1, 1), value=value)


def needed(*rows: ReferenceRow, content: PlanContent = CONTENT, **facts: Any) -> list[str]:
    book = ReferenceBook(rows)
    found = needed_approvals(content, FACTS._replace(**facts), steps_on(book, TODAY), book, seen)
    assert not found.findings
    return [step.step for step in found.approvals]


def seen() -> Context:
    """What conditions see of the deal that `CONTENT` is the plan of."""
    deal = make.opportunity()
    return plan_context(CONTENT, deal, make.enrichment(deal))


def money(amount: str, currency: str = "EUR") -> Money:
    return Money(amount=Decimal(amount), currency=currency)


def with_margin(percent: str | None) -> PlanContent:
    root, *rest = CONTENT.nodes
    known = None if percent is None else Decimal(percent)
    return changed(CONTENT, nodes=(changed(root, margin_percent=known), *rest))


def with_total(total: Money) -> PlanContent:
    return changed(CONTENT, total=total)


ASKED, NOT_ASKED = ["finance", "delivery", "tax"], ["finance", "delivery"]


@pytest.mark.parametrize(
    ("conditions", "content", "asked"),
    [
        ({}, CONTENT, True),
        ({"from_amount": money("250000")}, with_total(money("249999.99")), False),
        ({"from_amount": money("250000")}, with_total(money("250000.00")), True),
        ({"from_amount": money("250000")}, with_total(money("-250000.00")), True),
        ({"margin_below": Decimal(25)}, with_margin("24.99"), True),
        ({"margin_below": Decimal(25)}, with_margin("25"), False),
        ({"margin_below": Decimal(25)}, with_margin(None), True),
        ({"discount_from": Decimal(10)}, CONTENT, True),
        ({"discount_from": Decimal("10.01")}, CONTENT, False),
        ({"entities": ("ACME-DE",)}, CONTENT, True),
        ({"entities": ("ACME-US",)}, CONTENT, False),
        ({"regions": ("NA", "DACH")}, CONTENT, True),
        ({"regions": ("NA",)}, CONTENT, False),
        ({"billing_models": ("milestone",)}, CONTENT, True),
        ({"billing_models": ("retainer",)}, CONTENT, False),
        ({"service_lines": (CONTENT.nodes[1].service_line,)}, CONTENT, True),
        ({"service_lines": ("OTHER",)}, CONTENT, False),
        ({"payment_terms": (CONTENT.payment_terms,)}, CONTENT, True),
        ({"payment_terms": ("NET90",)}, CONTENT, False),
        ({"special_terms": True}, CONTENT, False),
        ({"intercompany": True}, CONTENT, False),
        ({"new_customer": True}, CONTENT, False),
        ({"entities": ("ACME-DE",), "margin_below": Decimal(25)}, with_margin("30"), False),
    ],
    ids=str,
)
def test_a_step_is_asked_when_every_condition_holds(
    conditions: dict[str, Any], content: PlanContent, asked: bool
) -> None:
    assert needed(row(**conditions), content=content) == (ASKED if asked else NOT_ASKED)


def test_what_the_deal_s_facts_say() -> None:
    terms = changed(CONTENT, contract=changed(CONTENT.contract, special_terms="Liability without limit"))

    assert needed(row(special_terms=True), content=terms) == ASKED
    assert needed(row(new_customer=True), known_customer=False) == ASKED
    assert needed(row(discount_from=Decimal(50)), discount_percent=None) == ASKED
    assert needed(row(until=TODAY)) == NOT_ASKED


def test_an_amount_in_another_currency_is_compared_at_the_rate_of_the_day_the_deal_was_won() -> None:
    step = row(from_amount=money("50000", "USD"))
    for rate, asked in (("1.1262", ASKED), ("1.1261", NOT_ASKED)):  # 44,400 EUR are 50,003.28 and 49,998.84
        assert needed(step, quote("EUR|USD", rate)) == asked


def test_a_condition_in_cel_asks_for_the_deals_that_it_holds_for() -> None:
    for condition, asked in (
        ("plan.total > 44000 && deal.currency == 'EUR'", ASKED),
        ("plan.total > 45000", NOT_ASKED),
    ):
        assert needed(row(condition=condition)) == asked


def test_a_condition_about_a_reporting_total_that_is_not_known_asks_somebody() -> None:
    deal = make.opportunity()
    enrichment = make.enrichment(deal)
    entity = changed(enrichment.legal_entity, reporting_currency="NOK")
    unknown = plan_context(CONTENT, deal, changed(enrichment, legal_entity=entity))
    book = ReferenceBook([row(condition="plan.reporting_total > 1000000000")])

    found = needed_approvals(CONTENT, FACTS, steps_on(book, TODAY), book, lambda: unknown)

    assert [step.step for step in found.approvals] == ASKED
    assert "no exchange rate is set" in found.findings[0].message


def test_a_condition_that_cannot_be_evaluated_asks_somebody_and_warns() -> None:
    failing = row(condition="lines[70].net > 5.0")  # the deal has no such line
    book = ReferenceBook([failing])

    found = needed_approvals(CONTENT, FACTS, steps_on(book, TODAY), book, seen)

    assert [step.step for step in found.approvals] == ASKED
    [warning] = found.findings
    assert (warning.code, warning.severity, warning.path) == ("RULE_FAILED", Severity.WARNS, "/approvals/tax")
    enriched = make.tracked(make.opportunity(), enrichment=make.enrichment(make.opportunity()))
    for _ in range(2):  # planned again, it warns once
        outcome = make.planned(enriched, ReferenceBook([*make.book().rows, failing]))
        assert isinstance(outcome, Advance)
        enriched = outcome.opportunity
        assert enriched.enrichment is not None
        assert [each.code for each in enriched.enrichment.warnings].count("RULE_FAILED") == 1


def test_without_a_rate_the_deal_stops_with_a_finding_and_is_not_waved_through() -> None:
    book = ReferenceBook([row(from_amount=money("50000", "NOK"))])

    (found,) = needed_approvals(CONTENT, FACTS, steps_on(book, TODAY), book, seen).findings

    assert (found.code, found.path, found.value) == ("EXCHANGE_RATE_MISSING", "/approvals/tax", "EUR|NOK")
    assert "The tax step" in found.message
    enriched = make.tracked(make.opportunity(), enrichment=make.enrichment(make.opportunity()))
    parked = make.planned(enriched, ReferenceBook([*make.book().rows, *book.rows]))
    assert isinstance(parked, Park)
    assert [each.code for each in parked.findings] == ["EXCHANGE_RATE_MISSING"]


def test_finance_and_delivery_are_always_among_them() -> None:
    assert needed(row("anybody", roles=("finance", "tax"))) == ["finance", "delivery", "anybody"]
    assert needed(row("boss", roles=("finance",), people=("boss@example.com",))) == [
        "finance",
        "delivery",
        "boss",
    ]
    # A step that asks finance alone stands for it, with a count and an order of its own.
    assert needed(row("two", roles=("finance",), count=2, order=2)) == ["delivery", "two"]
    assert needed(row("delivery", roles=("delivery",), order=2), row(order=3)) == ["finance", "delivery", "tax"]


def planned(*rows: ReferenceRow) -> Advance:
    enriched = make.tracked(make.opportunity(), enrichment=make.enrichment(make.opportunity()))
    outcome = make.planned(enriched, ReferenceBook([*make.book().rows, *rows]))
    assert isinstance(outcome, Advance)
    return outcome


def test_a_step_that_applies_is_in_the_hash_and_its_row_in_the_provenance() -> None:
    before, after = planned().plan, planned(row()).plan

    assert before is not None
    assert after is not None
    assert before.hash != after.hash
    assert [step.step for step in after.content.approvals] == ASKED
    assert [use.key for use in after.provenance.reference if use.kind == "approval_step"] == ["tax"]
    assert "approval step tax" in why(after, "/approvals").reasons[0].says


def test_without_a_step_that_applies_the_hash_is_that_of_a_plan_without_a_matrix() -> None:
    plain = planned().plan
    assert plain is not None
    assert "approvals" not in plain.content.document()
    for other in (row(entities=("ACME-US",)), row("finance", name="Finance", roles=("finance",))):
        same = planned(other).plan
        assert same is not None
        assert same.hash == plain.hash


def test_what_a_step_changes_of_a_plan_is_one_sentence() -> None:
    before, after = planned().plan, planned(row(name="Tax review", count=2, order=2)).plan
    assert before is not None
    assert after is not None

    told = [change.in_words for change in plan_changes(before.content, after.content)]

    assert told == [
        "the deal: approvals: Finance and Delivery -> Finance and Delivery, then Tax review (2 people)"
    ]


@pytest.mark.parametrize(
    "values",
    [{"roles": ()}, {"roles": (), "people": ("a@example.com",), "count": 2}, {"count": 0}, {"name": ""}],
)
def test_a_step_asks_somebody(values: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        row(**values)


def step(code: str, count: int = 1, order: int = 1, **more: Any) -> RequiredApproval:
    return RequiredApproval(step=code, name=code.capitalize(), roles=(code,), count=count, order=order, **more)


MATRIX = (step("finance", count=2), step("delivery"), step("tax", order=2), step("cfo", order=3))


def test_the_next_to_ask_are_of_the_lowest_order_and_one_of_each_step_at_a_time() -> None:
    def asked(*approved: str) -> list[str]:
        return [seat.code for seat in to_ask(MATRIX, approved)]

    assert [seat.code for seat in seats(MATRIX)] == ["finance", "finance#2", "delivery", "tax", "cfo"]
    assert asked() == ["finance", "delivery"]
    assert asked("finance") == ["finance#2", "delivery"]
    assert asked("finance", "finance#2") == ["delivery"]
    assert asked("finance", "finance#2", "delivery") == ["tax"]
    assert asked("finance", "finance#2", "delivery", "tax") == ["cfo"]
    assert asked(*(seat.code for seat in seats(MATRIX))) == []


HASH = "a" * 64


def person(number: int, *roles: str, email: str = "") -> Person:
    email = email or f"p{number}@example.com"
    return Person(id=UUID(int=number), email=email, name=f"P{number}", roles=frozenset(roles))


def decided(role: str, by: int | None, status: TaskStatus = TaskStatus.APPROVED) -> ApprovalTask:
    return ApprovalTask(
        id=uuid4(),
        opportunity_id=make.OPPORTUNITY_ID,
        plan_hash=HASH,
        role=role,
        status=status,
        candidates=(),
        opened_at=make.NOW,
        decided_by=UUID(int=by) if by else None,
    )


STAFF = (
    person(1, PersonRole.FINANCE_APPROVER),
    person(2, PersonRole.FINANCE_APPROVER),
    person(3, PersonRole.DELIVERY_APPROVER),
    person(4, "approver:tax"),
    person(5, "approver:cfo"),
)
WAITING = make.tracked(make.opportunity(), state=State.AWAITING_APPROVAL, plan_hash=HASH)


def next_of(*tasks: ApprovalTask, people: tuple[Person, ...] = STAFF) -> Any:
    return ask_next(WAITING, MATRIX, Duties(people, part_of(tasks), tasks))


def part_of(tasks: tuple[ApprovalTask, ...]) -> Involved:
    return involved((), (), tasks, STAFF)


def test_a_further_seat_is_opened_for_another_person_once_the_earlier_is_approved() -> None:
    first = [decided("finance", None, TaskStatus.OPEN), decided("delivery", None, TaskStatus.OPEN)]
    assert next_of(*first) is None

    outcome = next_of(decided("finance", 1), first[1])

    assert isinstance(outcome, Advance)
    assert outcome.to is State.AWAITING_APPROVAL
    assert {seat.code: people for seat, people in outcome.open_tasks.items()} == {"finance#2": (UUID(int=2),)}
    assert [event.summary for event in outcome.events] == ["Waits for Finance (2 of 2): P2"]


def test_a_later_order_is_opened_when_the_earlier_is_approved_and_not_before() -> None:
    most = [decided("finance", 1), decided("finance#2", 2)]
    assert next_of(*most, decided("delivery", None, TaskStatus.OPEN)) is None

    outcome = next_of(*most, decided("delivery", 3))

    assert [seat.code for seat in outcome.open_tasks] == ["tax"]
    every = [*most, decided("delivery", 3), decided("tax", 4)]
    assert isinstance(weigh_decisions(WAITING, every, MATRIX), Await)
    done = weigh_decisions(WAITING, [*every, decided("cfo", 5)], MATRIX)
    assert isinstance(done, Advance)
    assert done.to is State.APPROVED


def test_a_seat_that_nobody_is_left_for_parks_the_deal() -> None:
    outcome = next_of(decided("finance", 1), decided("delivery", 3), people=STAFF[:1])

    assert isinstance(outcome, Park)
    assert [found.value for found in outcome.findings] == ["finance"]
    assert outcome.resume is State.PLANNED


def test_a_plan_is_not_begun_with_that_too_few_may_approve_also_of_a_later_order() -> None:
    able = Duties(STAFF[:1], part_of(())).candidates(required=MATRIX)
    planned = make.tracked(make.opportunity(), state=State.PLANNED, plan_hash=HASH)

    outcome = open_tasks(planned, able, required=MATRIX)

    assert isinstance(outcome, Park)
    assert [found.message for found in outcome.findings] == [
        "Finance needs 2 more people, and only 1 may approve",
        "No active user may approve for delivery",
        "No active user may approve for Tax",
        "No active user may approve for Cfo",
    ]


def test_one_person_never_counts_twice_whatever_the_step() -> None:
    both = person(1, PersonRole.FINANCE_APPROVER, "approver:tax")
    mine = decided("finance", 1)

    assert may_decide(both, MATRIX[0], part_of((mine,)), [mine]) is Refusal.ALREADY_DECIDED_OTHER_ROLE
    assert may_decide(both, MATRIX[2], part_of((mine,)), [mine]) is Refusal.ALREADY_DECIDED_OTHER_ROLE
    assert may_decide(both, MATRIX[2]) is None


def test_who_is_named_decides_as_an_approver_of_some_kind_and_nobody_by_a_name_alone() -> None:
    board = RequiredApproval(step="board", name="Board", people=("eve@example.com",))

    assert may_decide(person(6, "approver:cfo", email="Eve@example.com"), board) is None
    assert may_decide(person(6, PersonRole.EXECUTIVE, email="eve@example.com"), board)
    assert may_decide(person(5, "approver:cfo"), board) is Refusal.NOT_AN_APPROVER


def test_a_rule_approves_every_step_that_a_role_of_it_may_decide_and_no_other() -> None:
    content = changed(
        CONTENT, approvals=(*MATRIX, RequiredApproval(step="b", name="B", people=("e@x.example",)))
    )
    rule = ApprovalRule(up_to=money("50000"), roles=("finance", "tax"), known_customers_only=False)
    use = RuleUse(name="small", valid_from=TODAY, version=1)

    found = approved_by_rule(content, {use: rule}, known_customer=True, warned=False, before=())

    assert found == dict.fromkeys(["finance", "finance#2", "tax"], use)


def test_the_example_in_the_documents_is_a_sound_configuration_and_wrong_ones_are_told() -> None:
    text = (Path(__file__).parents[2] / "docs" / "approvals.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```yaml\n# (\S+)\n(.*?)```", text, re.DOTALL)
    files = write_bundle("Acme", governed(reference_rows())) | {name: body.encode() for name, body in blocks}

    keys = {each.key for each in read_bundle(files).rows if each.kind.startswith("approval_")}
    assert keys == {"tax", "finance_twice", "board"}

    wrong = {
        ('roles: ["tax"]', 'roles: ["taxes"]'): "no approval role has the code 'taxes'",
        ('code: "board"', 'code: "The board"'): "'The board' is no code",
        ('code: "board"', 'code: "finance"'): "the step finance stands for the approval that each plan needs",
        ('margin_below: "15"', 'margin_below: "150"'): "150 is not between 0 and 100",
        ("intercompany: true", 'entities: ["ACME-XX"]'): "no legal entity has the code 'ACME-XX'",
        ("count: 2", "count: 0"): "greater than or equal to 1",
    }
    for (old, new), told in wrong.items():
        body = files["approvals.yaml"].decode()
        assert old in body
        with pytest.raises(BadBundle) as refused:
            read_bundle({**files, "approvals.yaml": body.replace(old, new).encode()})
        assert told in str(refused.value), refused.value
    always = b'- code: "finance"\n  valid_from: 2026-01-01\n  name: "F"\n'
    with pytest.raises(BadBundle, match="the approval role finance is always there"):
        read_bundle({**files, "approval_roles.yaml": files["approval_roles.yaml"] + always})
