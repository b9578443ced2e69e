"""Rules about who contracts: the customer, and the legal entity of ours."""

from __future__ import annotations

from collections.abc import Iterator

from oppsync.domain.billing.calendar import is_known
from oppsync.domain.deal.opportunity import Opportunity
from oppsync.domain.validation.facts import ValidationFacts
from oppsync.domain.values.findings.codes import finding
from oppsync.domain.values.findings.finding import Finding


def account_is_identified(opportunity: Opportunity, facts: ValidationFacts) -> Iterator[Finding]:
    account = opportunity.account
    if account is None:
        yield finding("ACCOUNT_MISSING", "The opportunity has no account", path="/account")
        return
    if not account.name:
        yield finding("FIELD_MISSING", "The account has no name", path="/account/name")
    if account.code is None and facts.candidates:
        several = ", ".join(map(str, facts.candidates))
        yield finding(
            "ACCOUNT_AMBIGUOUS",
            f"The account {account.name} matches several customers of the ERP: {several}",
            path="/account/code",
            value=", ".join(candidate.code for candidate in facts.candidates),
        )
    elif account.code is None and facts.customer is None:
        yield finding(
            "ACCOUNT_CODE_MISSING",
            f"The account {account.name} has no customer code of the ERP",
            path="/account/code",
            value=account.name,
        )
    if account.country is None:
        yield finding(
            "FIELD_MISSING",
            f"The account {account.name} has no country, and the country decides the tax",
            path="/account/country",
            fix="Fill the billing country of the account in the CRM.",
        )


def account_exists_in_the_erp(opportunity: Opportunity, facts: ValidationFacts) -> Iterator[Finding]:
    account = opportunity.account
    code = facts.customer or (account.code if account else None)
    entity = facts.legal_entity
    may_create = entity is not None and entity.creates_customers and facts.erp.creates_customers
    if may_create and facts.customer is None:
        return
    if account is not None and code is not None and not facts.customer_exists:
        yield finding(
            "ACCOUNT_UNKNOWN",
            f"The ERP has no customer {code} ({account.name})",
            path="/account/code",
            value=code,
        )


def legal_entity_may_contract(opportunity: Opportunity, facts: ValidationFacts) -> Iterator[Finding]:
    code, entity = opportunity.contracting_entity, facts.legal_entity
    if code is None:
        return
    if entity is None:
        on_day = f" on {opportunity.won_on}" if opportunity.won_on else ""
        yield finding(
            "LEGAL_ENTITY_UNKNOWN",
            f"No legal entity {code} is known{on_day}",
            path="/contracting_entity",
            value=code,
        )
        return
    if why := entity.not_approved_on(opportunity.won_on or facts.today):
        yield finding(
            "LEGAL_ENTITY_NOT_APPROVED",
            f"{entity.name} ({code}) {why}",
            path="/contracting_entity",
            value=code,
        )
    if entity.billing_policy.rolls_to_business_day and not is_known(entity.country, entity.subdivision):
        place = "-".join(part for part in (entity.country, entity.subdivision) if part)
        yield finding(
            "CALENDAR_UNKNOWN",
            f"{entity.name} ({code}) moves due dates to business days, but there is no holiday calendar for "
            f"{place}",
            path="/contracting_entity",
            value=place,
        )
    if facts.missing_in_erp:
        missing = ", ".join(facts.missing_in_erp)
        yield finding(
            "LEGAL_ENTITY_NOT_READY",
            f"{entity.name} ({code}) cannot invoice in the ERP yet; missing: {missing}",
            path="/contracting_entity",
            value=missing,
        )
