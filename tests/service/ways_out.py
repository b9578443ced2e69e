"""How each exception code is raised and what its text says to do: a row a code.

A row either is a `Way`, which `test_ways_out.py` goes to its end, or names the story that tells it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

from oppsync.domain.plan.overrides import OverrideField
from oppsync.services.changes.commands import OverridePlan
from oppsync.services.queue.commands import LinkCustomer
from sandbox.firm import deals
from sandbox.firm.install import ERP_CONNECTION, PSA_CONNECTION
from tests.harness.builders import TENANT
from tests.harness.house import WON_ON
from tests.service.ways import (
    Act,
    Case,
    Deal,
    K,
    Told,
    Way,
    abroad,
    capped,
    capped_together,
    data,
    deposit,
    fee,
    hours,
    managed,
    milestones,
    progress,
    retainer,
    slip,
    sold,
    typed,
    warns,
)

# What does not fit into a line of the table.


def two_twins(case: Case) -> Deal:
    for number in (1, 2):
        case.party(f"{case.code}-{number}", f"Twin {case.code}")
    account = {"Name": f"Twin {case.code}", "BillingCountryCode": "DE", "External_Key__c": case.code}
    return hours() | {"account": account}


def choose_a_twin(case: Case) -> None:
    item = case.house.exception(case.record_id)
    link = LinkCustomer(TENANT, item.id, case.house.operator, f"{case.code}-2")
    case.house.application.dispatch(link)


def of_account(**fields: Any) -> Callable[[Case], Deal]:
    return lambda case: (
        hours() | {"account": {"Name": f"Hooli {case.code}", "BillingCountryCode": "DE", **fields}}
    )


def unknown_customer(case: Case) -> Deal:
    return of_account(AccountNumber=case.code)(case)


def create_the_customer(case: Case) -> None:
    case.party(case.code, f"Hooli {case.code}")
    case.replay()


def invoices_milestones_by(product: str) -> Act:
    return lambda case: case.house.connect(ERP_CONNECTION, milestone_product=product)


def credit_by_the_hour() -> Deal:
    back = deals.hours_line(WON_ON, "ACME-DE", deals.SENIOR, 2, "Goodwill")
    negative = {"UnitPrice": -back["UnitPrice"], "TotalPrice": -back["TotalPrice"], "Planned_Hours__c": None}
    return sold(deals.hours_line(WON_ON, "ACME-DE", deals.SENIOR, 10, "Advice"), back | negative)


def credit_as_a_fee(case: Case) -> None:
    once = {"Quantity": Decimal(1), "Unit__c": "Unit", "UnitPrice": Decimal(-320), "TotalPrice": Decimal(-320)}
    line = {"Id": case.lines()[1], "Billing_Model__c": "Fixed Fee", "Billing_Frequency__c": "Once", **once}
    case.crm(lines=[line])


def too_many_lines() -> Deal:
    line = deals.hours_line(WON_ON, "ACME-DE", deals.SENIOR, 1, "Advice")
    return sold(*(line for _ in range(1_001)))


def sum_the_lines(case: Case) -> None:
    first, *others = case.lines()
    case.crm(delete=others, opportunity={"Amount": Decimal(160)}, lines=[{"Id": first}])


def too_many_instalments() -> Deal:
    monthly = fee(Billing_Frequency__c="Monthly")["lines"][0]
    return sold(*(monthly for _ in range(900)))


def the_first_of_them(case: Case) -> None:
    first, *others = case.lines()
    case.crm(delete=others, opportunity={"Amount": Decimal(7_000)}, lines=[{"Id": first}])


def add_the_lines(case: Case) -> None:
    case.crm(lines=hours()["lines"])


def add_the_milestones(case: Case) -> None:
    case.crm(lines=milestones()["lines"], delete=case.lines())


def without_milestones() -> Deal:
    deal = milestones()
    return deal | {"lines": [line | {"milestones": []} for line in deal["lines"]]}


def a_milestone_on(day: str) -> Deal:
    deal = milestones()
    first, *others = deal["lines"][0]["milestones"]
    return typed(deal, milestones=[first | {"Planned_Date__c": day}, *others])


def a_milestone_before_the_signing() -> Deal:
    return a_milestone_on("2026-02-01")


def agree_another_day(case: Case) -> None:
    found = case.house.salesforce.records("Billing_Milestone__c")
    first, *_ = [each["Id"] for each in found if each["Opportunity__c"] == case.record_id]
    case.crm(milestones=[{"Id": first, "Planned_Date__c": "2026-06-30"}], opportunity={})


def creates_customers_in_norway(case: Case) -> None:
    """The ERP lists countries, and Norway is none of them yet."""
    case.entity(creates_customers=True)
    case.put(K.TAX_TREATMENT, "ACME-DE|NO", code="EXPORT-0", reason="Not taxable in Germany")


def norwegian() -> Deal:
    account = {"Name": "Fjord AS", "AccountNumber": "CUST-FJORD", "BillingCountryCode": "NO"}
    return hours() | {"account": account}


def ninety_percent() -> Deal:
    return sold(deals.milestone_line(WON_ON, Decimal(60_000), "Platform", percents=(60, 30)))


def the_other_ten(case: Case) -> None:
    found = case.house.salesforce.records("Billing_Milestone__c")
    *_, last = [each["Id"] for each in found if each["Opportunity__c"] == case.record_id]
    case.crm(milestones=[{"Id": last, "Percent__c": Decimal(40)}], opportunity={})


def in_dollars(deal: Callable[[], Deal]) -> Callable[[Case], Deal]:
    def made(case: Case) -> Deal:
        dollars = {"CurrencyIsoCode": "USD"}
        sold_in = deal()
        lines = [line | dollars for line in sold_in["lines"]]
        return sold_in | {"opportunity": sold_in["opportunity"] | dollars, "lines": lines}

    return made


def as_a_fixed_fee(case: Case) -> None:
    amount = case.house.salesforce.record(case.record_id)["Amount"]
    once = {"Quantity": Decimal(1), "Unit__c": "Unit", "UnitPrice": amount, "TotalPrice": amount}
    case.crm(lines=[{"Id": case.lines()[0], "Billing_Model__c": "Fixed Fee", **once}])


def hours_and_onboarding() -> Deal:
    free = deals.non_billable_line(WON_ON, hours=16, description="Onboarding")
    return sold(free, deals.hours_line(WON_ON, "ACME-DE", deals.SENIOR, 10, "Advice"))


def rate_until(case: Case, until: date | None) -> None:
    case.lacks(K.RATE_CARD)
    rate = {"card": "DACH 2026", "version": "1", "hourly": "160"}
    case.put(K.RATE_CARD, "DACH|Senior Consultant|EUR", until=until, **rate)


def staffed(case: Case, role: str = "Consultant") -> None:
    budget = [{"role": role, "percent": "100"}]
    for model in ("time_and_materials", "fixed_fee"):
        case.put(K.PROJECT_TEMPLATE, f"ADV|DACH|{model}", code="TPL-STAFFED", name="Staffed", budget=budget)


def delivered_from_the_us(case: Case) -> None:
    when = {"product_family": ["Consulting"]}
    case.put(K.SPLIT_RULE, "us", code="us", order=1, when=when, delivery_entity="ACME-US")
    case.lacks(K.TRANSFER_PRICE)


def in_phases(case: Case, *families: str) -> None:
    when = {"product_family": families}
    phases = [{"code": "all", "name": "All", "percent": "100"}]
    case.put(K.SPLIT_RULE, "phased", code="phased", order=1, when=when, phases=phases)


def needs_a_tax_id(case: Case) -> None:
    case.put(K.TAX_TREATMENT, "ACME-DE|FR", code="RC-EU", reason="Reverse charge", needs_tax_id=True)


def exempt_until(case: Case, day: str) -> None:
    case.put(K.TAX_REGIME, "ACME-DE", name="German VAT", exempt_code="EXPORT-0")
    case.put(K.TAX_EXEMPTION, "ACME-DE|CUST-1001", certificate="EX-1", expires_on=day)


def override_centre(case: Case, code: str) -> None:
    (line,) = case.lines()
    override = OverridePlan(
        TENANT,
        case.house.opportunity(case.record_id).id,
        case.house.operator,
        workstream=line,
        field=OverrideField.COST_CENTRE,
        value=code,
        reason="Booked there this year",
    )
    case.house.application.dispatch(override)
    case.house.settle()


def override_what_goes_then(case: Case) -> None:
    override_centre(case, "CC-DE-CLOUD")
    case.lacks(K.COST_CENTRE)
    centre(case)
    case.crm(opportunity={"PO_Number__c": "PO-NEW"})


def centre(case: Case, **fields: Any) -> None:
    case.put(K.COST_CENTRE, "ACME-DE|ADV", code="CC-DE-ADV", name="Advisory Germany", **fields)


def tax(case: Case, code: str) -> None:
    case.put(K.TAX_TREATMENT, "ACME-DE|DE", code=code, percent="19", reason="Domestic")


def american() -> Deal:
    """Two service lines, sold in the United States to a customer in New York."""
    lines = [
        deals.fee_line(WON_ON, Decimal(7_000), "Review"),
        deals.milestone_line(WON_ON, Decimal(60_000), "Platform", percents=(100,)),
    ]
    deal = deals.deal(WON_ON, "CUST-1002", "ACME-US", name="Two", billing_model="Mixed", lines=lines)
    return deal | {"account": deal["account"] | {"BillingStateCode": "NY"}}


def taxed_in_part(case: Case) -> None:
    case.put(K.TAX_NEXUS, "ACME-US|NY", code="US-NT", percent="8", service_lines=["ADV"])


def no_state() -> Deal:
    deal = american()
    return deal | {"account": deal["account"] | {"BillingStateCode": None}}


A_YEAR_FROM_15_APRIL = {
    "ServiceDate": "2026-04-15",
    "Start_Date__c": "2026-04-15",
    "End_Date__c": "2027-04-14",
}

WAYS: dict[str, Way | Told] = {
    # The deal, as the CRM has it.
    "ACCOUNT_MISSING": Way(
        lambda case: hours() | {"account": None}, mend=lambda case: case.crm(account=hours()["account"])
    ),
    "ACCOUNT_CODE_MISSING": Way(
        of_account(External_Key__c="x"), mend=lambda case: case.account(AccountNumber="CUST-1001")
    ),
    "ACCOUNT_AMBIGUOUS": Way(two_twins, mend=choose_a_twin),
    "ACCOUNT_UNKNOWN": Way(unknown_customer, mend=create_the_customer),
    "CUSTOMER_CONTRADICTS": slip(hours, account={"AccountNumber": "CUST-1004"}),
    "CUSTOMER_NAME_DIFFERS": slip(hours, account={"Name": "Initech Holding"}),
    "FIELD_MISSING": slip(hours, Payment_Terms__c=None),
    "FIELD_UNREADABLE": slip(hours, Billing_Frequency__c="Weekly"),
    "OWNER_EMAIL_MISSING": Way(
        lambda case: hours() | {"owner": None}, mend=lambda case: case.crm(owner=deals.OWNER)
    ),
    "BILLING_MODEL_UNKNOWN": slip(hours, line={"Billing_Model__c": "Pay what you want"}),
    "CURRENCY_UNKNOWN": slip(fee, CurrencyIsoCode="DEM", line={"CurrencyIsoCode": "DEM"}),
    "CURRENCY_NOT_ALLOWED": slip(fee, CurrencyIsoCode="GBP", line={"CurrencyIsoCode": "GBP"}),
    "CURRENCY_DIFFERS": slip(fee, line={"CurrencyIsoCode": "USD"}),
    "AMOUNT_TOO_FINE": slip(
        fee,
        Amount=Decimal("7000.005"),
        line={"UnitPrice": Decimal("7000.005"), "TotalPrice": Decimal("7000.005")},
    ),
    "AMOUNT_TOO_LARGE": slip(
        fee, Amount=Decimal("1E16"), line={"UnitPrice": Decimal("1E16"), "TotalPrice": Decimal("1E16")}
    ),
    "AMOUNT_NOT_POSITIVE": slip(
        fee, Amount=Decimal(0), line={"UnitPrice": Decimal(0), "TotalPrice": Decimal(0)}
    ),
    "HOURS_NEGATIVE": slip(fee, line={"Planned_Hours__c": Decimal(-8)}),
    "CREDIT_BY_THE_HOUR": Way(lambda case: credit_by_the_hour(), mend=credit_as_a_fee),
    "LINE_NET_MISMATCH": slip(hours, line={"Discount": Decimal(10)}),
    "TOTAL_MISMATCH": slip(hours, Amount=Decimal(1)),
    "TOO_MANY_LINES": Way(lambda case: too_many_lines(), mend=sum_the_lines),
    "TOO_MANY_INSTALMENTS": Way(lambda case: too_many_instalments(), mend=the_first_of_them),
    "NO_LINES": Way(lambda case: hours() | {"lines": []}, mend=add_the_lines),
    "DATES_OUT_OF_ORDER": slip(hours, End_Date__c="2026-01-31", line={"End_Date__c": "2026-01-31"}),
    "RUN_TOO_LONG": slip(hours, End_Date__c="2062-10-31"),
    "WON_IN_THE_FUTURE": slip(hours, CloseDate="2040-03-02"),
    "PROBABILITY_NOT_CERTAIN": slip(hours, Probability=Decimal(75)),
    "MILESTONES_MISSING": Way(lambda case: without_milestones(), mend=add_the_milestones),
    "MILESTONE_PERCENTS": Way(lambda case: ninety_percent(), mend=the_other_ten),
    "UNIT_NOT_HOURS": slip(hours, line={"Unit__c": "Day"}),
    "TIME_IN_FOREIGN_CURRENCY": Way(in_dollars(hours), mend=as_a_fixed_fee),
    "PROGRESS_IN_FOREIGN_CURRENCY": Way(in_dollars(progress), mend=as_a_fixed_fee),
    "CAP_MISSING": slip(capped, line={"Cap_Amount__c": None}),
    "CAP_INVALID": slip(capped, line={"Cap_Warning_Percent__c": Decimal(150)}),
    "CAPS_DIFFER": slip(capped_together, line={"Cap_Amount__c": Decimal(8_000)}),
    "CAP_BELOW_AMOUNT": slip(capped, line={"Cap_Amount__c": Decimal(100)}),
    "CAP_NEARLY_REACHED": slip(capped, line={"Cap_Amount__c": Decimal(1_700)}),
    "DEPOSIT_MISSING": slip(deposit, line={"Deposit_Percent__c": None}),
    "DEPOSIT_PERCENTS": slip(deposit, line={"Final_Percent__c": Decimal(90)}),
    "RETAINER_HOURS_MISSING": slip(retainer, line={"Included_Hours__c": None}),
    "RETAINER_INVALID": slip(retainer, line={"Included_Hours__c": Decimal(0)}),
    "INDEXATION_INVALID": slip(managed, line={"Indexation_Percent__c": Decimal(150)}),
    "MONTHS_MISMATCH": slip(
        managed, Amount=Decimal(7_500), line={"Quantity": Decimal(3), "TotalPrice": Decimal(7_500)}
    ),
    "BILLING_DAY_INVALID": slip(managed, line={"Billing_Day__c": Decimal(40)}),
    "PERIODS_NOT_STATED": Way(
        lambda case: fee(Billing_Frequency__c="Yearly", **A_YEAR_FROM_15_APRIL),
        mend=lambda case: case.crm(opportunity={"Billing_Periods__c": "Contract"}),
    ),
    "NON_BILLABLE_AMOUNT": slip(
        hours_and_onboarding, Amount=Decimal(1_760), line={"UnitPrice": Decimal(10), "TotalPrice": Decimal(160)}
    ),
    "PO_TOO_SMALL": slip(hours, PO_Limit__c=Decimal(1)),
    "PO_MISSING": slip(hours, PO_Number__c=None, account={"PO_Required__c": True}),
    "PO_EXPIRED": slip(hours, PO_Expiry_Date__c="2026-03-03"),
    "PAYMENT_TERMS_UNKNOWN": slip(hours, Payment_Terms__c="NET31"),
    "START_BEFORE_WON": slip(hours, Start_Date__c="2026-01-01", line={"Start_Date__c": "2026-01-01"}),
    "DATE_FAR_AWAY": slip(
        hours,
        Start_Date__c="1926-04-01",
        End_Date__c="1926-10-31",
        line={"Start_Date__c": "1926-04-01", "End_Date__c": "1926-10-31", "ServiceDate": "1926-04-01"},
    ),
    "MILESTONE_BEFORE_SIGNING": warns(a_milestone_before_the_signing),
    "PO_SHARED": Told(
        "test_across_deals.py",
        "test_two_deals_that_wait_are_told_to_whoever_approves",
    ),
    "PO_USED_UP": Told(
        "test_across_deals.py",
        "test_an_approved_deal_and_a_new_one_use_up_a_purchase_order_together",
    ),
    "DEAL_CLONED": Told(
        "test_across_deals.py",
        "test_a_deal_that_was_cloned_in_the_crm_names_the_one_it_was_cloned_of",
    ),
    "BOOKS_NOT_OPEN": slip(hours, End_Date__c="2029-01-31", line={"End_Date__c": "2029-01-31"}),
    # Our own entities and reference data.
    "LEGAL_ENTITY_UNKNOWN": slip(hours, Contracting_Entity__c="ACME-UK"),
    "LEGAL_ENTITY_NOT_APPROVED": data(
        lambda case: case.entity(), before=lambda case: case.entity(approved=False)
    ),
    "LEGAL_ENTITY_NOT_READY": data(
        invoices_milestones_by("MS"), before=invoices_milestones_by("NO-SUCH-PRODUCT")
    ),
    "BILLING_MODEL_UNSUPPORTED": Told(
        "../stateful/test_crm_changes.py",
        "test_a_billing_model_that_the_erp_cannot_hold_is_agreed_otherwise_or_learned",
    ),
    "CALENDAR_UNKNOWN": data(
        lambda case: case.entity(),
        before=lambda case: case.entity(subdivision="XX", billing_policy={"rolls_to_business_day": True}),
    ),
    "SERVICE_LINE_UNKNOWN": data(
        lambda case: case.put(K.SERVICE_LINE, "Quantum", code="ADV", name="Quantum"),
        deal=lambda: hours(Service_Line__c="Quantum"),
    ),
    "REGION_UNKNOWN": data(
        lambda case: case.put(K.REGION, "Alps", code="DACH", name="Alps"),
        deal=lambda: typed(hours(), Delivery_Region__c="Alps"),
    ),
    "DELIVERY_MODEL_UNKNOWN": data(
        lambda case: case.put(K.DELIVERY_MODEL, "Nearshore", code="NEARSHORE", name="Nearby"),
        deal=lambda: hours() | {"opportunity": hours()["opportunity"] | {"Delivery_Model__c": "Nearshore"}},
    ),
    "COST_CENTRE_MISSING": Told(
        "test_findings.py", "test_a_deal_goes_on_after_reference_data_was_fixed_and_it_was_replayed"
    ),
    "TEMPLATE_MISSING": Told(
        "test_findings.py", "test_a_deal_goes_on_after_reference_data_was_fixed_and_it_was_replayed"
    ),
    "TAX_TREATMENT_MISSING": Told(
        "test_findings.py", "test_a_deal_goes_on_after_reference_data_was_fixed_and_it_was_replayed"
    ),
    "RATE_MISSING": Told(
        "test_findings.py", "test_a_deal_goes_on_after_reference_data_was_fixed_and_it_was_replayed"
    ),
    "TAX_ID_MISSING": Way(
        abroad("FR"), needs_a_tax_id, mend=lambda case: case.account(Tax_Id__c="FR83404833048")
    ),
    "TAX_ID_INVALID": Way(
        abroad("FR", Tax_Id__c="FR1"), mend=lambda case: case.account(Tax_Id__c="FR83404833048")
    ),
    "TAX_TERRITORY_UNKNOWN": Way(abroad("ES", Tax_Id__c="ESB58378431")),
    "TAX_TERRITORY_CONTRADICTS": Way(
        abroad("ES", Tax_Id__c="ESB58378431", BillingPostalCode="35001", BillingStateCode="MD"),
        mend=lambda case: case.account(BillingPostalCode="28001"),
    ),
    "TAX_STATE_MISSING": warns(no_state),
    "TAX_DIFFERS_BY_LINE": data(
        lambda case: case.put(K.TAX_TREATMENT, "ACME-US|US", code="US-NT", reason="Decided by finance"),
        deal=american,
        before=taxed_in_part,
    ),
    "TAX_CERTIFICATE_EXPIRES": warns(before=lambda case: exempt_until(case, "2026-06-30")),
    "RATE_DIFFERS": slip(
        hours, Amount=Decimal(1_550), line={"UnitPrice": Decimal(155), "TotalPrice": Decimal(1_550)}
    ),
    "RATE_GAP": warns(before=lambda case: rate_until(case, date(2026, 6, 1))),
    "COST_RATE_MISSING": warns(before=lambda case: case.lacks(K.COST_RATE)),
    "PLANNED_HOURS_MISSING": slip(fee, line={"Planned_Hours__c": None}),
    "MARGIN_BELOW_FLOOR": warns(before=lambda case: case.put(K.MARGIN_POLICY, "*", floor_percent="60")),
    "BUDGET_HOURS_MISSING": warns(lambda: fee(Planned_Hours__c=None), before=staffed),
    "TRANSFER_PRICE_MISSING": data(
        lambda case: case.firm_again(K.TRANSFER_PRICE), before=delivered_from_the_us
    ),
    "OVERRIDE_NOT_POSSIBLE": Way(
        lambda case: hours(),
        later=override_what_goes_then,
        mend=lambda case: override_centre(case, "CC-DE-ADV"),
    ),
    "SPLIT_NOT_POSSIBLE": data(
        lambda case: in_phases(case, "Elsewhere"),
        deal=milestones,
        before=lambda case: in_phases(case, "Consulting"),
    ),
    "COST_CENTRE_CLOSED": data(centre, before=lambda case: centre(case, closed_on="2026-03-01")),
    "EXCHANGE_RATE_MISSING": data(
        lambda case: case.firm_again(K.EXCHANGE_RATE),
        deal=american,
        before=lambda case: case.lacks(K.EXCHANGE_RATE),
    ),
    # What the plan names and its systems do not know.
    "COST_CENTRE_UNKNOWN": Told(
        "test_preflight.py", "test_a_cost_centre_that_the_erp_lacks_is_created_there_and_the_deal_goes_on"
    ),
    "CUSTOMER_WITHOUT_ADDRESS": Told(
        "test_preflight.py", "test_a_customer_without_an_address_is_given_one_and_the_deal_goes_on"
    ),
    "TAX_CODE_UNKNOWN": data(lambda case: tax(case, "VAT-DE-19"), before=lambda case: tax(case, case.code)),
    "FISCAL_YEAR_NOT_OPEN": Way(lambda case: a_milestone_on("2024-12-16"), mend=agree_another_day),
    "ERP_SETUP_MISSING": data(
        lambda case: case.set_up("country.country", {"name": "Norway", "code": "NO"}),
        deal=norwegian,
        before=creates_customers_in_norway,
    ),
    "PSA_ROLE_UNKNOWN": data(
        lambda case: case.house.connect(PSA_CONNECTION, roles={"Architect": 3}),
        before=lambda case: staffed(case, "Architect"),
    ),
    # Planning and approval.
    "NO_APPROVER": Told(
        "test_approvals.py", "test_a_plan_nobody_may_approve_is_parked_and_goes_on_once_somebody_may"
    ),
    "APPROVAL_LOST": Told(
        "test_restore.py", "test_a_lost_approval_is_an_exception_and_given_anew_makes_no_second_tree"
    ),
    "PLAN_TAMPERED": Told(
        "test_signed.py",
        "test_a_cent_changed_after_the_approval_creates_nothing",
    ),
    "APPROVAL_FORGED": Told(
        "test_signed.py",
        "test_an_approval_that_was_changed_is_found_and_creates_nothing",
    ),
    "APPROVAL_EXPIRED": Told(
        "test_in_time.py",
        "test_what_nobody_decides_in_time_expires_and_a_replay_asks_again",
    ),
    "CHANGES_REQUESTED": Told(
        "test_asked_anew.py",
        "test_a_changed_deal_is_planned_anew_and_its_approval_shows_what_was_asked",
    ),
    "LOST_AFTER_APPROVAL": Told(
        "test_absence.py",
        "test_a_deal_that_is_won_again_closes_the_item_that_it_was_lost",
    ),
    "CHANGED_AFTER_APPROVAL": Told(
        "test_absence.py",
        "test_a_deal_that_is_changed_back_closes_its_item",
    ),
    "LOST_WHILE_PLANNED_ANEW": Told(
        "../stateful/test_planning_anew.py",
        "test_lost_and_won_again_meanwhile_it_goes_on",
    ),
    "REJECTED_AFTER_CREATION": Told(
        "test_plan_anew.py",
        "test_rejected_and_given_up_nothing_of_the_old_plan_stays_open",
    ),
    "DESTINATION_CHANGED": Told(
        "test_plan_anew.py",
        "test_what_exists_in_another_system_than_it_goes_to_now_is_not_left_behind",
    ),
    # Outside systems.
    "VENDOR_REJECTED": Told(
        "test_erp_trouble.py",
        "test_a_refusal_by_the_erp_s_rules_is_parked_and_replayed",
    ),
    "CONNECTION_MISCONFIGURED": Told(
        "test_staffing.py", "test_a_role_that_the_connection_does_not_know_waits_for_whoever_connected_it"
    ),
    "CRM_RECORD_GONE": Told(
        "test_absence.py", "test_a_deal_that_is_restored_goes_on_with_the_approvals_it_had"
    ),
    "CONTENT_CONFLICT": Told(
        "test_restore.py",
        "test_a_project_that_was_changed_meanwhile_is_a_conflict",
    ),
    "UNREADABLE_DELIVERY": Told(
        "test_deliveries.py",
        "test_replaying_what_can_be_read_by_now_takes_it_in",
    ),
    "DELIVERY_ID_REUSED": Told(
        "test_deliveries.py",
        "test_a_known_delivery_id_with_another_body_is_kept_read_and_shown",
    ),
    "NOTIFICATION_REFUSED": Told(
        "test_notifications.py", "test_a_refused_notification_is_sent_again_by_a_replay_only"
    ),
    "POLL_REFUSED": Told(
        "test_polling.py", "test_a_replayed_poll_asks_at_once_and_comes_back_when_nothing_was_mended"
    ),
    # Dead letters.
    "RETRIES_EXHAUSTED": Told(
        "test_erp_trouble.py", "test_retries_used_up_are_a_dead_letter_and_a_replay_starts_counting_anew"
    ),
    "WORKER_CRASHED": Told(
        "test_leases.py",
        "test_a_deal_that_killed_its_worker_three_times_is_set_aside_and_can_be_replayed",
    ),
    "BUG": Told(
        "test_dead_letters.py",
        "test_a_dead_letter_is_replayed_once_it_is_mended",
    ),
}
