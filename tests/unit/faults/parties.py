"""Deals whose customer or entity is wrong."""

from __future__ import annotations

from datetime import date

from oppsync.domain.deal.customers import CustomerMatch, ErpCustomer
from oppsync.domain.deal.reading import FieldOfCrm
from oppsync.domain.reference.billing_policy import BillingPolicy
from oppsync.domain.values.model import changed
from tests.harness import builders as make
from tests.unit.faults.case import FIELD, Case

CASES = [
    Case("no account", "ACCOUNT_MISSING", "/account", "no account", make.opportunity(account=None)),
    Case(
        "no customer code",
        "ACCOUNT_CODE_MISSING",
        "/account/code",
        "Globex GmbH has no customer code of the ERP",
        make.opportunity(account=make.account(code=None)),
        make.facts(customer=CustomerMatch()),
    ),
    Case(
        "customer of another company",
        "CUSTOMER_CONTRADICTS",
        "/account/code",
        "The CRM says Globex GmbH (DE, DE136695976), the ERP has Nordbank AG (DE, DE129273398) under "
        "CUST-1001: another tax id",
        make.opportunity(),
        make.facts(customer=make.match_of(changed(make.GLOBEX, name="Nordbank AG", tax_ids=("DE129273398",)))),
    ),
    Case(
        "customer of another name",
        "CUSTOMER_NAME_DIFFERS",
        "/account/name",
        "the ERP has Initech Inc (DE, DE136695976) under CUST-1001",
        make.opportunity(),
        make.facts(customer=make.match_of(changed(make.GLOBEX, name="Initech Inc"))),
    ),
    Case(
        "a name without a word",
        "CUSTOMER_NAME_DIFFERS",
        "/account/name",
        "The CRM says !!! (DE, DE136695976), the ERP has Globex GmbH (DE, DE136695976) under CUST-1001",
        make.opportunity(account=make.account(name="!!!")),
        make.facts(customer=make.match_of(make.GLOBEX)),
    ),
    Case(
        "several customers",
        "ACCOUNT_AMBIGUOUS",
        "/account/code",
        "matches several customers of the ERP: CUST-1 Globex (DE, DE136695976); CUST-2 Globex",
        make.opportunity(account=make.account(code=None)),
        make.facts(
            customer=CustomerMatch(
                candidates=(
                    ErpCustomer(code="CUST-1", name="Globex", countries=("DE",), tax_ids=("DE136695976",)),
                    ErpCustomer(code="CUST-2", name="Globex"),
                )
            )
        ),
    ),
    Case(
        "entity approved later",
        "LEGAL_ENTITY_NOT_APPROVED",
        "/contracting_entity",
        "is approved by Group controlling only from 2026-05-05 on",
        make.opportunity(),
        make.facts(legal_entity=make.legal_entity(approved_from=date(2026, 5, 5))),
    ),
    Case(
        "entity approved no longer",
        "LEGAL_ENTITY_NOT_APPROVED",
        "/contracting_entity",
        "was approved by Group controlling only until 2026-05-04",
        make.opportunity(),
        make.facts(legal_entity=make.legal_entity(approved_to=date(2026, 5, 4))),
    ),
    Case(
        "customer not in the ERP",
        "ACCOUNT_UNKNOWN",
        "/account/code",
        "no customer CUST-1001 (Globex GmbH)",
        make.opportunity(),
        make.facts(customer=make.match_of(None)),
    ),
    Case(
        "no name of the account",
        FIELD,
        "/account/name",
        "no name",
        make.opportunity(account=make.account(name="")),
    ),
    Case(
        "no country of the account",
        FIELD,
        "/account/country",
        "no country, and the country decides the tax",
        make.opportunity(account=make.account(country=None)),
    ),
    Case(
        "entity unknown on that day",
        "LEGAL_ENTITY_UNKNOWN",
        "/contracting_entity",
        "No legal entity ACME-DE is known on 2026-05-04; "
        "Entity (Opportunity.Entity__c) can be ACME-IN or ACME-US",
        make.opportunity(),
        make.facts(
            legal_entity=None,
            legal_entities=("ACME-IN", "ACME-US"),
            crm_fields={"/contracting_entity": FieldOfCrm("Entity (Opportunity.Entity__c)")},
        ),
    ),
    Case(
        "entity not approved",
        "LEGAL_ENTITY_NOT_APPROVED",
        "/contracting_entity",
        "Acme Advisory GmbH (ACME-DE) is not approved",
        make.opportunity(),
        make.facts(legal_entity=make.legal_entity(approved=False)),
    ),
    Case(
        "entity not ready",
        "LEGAL_ENTITY_NOT_READY",
        "/contracting_entity",
        "missing: a receivable account, a fiscal year",
        make.opportunity(),
        make.facts(missing_in_erp=("a receivable account", "a fiscal year")),
    ),
    Case(
        "an entity in no country",
        "CALENDAR_UNKNOWN",
        "/contracting_entity",
        "there is no holiday calendar for DE-XX",
        make.opportunity(),
        make.facts(
            legal_entity=make.legal_entity(
                subdivision="XX", billing_policy=BillingPolicy(rolls_to_business_day=True)
            )
        ),
    ),
]
