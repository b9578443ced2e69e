"""The settings and secrets of a connection to Salesforce, and the capabilities that follow from them."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, SecretStr, StringConstraints, field_validator

from adapters.crm.salesforce import wire
from oppsync.domain.plan.capabilities import CrmCapabilities
from oppsync.domain.values.model import Code, Frozen

ApiName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,79}$")]


class SalesforceSettings(Frozen):
    """`timeout` is of a whole call; `late_commit`: how long after that a write may still happen.
    `poll_overlap`: how long a transaction may take to become visible."""

    base_url: Code = Field(
        title="Address of the org", description="The org's own login host, https://<mydomain>.my.salesforce.com"
    )
    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")] | None = Field(
        default=None,
        title="Currency",
        description="That of an org with only one, such as EUR; empty where the org has multiple currencies",
    )
    billing_terms: bool = Field(
        default=False, title="Fields for billing terms", description="Whether the org has them (set-up guide)"
    )
    contract_terms: bool = Field(
        default=False, title="Fields for contract terms", description="Whether the org has them (set-up guide)"
    )
    owner_history: bool = Field(
        default=False,
        title="History of owners",
        description="Whether the org tracks the history of the field Opportunity Owner",
    )
    fields: dict[str, ApiName | None] = Field(
        default={},
        title="Other names of fields",
        description="Object.Field = its name in this org; nothing after the sign where the org has none",
    )
    api_version: Annotated[str, StringConstraints(pattern=r"^\d{2}\.0$")] = Field(
        default="62.0", title="API version"
    )
    poll_every: Annotated[float, Field(ge=1)] = Field(
        default=300.0, title="Seconds between two polls", description="Polls find what no webhook reported"
    )
    poll_overlap: Annotated[float, Field(ge=0)] = Field(
        default=900.0,
        title="Seconds each poll looks back",
        description="Longer than the org's longest transaction, and than clocks may differ",
    )
    poll_page: Annotated[int, Field(ge=1, le=2_000)] = Field(
        default=2_000, title="Opportunities asked for at once"
    )
    timeout: Annotated[float, Field(gt=0, le=60)] = Field(default=15.0, title="Seconds to wait for an answer")
    late_commit: Annotated[float, Field(ge=0)] = Field(
        default=30.0, title="Seconds after which an unanswered write can be looked up"
    )

    @field_validator("fields")
    @classmethod
    def _that_we_use(cls, fields: dict[str, str | None]) -> dict[str, str | None]:
        if unknown := sorted(fields.keys() - wire.FIELDS):
            raise ValueError(f"not a field that is used: {', '.join(unknown)}")
        return fields


class SalesforceSecrets(Frozen):
    client_id: SecretStr = Field(
        title="Consumer key", description="Of the External Client App; its integration user is who signs in"
    )
    client_secret: SecretStr = Field(title="Consumer secret")


def capabilities(settings: SalesforceSettings) -> CrmCapabilities:
    return CrmCapabilities(owner_history=settings.owner_history)
