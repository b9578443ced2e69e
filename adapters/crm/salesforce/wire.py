"""Salesforce's shapes: the signed notification of docs/connectors/salesforce.md, and the records of its REST
API."""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, ClassVar, Literal, Self, Union, get_args, get_origin

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StrictBool

from adapters.crm.salesforce.ids import full_id

OPPORTUNITY_PREFIX = "006"
USER_PREFIX = "005"
MOST_IN_A_NOTIFICATION = 100


def _opportunity_id(text: str) -> str:
    if not text.startswith(OPPORTUNITY_PREFIX):
        raise ValueError(f"is not an opportunity's id: those begin with {OPPORTUNITY_PREFIX}")
    return full_id(text)


def _filled(value: object) -> object:
    return None if isinstance(value, str) and not value.strip() else value


@dataclass(frozen=True)
class Untaken:
    """A value of another kind than the one we read: this org made the field with another type."""

    value: Any

    def __str__(self) -> str:
        return str(self.value)


# Pydantic would read a number, and a text of digits, as seconds since 1970.
def _day(value: object) -> date | None:
    return None if value is None else date.fromisoformat(_text(value))


def _typed_day(value: object) -> date | Untaken | None:
    try:
        return _day(value)
    except ValueError:
        return Untaken(value)


def _typed_text(value: object) -> str | Untaken | None:
    return value if value is None or isinstance(value, str) else Untaken(value)


def _typed_number(value: object) -> Decimal | Untaken | None:
    """A text of digits is a number too."""
    if value is None or isinstance(value, Decimal):
        return value
    if isinstance(value, int | str) and not isinstance(value, bool):
        try:
            return Decimal(value)
        except InvalidOperation:
            pass
    return Untaken(value)


def _typed_flag(value: object) -> bool | Untaken | None:
    return value if value is None or isinstance(value, bool) else Untaken(value)


def _moment(value: object) -> datetime | None:
    if value is None:
        return None
    moment = datetime.fromisoformat(_text(value))
    if moment.tzinfo is None:
        raise ValueError("has no time zone")
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("is outside the calendar") from None


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("must be text")
    return value


Id = Annotated[str, AfterValidator(full_id)]
OpportunityId = Annotated[str, AfterValidator(_opportunity_id)]
Stamp = Annotated[datetime, BeforeValidator(_moment)]
# What people type, and what only oppsync writes.
Words = Annotated[str | Untaken | None, BeforeValidator(_typed_text), BeforeValidator(_filled)]
Day = Annotated[date | Untaken | None, BeforeValidator(_typed_day), BeforeValidator(_filled)]
Number = Annotated[Decimal | Untaken | None, BeforeValidator(_typed_number), BeforeValidator(_filled)]
Flag = Annotated[bool | Untaken | None, BeforeValidator(_typed_flag)]
OurWords = Annotated[str | None, BeforeValidator(_filled)]
MaybeStamp = Annotated[datetime | None, BeforeValidator(_moment), BeforeValidator(_filled)]


class NotifiedOpportunity(BaseModel):
    """One opportunity of a notification."""

    id: OpportunityId
    system_modstamp: Stamp
    is_won: StrictBool


class Notification(BaseModel):
    """What the Apex class sends; unknown members may come from later versions of it."""

    type: Literal["opportunity.changed"]
    organization_id: Id
    sent_at: Stamp
    opportunities: Annotated[list[NotifiedOpportunity], Field(min_length=1, max_length=MOST_IN_A_NOTIFICATION)]


class FieldNames(BaseModel):
    """How this org names our fields: `Opportunity.Region__c` -> its API name, None when it has none."""

    model_config = ConfigDict(frozen=True)

    overrides: dict[str, str | None] = {}

    def of(self, sobject: str, name: str) -> str | None:
        return self.overrides.get(f"{sobject}.{name}", name)


