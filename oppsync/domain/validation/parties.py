"""Rules about who contracts: the customer, and the legal entity of ours."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from oppsync.domain.deal.customers import CustomerMatch, ErpCustomer
from oppsync.domain.deal.opportunity import Account, Opportunity
from oppsync.domain.deal.reading import takes
from oppsync.domain.reference.public_holidays import is_known
from oppsync.domain.validation.customers import contradictions
from oppsync.domain.validation.facts import ValidationFacts
from oppsync.domain.values.findings.codes import finding
from oppsync.domain.values.findings.finding import Finding
from oppsync.domain.values.identifiers import customer_code_key, invisible_characters, names_are_alike

CHOOSE = "Say that the account is that customer, or correct the customer code in the CRM."
RELINK = (
    "Link the account to the customer that has the tax id; or, where the tax id is wrong, correct it in the "
    "CRM or on that customer in the ERP. Then replay."
)
WITHOUT_UNSEEN = "Type the customer code anew in the CRM, without copying it, and save the account."


def account_is_identified(opportunity: Opportunity, facts: ValidationFacts) -> Iterator[Finding]:
    account = opportunity.account
    if account is None:
        yield finding("ACCOUNT_MISSING", "The opportunity has no account", path="/account")
        return
    if not account.name:
        yield finding("FIELD_MISSING", "The account has no name", path="/account/name")
    match = facts.customer
    if _is_ambiguous(match):
        yield finding(
            "ACCOUNT_AMBIGUOUS",
            _may_be(account, match.candidates),
            path="/account/code",
            value=", ".join(candidate.code for candidate in match.candidates),
        )
    elif account.code is None and match.customer is None and match.code is None:
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
    """A code that nobody has is a new customer's where one may be created, unless somebody has its tax id."""
    account, match = opportunity.account, facts.customer
    if account is None or match.code is None or match.customer is not None or _is_ambiguous(match):
        return
    others, unseen = "; ".join(map(str, match.candidates)), invisible_characters(match.code)
    if match.code == account.code and may_create_customers(facts) and not others and not unseen:
        return
    message, fix = f"The ERP has no customer {match.code} ({account.name})", ""
    if unseen:
        message, fix = f"{message}; the code holds what nobody can see: {', '.join(unseen)}", WITHOUT_UNSEEN
    if others:
        message, fix = f"{message}, but its tax id under another code: {others}", CHOOSE
    yield finding("ACCOUNT_UNKNOWN", message, path="/account/code", value=match.code, fix=fix)


def account_is_the_erps_customer(opportunity: Opportunity, facts: ValidationFacts) -> Iterator[Finding]:
    """The code alone may be a slip of the pen: what else CRM and ERP know of the customer has to agree."""
    account, customer = opportunity.account, facts.customer.customer
    if account is None or customer is None:
        return
    here = ErpCustomer(
        code=customer.code,
        name=account.name,
        countries=(account.country,) if account.country else (),
        tax_ids=(account.tax_id,) if account.tax_id else (),
    ).in_words
    both = f"The CRM says {here}, the ERP has {customer.in_words} under {customer.code}"
    if others := contradictions(account.country, account.tax_id, customer):
        yield finding(
            "CUSTOMER_CONTRADICTS",
            f"{both}: another {' and another '.join(others)}",
            path="/account/code",
            value=customer.code,
        )
    elif same := "; ".join(map(str, facts.customer.candidates)):
        yield finding(
            "CUSTOMER_CONTRADICTS",
            f"{both}, to which the account is linked, and this tax id under another code: {same}",
            path="/account/tax_id",
            value=account.tax_id or "",
            fix=RELINK,
        )
    elif account.name and not names_are_alike(account.name, customer.name):
        yield finding("CUSTOMER_NAME_DIFFERS", both, path="/account/name", value=account.name)


def may_create_customers(facts: ValidationFacts) -> bool:
    entity = facts.legal_entity
    return entity is not None and entity.creates_customers and facts.erp.creates_customers


def _may_be(account: Account, candidates: Sequence[ErpCustomer]) -> str:
    named = "; ".join(map(str, candidates))
    if len(candidates) > 1:
        return f"The account {account.name} matches several customers of the ERP: {named}"
    others = " and another ".join(contradictions(account.country, account.tax_id, candidates[0]))
    return f"The account {account.name} may be this customer of the ERP, which has another {others}: {named}"


def _is_ambiguous(match: CustomerMatch) -> bool:
    """Whether the candidates are there for what they were looked for by, and not for their tax id alone."""
    alike = {customer_code_key(each.code) for each in match.candidates}
    return bool(alike) and (match.code is None or customer_code_key(match.code) in alike)


def legal_entity_may_contract(opportunity: Opportunity, facts: ValidationFacts) -> Iterator[Finding]:
    code, entity = opportunity.contracting_entity, facts.legal_entity
    if code is None:
        return
    if entity is None:
        on_day = f" on {opportunity.won_on}" if opportunity.won_on else ""
        yield finding(
            "LEGAL_ENTITY_UNKNOWN",
            f"No legal entity {code} is known{on_day}"
            f"{takes(facts.field_at('/contracting_entity'), facts.legal_entities)}",
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
