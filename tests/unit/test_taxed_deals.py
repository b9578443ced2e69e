"""The tax of whole deals: what is odd about it, and what the plan says of it."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

import pytest

from oppsync.domain.deal.opportunity import Opportunity
from oppsync.domain.enrichment.enrich import enrich
from oppsync.domain.plan.enrichment import Enrichment
from oppsync.domain.plan.plan import PlanContent, WithheldTax
from oppsync.domain.reference.book import ReferenceBook, ReferenceKind, ReferenceRow
from oppsync.domain.reference.tax import TaxExemption, TaxKind, TaxNexus, TaxTreatment, Withholding
from oppsync.domain.values.findings.finding import Severity
from oppsync.domain.values.model import Frozen, changed
from tests.harness import builders as make
from tests.unit.tax_cases import BEGIN, EVERYTHING, GERMAN


def row(kind: ReferenceKind, key: str, value: Frozen) -> ReferenceRow:
    return ReferenceRow(kind=kind, key=key, valid_from=BEGIN, value=value.model_dump(mode="json"))


def nexus(service_lines: tuple[str, ...]) -> ReferenceRow:
    value = TaxNexus(code="TX", percent=Decimal("8.25"), service_lines=service_lines)
    return row(ReferenceKind.TAX_NEXUS, "ACME-US|TX", value)


def customer(country: str, **changes: Any) -> Opportunity:
    post = {"DE": "80331", "FR": "75001", "IT": "00184"}.get(country)
    account = make.account(country=country, **{"tax_id": None, "postal_code": post, **changes})
    return make.opportunity(make.fixed_line(), account=account)


def supplied_in(place: str, deal: Opportunity) -> Opportunity:
    return changed(deal, contract=changed(deal.contract, place_of_supply=place))


def american_deal(**changes: Any) -> Opportunity:
    lines = (make.fixed_line(), make.milestone_line(service_line="Advisory", planned_hours=10))
    account = make.account(country="US", tax_id=None, **changes)
    deal = {"contracting_entity": "ACME-US", "currency": "USD", "region": "NA", "account": account}
    return make.opportunity(*lines, **deal)


class Case(NamedTuple):
    code: str
    severity: Severity
    path: str
    said: str
    deal: Opportunity
    book: ReferenceBook = make.book()


CASES = [
    Case(
        "TAX_ID_INVALID",
        Severity.BLOCKS,
        "/account/tax_id",
        "The tax id DE136695976 of Globex GmbH has not the form of one of FR",
        customer("FR", tax_id="DE136695976"),
    ),
    Case(
        "TAX_ID_INVALID",
        Severity.WARNS,
        "/account/tax_id",
        "has not the form of one of DE",
        customer("DE", tax_id="DE136695977"),
    ),
    Case(
        "TAX_ID_INVALID",
        Severity.BLOCKS,
        "/account/tax_id",
        "of one of FR; it holds what nobody can see: U+200B ZERO WIDTH SPACE",
        customer("FR", tax_id="FR40\u200b303265046"),
    ),
    Case("TAX_ID_MISSING", Severity.WARNS, "/account/tax_id", "has no VAT number", customer("FR")),
    Case(
        "TAX_ID_MISSING",
        Severity.BLOCKS,
        "/account/tax_id",
        "By hand needs the tax id of Globex GmbH",
        customer("FR"),
        make.book(
            row(
                ReferenceKind.TAX_TREATMENT,
                "ACME-DE|FR",
                TaxTreatment(code="RC-EU", reason="By hand", needs_tax_id=True),
            )
        ),
    ),
    Case(
        "TAX_TERRITORY_UNKNOWN",
        Severity.WARNS,
        "/account/subdivision",
        "has neither a state nor a postal code, so it is treated as mainland",
        customer("ES", tax_id="ESB58378431"),
    ),
    Case(
        "TAX_TERRITORY_UNKNOWN",
        Severity.WARNS,
        "/account/subdivision",
        "in ES has the state Isla\u200b Perdida and the postal code 3500, of which nothing is known in ES, so "
        "it is treated as mainland, inside the EU's VAT area; they hold what nobody can see: U+200B",
        customer("ES", tax_id="ESB58378431", subdivision="Isla\u200b Perdida", postal_code="3500"),
    ),
    Case(
        "TAX_TERRITORY_UNKNOWN",
        Severity.WARNS,
        "/account/subdivision",
        "in ES has neither a state nor a postal code, so it is treated as mainland, inside the EU's VAT area; "
        "outside it are the Canary Islands, Ceuta and Melilla",
        customer("ES", tax_id="ESB58378431", postal_code=None),
    ),
    Case(
        "TAX_TERRITORY_CONTRADICTS",
        Severity.BLOCKS,
        "/account/postal_code",
        "in ES has the state MD and the postal code 35001, which are not in the same VAT area",
        customer("ES", tax_id="ESB58378431", subdivision="MD", postal_code="35001"),
    ),
    Case(
        "TAX_ID_INVALID",
        Severity.BLOCKS,
        "/account/tax_id",
        "DE136695976 of Globex GmbH has not the form of one of FR, where the contract places the supply",
        supplied_in("FR", customer("DE", tax_id="DE136695976")),
    ),
    Case(
        "TAX_ID_INVALID",
        Severity.BLOCKS,
        "/account/tax_id",
        "has not the form of one of GR, where the contract places the supply; Globex GmbH is in DE",
        supplied_in("EL", customer("DE", tax_id="DE136695976")),
    ),
    Case("TAX_STATE_MISSING", Severity.WARNS, "/account/subdivision", "has no state", american_deal()),
    Case(
        "TAX_DIFFERS_BY_LINE",
        Severity.BLOCKS,
        "/lines",
        "TX taxes some of the services of this deal and some not",
        american_deal(subdivision="TX"),
        make.book(nexus(("CLOUD",))),
    ),
    Case(
        "TAX_CERTIFICATE_EXPIRES",
        Severity.WARNS,
        "/account/tax_id",
        "expires on 2026-07-01, before the work ends on 2026-09-15",
        customer("DE"),
        make.book(
            row(
                ReferenceKind.TAX_EXEMPTION,
                "ACME-DE|CUST-1001",
                TaxExemption(certificate="E-7", expires_on=date(2026, 7, 1)),
            ),
            row(ReferenceKind.TAX_REGIME, "ACME-DE", GERMAN),
            without=frozenset({ReferenceKind.TAX_REGIME}),
        ),
    ),
    Case(
        "TAX_TREATMENT_MISSING",
        Severity.BLOCKS,
        "/account/country",
        "The tax regime of ACME-DE has no tax for this customer in BR",
        customer("BR"),
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.code} {case.severity}")
def test_what_is_odd_about_a_deals_tax_is_said(case: Case) -> None:
    result = enrich(case.deal, case.book)
    (found,) = result.warnings if isinstance(result, Enrichment) else result

    assert (found.code, found.severity, found.path) == (case.code, case.severity, case.path)
    assert case.said in found.message


def content(deal: Opportunity, *rows: ReferenceRow) -> PlanContent:
    return make.content(deal, make.book(*rows))


def test_the_plan_says_the_tax_and_why() -> None:
    french = content(customer("FR", tax_id="FR40303265045"))

    assert (french.tax, str(french.tax_percent), french.tax_kind) == ("RC-EU", "0", TaxKind.REVERSE_CHARGE)
    assert french.tax_reason == (
        "Reverse charge, Article 196 of Directive 2006/112/EC: the customer in FR, VAT number FR40303265045, "
        "accounts for the VAT"
    )


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("FR40/303265045", "FR40/303265045"),
        ("FR40\u200b303265045", "FR40303265045"),
        ("FR40\ufe0f303265045", "FR40303265045"),
    ],
)
def test_a_tax_id_in_another_spelling_decides_as_it_is_found(written: str, said: str) -> None:
    french = content(customer("FR", tax_id=written))

    assert french.tax_kind is TaxKind.REVERSE_CHARGE
    assert f"VAT number {said}, accounts" in french.tax_reason


def test_a_customer_on_the_canaries_gets_no_reverse_charge_of_spain() -> None:
    """A row for Spain says nothing about the Canary Islands."""
    spain = row(
        ReferenceKind.TAX_TREATMENT, "ACME-DE|ES", TaxTreatment(code="RC-EU", reason="Reverse charge by hand")
    )
    here, there = customer("ES", tax_id="ESB58378431"), customer("ES", tax_id="ESB58378431", subdivision="GC")

    assert content(here, spain).tax == "RC-EU"
    assert content(there, spain).tax == "EXPORT-0"


def test_a_customer_in_monaco_is_taxed_as_one_in_france() -> None:
    monaco = content(customer("MC", tax_id="FR53000056888"))

    assert (monaco.tax, monaco.tax_kind) == ("RC-EU", TaxKind.REVERSE_CHARGE)
    assert "Monaco belongs to FR for VAT" in monaco.tax_reason


def sold_from(country: str, deal: Opportunity) -> PlanContent:
    """Its plan, if the entity that sells were in this country and had all kinds of tax."""
    ours = {ReferenceKind.LEGAL_ENTITY, ReferenceKind.TAX_REGIME, ReferenceKind.TAX_TREATMENT}
    entity = row(ReferenceKind.LEGAL_ENTITY, "ACME-DE", make.legal_entity(country=country))
    regime = row(ReferenceKind.TAX_REGIME, "ACME-DE", EVERYTHING)
    return make.content(deal, make.book(entity, regime, without=frozenset(ours)))


@pytest.mark.parametrize(
    ("seller", "buyer", "tax", "percent"),
    [
        ("FR", customer("MC", tax_id="FR53000056888"), "STANDARD", 20),
        ("FR", customer("MC"), "STANDARD", 20),
        ("FR", customer("ES", tax_id="ESB58378431", subdivision="GC"), "OUTSIDE", 0),
        ("FR", customer("FR", tax_id="FR40303265045", postal_code="97400"), "OUTSIDE", 0),
        ("GB", customer("IM"), "STANDARD", 20),
        ("GB", customer("GB", postal_code="IM1 1AA"), "STANDARD", 20),
        ("GB", customer("JE"), "OUTSIDE", 0),
        ("GB", customer("MC", tax_id="FR53000056888"), "OUTSIDE", 0),
        ("ES", customer("ES", tax_id="ESB58378431", subdivision="GC"), "OUTSIDE", 0),
        ("ES", customer("ES", tax_id="ESB58378431", subdivision="CE"), "OUTSIDE", 0),
        ("ES", customer("ES", tax_id="ESB58378431", subdivision="ML"), "OUTSIDE", 0),
        ("ES", customer("ES", tax_id="ESB58378431", subdivision="M"), "STANDARD", 20),
        ("ES", customer("MC", tax_id="FR53000056888"), "REVERSE", 0),
    ],
)
def test_a_plan_of_a_french_british_or_spanish_seller_knows_the_territories_too(
    seller: str, buyer: Opportunity, tax: str, percent: int
) -> None:
    plan = sold_from(seller, buyer)

    assert (plan.tax, plan.tax_percent) == (tax, Decimal(percent))
    assert ("Article 196" in plan.tax_reason) is (tax == "REVERSE")


def test_the_place_of_supply_may_be_another_than_the_customers_country() -> None:
    """A service on land in Germany (Article 47) is taxed there, wherever the customer is."""
    deal = customer("GB")
    there = supplied_in("DE", deal)

    assert (content(deal).tax, content(there).tax) == ("EXPORT-0", "VAT-DE-19")


def test_a_contract_that_names_the_customers_country_says_nothing_of_where_in_it_that_is() -> None:
    canaries = customer("ES", tax_id="ESB58378431", subdivision="GC")
    madrid = customer("ES", tax_id="ESB58378431", subdivision="M")

    assert content(supplied_in("ES", canaries)).tax == "EXPORT-0"
    assert content(supplied_in("ES", madrid)).tax == "RC-EU"
    assert content(supplied_in("IC", madrid)).tax == "EXPORT-0"


def test_who_has_a_vat_number_of_where_the_contract_places_the_supply_accounts_for_the_vat_there() -> None:
    assert content(supplied_in("FR", customer("DE", tax_id="FR40303265045"))).tax == "RC-EU"
    assert content(supplied_in("FR", customer("MC", tax_id="FR53000056888"))).tax == "RC-EU"


def test_a_row_for_the_country_is_told_to_hold_for_an_address_that_shows_no_area() -> None:
    spain = row(ReferenceKind.TAX_TREATMENT, "ACME-DE|ES", TaxTreatment(code="RC-EU", reason="By hand"))
    unknown = customer("ES", tax_id="ESB58378431", subdivision="Isla Perdida")

    result = enrich(unknown, make.book(spain))

    assert isinstance(result, Enrichment)
    assert [found.code for found in result.warnings] == ["TAX_TERRITORY_UNKNOWN"]


def test_all_service_lines_taxed_alike_are_taxed_by_the_state() -> None:
    plan = content(american_deal(subdivision="TX"), nexus(()))

    assert (plan.tax, plan.tax_percent, plan.tax_reason) == ("TX", Decimal("8.25"), "Sales tax of TX")


def test_what_the_customer_withholds_is_shown_and_not_deducted() -> None:
    """10,000 at 10 % are 1,000."""
    plan = content(
        customer("BR"),
        row(ReferenceKind.TAX_TREATMENT, "ACME-DE|BR", TaxTreatment(code="EXPORT-0", reason="Third country")),
        row(ReferenceKind.WITHHOLDING, "DE|BR", Withholding(percent=Decimal(10), reason="Brazilian tax")),
    )

    assert plan.withholding == WithheldTax(
        percent=Decimal(10), amount={"amount": "1000.00", "currency": "EUR"}, reason="Brazilian tax"
    )
    assert (
        sum(line.amount.amount for _node, line in plan.billing_lines()) == plan.total.amount == Decimal(10_000)
    )


def test_a_treatment_stored_before_there_were_regimes_is_still_read() -> None:
    stored = {
        "code": "VAT-DE-19",
        "percent": "19",
        "reason": "German VAT at the standard rate",
        "needs_tax_id": False,
    }

    assert TaxTreatment.model_validate(stored).model_dump(mode="json") == stored
