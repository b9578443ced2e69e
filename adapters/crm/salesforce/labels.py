"""Which field of Salesforce a place of the canonical opportunity comes from, as people there call it."""

from __future__ import annotations

import re
from collections.abc import Mapping

from adapters.crm.salesforce import wire
from oppsync.domain.deal.reading import FieldOfCrm, Location

# Name in the canonical opportunity -> name in the record, where they differ; the more exact place comes first.
_RENAMED: Mapping[str, str] = {
    "won_on": "closed_on",
    "account/code": "account_number",
    "subdivision": "state",
    "discount_percent": "discount",
    "net": "total",
    "contract/type": "contract_type",
    "cap/amount": "cap_amount",
    "cap/scope": "cap_scope",
    "cap/warning_percent": "cap_warning_percent",
    "deposit/percent": "deposit_percent",
    "deposit/final_percent": "final_percent",
    "retainer/hours": "included_hours",
    "billing/frequency": "billing_frequency",
    "billing/day": "billing_day",
    "billing/timing": "billing_timing",
}
_CHOICES: Mapping[str, Mapping[str, str]] = {
    "billing_model": wire.BILLING_MODELS,
    "billing_frequency": wire.BILLING_FREQUENCIES,
    "billing_timing": wire.BILLING_TIMINGS,
    "cap_scope": wire.CAP_SCOPES,
    "rollover": wire.ROLLOVERS,
    "unit": wire.UNITS,
}
_OF_PRODUCT = "product_"
_WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|_+")
_NOBODYS_LABEL = re.compile(r"__c$")


def field_at(location: Location, names: wire.FieldNames) -> FieldOfCrm:
    """`Billing Country Code (Account.BillingCountryCode)`, with this org's own name of the field."""
    record, name = _record_and_name(location)
    field = record.model_fields.get(name)
    if field is None or field.alias is None:
        return FieldOfCrm(" ".join(map(str, location)))
    return FieldOfCrm(label(record, field.alias, names), tuple(_CHOICES.get(name, ())))


def label(record: type[wire.Record], alias: str, names: wire.FieldNames) -> str:
    """A label as Salesforce makes one of an API name, and the name itself."""
    own = names.of(record.sobject, alias) or alias
    words = " ".join(_WORDS.split(_NOBODYS_LABEL.sub("", own))).strip()
    return f"{words} ({record.sobject}.{own})"


def _record_and_name(location: Location) -> tuple[type[wire.Record], str]:
    steps = [step for step in location if isinstance(step, str)]
    if steps[0] == "custom_attributes":
        return wire.OpportunityRecord, steps[0]
    name = _RENAMED.get("/".join(steps[-2:]), _RENAMED.get(steps[-1], steps[-1]))
    if steps[0] == "account":
        return wire.AccountRecord, name
    if steps[0] == "owner":
        return wire.OwnerRecord, name
    if "milestones" in steps:
        return wire.MilestoneRecord, name
    if steps[0] == "lines" and name.startswith(_OF_PRODUCT):
        return wire.ProductRecord, name.removeprefix(_OF_PRODUCT)
    return (wire.LineRecord if steps[0] == "lines" else wire.OpportunityRecord), name
