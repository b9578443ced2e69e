"""Hinode as its ERP knows it."""

from __future__ import annotations

from decimal import Decimal

from sandbox.embedded.tryton.firm import (
    Company,
    CostCentre,
    Country,
    Currency,
    Customer,
    Firm,
    PaymentTerm,
    Product,
    Tax,
)

HINODE = Firm(
    countries=(Country("CH", "Switzerland"), Country("JP", "Japan")),
    currencies=(
        Currency("CHF", "Swiss Franc", "CHF", 2, Decimal("1")),
        Currency("JPY", "Yen", "¥", 0, Decimal("172.4")),
    ),
    payment_terms=(PaymentTerm("T20", "20 Tage netto", 20), PaymentTerm("T45", "45 days", 45)),
    products=(
        Product("STUNDE", "Consulting hour", "Hour", Decimal("200")),
        Product("PAUSCHAL", "Instalment", "Unit", Decimal("0")),
        Product("ETAPPE", "Milestone", "Unit", Decimal("0")),
    ),
    companies=(
        Company(
            code="HIN-AG",
            name="Hinode Consulting AG",
            currency="CHF",
            country="CH",
            street="Limmatquai 4",
            city="Zürich",
            timezone="Europe/Zurich",
            employee="Ruth Beispiel",
            taxes=(
                Tax("MWST-81", "8.1 % MWST", Decimal("0.081")),
                Tax("CH-EXPORT", "Not taxable in Switzerland", Decimal("0")),
            ),
            standard_tax="MWST-81",
            cost_centres=(CostCentre("1000-ORG", "Organisation"), CostCentre("1000-DATA", "Data")),
        ),
        Company(
            code="HIN-KK",
            name="Hinode Consulting KK",
            currency="JPY",
            country="JP",
            street="1-2-3 Marunouchi",
            city="Tokyo",
            timezone="Asia/Tokyo",
            employee="Yoko Rei",
            taxes=(
                Tax("JCT-10", "Consumption tax 10 %", Decimal("0.10")),
                Tax("JP-EXPORT", "Export of services", Decimal("0")),
            ),
            standard_tax="JCT-10",
            cost_centres=(CostCentre("2000-ORG", "Organisation Japan"), CostCentre("2000-DATA", "Data Japan")),
        ),
    ),
    customers=(
        Customer(
            "D-70001",
            "Alpenbank AG",
            "CH",
            "Paradeplatz 9",
            "8001",
            "Zürich",
            "T20",
            tax_id="CHE107787577MWST",
            tax_id_type="ch_vat",
        ),
        Customer(
            "D-80001",
            "Sakura Denki KK",
            "JP",
            "4-5-6 Ginza",
            "104-0061",
            "Tokyo",
            "T45",
            tax_id="5835678256246",
            tax_id_type="jp_vat",
        ),
    ),
)
