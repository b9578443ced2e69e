"""The objects and fields of the org that docs/connectors/salesforce.md sets up, and the values each field
accepts."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Literal

from sandbox.standins.salesforce.errors import SalesforceError
from sandbox.standins.salesforce.ids import full_id
from sandbox.standins.wire import Json

Kind = Literal["id", "reference", "text", "boolean", "number", "date", "datetime"]
Stored = str | int | None
OURS = "oppsync_"


@dataclass(frozen=True)
class Field:
    """One field. A reference names the object it points `to` and the `relation` that queries walk."""

    kind: Kind = "text"
    to: str = ""
    relation: str = ""
    length: int = 255
    required: bool = False
    read_only: bool = False
    external_id: bool = False
    unique: bool = False


@dataclass(frozen=True)
class SObject:
    name: str
    prefix: str
    fields: Mapping[str, Field]

    def relation(self, name: str) -> tuple[str, Field] | None:
        """The reference field whose relationship has this name, in any case."""
        found = (item for item in self.fields.items() if item[1].relation.lower() == name.lower())
        return next(found, None)

    def field_name(self, name: str) -> str | None:
        """The field's own spelling; names are not case-sensitive."""
        return next((own for own in self.fields if own.lower() == name.lower()), None)


TEXT, NUMBER, DATE, BOOLEAN = Field(), Field("number"), Field("date"), Field("boolean")
DERIVED = Field("boolean", read_only=True)
STAMP = Field("datetime", read_only=True)
HISTORY = Field(read_only=True)
EXTERNAL_KEY = Field(external_id=True)
SYSTEM = {
    "Id": Field("id", read_only=True),
    "CreatedDate": STAMP,
    "LastModifiedDate": STAMP,
    "SystemModstamp": STAMP,
}
CURRENCY = {"CurrencyIsoCode": Field(length=3)}
BILLING_TERMS = {
    "Billing_Day__c": NUMBER,
    "Billing_Timing__c": TEXT,
    "Cap_Amount__c": NUMBER,
    "Cap_Scope__c": TEXT,
    "Cap_Warning_Percent__c": NUMBER,
    "Deposit_Percent__c": NUMBER,
    "Final_Percent__c": NUMBER,
    "Included_Hours__c": NUMBER,
    "Rollover__c": TEXT,
    "Rollover_Hours__c": NUMBER,
    "Indexation_Percent__c": NUMBER,
}


def _to(sobject: str, relation: str, required: bool = False) -> Field:
    return Field("reference", to=sobject, relation=relation, required=required)


ALL = (
    SObject(
        "Account",
        "001",
        SYSTEM
        | {
            "Name": Field(required=True),
            "AccountNumber": Field(length=40),
            "BillingCountryCode": Field(length=2),
            "BillingStateCode": Field(length=3),
            "BillingPostalCode": Field(length=20),
        }
        | {"Tax_Id__c": TEXT, "PO_Required__c": BOOLEAN, "External_Key__c": EXTERNAL_KEY}
        | CURRENCY,
    ),
    SObject("User", "005", SYSTEM | {"Name": Field(required=True), "Email": TEXT}),
    SObject("Product2", "01t", SYSTEM | {"Name": Field(required=True), "ProductCode": TEXT, "Family": TEXT}),
    SObject(
        "Opportunity",
        "006",
        SYSTEM
        | {
            "Name": Field(required=True, length=120),
            "AccountId": _to("Account", "Account"),
            "OwnerId": _to("User", "Owner"),
            "CreatedById": Field("reference", to="User", relation="CreatedBy", read_only=True),
            "StageName": Field(required=True),
            "IsWon": DERIVED,
            "IsClosed": DERIVED,
            "CloseDate": Field("date", required=True),
            "Amount": NUMBER,
            "Probability": NUMBER,
            "Contracting_Entity__c": TEXT,
            "Region__c": TEXT,
            "Service_Line__c": TEXT,
            "Delivery_Model__c": TEXT,
            "Billing_Model__c": TEXT,
            "Payment_Terms__c": TEXT,
            "PO_Number__c": TEXT,
            "PO_Limit__c": NUMBER,
            "Place_Of_Supply__c": Field(length=2),
            "PO_Expiry_Date__c": DATE,
            "Contract_Document_Link__c": TEXT,
            "Special_Terms__c": Field(length=2_000),
            "Contract_Type__c": TEXT,
            "Billing_Frequency__c": TEXT,
            "Billing_Periods__c": TEXT,
            "Start_Date__c": DATE,
            "End_Date__c": DATE,
            "Contract_Signed_Date__c": DATE,
            "Custom_Attributes__c": Field(length=32_768),
            "External_Key__c": Field(external_id=True, unique=True),
            "oppsync_Status__c": Field(length=40),
            "oppsync_Project_Number__c": Field(length=80),
            "oppsync_Project_Link__c": TEXT,
            "oppsync_Activated_At__c": Field("datetime"),
            "oppsync_Message__c": Field(length=2_000),
        }
        | BILLING_TERMS
        | CURRENCY,
    ),
    # Of a change of a look-up field there are two rows: one with names, one with ids.
    SObject(
        "OpportunityFieldHistory",
        "017",
        {
            "Id": Field("id", read_only=True),
            "CreatedDate": STAMP,
            "IsDeleted": DERIVED,
            "OpportunityId": Field("reference", to="Opportunity", relation="Opportunity", read_only=True),
            "CreatedById": Field("reference", to="User", relation="CreatedBy", read_only=True),
            "Field": HISTORY,
            "DataType": HISTORY,
            "OldValue": HISTORY,
            "NewValue": HISTORY,
        },
    ),
    SObject(
        "OpportunityLineItem",
        "00k",
        SYSTEM
        | {
            "OpportunityId": _to("Opportunity", "Opportunity", required=True),
            "Product2Id": _to("Product2", "Product2"),
            "Description": TEXT,
            "Quantity": Field("number", required=True),
            "UnitPrice": NUMBER,
            "Discount": NUMBER,
            "TotalPrice": NUMBER,
            "ServiceDate": DATE,
            "SortOrder": NUMBER,
            "Unit__c": TEXT,
            "Start_Date__c": DATE,
            "End_Date__c": DATE,
            "Service_Line__c": TEXT,
            "Delivery_Region__c": TEXT,
            "Phase__c": TEXT,
            "Role__c": TEXT,
            "Planned_Hours__c": NUMBER,
            "Billing_Model__c": TEXT,
            "Billing_Frequency__c": TEXT,
        }
        | BILLING_TERMS
        | CURRENCY,
    ),
    SObject(
        "Billing_Milestone__c",
        "a00",
        SYSTEM
        | {
            "Opportunity__c": _to("Opportunity", "Opportunity__r", required=True),
            "Opportunity_Line_Id__c": Field(length=18),
            "Name": Field(required=True, length=80),
            "Percent__c": NUMBER,
            "Planned_Date__c": DATE,
            "External_Key__c": EXTERNAL_KEY,
        },
    ),
)


