"""The settings and secrets of a connection to Salesforce, and the capabilities that follow from them."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, SecretStr, StringConstraints, field_validator

from adapters.crm.salesforce import wire
from oppsync.domain.plan.capabilities import CrmCapabilities
from oppsync.domain.values.model import Code, Frozen

ApiName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,79}$")]


class SalesforceSettings(Frozen):
    """`base_url`: the org's own login host. `fields`: `Object.Field__c` -> its name in this org, or null when
    the org does not have it. `currency`: that of an org with only one (it has no CurrencyIsoCode). `timeout`
    (of a whole call) and `late_commit` (how long after that a write may still happen) are seconds, and so are
    `poll_every` (from one poll to the next) and `poll_overlap` (how long a transaction may take to become
    visible). `poll_page`: the most opportunities asked for at once. `billing_terms`: whether the org has the
    fields for billing terms, `contract_terms`: those for contract terms (docs/salesforce.md). `owner_history`:
    whether the org tracks the history of the field Opportunity Owner."""

    base_url: Code
    api_version: Annotated[str, StringConstraints(pattern=r"^\d{2}\.0$")] = "62.0"
    fields: dict[str, ApiName | None] = {}
    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")] | None = None
    timeout: Annotated[float, Field(gt=0, le=60)] = 15.0
    late_commit: Annotated[float, Field(ge=0)] = 30.0
    poll_every: Annotated[float, Field(ge=1)] = 300.0
    poll_overlap: Annotated[float, Field(ge=0)] = 900.0
    poll_page: Annotated[int, Field(ge=1, le=2_000)] = 2_000
    billing_terms: bool = False
    contract_terms: bool = False
    owner_history: bool = False

    @field_validator("fields")
    @classmethod
    def _that_we_use(cls, fields: dict[str, str | None]) -> dict[str, str | None]:
        if unknown := sorted(fields.keys() - wire.FIELDS):
            raise ValueError(f"not a field that is used: {', '.join(unknown)}")
        return fields


class SalesforceSecrets(Frozen):
    client_id: SecretStr
    client_secret: SecretStr


def capabilities(settings: SalesforceSettings) -> CrmCapabilities:
    return CrmCapabilities(owner_history=settings.owner_history)
