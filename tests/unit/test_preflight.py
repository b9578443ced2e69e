"""What a plan needs of its ERP, and what is said of it when the ERP lacks it."""

from __future__ import annotations

from datetime import date

from oppsync.domain.plan.references import ErpReferenceKind, MissingReference, references_of
from oppsync.domain.planning.preflight import CODE_OF, missing_in_erp, unknown_in_psa
from oppsync.domain.values.model import changed
from tests.harness import builders as make

PLAN = make.plan(make.opportunity(make.fixed_line(), make.time_line())).content


def lacks(kind: ErpReferenceKind, name: str, company: str = "ACME-DE") -> MissingReference:
    return MissingReference(kind=kind, company=company, name=name)


def test_every_kind_of_reference_has_a_code() -> None:
    assert set(CODE_OF) == set(ErpReferenceKind)


def test_a_cost_centre_is_looked_for_in_the_company_that_books_on_it() -> None:
    delivered = make.plan(make.opportunity(make.fixed_line(product_family="US Delivery"))).content

    centres = [(each.company, each.code) for each in references_of(delivered).cost_centres]

    assert centres == [("ACME-US", "CC-US-CLOUD"), ("ACME-DE", "CC-DE-CLOUD")]


def test_a_customer_that_is_to_be_created_is_not_looked_for_but_its_country_is() -> None:
    new = {"code": "CUST-NEW", "name": "Newcomer", "country": "FR"}
    wanted = references_of(changed(PLAN, customer="CUST-NEW", new_customer=new))

    assert (wanted.customer, wanted.country) == (None, "FR")
    assert (references_of(PLAN).customer, references_of(PLAN).country) == ("CUST-1001", None)


def test_days_after_the_last_open_year_are_left_to_the_finding_about_the_books() -> None:
    days = ["2024-12-31", "2029-01-31", "2029-02-28"]
    missing = [lacks(ErpReferenceKind.FISCAL_YEAR, day) for day in days]

    (found,) = missing_in_erp(PLAN, missing, date(2028, 12, 31))

    assert (found.code, found.value) == ("FISCAL_YEAR_NOT_OPEN", "2024-12-31")
    assert missing_in_erp(PLAN, missing[1:], date(2028, 12, 31)) == ()


def test_many_days_are_one_finding_that_counts_them() -> None:
    missing = [lacks(ErpReferenceKind.FISCAL_YEAR, f"2024-12-{day}") for day in range(10, 20)]

    (found,) = missing_in_erp(PLAN, missing, None)

    assert found.message.endswith("2024-12-13, 2024-12-14 and on 5 more days")


def test_payment_terms_that_are_gone_meanwhile_are_told_with_those_that_are_there() -> None:
    (found,) = missing_in_erp(PLAN, [lacks(ErpReferenceKind.PAYMENT_TERMS, "NET30")], None, ["NET14", "NET60"])

    assert found.message == "The ERP has no payment terms NET30; Payment terms can be NET14 or NET60"


def test_an_unknown_role_is_told_with_those_that_the_psa_knows() -> None:
    known = [f"Role {number}" for number in range(10)]

    (found,) = unknown_in_psa(["Astrologer"], known)
    (alone,) = unknown_in_psa(["Astrologer"], [])

    assert found.message == (
        "The PSA's connection does not know the role Astrologer, but "
        "Role 0, Role 1, Role 2, Role 3, Role 4, Role 5, Role 6, Role 7 and 2 more"
    )
    assert alone.message.endswith("the role Astrologer")


def test_the_same_code_that_two_companies_lack_is_two_findings() -> None:
    missing = [lacks(ErpReferenceKind.COST_CENTRE, "CC-X", company) for company in ("ACME-DE", "ACME-US")]

    assert [found.value for found in missing_in_erp(PLAN, missing, None)] == ["ACME-DE CC-X", "ACME-US CC-X"]
