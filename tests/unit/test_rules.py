"""Rules that a firm writes: what stops or warns a deal, what fills its empty fields, and where each holds."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from oppsync.domain.approval.conditions import plan_context
from oppsync.domain.approval.rules import approved_by_rule
from oppsync.domain.approval.tasks import RuleUse
from oppsync.domain.deal.opportunity import Opportunity
from oppsync.domain.enrichment.enrich import enrich
from oppsync.domain.plan.enrichment import Enrichment
from oppsync.domain.plan.plan import Plan
from oppsync.domain.plan.systems import parent_values
from oppsync.domain.policy.approval_rule import ApprovalRule
from oppsync.domain.policy.firm_rules import firm_rules
from oppsync.domain.reading.why import why
from oppsync.domain.reference.book import ReferenceBook, ReferenceKind, ReferenceRow
from oppsync.domain.validation.table import validate
from oppsync.domain.values.findings.finding import Finding, OwnerRole, Severity
from oppsync.domain.values.model import changed
from oppsync.domain.values.money import Money
from oppsync.pipeline.destination import as_filled
from tests.harness import builders as make

BEGIN = date(2026, 1, 1)
PO_NEEDED = {
    "on": "validation",
    "condition": 'deal.amount > 40000 && deal.po_number == ""',
    "message": "Deals above 40,000 need a purchase order",
    "fix": "Ask the customer for it.",
    "owner": "sales",
    "field": "deal.po_number",
}
HYBRID = {
    "on": "enrichment",
    "condition": 'entity.code == "ACME-DE"',
    "message": "Germany delivers hybrid unless sales says otherwise",
    "owner": "delivery",
    "fills": {"delivery_model": "Hybrid"},
}


def row(name: str, of: dict[str, Any] = PO_NEEDED, since: date = BEGIN, **changes: Any) -> ReferenceRow:
    value = {**of, **changes}
    return ReferenceRow(kind=ReferenceKind.RULE, key=name, valid_from=since, value=value)


def book(*rows: ReferenceRow) -> ReferenceBook:
    return make.book(*rows)


def found(deal: Opportunity, *rows: ReferenceRow) -> tuple[Finding, ...]:
    """What validation finds by these rules; its own findings are none of a sound deal."""
    return validate(deal, make.facts(rules=firm_rules(book(*rows), deal, make.WON_ON)))


def names(findings: tuple[Finding, ...]) -> list[str]:
    return [f"{each.code} {each.value} {each.path}" for each in findings]


DEAL = make.opportunity()  # 44,400.00 EUR in DACH, sold by ACME-DE
SEVERAL = tuple(make.fixed_line(id=f"00k{n}", description=f"Work {n}") for n in range(4))


def test_a_rule_that_holds_stops_the_deal_and_says_what_whose_and_by_which_rule() -> None:
    (one,) = found(DEAL, row("po-needed"))

    assert (one.code, one.severity, one.owner) == ("RULE_BLOCKS", Severity.BLOCKS, OwnerRole.SALES)
    assert one.message == "Deals above 40,000 need a purchase order (rule po-needed)"
    assert (one.fix, one.path, one.value) == ("Ask the customer for it.", "/contract/po_number", "po-needed")


def test_a_rule_that_does_not_hold_finds_nothing() -> None:
    ordered = changed(DEAL, contract=changed(DEAL.contract, po_number="PO-7"))

    assert found(ordered, row("po-needed")) == ()
    assert found(DEAL, row("po-needed", condition="deal.amount > 44400")) == ()
    assert found(DEAL, row("po-needed", since=date(2026, 6, 1))) == ()


def test_a_rule_warns_where_it_says_so_and_all_rules_are_told_at_once() -> None:
    both = found(DEAL, row("po-needed", severity="warns", fix=None), row("never", condition="true", field=None))

    assert names(both) == ["RULE_BLOCKS never ", "RULE_WARNS po-needed /contract/po_number"]
    assert both[1].severity is Severity.WARNS
    assert both[1].fix


def test_a_rule_about_lines_is_asked_of_each_line() -> None:
    of_lines = row("dear", condition="line.net > 10000", message="The line is dear", field="line.net")
    dear = [at for at, line in enumerate(DEAL.lines) if line.net > 10_000]

    findings = found(DEAL, of_lines)

    assert dear
    assert [each.path for each in findings] == [f"/lines/{at}/net" for at in dear]
    assert findings[0].message == f"{DEAL.lines[dear[0]].title}: The line is dear (rule dear)"


def test_many_lines_that_break_two_rules_are_two_findings() -> None:
    of_lines = [row(name, condition="line.net > 0", message=name, field=None) for name in ("one", "two")]

    both = found(make.opportunity(*SEVERAL), *of_lines)

    assert names(both) == ["RULE_BLOCKS one /lines", "RULE_BLOCKS two /lines"]
    assert both[0].message.startswith("4 lines: Work 0: one (rule one); ")


@pytest.mark.parametrize("condition", ["lines[7].net > 5", 'deal.custom["Colour"] == "red"', "deal.amuont > 5"])
def test_a_rule_that_cannot_be_evaluated_stops_the_deal_and_says_why(condition: str) -> None:
    (one,) = found(DEAL, row("po-needed", condition=condition, severity="warns"))

    assert (one.code, one.severity, one.owner) == ("RULE_FAILED", Severity.BLOCKS, OwnerRole.INTEGRATION)
    assert one.message.startswith("The rule po-needed cannot be evaluated for this deal: ")


OVERLAID = (
    row("po"),
    row("po|dach", regions=["DACH"], message="In DACH"),
    row("po|de", entities=["ACME-DE"], message="At ACME-DE"),
    row("po|both", entities=["ACME-DE"], regions=["DACH"], message="At ACME-DE in DACH"),
)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (OVERLAID, "At ACME-DE in DACH"),
        (OVERLAID[:3], "At ACME-DE"),
        (OVERLAID[:2], "In DACH"),
        (OVERLAID[:1], "Deals above 40,000"),
        ((OVERLAID[0], row("po|us", entities=["ACME-US"], message="At ACME-US")), "Deals above 40,000"),
    ],
)
def test_of_the_rules_of_one_name_the_narrowest_holds(rows: tuple[ReferenceRow, ...], said: str) -> None:
    (one,) = found(DEAL, *rows)

    assert one.message.startswith(said)


def test_a_narrower_rule_takes_the_place_of_the_wider_one_where_it_does_not_hold_either() -> None:
    assert found(DEAL, row("po"), row("po|dach", regions=["DACH"], condition="deal.amount > 900000")) == ()


def test_a_line_is_judged_by_the_rule_of_its_own_region() -> None:
    away = make.fixed_line(id="00kNA", delivery_region="NA", net=5_000, unit_price=5_000)
    of_lines: dict[str, Any] = {"condition": "line.net > 0", "field": None}
    rows = (row("x", **of_lines), row("x|na", **of_lines, regions=["NA"], message="In NA"))

    said = [each.message for each in found(make.opportunity(make.fixed_line(), away), *rows)]

    assert [": In NA" in each for each in said] == [False, True]


# What fills empty fields.

UNSTATED = changed(DEAL, delivery_model=None)


def enriched(deal: Opportunity, *rows: ReferenceRow) -> Enrichment:
    result = enrich(deal, book(*rows))
    assert isinstance(result, Enrichment), result
    return result


def planned(deal: Opportunity, *rows: ReferenceRow) -> Plan:
    return make.plan(deal, make.book(*rows, without=make.NO_FLOOR))


def test_an_empty_field_is_filled_and_the_plan_says_by_which_rule() -> None:
    plan = planned(UNSTATED, row("hybrid", HYBRID))

    assert plan.content.delivery_model == planned(DEAL).content.delivery_model
    (reason,) = why(plan, "/delivery_model").reasons
    assert "rule hybrid, valid from 2026-01-01" in reason.says
    assert "/delivery_model" not in reason.fields
    assert (ReferenceKind.RULE, "hybrid") in {(use.kind, use.key) for use in plan.provenance.reference}


def test_what_was_filled_is_not_said_to_be_the_crm_s() -> None:
    terms = row("terms", HYBRID, fills={"payment_terms": "NET30"})
    plan = planned(changed(DEAL, contract=changed(DEAL.contract, payment_terms=None)), terms)

    (reason,) = why(plan, "/payment_terms").reasons
    assert plan.content.payment_terms == "NET30"
    assert reason.says.startswith("filled by a rule of the firm, because the CRM has nothing there; ")


def test_what_the_crm_says_stays() -> None:
    onsite = row("other", HYBRID, fills={"delivery_model": "Onsite"})

    assert planned(DEAL, onsite).hash == planned(DEAL).hash
    assert planned(DEAL, onsite).content.delivery_model == planned(DEAL).content.delivery_model


def test_a_field_that_is_filled_is_not_missing() -> None:
    no_region = changed(DEAL, region=None)
    dach = row("dach", HYBRID, fills={"region": "DACH"})

    assert names(found(no_region)) == ["FIELD_MISSING  /region"]
    assert found(no_region, dach) == ()
    assert planned(no_region, dach).hash == planned(DEAL).hash


def test_terms_that_a_rule_filled_and_the_erp_lacks_are_told_of_the_rule() -> None:
    """The CRM's field is empty: nobody could correct it there."""
    terms = row("usual-terms", HYBRID, fills={"payment_terms": "NET9999"})
    unstated = changed(DEAL, contract=changed(DEAL.contract, payment_terms=None))
    there: dict[str, Any] = {"payment_terms_known": False, "payment_terms": ("NET30",)}

    stated = changed(DEAL, contract=changed(DEAL.contract, payment_terms="NET9999"))
    of_rule, of_field = (
        validate(deal, make.facts(rules=firm_rules(book(terms), deal, make.WON_ON), **there))[0]
        for deal in (unstated, stated)
    )

    assert (of_rule.code, of_rule.owner) == ("PAYMENT_TERMS_UNKNOWN", of_field.owner)
    assert of_rule.message.startswith("The rule usual-terms filled NET9999, as the CRM has nothing there: ")
    assert "Correct what the rule usual-terms fills in the configuration" in of_rule.fix
    assert "usual-terms" not in of_field.message + of_field.fix