class Record(BaseModel):
    """A record as the REST API answers it. The aliases are the API names, and thereby the selected columns."""

    model_config = ConfigDict(frozen=True)
    sobject: ClassVar[str]

    @classmethod
    def fields(cls) -> Iterator[tuple[str, type[Record] | None]]:
        """Each field's API name, and the record class behind it when it is a relationship."""
        for field in cls.model_fields.values():
            yield field.alias or "", _record_behind(field.annotation)

    @classmethod
    def columns(cls, names: FieldNames, path: str = "") -> list[str]:
        """The columns to select."""
        columns: list[str] = []
        for name, behind in cls.fields():
            own = names.of(cls.sobject, name)
            if behind is not None:
                columns += behind.columns(names, f"{path}{name}.")
            elif own is not None:
                columns.append(path + own)
        return columns

    @classmethod
    def read(cls, record: Mapping[str, Any], names: FieldNames) -> Self:
        """Raises pydantic's ValidationError."""
        return cls.model_validate(cls._under_our_names(record, names))

    @classmethod
    def _under_our_names(cls, record: Mapping[str, Any], names: FieldNames) -> dict[str, Any]:
        answered = {name.lower(): value for name, value in record.items()}
        ours: dict[str, Any] = {}
        for name, behind in cls.fields():
            value = answered.get((names.of(cls.sobject, name) or "").lower())
            if behind is not None and isinstance(value, Mapping):
                value = behind._under_our_names(value, names)
            ours[name] = value
        return ours

    def values(self, names: FieldNames) -> dict[str, Any]:
        """The JSON-ready values of the fields this org has, under this org's names."""
        values = self.model_dump(mode="json", by_alias=True)
        return {
            own: value for name, value in values.items() if (own := names.of(self.sobject, name)) is not None
        }


def _record_behind(annotation: Any) -> type[Record] | None:
    options = get_args(annotation) if get_origin(annotation) in (Union, types.UnionType) else (annotation,)
    return next((o for o in options if isinstance(o, type) and issubclass(o, Record)), None)


class AccountRecord(Record):
    sobject = "Account"

    id: Id = Field(alias="Id")
    name: str = Field(alias="Name")
    account_number: Words = Field(alias="AccountNumber")
    country: Words = Field(alias="BillingCountryCode")
    state: Words = Field(alias="BillingStateCode")
    postal_code: Words = Field(alias="BillingPostalCode")
    tax_id: Words = Field(alias="Tax_Id__c")
    po_required: Flag = Field(alias="PO_Required__c")


class OwnerRecord(Record):
    sobject = "User"

    id: Id = Field(alias="Id")
    name: str = Field(alias="Name")
    email: Words = Field(alias="Email")


class ProductRecord(Record):
    sobject = "Product2"

    code: Words = Field(alias="ProductCode")
    name: Words = Field(alias="Name")
    family: Words = Field(alias="Family")


class BillingTermsRecord(Record):
    """Billing terms: fields that both the opportunity and its lines have, where the org has them at all."""

    billing_day: Number = Field(alias="Billing_Day__c")
    billing_timing: Words = Field(alias="Billing_Timing__c")
    cap_amount: Number = Field(alias="Cap_Amount__c")
    cap_scope: Words = Field(alias="Cap_Scope__c")
    cap_warning_percent: Number = Field(alias="Cap_Warning_Percent__c")
    deposit_percent: Number = Field(alias="Deposit_Percent__c")
    final_percent: Number = Field(alias="Final_Percent__c")
    included_hours: Number = Field(alias="Included_Hours__c")
    rollover: Words = Field(alias="Rollover__c")
    rollover_hours: Number = Field(alias="Rollover_Hours__c")
    indexation_percent: Number = Field(alias="Indexation_Percent__c")


