"""Codes of the `validate` stage."""

from __future__ import annotations

from oppsync.domain.values.findings.finding import CodeText, OwnerRole, Severity, code_text

VALIDATION_CODES: dict[str, CodeText] = {
    "ACCOUNT_MISSING": code_text(
        "The opportunity has no account",
        OwnerRole.SALES,
        "Set the account on the opportunity in the CRM and save it.",
    ),
    "ACCOUNT_CODE_MISSING": code_text(
        "The account has no ERP customer code",
        OwnerRole.SALES,
        "Fill the account number in the CRM with the customer's code in the ERP.",
    ),
    "ACCOUNT_AMBIGUOUS": code_text(
        "The account matches several customers of the ERP",
        OwnerRole.FINANCE,
        "Choose the right customer, once for all deals of the account; or fill the account number in the CRM.",
    ),
    "ACCOUNT_UNKNOWN": code_text(
        "The ERP has no customer with the account's code",
        OwnerRole.FINANCE,
        "If the code is wrong, correct the account number in the CRM. If it is right, create the customer in "
        "the ERP under this code, then replay.",
    ),
    "CUSTOMER_CONTRADICTS": code_text(
        "The customer code belongs to another company in the ERP",
        OwnerRole.FINANCE,
        "Correct the customer code in the CRM; or, where it is the same company, its country or tax id in the "
        "system that has them wrong. Then replay.",
    ),
    "CUSTOMER_NAME_DIFFERS": code_text(
        "The customer has another name in the ERP",
        OwnerRole.FINANCE,
        "Make sure that the customer code in the CRM is that of the account.",
        Severity.WARNS,
    ),
    "FIELD_MISSING": code_text(
        "A required field is empty",
        OwnerRole.SALES,
        "Fill the field on the opportunity in the CRM and save it.",
    ),
    "FIELD_UNREADABLE": code_text(
        "A field's value cannot be read",
        OwnerRole.SALES,
        "Correct the field in the CRM and save it.",
    ),
    "OWNER_EMAIL_MISSING": code_text(
        "The owner has no e-mail address",
        OwnerRole.SALES,
        "Set the owner's e-mail address in the CRM. Owners may not approve their own deals and are "
        "recognised by it.",
    ),
    "LEGAL_ENTITY_UNKNOWN": code_text(
        "The contracting entity is not known",
        OwnerRole.INTEGRATION,
        "Add the legal entity to the reference data, or correct the contracting entity in the CRM.",
    ),
    "LEGAL_ENTITY_NOT_APPROVED": code_text(
        "The contracting entity is not approved",
        OwnerRole.FINANCE,
        "Approve the legal entity in the reference data from this date on, or choose another entity in the "
        "CRM.",
    ),
    "LEGAL_ENTITY_NOT_READY": code_text(
        "The contracting entity is not ready in the ERP",
        OwnerRole.FINANCE,
        "Set up in the ERP what is missing for this company, then replay.",
    ),
    "BILLING_MODEL_UNKNOWN": code_text(
        "The billing model is unknown",
        OwnerRole.SALES,
        "Choose one of the supported billing models in the CRM.",
    ),
    "BILLING_MODEL_UNSUPPORTED": code_text(
        "The connected ERP does not support the billing model",
        OwnerRole.INTEGRATION,
        "Choose another billing model in the CRM.",
    ),
    "CURRENCY_UNKNOWN": code_text(
        "The currency is not an ISO 4217 code",
        OwnerRole.SALES,
        "Correct the currency in the CRM.",
    ),
    "CURRENCY_NOT_ALLOWED": code_text(
        "The contracting entity does not contract in this currency",
        OwnerRole.FINANCE,
        "Allow the currency for the legal entity in the reference data, or change it in the CRM.",
    ),
    "CURRENCY_DIFFERS": code_text(
        "A line is in another currency than the opportunity",
        OwnerRole.SALES,
        "Put all lines into the currency of the opportunity in the CRM.",
    ),
    "AMOUNT_TOO_FINE": code_text(
        "An amount has more decimals than its currency",
        OwnerRole.SALES,
        "Round the amount in the CRM to the decimals of its currency.",
    ),
    "AMOUNT_TOO_LARGE": code_text(
        "An amount is larger than can be booked",
        OwnerRole.SALES,
        "Correct the amount in the CRM: at most sixteen digits before the decimal point can be booked.",
    ),
    "AMOUNT_NOT_POSITIVE": code_text(
        "An amount is not positive",
        OwnerRole.SALES,
        "Correct the amount in the CRM. A line may be a credit as long as the whole deal is above zero. A "
        "deal that is only a credit has to be credited in the ERP by a person.",
    ),
    "HOURS_NEGATIVE": code_text(
        "The planned hours are negative",
        OwnerRole.SALES,
        "Correct the planned hours of the line in the CRM; a credit has no hours.",
    ),
    "CREDIT_BY_THE_HOUR": code_text(
        "A credit is sold by the hour",
        OwnerRole.SALES,
        "Make the credit a separate line in the CRM: a fixed fee with one negative amount.",
    ),
    "LINE_NET_MISMATCH": code_text(
        "A line's net amount is not quantity times price less discount",
        OwnerRole.SALES,
        "Correct quantity, price or discount of the line in the CRM.",
    ),
    "TOTAL_MISMATCH": code_text(
        "The lines do not sum to the opportunity's amount",
        OwnerRole.SALES,
        "Correct the lines or the amount in the CRM.",
    ),
    "TOO_MANY_LINES": code_text(
        "The opportunity has more product lines than can be planned",
        OwnerRole.SALES,
        "Divide the opportunity in the CRM, or sum lines that are sold on the same terms.",
    ),
    "TOO_MANY_INSTALMENTS": code_text(
        "The plan would have more billing lines, or entries of revenue, than can be planned",
        OwnerRole.SALES,
        "Divide the opportunity in the CRM, invoice less often, or sum lines that are sold on the same terms.",
    ),
    "NO_LINES": code_text(
        "The opportunity has no product lines",
        OwnerRole.SALES,
        "Add what was sold as product lines in the CRM.",
    ),
    "DATES_OUT_OF_ORDER": code_text(
        "The dates are out of order",
        OwnerRole.SALES,
        "Correct the start and end dates in the CRM.",
    ),
    "RUN_TOO_LONG": code_text(
        "Start and end are more than ten years apart",
        OwnerRole.SALES,
        "Correct the year of the start or end date in the CRM. A contract without an end is planned up to its "
        "next renewal.",
    ),
    "DATE_FAR_AWAY": code_text(
        "A date is decades away",
        OwnerRole.SALES,
        "Correct the year of the date in the CRM.",
    ),
    "WON_IN_THE_FUTURE": code_text(
        "The close date is in the future",
        OwnerRole.SALES,
        "If the close date is wrong, correct it in the CRM. If it is right, the deal goes on by itself once "
        "that day has begun.",
    ),
    "PROBABILITY_NOT_CERTAIN": code_text(
        "The deal is won, but its probability is not 100 %",
        OwnerRole.SALES,
        "Set the probability to 100 in the CRM, or reopen the deal if it is not won yet.",
        Severity.WARNS,
    ),
    "MILESTONES_MISSING": code_text(
        "A milestone line has no milestones",
        OwnerRole.SALES,
        "Add the milestones of the line in the CRM.",
    ),
    "MILESTONE_BEFORE_SIGNING": code_text(
        "A milestone is planned before the deal was signed",
        OwnerRole.SALES,
        "Make sure that the milestone's date is right, or correct it in the CRM.",
        Severity.WARNS,
    ),
    "MILESTONE_PERCENTS": code_text(
        "The milestones' percents do not sum to 100",
        OwnerRole.SALES,
        "Correct the percents of the milestones in the CRM.",
    ),
    "UNIT_NOT_HOURS": code_text(
        "A time and materials line is not sold in hours",
        OwnerRole.SALES,
        "Sell the line in hours, priced by the hour.",
    ),
    "TIME_IN_FOREIGN_CURRENCY": code_text(
        "Time and materials is sold in another currency than the ERP company's",
        OwnerRole.FINANCE,
        "Contract through an entity whose currency is the deal's, or choose another billing model: "
        "the ERP invoices time in the company's currency only.",
    ),
    "PROGRESS_IN_FOREIGN_CURRENCY": code_text(
        "Percent complete is sold in another currency than the ERP company's",
        OwnerRole.FINANCE,
        "Contract through an entity whose currency is the deal's, or choose another billing model: "
        "the ERP invoices percent complete in the company's currency only.",
    ),
    "CALENDAR_UNKNOWN": code_text(
        "There is no holiday calendar for the contracting entity",
        OwnerRole.INTEGRATION,
        "Correct country and subdivision of the legal entity in the reference data, or stop moving its due "
        "dates to business days there.",
    ),
    "CAP_MISSING": code_text(
        "A capped time and materials line has no cap",
        OwnerRole.SALES,
        "Fill the cap amount in the CRM: on the line, or on the opportunity for all capped lines together.",
    ),
    "CAP_INVALID": code_text(
        "A cap or its warning is out of range",
        OwnerRole.SALES,
        "Correct the cap in the CRM: its amount has to be above zero and no finer than the currency's minor "
        "unit, its warning above 0 % and at most 100 %.",
    ),
    "CAPS_DIFFER": code_text(
        "Two lines have different caps for the whole contract",
        OwnerRole.SALES,
        "Correct the caps in the CRM: a contract has one cap for all its capped lines. A cap that holds for "
        "one line only has the scope of the workstream.",
    ),
    "CAP_BELOW_AMOUNT": code_text(
        "More was sold than may be invoiced under the cap",
        OwnerRole.SALES,
        "Make sure that the part beyond the cap is not to be invoiced: it is planned as not billable. Else "
        "correct the hours of the line or the cap in the CRM.",
        Severity.WARNS,
    ),
    "CAP_NEARLY_REACHED": code_text(
        "The planned hours come near the cap, or exceed it",
        OwnerRole.DELIVERY,
        "Plan fewer hours, or ask sales to agree a higher cap and correct it in the CRM: hours beyond the "
        "cap are not billable.",
        Severity.WARNS,
    ),
    "DEPOSIT_MISSING": code_text(
        "A fixed fee with a deposit has no deposit",
        OwnerRole.SALES,
        "Fill the deposit's percent in the CRM.",
    ),
    "DEPOSIT_PERCENTS": code_text(
        "Deposit and final part are out of range",
        OwnerRole.SALES,
        "Correct the percents in the CRM: the deposit has to be above 0 %, both together at most 100 %.",
    ),
    "RETAINER_HOURS_MISSING": code_text(
        "A retainer has no included hours",
        OwnerRole.SALES,
        "Fill the hours included each month in the CRM.",
    ),
    "RETAINER_INVALID": code_text(
        "A retainer's hours are out of range",
        OwnerRole.SALES,
        "Correct the retainer's hours in the CRM: the included hours, and the limit of a capped rollover, "
        "have to be above zero.",
    ),
    "INDEXATION_INVALID": code_text(
        "The yearly price increase is out of range",
        OwnerRole.SALES,
        "Correct the indexation in the CRM: it has to be from 0 % to 100 % a year.",
    ),
    "MONTHS_MISMATCH": code_text(
        "The months sold do not match the start and end date",
        OwnerRole.SALES,
        "Correct the quantity, or the start and end date of the line, in the CRM.",
    ),
    "PERIODS_NOT_STATED": code_text(
        "Calendar periods divide a contract of whole months",
        OwnerRole.SALES,
        "Say on the opportunity in the CRM whether it is invoiced by calendar months or by months of the "
        "contract, or have the legal entity's billing policy say it.",
        Severity.WARNS,
    ),
    "BILLING_DAY_INVALID": code_text(
        "The invoicing day is not a day of the month",
        OwnerRole.SALES,
        "Correct the day in the CRM: 1 to 31, where 31 always means the last day of the month.",
    ),
    "NON_BILLABLE_AMOUNT": code_text(
        "A non-billable line has an amount",
        OwnerRole.SALES,
        "Set the line's price or discount so that its net amount is zero, or choose another billing model.",
    ),
    "PO_TOO_SMALL": code_text(
        "The purchase order allows less than the deal's amount",
        OwnerRole.SALES,
        "Ask the customer to raise the purchase order, then correct its limit in the CRM.",
    ),
    "PO_SHARED": code_text(
        "Another deal has the same purchase order",
        OwnerRole.SALES,
        "Make sure that the purchase order is meant for both deals, or correct its number in the CRM.",
        Severity.WARNS,
    ),
    "PO_USED_UP": code_text(
        "Several deals together exceed the purchase order",
        OwnerRole.SALES,
        "Ask the customer to raise the purchase order, then correct its limit in the CRM; or take one of the "
        "deals back.",
    ),
    "DEAL_CLONED": code_text(
        "Another deal is the same in everything",
        OwnerRole.SALES,
        "Make sure that it was sold twice. If it was only entered twice, close one of the two as lost in the "
        "CRM.",
        Severity.WARNS,
    ),
    "PO_MISSING": code_text(
        "The customer requires a purchase order, but the opportunity has none",
        OwnerRole.SALES,
        "Get the purchase order from the customer and fill its number in the CRM.",
    ),
    "PO_EXPIRED": code_text(
        "The purchase order has expired, or expires before the work ends",
        OwnerRole.SALES,
        "Ask the customer to extend the purchase order, then fill its new expiry date in the CRM.",
    ),
    "PAYMENT_TERMS_UNKNOWN": code_text(
        "The ERP does not have these payment terms",
        OwnerRole.FINANCE,
        "Add the payment terms to the ERP under this name, or correct them in the CRM; then replay.",
    ),
    "START_BEFORE_WON": code_text(
        "The work starts long before the deal was won",
        OwnerRole.OPERATIONS,
        "If the dates are right, confirm them with a reason, which approvers will see. If one is wrong, have "
        "it corrected in the CRM.",
    ),
    "BOOKS_NOT_OPEN": code_text(
        "The work ends after the open fiscal years",
        OwnerRole.FINANCE,
        "Open the later fiscal years in the ERP before their invoices are due.",
        Severity.WARNS,
    ),
    "RULE_BLOCKS": code_text(
        "A rule of the firm stops the deal",
        OwnerRole.OPERATIONS,
        "Do what the rule asks for in the CRM and save; or have the rule changed in the configuration, then "
        "replay.",
    ),
    "RULE_WARNS": code_text(
        "A rule of the firm warns",
        OwnerRole.OPERATIONS,
        "See whether the deal is right all the same.",
        Severity.WARNS,
    ),
    "RULE_FAILED": code_text(
        "A rule of the firm cannot be evaluated",
        OwnerRole.INTEGRATION,
        "Correct the rule's condition in the configuration, or the value that it cannot compare in the CRM; "
        "then replay.",
    ),
}