def test_a_deal_goes_to_the_systems_of_the_region_that_a_rule_filled() -> None:
    no_region = changed(DEAL, region=None)
    dach = row("dach", HYBRID, fills={"region": "DACH"})
    tracked = make.tracked(no_region, enrichment=enriched(no_region, dach))

    assert parent_values(as_filled(tracked)).region == "DACH"
    assert parent_values(as_filled(make.tracked(no_region))).region is None


def test_the_first_rule_by_name_fills_and_each_sees_the_deal_as_it_is() -> None:
    first = row("a", HYBRID)
    second = row("b", HYBRID, condition='deal.delivery_model == "Hybrid"', fills={"region": "NA"})
    third = row("c", HYBRID, fills={"delivery_model": "Onsite"})

    filled = enriched(UNSTATED, first, second, third).filled

    assert [(each.field.value, each.value, each.use.key) for each in filled] == [
        ("delivery_model", "Hybrid", "a")
    ]


def test_a_rule_that_cannot_say_what_it_fills_stops_the_deal() -> None:
    broken = row("hybrid", HYBRID, condition="lines[7].net > 5")

    assert names(found(UNSTATED, broken)) == ["RULE_FAILED hybrid "]
    refused = enrich(UNSTATED, book(broken))
    assert isinstance(refused, tuple)
    assert names(refused) == ["RULE_FAILED hybrid "]