class OpportunityRecord(BillingTermsRecord):
    sobject = "Opportunity"

    id: Id = Field(alias="Id")
    modified_at: Stamp = Field(alias="SystemModstamp")
    name: str = Field(alias="Name")
    stage: str = Field(alias="StageName")
    is_won: StrictBool = Field(alias="IsWon")
    closed_on: Day = Field(alias="CloseDate")
    probability: Number = Field(alias="Probability")
    amount: Number = Field(alias="Amount")
    currency: Words = Field(alias="CurrencyIsoCode")
    account: AccountRecord | None = Field(alias="Account")
    owner: OwnerRecord | None = Field(alias="Owner")
    created_by: OwnerRecord | None = Field(alias="CreatedBy")
    contracting_entity: Words = Field(alias="Contracting_Entity__c")
    region: Words = Field(alias="Region__c")
    service_line: Words = Field(alias="Service_Line__c")
    delivery_model: Words = Field(alias="Delivery_Model__c")
    billing_model: Words = Field(alias="Billing_Model__c")
    payment_terms: Words = Field(alias="Payment_Terms__c")
    po_number: Words = Field(alias="PO_Number__c")
    po_limit: Number = Field(alias="PO_Limit__c")
    po_expires_on: Day = Field(alias="PO_Expiry_Date__c")
    document_url: Words = Field(alias="Contract_Document_Link__c")
    special_terms: Words = Field(alias="Special_Terms__c")
    place_of_supply: Words = Field(alias="Place_Of_Supply__c")
    contract_type: Words = Field(alias="Contract_Type__c")
    billing_frequency: Words = Field(alias="Billing_Frequency__c")
    billing_periods: Words = Field(alias="Billing_Periods__c")
    starts_on: Day = Field(alias="Start_Date__c")
    ends_on: Day = Field(alias="End_Date__c")
    signed_on: Day = Field(alias="Contract_Signed_Date__c")
    custom_attributes: Words = Field(alias="Custom_Attributes__c")


class ChangeRecord(Record):
    """The columns that a poll reads of an opportunity."""

    sobject = "Opportunity"

    id: Id = Field(alias="Id")
    modified_at: Stamp = Field(alias="SystemModstamp")
    is_won: bool = Field(alias="IsWon")


class WonRecord(Record):
    """The columns that a list of won opportunities reads."""

    sobject = "Opportunity"

    id: Id = Field(alias="Id")
    modified_at: Stamp = Field(alias="SystemModstamp")
    name: str = Field(alias="Name")
    closed_on: Annotated[date, BeforeValidator(_day)] = Field(alias="CloseDate")
    amount: Number = Field(alias="Amount")
    currency: Words = Field(alias="CurrencyIsoCode")
    account: AccountRecord | None = Field(alias="Account")


class LineRecord(BillingTermsRecord):
    sobject = "OpportunityLineItem"

    id: Id = Field(alias="Id")
    product: ProductRecord | None = Field(alias="Product2")
    description: Words = Field(alias="Description")
    quantity: Number = Field(alias="Quantity")
    unit: Words = Field(alias="Unit__c")
    unit_price: Number = Field(alias="UnitPrice")
    discount: Number = Field(alias="Discount")
    total: Number = Field(alias="TotalPrice")
    currency: Words = Field(alias="CurrencyIsoCode")
    starts_on: Day = Field(alias="Start_Date__c")
    ends_on: Day = Field(alias="End_Date__c")
    service_line: Words = Field(alias="Service_Line__c")
    delivery_region: Words = Field(alias="Delivery_Region__c")
    phase: Words = Field(alias="Phase__c")
    role: Words = Field(alias="Role__c")
    planned_hours: Number = Field(alias="Planned_Hours__c")
    billing_model: Words = Field(alias="Billing_Model__c")
    billing_frequency: Words = Field(alias="Billing_Frequency__c")


class MilestoneRecord(Record):
    sobject = "Billing_Milestone__c"

    id: Id = Field(alias="Id")
    line_id: Words = Field(alias="Opportunity_Line_Id__c")
    name: str = Field(alias="Name")
    percent: Number = Field(alias="Percent__c")
    planned_on: Day = Field(alias="Planned_Date__c")


class OwnerChangeRecord(Record):
    """A change of an opportunity's owner. Of a change of a look-up field the org keeps two rows: one with the
    names that it shows, and one with the ids."""

    sobject = "OpportunityFieldHistory"

    before: Any = Field(alias="OldValue")
    after: Any = Field(alias="NewValue")

    def user_ids(self) -> Iterator[str]:
        for value in (self.before, self.after):
            with suppress(ValueError):
                if isinstance(value, str) and value.startswith(USER_PREFIX):
                    yield full_id(value)


# What the history calls the field: by the name of the relationship, or of the field itself.
OWNER_FIELDS = ("Owner", "OwnerId")


