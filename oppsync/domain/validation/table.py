"""Validation: every rule runs, and all findings come at once. A new rule is a function and a row here."""

from __future__ import annotations

from oppsync.domain.deal.opportunity import Opportunity
from oppsync.domain.policy.firm_rules import rule_failed
from oppsync.domain.validation import (
    across_deals,
    amounts,
    caps,
    contract,
    firm_rules,
    parties,
    required_fields,
    terms,
    typing_faults,
)
from oppsync.domain.validation.confirmations import with_confirmations
from oppsync.domain.validation.facts import Rule, ValidationFacts
from oppsync.domain.values.findings.finding import Finding
from oppsync.domain.values.findings.summary import summed_up

RULES: tuple[Rule, ...] = (
    typing_faults.fields_are_readable,
    parties.account_is_identified,
    parties.account_exists_in_the_erp,
    parties.account_is_the_erps_customer,
    parties.legal_entity_may_contract,
    required_fields.deal_fields_are_present,
    required_fields.line_fields_are_present,
    required_fields.there_are_lines,
    required_fields.lines_are_not_too_many,
    required_fields.owner_has_an_email,
    terms.billing_models_are_supported,
    terms.billing_models_find_what_they_need,
    terms.periods_are_stated,
    caps.contract_caps_agree,
    caps.caps_are_enough,
    terms.the_erp_invoices_in_the_currency,
    terms.purchase_order_is_large_enough,
    terms.dates_are_in_order,
    terms.dates_are_near,
    contract.purchase_order_is_there,
    contract.purchase_order_holds,
    across_deals.other_deals_agree,
    contract.payment_terms_are_known,
    contract.books_are_open,
    amounts.currency_is_known,
    amounts.currency_is_allowed,
    amounts.lines_share_the_currency,
    amounts.amounts_are_positive,
    amounts.hours_are_not_negative,
    amounts.amounts_fit_the_currency,
    amounts.line_nets_are_right,
    amounts.lines_sum_to_the_amount,
    firm_rules.rules_of_the_firm_hold,
)

# Rules that only a won deal can fulfil: an open deal is previewed without them.
RULES_WHEN_WON: tuple[Rule, ...] = (
    required_fields.won_date_is_present,
    terms.won_date_has_come,
    contract.work_starts_with_the_contract,
    contract.milestones_follow_the_signing,
    terms.probability_is_certain,
)


def validate(opportunity: Opportunity, facts: ValidationFacts) -> tuple[Finding, ...]:
    """All that is wrong with the deal, in the order of the rules; each thing once. Empty when it is sound. What
    its record leaves empty and rules of the firm fill is there."""
    rules = RULES + RULES_WHEN_WON if opportunity.is_won else RULES
    filling = facts.rules.fill(opportunity)
    found = [
        firm_rules.told_of_its_rule(item, filling.filled)
        for rule in rules
        for item in rule(filling.deal, facts)
    ]
    found += map(rule_failed, filling.failed)
    wrong = typing_faults.without_consequences(dict.fromkeys(found), opportunity)
    return summed_up(with_confirmations(wrong, facts.confirmations))