def objects_of(multi_currency: bool) -> dict[str, SObject]:
    """The org's objects by name; CurrencyIsoCode exists in multi-currency orgs only."""
    if multi_currency:
        return {sobject.name: sobject for sobject in ALL}
    return {
        sobject.name: SObject(
            sobject.name,
            sobject.prefix,
            {name: f for name, f in sobject.fields.items() if name not in CURRENCY},
        )
        for sobject in ALL
    }


def tables() -> list[str]:
    """One table an object, a column a field: numbers and times as text, exactly as they are answered."""
    statements = []
    for sobject in ALL:
        columns = ['"Id" TEXT PRIMARY KEY']
        columns += [
            f'"{name}" {"INTEGER" if f.kind == "boolean" else "TEXT"}' for name, f in sobject.fields.items()
        ][1:]
        statements.append(f'CREATE TABLE IF NOT EXISTS "{sobject.name}" ({", ".join(columns)})')
        for name, field in sobject.fields.items():
            if field.kind == "reference" or field.external_id or name == "SystemModstamp":
                collation = " COLLATE NOCASE" if field.external_id else ""
                index = f'CREATE INDEX IF NOT EXISTS "{sobject.name}_{name}"'
                statements.append(f'{index} ON "{sobject.name}" ("{name}"{collation})')
    return statements


def added_columns(sobject: SObject, known: Collection[str]) -> list[str]:
    """The statements that add the missing columns to a table of an earlier release, whose columns are
    `known`."""
    return [
        f'ALTER TABLE "{sobject.name}" ADD COLUMN "{name}" {"INTEGER" if field.kind == "boolean" else "TEXT"}'
        for name, field in sobject.fields.items()
        if name not in known
    ]


def stored(sobject: SObject, name: str, value: Json) -> Stored:
    """The stored form of a value written to a field. Raises SalesforceError."""
    field = sobject.fields[name]
    if value is None:
        return None
    try:
        return _stored(field, value)
    except (ValueError, InvalidOperation, TypeError):
        raise _unreadable(sobject, name, field, value) from None


def _stored(field: Field, value: Json) -> Stored:
    match field.kind:
        case "boolean":
            if not isinstance(value, bool):
                raise TypeError
            return int(value)
        case "number":
            return _number(value)
        case "date":
            return date.fromisoformat(value).isoformat()
        case "datetime":
            return timestamp(datetime.fromisoformat(value))
        case "id" | "reference":
            return _reference(value)
        case "text":
            return _text(field, value)


def _number(value: Json) -> str:
    number = Decimal(value)
    if isinstance(value, bool) or not number.is_finite():
        raise TypeError
    return f"{number:f}"


def _reference(value: Json) -> str:
    full = full_id(value)
    if full is None:
        raise ValueError
    return full


def _text(field: Field, value: Json) -> str:
    if not isinstance(value, str):
        raise TypeError
    if len(value) > field.length:
        raise SalesforceError(
            400, "STRING_TOO_LONG", f"data value too large: {value[:40]} (max length={field.length})"
        )
    return value


def _unreadable(sobject: SObject, name: str, field: Field, value: Json) -> SalesforceError:
    if field.kind == "reference":
        return SalesforceError(
            400, "MALFORMED_ID", f"{sobject.name}: {name}: id value of incorrect type: {value}", [name]
        )
    return SalesforceError(
        400, "JSON_PARSER_ERROR", f"Cannot deserialize instance of {field.kind} from {value!r}"
    )


def timestamp(moment: datetime) -> str:
    """The REST form of a time: 2026-01-05T10:00:00.000+0000."""
    moment = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}+0000"


def parsed(stamp: str) -> datetime:
    return datetime.strptime(stamp, "%Y-%m-%dT%H:%M:%S.%f%z")


def shown(field: Field, value: Stored) -> Json:
    """A stored value as the API answers it."""
    if value is None:
        return None
    match field.kind:
        case "boolean":
            return bool(value)
        case "number":
            return Decimal(value)
        case _:
            return value
