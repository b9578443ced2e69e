"""Deals of Hinode, in the form that the control surface of the Salesforce stand-in takes."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

WON_ON, BEGIN, END = "2026-03-02", "2026-04-01", "2026-09-30"
MONTHS = 6
OWNER = {"Name": "Silvan Seller", "Email": "silvan@hinode.example"}
Record = dict[str, Any]
SWISS: Record = {
    "Contracting_Entity__c": "HIN-AG",
    "Region__c": "ALPS",
    "CurrencyIsoCode": "CHF",
    "Payment_Terms__c": "T20",
    "PO_Number__c": "AB/2026/17",
}
JAPANESE: Record = {
    "Contracting_Entity__c": "HIN-KK",
    "Region__c": "JAPAN",
    "CurrencyIsoCode": "JPY",
    "Payment_Terms__c": "T45",
    "PO_Number__c": "SD-2026-4",
}


def in_francs() -> Record:
    """A retainer, three milestones of unequal amounts and two roles by the hour, for a bank in Zürich."""
    account = {
        "AccountNumber": "D-70001",
        "Name": "Alpenbank AG",
        "BillingCountryCode": "CH",
        "BillingPostalCode": "8001",
        "Tax_Id__c": "CHE107787577MWST",
    }
    lines = [
        _retainer("Expert retainer", Decimal("12500.55"), hours=40, role="Partner"),
        _milestones("Data platform", Decimal("90000.05"), ("33.33", "33.33", "33.34")),
        _hours("Steering", "Partner", 60, Decimal("320.50")),
        _hours("Engineering", "Engineer", 200, Decimal("215.25")),
    ]
    return _deal("Alpenbank AG: Data office", account, SWISS, lines)


def in_yen() -> Record:
    """A retainer and hours, in a currency without cents, for a maker in Tokyo."""
    account = {
        "AccountNumber": "D-80001",
        "Name": "Sakura Denki KK",
        "BillingCountryCode": "JP",
        "BillingPostalCode": "104-0061",
        "Tax_Id__c": "5835678256246",
    }
    lines = [
        _retainer("Expert retainer", Decimal(1_250_001), hours=30, role="Partner"),
        _hours("Engineering", "Engineer", 80, Decimal(24_000)),
    ]
    return _deal("Sakura Denki KK: Factory data", account, JAPANESE, lines)


def _deal(name: str, account: Record, sold: Record, lines: Sequence[Record]) -> Record:
    opportunity = {
        **sold,
        "Name": name,
        "StageName": "Closed Won",
        "CloseDate": WON_ON,
        "Amount": sum((line["TotalPrice"] for line in lines), Decimal(0)),
        "Probability": Decimal(100),
        "Service_Line__c": "Data & AI",
        "Delivery_Model__c": "Remote",
        "Billing_Model__c": "Mixed",
        "Contract_Type__c": "Framework call-off",
        "Billing_Frequency__c": "Monthly",
        "Start_Date__c": BEGIN,
        "End_Date__c": END,
        "Contract_Signed_Date__c": WON_ON,
    }
    of_this_deal = {"CurrencyIsoCode": sold["CurrencyIsoCode"], "Delivery_Region__c": sold["Region__c"]}
    return {
        "account": {**account, "CurrencyIsoCode": sold["CurrencyIsoCode"]},
        "owner": dict(OWNER),
        "opportunity": opportunity,
        "lines": [
            {**line, **of_this_deal, "SortOrder": Decimal(number)} for number, line in enumerate(lines, 1)
        ],
    }


def _line(billing_model: str, code: str, description: str, service_line: str) -> Record:
    return {
        "Product2": {"ProductCode": code, "Name": billing_model, "Family": "Beratung"},
        "Description": description,
        "Discount": Decimal(0),
        "ServiceDate": BEGIN,
        "Start_Date__c": BEGIN,
        "End_Date__c": END,
        "Service_Line__c": service_line,
        "Billing_Model__c": billing_model,
    }


def _hours(description: str, role: str, hours: int, price: Decimal) -> Record:
    return {
        **_line("Time and Materials", "B-H", description, "Data & AI"),
        "Quantity": Decimal(hours),
        "Unit__c": "Hour",
        "UnitPrice": price,
        "TotalPrice": price * hours,
        "Role__c": role,
        "Planned_Hours__c": Decimal(hours),
    }


def _retainer(description: str, a_month: Decimal, *, hours: int, role: str) -> Record:
    return {
        **_line("Retainer", "B-R", description, "Organisation"),
        "Quantity": Decimal(MONTHS),
        "Unit__c": "Month",
        "UnitPrice": a_month,
        "TotalPrice": a_month * MONTHS,
        "Role__c": role,
        "Planned_Hours__c": Decimal(hours * MONTHS),
        "Included_Hours__c": Decimal(hours),
        "Rollover__c": "None",
    }


def _milestones(description: str, amount: Decimal, percents: Sequence[str]) -> Record:
    days = ("2026-05-29", "2026-07-31", "2026-09-30")
    return {
        **_line("Milestone", "B-M", description, "Data & AI"),
        "Quantity": Decimal(1),
        "Unit__c": "Unit",
        "UnitPrice": amount,
        "TotalPrice": amount,
        "Role__c": "Engineer",
        "Planned_Hours__c": Decimal(300),
        "milestones": [
            {"Name": f"Etappe {number}", "Percent__c": Decimal(percent), "Planned_Date__c": day}
            for number, (percent, day) in enumerate(zip(percents, days, strict=True), 1)
        ],
    }
