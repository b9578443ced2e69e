"""All tables. Each carries the tenant, and every unique key begins with it. Times are `timestamptz`."""

from adapters.postgres.tables.columns import metadata
from adapters.postgres.tables.configuration import (
    configuration_changes,
    configuration_proposals,
    configuration_versions,
)
from adapters.postgres.tables.installation import (
    absences,
    access_proposals,
    api_tokens,
    attempts,
    begun_sign_ins,
    connections,
    invitations,
    people,
    reference_rows,
    second_factors,
    sessions,
    tenants,
)
from adapters.postgres.tables.intake import crm_watermarks, inbox, inbox_opportunities
from adapters.postgres.tables.outside import customer_claims, effects, vendor_calls
from adapters.postgres.tables.plans import (
    approval_tasks,
    barred_approvers,
    baselines,
    plan_overrides,
    plans,
)
from adapters.postgres.tables.work import (
    audit,
    crm_users,
    dead_messages,
    exception_items,
    opportunities,
    opportunity_parties,
    outbox,
)

__all__ = [
    "absences",
    "access_proposals",
    "api_tokens",
    "approval_tasks",
    "attempts",
    "audit",
    "barred_approvers",
    "baselines",
    "begun_sign_ins",
    "configuration_changes",
    "configuration_proposals",
    "configuration_versions",
    "connections",
    "crm_users",
    "crm_watermarks",
    "customer_claims",
    "dead_messages",
    "effects",
    "exception_items",
    "inbox",
    "inbox_opportunities",
    "invitations",
    "metadata",
    "opportunities",
    "opportunity_parties",
    "outbox",
    "people",
    "plan_overrides",
    "plans",
    "reference_rows",
    "second_factors",
    "sessions",
    "tenants",
    "vendor_calls",
]
