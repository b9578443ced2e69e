"""The connector of Salesforce, a CRM."""

from __future__ import annotations

from adapters.connectors.connector import Connector
from adapters.crm.salesforce.adapter import SalesforceCrm
from adapters.crm.salesforce.client import VENDOR
from adapters.crm.salesforce.limits import LIMITS
from adapters.crm.salesforce.settings import SalesforceSecrets, SalesforceSettings, capabilities
from oppsync.domain.plan.capabilities import CrmCapabilities
from oppsync.domain.work.connections import ConnectionRole
from oppsync.ports.crm import Crm

CONNECTOR: Connector[SalesforceSettings, SalesforceSecrets, CrmCapabilities, Crm] = Connector(
    role=ConnectionRole.CRM,
    vendor="salesforce",
    title=VENDOR,
    settings=SalesforceSettings,
    secrets=SalesforceSecrets,
    capabilities=capabilities,
    build=SalesforceCrm,
    limits=LIMITS,
    signature_scheme="standard_webhooks",
    package="adapters.crm.salesforce",
    maps=("currency", "billing_terms", "contract_terms", "owner_history", "fields"),
)
