"""Deals of the demo firm, in the form that the control surface of the Salesforce stand-in takes.

Three of one billing model, one with three workstreams and one that mixes the other models; each amount is the
sum of its lines. `won` is the day the deal was closed, which decides its rates.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

Deal = dict[str, Any]
Line = dict[str, Any]

ACCOUNTS: dict[str, dict[str, str]] = {
    "CUST-1001": {
        "Name": "Globex GmbH",
        "BillingCountryCode": "DE",
        "BillingPostalCode": "80331",
        "Tax_Id__c": "DE136695976",
    },
    "CUST-1002": {"Name": "Initech Inc", "BillingCountryCode": "US", "BillingStateCode": "CA"},
    "CUST-1003": {
        "Name": "Umbrella SAS",
        "BillingCountryCode": "FR",
        "BillingPostalCode": "75001",
        "Tax_Id__c": "FR40303265045",
    },
    "CUST-1004": {
        "Name": "Nordbank AG",
        "BillingCountryCode": "DE",
        "BillingPostalCode": "20095",
        "Tax_Id__c": "DE129273398",
    },
}
PAYMENT_TERMS = {"CUST-1001": "NET30", "CUST-1002": "NET30", "CUST-1003": "NET60", "CUST-1004": "NET14"}
OWNER = {"Name": "Sam Seller", "Email": "sam.seller@example.com"}
CURRENCIES = {"ACME-DE": "EUR", "ACME-US": "USD"}
REGIONS = {"ACME-DE": "DACH", "ACME-US": "NA"}
SENIOR, CONSULTANT = "Senior Consultant", "Consultant"
NEW_RATES = date(2026, 1, 1)
MONTHS = 7  # how long the work takes
# (region, role): an hour's price for deals won before and since NEW_RATES
RATES = {
    ("DACH", SENIOR): (Decimal(150), Decimal(160)),
    ("DACH", CONSULTANT): (Decimal(120), Decimal(130)),
    ("NA", SENIOR): (Decimal(190), Decimal(200)),
    ("NA", CONSULTANT): (Decimal(150), Decimal(160)),
}
PRODUCTS = {
    "Time and Materials": {"ProductCode": "CONS-HR", "Name": "Consulting hour", "Family": "Consulting"},
    "Fixed Fee": {"ProductCode": "FIXED", "Name": "Fixed fee", "Family": "Consulting"},
    "Milestone": {"ProductCode": "MS", "Name": "Milestone", "Family": "Consulting"},
    "Time and Materials Capped": {"ProductCode": "CONS-NTE", "Name": "Capped hour", "Family": "Consulting"},
    "Fixed Fee Percent Complete": {
        "ProductCode": "FIXED-PC",
        "Name": "Fee by progress",
        "Family": "Consulting",
    },
    "Fixed Fee with Deposit": {"ProductCode": "FIXED-DEP", "Name": "Fee with deposit", "Family": "Consulting"},
    "Retainer": {"ProductCode": "RETAINER", "Name": "Retainer", "Family": "Consulting"},
    "Managed Service": {"ProductCode": "MANAGED", "Name": "Managed service", "Family": "Consulting"},
    "Non-Billable": {"ProductCode": "INTERNAL", "Name": "Internal hour", "Family": "Internal"},
}


def time_and_materials(
    won: date, account: str = "CUST-1001", entity: str = "ACME-DE", name: str = "Cloud advisory"
) -> Deal:
    """Two roles by the hour."""
    lines = [
        hours_line(won, entity, SENIOR, 120, "Architecture"),
        hours_line(won, entity, CONSULTANT, 200, "Engineering"),
    ]
    return deal(won, account, entity, name=name, billing_model="Time and Materials", lines=lines)


def fixed_fee(
    won: date,
    account: str = "CUST-1002",
    entity: str = "ACME-US",
    name: str = "Operating model review",
    amount: Decimal = Decimal("100000.00"),
) -> Deal:
    """One fee over seven months, an amount that seven does not divide evenly."""
    lines = [fee_line(won, amount, "Operating model")]
    return deal(won, account, entity, name=name, billing_model="Fixed Fee", lines=lines)


def milestone(
    won: date,
    account: str = "CUST-1003",
    entity: str = "ACME-DE",
    name: str = "Data platform",
    amount: Decimal = Decimal("84999.99"),
) -> Deal:
    """One line paid in four milestones."""
    lines = [milestone_line(won, amount, "Data platform")]
    return deal(won, account, entity, name=name, billing_model="Milestone", lines=lines)


def three_workstreams(
    won: date, account: str = "CUST-1004", entity: str = "ACME-DE", name: str = "Core banking renewal"
) -> Deal:
    """One line of each of three billing models, in two service lines."""
    lines = [
        hours_line(won, entity, SENIOR, 240, "Programme steering"),
        fee_line(won, Decimal("55000.00"), "Process design"),
        milestone_line(won, Decimal("120000.00"), "Cloud migration", percents=(40, 35, 25)),
    ]
    return deal(won, account, entity, name=name, billing_model="Time and Materials", lines=lines)


def mixed(
    won: date, account: str = "CUST-1001", entity: str = "ACME-DE", name: str = "Digital operations"
) -> Deal:
    """Six workstreams, each of a billing model of its own, under one purchase order whose limit is their
    sum."""
    lines = [
        capped_line(won, entity, hours=160, cap=Decimal("40000.00"), description="Transformation office"),
        progress_line(won, Decimal("40000.00"), "Platform build"),
        deposit_line(won, Decimal("60000.00"), "Process automation"),
        retainer_line(won, Decimal("4000.00"), hours=20, description="Expert retainer"),
        managed_line(won, Decimal("2500.00"), "Managed platform"),
        non_billable_line(won, hours=16, description="Onboarding"),
    ]
    sold = deal(won, account, entity, name=name, billing_model="Mixed", lines=lines)
    sold["opportunity"]["PO_Limit__c"] = sold["opportunity"]["Amount"]
    return sold


def all_kinds(won: date) -> list[Deal]:
    return [time_and_materials(won), fixed_fee(won), milestone(won), three_workstreams(won), mixed(won)]


def hours_line(won: date, entity: str, role: str, hours: int, description: str) -> Line:
    price = RATES[REGIONS[entity], role][won >= NEW_RATES]
    return {
        **_line("Time and Materials", description, "Advisory", won),
        "Quantity": Decimal(hours),
        "Unit__c": "Hour",
        "UnitPrice": price,
        "TotalPrice": price * hours,
        "Role__c": role,
        "Planned_Hours__c": Decimal(hours),
    }


def fee_line(won: date, amount: Decimal, description: str) -> Line:
    return {
        **_line("Fixed Fee", description, "Advisory", won),
        **_once(amount),
        "Planned_Hours__c": Decimal(300),
    }


def milestone_line(
    won: date, amount: Decimal, description: str, percents: Sequence[int] = (30, 30, 25, 15)
) -> Line:
    first = _start(won)
    milestones = [
        {
            "Name": f"Stage {number}",
            "Percent__c": Decimal(percent),
            "Planned_Date__c": _months_later(first, number).isoformat(),
        }
        for number, percent in enumerate(percents, 1)
    ]
    return {
        **_line("Milestone", description, "Cloud", won),
        **_once(amount),
        "Planned_Hours__c": Decimal(400),
        "milestones": milestones,
    }


def capped_line(won: date, entity: str, *, hours: int, cap: Decimal, description: str) -> Line:
    line = hours_line(won, entity, SENIOR, hours, description)
    own = _line("Time and Materials Capped", description, "Advisory", won)
    return {**line, **own, "Cap_Amount__c": cap, "Cap_Scope__c": "Workstream"}


def progress_line(won: date, amount: Decimal, description: str) -> Line:
    return {
        **_line("Fixed Fee Percent Complete", description, "Cloud", won),
        **_once(amount),
        **_worked(180),
    }


def deposit_line(won: date, amount: Decimal, description: str) -> Line:
    """30 % at signing, 20 % at the end, the rest each month."""
    return {
        **_line("Fixed Fee with Deposit", description, "Advisory", won),
        **_once(amount),
        **_worked(250),
        "Deposit_Percent__c": Decimal(30),
        "Final_Percent__c": Decimal(20),
    }


def retainer_line(won: date, a_month: Decimal, *, hours: int, description: str) -> Line:
    return {
        **_line("Retainer", description, "Advisory", won),
        **_each_month(a_month),
        **_worked(hours * MONTHS),
        "Included_Hours__c": Decimal(hours),
        "Rollover__c": "Capped",
        "Rollover_Hours__c": Decimal(10),
    }


def managed_line(won: date, a_month: Decimal, description: str) -> Line:
    """Invoiced in arrears, on the last day of the month."""
    return {
        **_line("Managed Service", description, "Cloud", won),
        **_each_month(a_month),
        **_worked(70),
        "Billing_Timing__c": "In Arrears",
        "Billing_Day__c": Decimal(31),
    }


def non_billable_line(won: date, *, hours: int, description: str) -> Line:
    return {
        **_line("Non-Billable", description, "Advisory", won),
        **_worked(hours),
        "Quantity": Decimal(hours),
        "Unit__c": "Hour",
        "UnitPrice": Decimal(0),
        "TotalPrice": Decimal(0),
    }


def deal(won: date, account: str, entity: str, *, name: str, billing_model: str, lines: Sequence[Line]) -> Deal:
    """A won deal around these lines."""
    currency = CURRENCIES[entity]
    opportunity = {
        "Name": f"{ACCOUNTS[account]['Name']}: {name}",
        "StageName": "Closed Won",
        "CloseDate": won.isoformat(),
        "Amount": sum((line["TotalPrice"] for line in lines), Decimal(0)),
        "CurrencyIsoCode": currency,
        "Probability": Decimal(100),
        "Contracting_Entity__c": entity,
        "Region__c": REGIONS[entity],
        "Service_Line__c": "Advisory",
        "Delivery_Model__c": "Hybrid",
        "Billing_Model__c": billing_model,
        "Payment_Terms__c": PAYMENT_TERMS[account],
        "PO_Number__c": f"PO-{won:%Y}-{account[-4:]}-{_initials(name)}",
        "Contract_Type__c": "Statement of Work",
        "Billing_Frequency__c": "Monthly",
        "Start_Date__c": _start(won).isoformat(),
        "End_Date__c": _end(won).isoformat(),
        "Contract_Signed_Date__c": won.isoformat(),
    }
    numbered = [
        {
            **line,
            "SortOrder": Decimal(number),
            "CurrencyIsoCode": currency,
            "Delivery_Region__c": REGIONS[entity],
        }
        for number, line in enumerate(lines, 1)
    ]
    return {
        "account": {"AccountNumber": account, "CurrencyIsoCode": currency, **ACCOUNTS[account]},
        "owner": dict(OWNER),
        "opportunity": opportunity,
        "lines": numbered,
    }


def _initials(name: str) -> str:
    """Each deal has a purchase order of its own."""
    return "".join(word[0] for word in name.split()).upper()


def _line(billing_model: str, description: str, service_line: str, won: date) -> Line:
    return {
        "Product2": dict(PRODUCTS[billing_model]),
        "Description": description,
        "Discount": Decimal(0),
        "ServiceDate": _start(won).isoformat(),
        "Start_Date__c": _start(won).isoformat(),
        "End_Date__c": _end(won).isoformat(),
        "Service_Line__c": service_line,
        "Billing_Model__c": billing_model,
    }


def _once(amount: Decimal) -> Line:
    return {"Quantity": Decimal(1), "Unit__c": "Unit", "UnitPrice": amount, "TotalPrice": amount}


def _each_month(amount: Decimal) -> Line:
    return {
        "Quantity": Decimal(MONTHS),
        "Unit__c": "Month",
        "UnitPrice": amount,
        "TotalPrice": amount * MONTHS,
    }


def _worked(hours: int) -> Line:
    return {"Role__c": SENIOR, "Planned_Hours__c": Decimal(hours)}


def _start(won: date) -> date:
    """The first of a month, at least a fortnight after the deal was won."""
    return _months_later((won + timedelta(days=14)).replace(day=1), 1)


def _end(won: date) -> date:
    """The last day of a whole number of months."""
    return _months_later(_start(won), MONTHS) - timedelta(days=1)


def _months_later(day: date, months: int) -> date:
    years, month = divmod(day.month - 1 + months, 12)
    return day.replace(year=day.year + years, month=month + 1)