# Which rules a plan was judged by.


def test_a_plan_names_the_rules_it_was_judged_by_and_no_other() -> None:
    rows = (row("small", condition="deal.amount < 5"), row("us", entities=["ACME-US"]), row("fills", HYBRID))

    uses = [use.key for use in enriched(DEAL, *rows).used if use.kind is ReferenceKind.RULE]

    assert uses == ["small"]
    assert planned(DEAL, *rows).hash == planned(DEAL).hash


def test_without_rules_nothing_changes() -> None:
    assert "filled" not in enriched(DEAL).model_dump(mode="json")
    assert found(DEAL) == ()


# Split rules and approval rules.


def phased(condition: str | None) -> ReferenceRow:
    value = {
        "code": "large",
        "order": 1,
        "when": {},
        "phases": [{"code": "a", "name": "A", "percent": "50"}, {"code": "b", "name": "B", "percent": "50"}],
    }
    value |= {"condition": condition} if condition else {}
    return ReferenceRow(kind=ReferenceKind.SPLIT_RULE, key="large", valid_from=BEGIN, value=value)


def test_a_split_rule_takes_the_lines_for_which_its_condition_holds() -> None:
    small = make.fixed_line(id="00kS", net=1_000, unit_price=1_000)
    large = make.fixed_line(id="00kL", net=90_000, unit_price=90_000)
    deal = make.opportunity(small, large)

    lines = enriched(deal, phased("line.net > 50000")).lines

    assert [line.split_rule is not None for line in lines] == [False, True]


def test_a_split_rule_that_cannot_be_evaluated_splits_nothing_and_stops_the_deal() -> None:
    refused = enrich(make.opportunity(make.fixed_line()), book(phased('deal.custom["Colour"] == "red"')))

    assert isinstance(refused, tuple)
    assert names(refused) == ["RULE_FAILED split rules /lines/0"]


@pytest.mark.parametrize(
    ("condition", "approves"),
    [
        (None, True),
        ("plan.total > 44000 && plan.workstreams == 3", True),
        ('deal.region == "DACH" && "fixed_fee" in plan.billing_models', True),
        ('plan.reporting_total > 44000 && plan.reporting_currency == "EUR" && !plan.intercompany', True),
        ("plan.total > 45000", False),
        ("margin.percent > 90", False),
        ("lines[7].net > 5", False),
        ("line.net > 5", False),
    ],
)  # fmt: skip
def test_an_approval_rule_approves_only_where_its_condition_holds(
    condition: str | None, approves: bool
) -> None:
    enrichment = make.enrichment(DEAL)
    content = make.content(DEAL)
    rule = ApprovalRule(
        up_to=Money(amount=50_000, currency="EUR"), known_customers_only=False, condition=condition
    )
    use = RuleUse(name="small", valid_from=BEGIN, version=1)

    by_rule = approved_by_rule(
        content,
        {use: rule},
        known_customer=False,
        warned=False,
        before=(),
        context=lambda: plan_context(content, DEAL, enrichment),
    )

    assert bool(by_rule) is approves