class WriteBackRecord(Record):
    """The fields oppsync writes."""

    sobject = "Opportunity"

    status: OurWords = Field(alias="oppsync_Status__c")
    project_number: OurWords = Field(alias="oppsync_Project_Number__c")
    project_url: OurWords = Field(alias="oppsync_Project_Link__c")
    activated_at: MaybeStamp = Field(alias="oppsync_Activated_At__c")
    message: OurWords = Field(alias="oppsync_Message__c")


RECORDS: tuple[type[Record], ...] = (
    AccountRecord,
    OwnerRecord,
    ProductRecord,
    OpportunityRecord,
    LineRecord,
    MilestoneRecord,
    WriteBackRecord,
)
FIELDS = frozenset(f"{r.sobject}.{name}" for r in RECORDS for name, behind in r.fields() if behind is None)

# Not every org has these fields: a setting of the connection states it.
BILLING_TERMS = frozenset(
    f"{record.sobject}.{name}"
    for record in (OpportunityRecord, LineRecord)
    for name, _ in BillingTermsRecord.fields()
) | {"Opportunity.PO_Limit__c", "Opportunity.Billing_Periods__c", "OpportunityLineItem.Billing_Frequency__c"}

# Read only where the connection's `fields` names it.
NAMED_ONLY = frozenset({"OpportunityLineItem.Phase__c"})

CONTRACT_TERMS = frozenset({"Account.BillingStateCode", "Account.PO_Required__c"}) | {
    f"Opportunity.{name}"
    for name in ("Place_Of_Supply__c", "PO_Expiry_Date__c", "Contract_Document_Link__c", "Special_Terms__c")
}


class TokenReply(BaseModel):
    access_token: Annotated[str, Field(min_length=1, repr=False)]
    instance_url: str


class DescribedField(BaseModel):
    """A field that this user may at least read; others are left out of the answer."""

    name: str
    updateable: bool


class Described(BaseModel):
    """An object as this user may see it."""

    queryable: bool
    updateable: bool
    fields: list[DescribedField]


class Allocation(BaseModel):
    most: int = Field(alias="Max")
    left: int = Field(alias="Remaining")


class LimitsReply(BaseModel):
    daily_calls: Allocation = Field(alias="DailyApiRequests")


class QueryPage(BaseModel):
    records: list[dict[str, Any]]
    done: bool
    next_page: Annotated[str, Field(pattern=r"^/services/data/")] | None = Field(
        default=None, alias="nextRecordsUrl"
    )


class DeletedRecord(BaseModel):
    id: Id
    deleted_at: Stamp = Field(alias="deletedDate")


class DeletedReply(BaseModel):
    """`covered_until`: what was deleted before is in it."""

    records: list[DeletedRecord] = Field(alias="deletedRecords")
    covered_until: Stamp = Field(alias="latestDateCovered")


class CompositePart(BaseModel):
    name: str = Field(alias="referenceId")
    status: int = Field(alias="httpStatusCode")
    body: Any


class CompositeReply(BaseModel):
    parts: list[CompositePart] = Field(alias="compositeResponse")


# Labels of picklist values -> our codes; any other label is passed on unchanged.
BILLING_MODELS = {
    "Time and Materials": "time_and_materials",
    "Time and Materials Capped": "time_and_materials_capped",
    "Fixed Fee": "fixed_fee",
    "Fixed Fee Percent Complete": "fixed_fee_progress",
    "Fixed Fee with Deposit": "fixed_fee_deposit",
    "Milestone": "milestone",
    "Retainer": "retainer",
    "Managed Service": "recurring",
    "Non-Billable": "non_billable",
}
# Only on an opportunity: each line has its own.
MIXED = "Mixed"
BILLING_FREQUENCIES = {"Once": "once", "Monthly": "monthly", "Quarterly": "quarterly", "Yearly": "yearly"}
BILLING_PERIODS = {"Calendar": "calendar", "Contract": "contract"}
BILLING_TIMINGS = {"In Advance": "in_advance", "In Arrears": "in_arrears"}
CAP_SCOPES = {"Contract": "contract", "Period": "period", "Workstream": "workstream"}
ROLLOVERS = {"None": "none", "Capped": "capped", "All": "all"}
UNITS = {"Hour": "hour", "Day": "day", "Unit": "unit", "Month": "month"}
STATUSES: Mapping[str, str] = {"active": "Active", "rejected": "Rejected", "withdrawn": "Withdrawn"}
