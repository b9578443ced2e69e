"""Reference data of the demo firm: two entities in two countries, with rows that change at a date.

Its codes are those of the demo firm's ERP.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from itertools import product
from typing import Any

from oppsync.domain.deal.customers import CustomerLink
from oppsync.domain.deal.opportunity import BillingModelCode
from oppsync.domain.reference.billing_policy import BillingPolicy
from oppsync.domain.reference.book import ANY, ReferenceKind, ReferenceRow, reference_key
from oppsync.domain.reference.entities import (
    BudgetLine,
    CostCentre,
    DeliveryModel,
    LegalEntity,
    ProjectTemplate,
    Region,
    ServiceLine,
    TemplatePhase,
    TemplateTask,
)
from oppsync.domain.reference.exchange import ExchangeRate
from oppsync.domain.reference.rates import CostRate, MarginPolicy, Rate, TransferPrice
from oppsync.domain.reference.splitting import LineAttribute, SplitPhase, SplitRule
from oppsync.domain.reference.tax import TaxExemption, TaxNexus, TaxRegime, TaxTreatment, Withholding
from oppsync.domain.values.model import Frozen

BEGIN = date(2025, 1, 1)
SECOND_YEAR = date(2026, 1, 1)

_ENTITIES = (
    LegalEntity(
        code="ACME-DE",
        name="Acme Advisory GmbH",
        country="DE",
        currency="EUR",
        currencies=("EUR", "USD"),
        erp_company="ACME-DE",
        approved=True,
        approved_by="Group controlling",
        time_zone="Europe/Berlin",
        billing_policy=BillingPolicy(recognises_revenue=True),
    ),
    LegalEntity(
        code="ACME-US",
        name="Acme Advisory Inc.",
        country="US",
        currency="USD",
        currencies=("USD",),
        erp_company="ACME-US",
        reporting_currency="EUR",
        approved=True,
        approved_by="Group controlling",
        time_zone="America/New_York",
        billing_policy=BillingPolicy(recognises_revenue=True),
    ),
)

_SERVICE_LINES = {
    "Advisory": ServiceLine(code="ADV", name="Advisory"),
    "Cloud": ServiceLine(code="CLOUD", name="Cloud engineering"),
}

_REGIONS = (
    Region(
        code="DACH",
        name="Germany, Austria, Switzerland",
        compliance={
            "data residency": "EU",
            "data processing agreement": "required",
            "working time": "EU directive",
        },
    ),
    Region(
        code="NA",
        name="North America",
        compliance={"data residency": "US", "worker classification": "employees only"},
    ),
)

_DELIVERY_MODELS = {
    "Onshore": DeliveryModel(code="ONSHORE", name="All work in the customer's country"),
    "Hybrid": DeliveryModel(code="HYBRID", name="On site and remote"),
}

# Service line and billing model -> the first tasks of every such project.
_TASKS: dict[tuple[str, BillingModelCode], tuple[str, ...]] = {
    ("ADV", BillingModelCode.FIXED_FEE): ("Kick-off", "Final report"),
    ("CLOUD", BillingModelCode.FIXED_FEE): ("Kick-off",),
    ("CLOUD", BillingModelCode.MILESTONE): ("Landing zone review",),
    ("CLOUD", BillingModelCode.FIXED_FEE_PROGRESS): ("Build",),
    ("CLOUD", BillingModelCode.RECURRING): ("Service review",),
    ("ADV", BillingModelCode.NON_BILLABLE): ("Onboarding",),
}

# Further parts of some templates. Process automation is built in two phases, requests its staff at once, and
# they may book time from the first day on.
_MORE: dict[tuple[str, BillingModelCode], dict[str, Any]] = {
    ("ADV", BillingModelCode.FIXED_FEE_DEPOSIT): {
        "phases": (
            TemplatePhase(
                code="design",
                name="Design",
                percent=Decimal(30),
                tasks=(TemplateTask(name="Process map", role="Senior Consultant"),),
            ),
            TemplatePhase(code="build", name="Build", percent=Decimal(70)),
        ),
        "budget": (
            BudgetLine(role="Senior Consultant", percent=Decimal(40)),
            BudgetLine(role="Consultant", percent=Decimal(60)),
        ),
        "naming": "{workstream} for {account}",
        "numbering": "{entity}-{service_line}-{record}",
        "time_entry": True,
    }
}

# Region, currency, role -> price of an hour in the first and in the second year.
_RATES = {
    ("DACH", "EUR", "Senior Consultant"): ("150", "160"),
    ("DACH", "EUR", "Consultant"): ("120", "130"),
    ("NA", "USD", "Senior Consultant"): ("190", "200"),
    ("NA", "USD", "Consultant"): ("150", "160"),
}

# The same, and for any role: what an hour costs.
_COST_RATES = {
    ("DACH", "EUR", "Senior Consultant"): "88",
    ("DACH", "EUR", "Consultant"): "64",
    ("DACH", "EUR", ANY): "76",
    ("DACH", "USD", ANY): "84",
    ("NA", "USD", "Senior Consultant"): "112",
    ("NA", "USD", "Consultant"): "84",
    ("NA", "USD", ANY): "98",
}
_MARGIN_FLOORS = {ANY: MarginPolicy(floor_percent=Decimal(20))}

# For sales from Germany outside the Union finance decides country by country, in rows of their own.
_TAX_REGIMES = {
    "ACME-DE": TaxRegime(
        name="German VAT",
        standard_code="VAT-DE-19",
        standard_percent=Decimal(19),
        reverse_charge_code="RC-EU",
    ),
    "ACME-US": TaxRegime(name="US sales tax", outside_scope_code="US-NT", not_taxable_code="US-NT"),
}
_EXPORT = TaxTreatment(code="EXPORT-0", reason="Service outside the scope of German VAT")
# Places outside the EU's VAT, some of them Spanish, by their VAT area.
_TAXES = {("ACME-DE", area): _EXPORT for area in ("CH", "GB", "JP", "US", "ES-CN", "ES-CE", "ES-ML")}
# New York is a watched state: nothing sold there is taxable so far.
_TAX_NEXUS = {("ACME-US", "NY"): TaxNexus(code="US-NT", percent=Decimal(0), service_lines=("SOFTWARE",))}
_TAX_EXEMPTIONS = {
    ("ACME-DE", "CUST-1009"): TaxExemption(certificate="EXT-2026-17", expires_on=date(2027, 12, 31))
}
_EXCHANGE_RATES = {
    ("USD", "EUR"): ExchangeRate(rate=Decimal("0.92"), source="Group treasury", quoted_on=BEGIN),
    ("EUR", "USD"): ExchangeRate(rate=Decimal("1.087"), source="Group treasury", quoted_on=BEGIN),
}
# An account that entered the CRM before the ERP had codes.
_CUSTOMER_LINKS = {
    "salesforce|001000000000001AAA": CustomerLink(customer="CUST-1004", linked_by="Group controlling")
}
_WITHHOLDING = {("DE", "IN"): Withholding(percent=Decimal(10), reason="Indian tax on technical services")}

# Platform products are delivered as one workstream for each kind, managed services are first taken over and
# then run, and some work is sold here and done in the United States.
_SPLIT_RULES = (
    SplitRule(
        code="platform",
        order=10,
        when={LineAttribute.PRODUCT_FAMILY: ("Platform",)},
        group_by=(LineAttribute.PRODUCT_FAMILY,),
    ),
    SplitRule(
        code="managed",
        order=20,
        when={
            LineAttribute.PRODUCT_FAMILY: ("Managed Services",),
            LineAttribute.BILLING_MODEL: (BillingModelCode.FIXED_FEE,),
        },
        phases=(
            SplitPhase(code="transition", name="Transition", percent=Decimal(20)),
            SplitPhase(code="run", name="Run", percent=Decimal(80)),
        ),
    ),
    SplitRule(
        code="us-delivery",
        order=30,
        when={LineAttribute.PRODUCT_FAMILY: ("US Delivery",)},
        delivery_entity="ACME-US",
    ),
)

_TRANSFER_PRICES = {
    ("ACME-DE", "ACME-US"): TransferPrice(percent=Decimal(8), agreement="ICA-2025-01"),
    ("ACME-US", "ACME-DE"): TransferPrice(percent=Decimal(8), agreement="ICA-2025-01"),
}


def reference_rows() -> tuple[ReferenceRow, ...]:
    """Every row, ready for the store."""
    return (
        *(_row(ReferenceKind.LEGAL_ENTITY, entity.code, entity) for entity in _ENTITIES),
        *(_row(ReferenceKind.SERVICE_LINE, name, line) for name, line in _SERVICE_LINES.items()),
        *(_row(ReferenceKind.REGION, region.code, region) for region in _REGIONS),
        *(_row(ReferenceKind.DELIVERY_MODEL, name, model) for name, model in _DELIVERY_MODELS.items()),
        *(_row(ReferenceKind.TAX_TREATMENT, reference_key(*key), tax) for key, tax in _TAXES.items()),
        *(_row(ReferenceKind.SPLIT_RULE, rule.code, rule) for rule in _SPLIT_RULES),
        *(
            _row(ReferenceKind.TRANSFER_PRICE, reference_key(*key), price)
            for key, price in _TRANSFER_PRICES.items()
        ),
        *_cost_centres(),
        *_templates(),
        *_rates(),
        *_cost_rates(),
        *(_row(ReferenceKind.TAX_REGIME, code, regime) for code, regime in _TAX_REGIMES.items()),
        *(_row(ReferenceKind.TAX_NEXUS, reference_key(*key), nexus) for key, nexus in _TAX_NEXUS.items()),
        *(_row(ReferenceKind.TAX_EXEMPTION, reference_key(*key), row) for key, row in _TAX_EXEMPTIONS.items()),
        *(
            _row(ReferenceKind.EXCHANGE_RATE, reference_key(*key), rate)
            for key, rate in _EXCHANGE_RATES.items()
        ),
        *(_row(ReferenceKind.CUSTOMER_LINK, key, customer) for key, customer in _CUSTOMER_LINKS.items()),
        *(_row(ReferenceKind.WITHHOLDING, reference_key(*key), row) for key, row in _WITHHOLDING.items()),
        *(_row(ReferenceKind.MARGIN_POLICY, key, policy) for key, policy in _MARGIN_FLOORS.items()),
    )


def _cost_centres() -> Iterator[ReferenceRow]:
    """In its first year the German cloud business was run, and booked, inside Advisory."""
    german_advisory = CostCentre(code="CC-DE-ADV", name="Advisory Germany")
    german_cloud = CostCentre(code="CC-DE-CLOUD", name="Cloud Germany")
    kind = ReferenceKind.COST_CENTRE
    yield _row(kind, "ACME-DE|ADV", german_advisory)
    yield _row(kind, "ACME-DE|CLOUD", german_advisory, until=SECOND_YEAR)
    yield _row(kind, "ACME-DE|CLOUD", german_cloud, since=SECOND_YEAR)
    yield _row(kind, "ACME-US|ADV", CostCentre(code="CC-US-ADV", name="Advisory United States"))
    yield _row(kind, "ACME-US|CLOUD", CostCentre(code="CC-US-CLOUD", name="Cloud United States"))


def _templates() -> Iterator[ReferenceRow]:
    for line, region, model in product(_SERVICE_LINES.values(), _REGIONS, BillingModelCode):
        template = ProjectTemplate(
            code=f"TPL-{line.code}-{region.code}-{_SHORT.get(model) or _initials(model)}",
            name=f"{line.name}, {region.code}, {model.replace('_', ' ')}",
            tasks=_TASKS.get((line.code, model), ()),
            **_MORE.get((line.code, model), {}),
        )
        yield _row(ReferenceKind.PROJECT_TEMPLATE, reference_key(line.code, region.code, model), template)


# Where the initials would not make the code.
_SHORT = {
    BillingModelCode.TIME_AND_MATERIALS: "TM",
    BillingModelCode.TIME_AND_MATERIALS_CAPPED: "TMC",
    BillingModelCode.MILESTONE: "MS",
    BillingModelCode.RETAINER: "RET",
    BillingModelCode.RECURRING: "REC",
}


def _initials(model: BillingModelCode) -> str:
    return "".join(word[0] for word in model.split("_")).upper()


def _rates() -> Iterator[ReferenceRow]:
    for (region, currency, role), (first, second) in _RATES.items():
        key = reference_key(region, role, currency)
        yield _row(ReferenceKind.RATE_CARD, key, _rate(region, BEGIN, first), until=SECOND_YEAR)
        yield _row(ReferenceKind.RATE_CARD, key, _rate(region, SECOND_YEAR, second), since=SECOND_YEAR)


def _rate(region: str, since: date, hourly: str) -> Rate:
    return Rate(card=f"{region} {since.year}", version="1", hourly=Decimal(hourly))


def _cost_rates() -> Iterator[ReferenceRow]:
    for (region, currency, role), hourly in _COST_RATES.items():
        cost = CostRate(card=f"{region} cost", hourly=Decimal(hourly))
        yield _row(ReferenceKind.COST_RATE, reference_key(region, role, currency), cost)


def _row(
    kind: ReferenceKind, key: str, value: Frozen, *, since: date = BEGIN, until: date | None = None
) -> ReferenceRow:
    return ReferenceRow(
        kind=kind, key=key, valid_from=since, valid_to=until, value=value.model_dump(mode="json")
    )
