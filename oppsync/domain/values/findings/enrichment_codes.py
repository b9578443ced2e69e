"""Codes of the `enrich` stage."""

from __future__ import annotations

from oppsync.domain.values.findings.finding import CodeText, OwnerRole, Severity, code_text

ENRICHMENT_CODES: dict[str, CodeText] = {
    "SERVICE_LINE_UNKNOWN": code_text(
        "The service line is not mapped",
        OwnerRole.INTEGRATION,
        "Add the service line to the reference data, or correct it in the CRM; then replay.",
    ),
    "REGION_UNKNOWN": code_text(
        "The region is not in the reference data",
        OwnerRole.INTEGRATION,
        "Add the region with its compliance attributes to the reference data, or correct it in the CRM; then "
        "replay.",
    ),
    "DELIVERY_MODEL_UNKNOWN": code_text(
        "The delivery model is not in the reference data",
        OwnerRole.INTEGRATION,
        "Add the delivery model to the reference data, or correct it in the CRM.",
    ),
    "COST_CENTRE_MISSING": code_text(
        "There is no cost centre for this entity and service line",
        OwnerRole.FINANCE,
        "Add the cost centre to the reference data, then replay.",
    ),
    "TEMPLATE_MISSING": code_text(
        "There is no project template for this service line, region and billing model",
        OwnerRole.DELIVERY,
        "Add the project template to the reference data, then replay.",
    ),
    "TAX_TREATMENT_MISSING": code_text(
        "There is no tax treatment for this entity and customer country",
        OwnerRole.FINANCE,
        "Add the tax treatment to the reference data, then replay.",
    ),
    "TAX_ID_MISSING": code_text(
        "The tax treatment needs the customer's tax id",
        OwnerRole.SALES,
        "Fill the customer's tax id in the CRM.",
    ),
    "RATE_MISSING": code_text(
        "The rate card has no rate for this role on this date",
        OwnerRole.FINANCE,
        "Add the rate to the reference data, then replay.",
    ),
    "RATE_DIFFERS": code_text(
        "The price sold differs from the rate card",
        OwnerRole.SALES,
        "Correct the price or the discount in the CRM, or the rate card in the reference data.",
    ),
    "BUDGET_HOURS_MISSING": code_text(
        "The template splits planned hours among roles, but the line has none",
        OwnerRole.SALES,
        "Fill the planned hours of the line in the CRM; without them no staffing is requested in the PSA.",
        Severity.WARNS,
    ),
    "TRANSFER_PRICE_MISSING": code_text(
        "There is no transfer price between the selling and the delivering entity",
        OwnerRole.FINANCE,
        "Add the transfer price to the reference data, or let another entity deliver; then replay.",
    ),
    "OVERRIDE_NOT_POSSIBLE": code_text(
        "An override no longer fits the deal",
        OwnerRole.OPERATIONS,
        "Override the field with a value that fits, or take the override back; the plan is then made again.",
    ),
    "SPLIT_NOT_POSSIBLE": code_text(
        "A split rule does not fit a line",
        OwnerRole.DELIVERY,
        "Correct the split rule in the reference data, or give it a condition that leaves this line out; "
        "then replay.",
    ),
    "COST_CENTRE_CLOSED": code_text(
        "The cost centre is closed, or closes before the work ends",
        OwnerRole.FINANCE,
        "Set a cost centre that stays open for the entity and service line in the reference data, then replay.",
    ),
    "TAX_ID_INVALID": code_text(
        "The customer's tax id has the wrong form",
        OwnerRole.SALES,
        "Correct the customer's tax id in the CRM.",
    ),
    "TAX_STATE_MISSING": code_text(
        "The customer's state is not known",
        OwnerRole.SALES,
        "Fill the state of the account's billing address in the CRM.",
        Severity.WARNS,
    ),
    "TAX_TERRITORY_UNKNOWN": code_text(
        "The customer's address does not show which VAT area it belongs to",
        OwnerRole.SALES,
        "Fill the state or the postal code of the account's billing address in the CRM.",
        Severity.WARNS,
    ),
    "TAX_TERRITORY_CONTRADICTS": code_text(
        "The customer's state and postal code are in different VAT areas",
        OwnerRole.SALES,
        "Correct the state or the postal code of the account's billing address in the CRM.",
    ),
    "TAX_DIFFERS_BY_LINE": code_text(
        "The customer's state taxes only part of the deal",
        OwnerRole.FINANCE,
        "Contract the taxed services separately, or add a tax treatment of the entity for this country.",
    ),
    "TAX_CERTIFICATE_EXPIRES": code_text(
        "The exemption certificate expires before the work ends",
        OwnerRole.FINANCE,
        "Ask the customer for a new certificate and put it into the reference data.",
        Severity.WARNS,
    ),
    "EXCHANGE_RATE_MISSING": code_text(
        "There is no exchange rate between the deal's currency and the entity's",
        OwnerRole.FINANCE,
        "Add an exchange rate that is valid on the close date to the reference data, then replay.",
    ),
    "RATE_GAP": code_text(
        "The rate card ends before the work does",
        OwnerRole.FINANCE,
        "Extend the rate card in the reference data, or agree the price of the later hours with sales.",
        Severity.WARNS,
    ),
    "COST_RATE_MISSING": code_text(
        "There is no cost rate, so the margin is not known",
        OwnerRole.FINANCE,
        "Add the cost rate to the reference data, then replay.",
        Severity.WARNS,
    ),
    "PLANNED_HOURS_MISSING": code_text(
        "There are no planned hours, so the margin is not known",
        OwnerRole.SALES,
        "Fill the planned hours of the line in the CRM.",
        Severity.WARNS,
    ),
    "MARGIN_BELOW_FLOOR": code_text(
        "The margin is below its floor",
        OwnerRole.DELIVERY,
        "Plan fewer or cheaper hours, raise the price, or ask finance to change the margin policy.",
        Severity.WARNS,
    ),
}
