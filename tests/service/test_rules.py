"""A firm's own rules on the way of a deal: read from its files, agreed, and named by the plan."""

from __future__ import annotations

from collections.abc import Sequence

from adapters.documents.bundle_files import read_bundle, write_bundle
from oppsync.domain.policy.approval_rule import ApprovalRule
from oppsync.domain.reading.why import why
from oppsync.domain.reference.book import ReferenceKind, ReferenceRow
from oppsync.domain.values.actor import COMMAND_LINE
from oppsync.domain.values.condition import Example
from oppsync.domain.values.findings.finding import OwnerRole
from oppsync.domain.values.money import Money
from oppsync.domain.work.states import State
from oppsync.services.configuration.commands import ApplyConfiguration, CompareConfiguration
from sandbox.firm import deals
from sandbox.firm.demo_firm import bundle
from tests.harness.builders import TENANT
from tests.harness.house import WON_ON, House

FIRM, ROWS = bundle()
RULES = """
- name: po-needed
  valid_from: 2026-01-01
  on: validation
  condition: customer.country == 'US' && deal.amount > 100000 && deal.po_number == ''
  message: Deals above 100,000 with customers in the US need a purchase order
  fix: Get the purchase order from the customer and fill its number in the CRM.
  owner: sales
  field: deal.po_number
  examples:
    - {given: {customer: {country: US}, deal: {amount: 100000.01}}, expect: true}
    - {given: {customer: {country: US}, deal: {amount: 100000}}, expect: false}
    - {given: {customer: {country: US}, deal: {amount: 500000, po_number: PO-7}}, expect: false}
- name: hybrid-in-the-us
  valid_from: 2026-01-01
  on: enrichment
  condition: entity.code == 'ACME-US'
  message: The US delivers hybrid unless sales says otherwise
  owner: delivery
  fills: {delivery_model: Hybrid}
  examples:
    - {given: {entity: {code: ACME-US}}, expect: true}
    - {given: {entity: {code: ACME-DE}}, expect: false}
"""


def rows_with(rules: str = RULES) -> tuple[ReferenceRow, ...]:
    return read_bundle({**write_bundle(FIRM, ROWS), "rules.yaml": rules.encode()}).rows


def apply(house: House, rows: Sequence[ReferenceRow]) -> None:
    house.application.dispatch(ApplyConfiguration(TENANT, COMMAND_LINE, FIRM, rows))


def large(**fields: object) -> deals.Deal:
    """A deal of 112,500.00 USD with a customer in the US."""
    deal = deals.fixed_fee(WON_ON)
    lines = [line | {"UnitPrice": 112_500, "TotalPrice": 112_500} for line in deal["lines"][:1]]
    opportunity = deal["opportunity"] | {"Amount": 112_500, "PO_Number__c": None, **fields}
    return {**deal, "opportunity": opportunity, "lines": lines}


def test_a_rule_stops_a_deal_and_lets_it_through_once_the_crm_is_corrected(house: House) -> None:
    apply(house, rows_with())
    record_id = house.win(large())
    house.settle()

    assert house.state(record_id) is State.PARKED
    (found,) = house.exception(record_id).findings
    assert (found.code, found.owner, found.path) == ("RULE_BLOCKS", OwnerRole.SALES, "/contract/po_number")
    assert found.message == (
        "Deals above 100,000 with customers in the US need a purchase order (rule po-needed)"
    )
    assert found.fix.startswith("Get the purchase order from the customer")

    house.edit(record_id, opportunity={"PO_Number__c": "PO-2026-7"})
    house.settle()

    assert house.state(record_id) is State.AWAITING_APPROVAL
    used = {(use.kind, use.key) for use in house.plan(record_id).plan.provenance.reference}
    assert (ReferenceKind.RULE, "po-needed") in used


def test_a_field_that_sales_left_empty_is_filled_and_the_plan_says_why(house: House) -> None:
    apply(house, rows_with())
    record_id = house.win(large(Delivery_Model__c=None, PO_Number__c="PO-2026-8"))
    house.settle()

    plan = house.plan(record_id).plan
    assert plan.content.delivery_model == "HYBRID"
    (reason,) = why(plan, "/delivery_model").reasons
    assert "rule hybrid-in-the-us, valid from 2026-01-01, version 1" in reason.says
    house.approve(record_id)
    house.settle()
    assert house.state(record_id) is State.ACTIVE


def test_before_a_rule_is_applied_people_see_which_deals_it_would_stop(house: House) -> None:
    record_id = house.win(large())
    house.settle()
    assert house.state(record_id) is State.AWAITING_APPROVAL

    compared = house.application.dispatch(CompareConfiguration(TENANT, COMMAND_LINE, FIRM, rows_with()))

    (stopped,) = [each for each in compared.open_deals.rows if each.source_id == record_id]
    assert "need a purchase order (rule po-needed)" in stopped.what
    assert "rules.yaml: name po-needed from 2026-01-01: added: " in "\n".join(
        each.in_words for each in compared.differences
    )


def test_a_rule_approves_only_plans_for_which_its_condition_holds(house: House) -> None:
    limit = Money(amount="1000000.00", currency="USD")
    rule = ApprovalRule(
        up_to=limit,
        known_customers_only=False,
        condition='plan.total <= 100000 && entity.code == "ACME-US"',
        examples=(
            Example(given={"plan": {"total": 100_000}, "entity": {"code": "ACME-US"}}, expect=True),
            Example(given={"plan": {"total": "100000.01"}, "entity": {"code": "ACME-US"}}, expect=False),
        ),
    )
    value = rule.model_dump(mode="json")
    row = ReferenceRow(kind=ReferenceKind.APPROVAL_RULE, key="small", valid_from=WON_ON, value=value)
    apply(house, [*ROWS, row])

    small, big = house.win(deals.fixed_fee(WON_ON)), house.win(large(Name="A large one"))
    house.settle()

    assert (house.state(small), house.state(big)) == (State.ACTIVE, State.AWAITING_APPROVAL)
