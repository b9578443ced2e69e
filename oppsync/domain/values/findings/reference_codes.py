"""Codes of what a plan names and its ERP or PSA does not know, found when the plan is made."""

from __future__ import annotations

from oppsync.domain.values.findings.finding import CodeText, OwnerRole, Severity, code_text

REFERENCE_CODES: dict[str, CodeText] = {
    "COST_CENTRE_UNKNOWN": code_text(
        "The ERP does not have this cost centre",
        OwnerRole.FINANCE,
        "Create the cost centre in the ERP under this code, or correct its code in the reference data, then "
        "replay; or override the workstream's cost centre.",
    ),
    "TAX_CODE_UNKNOWN": code_text(
        "The ERP does not have this tax",
        OwnerRole.FINANCE,
        "Create the tax in the ERP's company under this code, or correct the code in the reference data; then "
        "replay.",
    ),
    "CUSTOMER_WITHOUT_ADDRESS": code_text(
        "The customer has no address in the ERP",
        OwnerRole.FINANCE,
        "Add the address for invoices to the customer in the ERP, then replay.",
    ),
    "FISCAL_YEAR_NOT_OPEN": code_text(
        "An invoice is due on a day without an open fiscal year",
        OwnerRole.FINANCE,
        "Open the fiscal year in the ERP before the invoice is due, or agree other dates with sales.",
        Severity.WARNS,
    ),
    "ERP_SETUP_MISSING": code_text(
        "The ERP lacks something that the plan's invoices need",
        OwnerRole.INTEGRATION,
        "Set it up in the ERP, or correct the connection's settings; then replay.",
    ),
    "PSA_ROLE_UNKNOWN": code_text(
        "The PSA's connection does not know a role that the plan requests",
        OwnerRole.INTEGRATION,
        "Add the role to the connection's setting roles, with its id in the PSA; or correct the role in the "
        "project template. Then replay.",
    ),
}
