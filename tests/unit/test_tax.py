"""The tax of a deal: by entity, customer, place of supply and registrations, with its reason as text."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

import pytest

from oppsync.domain.deal.opportunity import Opportunity
from oppsync.domain.enrichment.enrich import enrich
from oppsync.domain.enrichment.tax_decision import TaxCase, decide_tax, has_valid_form
from oppsync.domain.plan.enrichment import Enrichment
from oppsync.domain.plan.plan import PlanContent, WithheldTax
from oppsync.domain.reference.book import ReferenceBook, ReferenceKind, ReferenceRow
from oppsync.domain.reference.tax import TaxExemption, TaxKind, TaxNexus, TaxRegime, TaxTreatment, Withholding
from oppsync.domain.reference.vat_territory import EU, Doubt, Place, place_of, vat_area
from oppsync.domain.values.findings.finding import Severity
from oppsync.domain.values.model import Frozen, changed
from tests.harness import builders as make

BEGIN = date(2025, 1, 1)
GERMAN = TaxRegime(
    name="German VAT",
    standard_code="VAT-19",
    standard_percent=Decimal(19),
    reverse_charge_code="RC",
    outside_scope_code="EXPORT",
    exempt_code="EXEMPT",
)
AMERICAN = TaxRegime(
    name="US sales tax", outside_scope_code="FOREIGN", exempt_code="EXEMPT", not_taxable_code="NONE"
)
TEXAS = TaxNexus(code="TX-6.25", percent=Decimal("6.25"), service_lines=("CLOUD",))


def german(place: str, **case: Any) -> TaxCase:
    return TaxCase(seller=vat_area("DE"), place=vat_area(place), regime=GERMAN, **case)


def american(place: str = "US", **case: Any) -> TaxCase:
    places = {"seller": vat_area("US"), "place": vat_area(place)}
    return TaxCase(**places, regime=AMERICAN, service_lines=("CLOUD",), **case)


CERTIFICATE = TaxExemption(certificate="E-7")
DECISIONS = [
    (german("DE"), TaxKind.STANDARD, "VAT-19", 19, "German VAT at the standard rate"),
    (german("DE", tax_id="DE136695976"), TaxKind.STANDARD, "VAT-19", 19, "German VAT at the standard rate"),
    (
        german("FR", tax_id="FR40303265045"),
        TaxKind.REVERSE_CHARGE,
        "RC",
        0,
        "Article 196 of Directive 2006/112/EC",
    ),
    (german("FR"), TaxKind.STANDARD, "VAT-19", 19, "the customer in FR has no valid VAT number"),
    (german("GB", tax_id="GB980780684"), TaxKind.OUTSIDE_SCOPE, "EXPORT", 0, "the place of supply is GB"),
    (german("CH"), TaxKind.OUTSIDE_SCOPE, "EXPORT", 0, "Article 44"),
    (german("DE", exemption=CERTIFICATE), TaxKind.EXEMPT, "EXEMPT", 0, "certificate E-7 on file"),
    (american(state="TX", nexus=TEXAS), TaxKind.STANDARD, "TX-6.25", "6.25", "Sales tax of TX"),
    (american(state="CA"), TaxKind.NOT_TAXABLE, "NONE", 0, "no nexus in CA"),
    (american(), TaxKind.NOT_TAXABLE, "NONE", 0, "no nexus in the customer's state"),
    (
        american(state="TX", nexus=TaxNexus(code="T", percent=Decimal(6), service_lines=("ADV",))),
        TaxKind.NOT_TAXABLE,
        "NONE",
        0,
        "TX does not tax these services",
    ),
    (american(state="TX", nexus=TEXAS, exemption=CERTIFICATE), TaxKind.EXEMPT, "EXEMPT", 0, "certificate E-7"),
    (american("DE"), TaxKind.OUTSIDE_SCOPE, "FOREIGN", 0, "Outside the scope of US sales tax"),
]


@pytest.mark.parametrize(("case", "kind", "code", "percent", "said"), DECISIONS)
def test_the_treatment_and_its_reason(
    case: TaxCase, kind: TaxKind, code: str, percent: str | int, said: str
) -> None:
    treatment = decide_tax(case)

    assert treatment is not None
    assert (treatment.kind, treatment.code, treatment.percent) == (kind, code, Decimal(percent))
    assert said in treatment.reason


def test_an_entity_without_such_a_tax_decides_nothing() -> None:
    bare = TaxRegime(name="German VAT")

    places = ("DE", "FR", "GB")
    cases = [TaxCase(seller=vat_area("DE"), place=vat_area(place), regime=bare) for place in places]
    assert [decide_tax(case) for case in cases] == [None] * 3


def test_the_union_is_without_the_united_kingdom() -> None:
    assert len(EU) == 27
    assert {"GB", "XI", "CH", "NO"} & EU == set()


@pytest.mark.parametrize(
    ("country", "tax_id", "valid"),
    [
        ("DE", "DE136695976", True),
        ("DE", "DE136695977", False),
        ("FR", "FR 40 303 265 045", True),
        ("FR", "FR40/303265045", True),
        ("FR", "FR 40,303265045", True),
        ("FR", "FR40\u200b303265045", True),
        ("FR", "DE136695976", False),
        ("ES", "ES-B-58.378.431", True),
        ("BE", "BE403170701", True),
        ("GR", "EL094259216", True),
        ("CH", "CHE-107.787.577 IVA", True),
        ("US", "12-3456789", None),
    ],
)
def test_a_tax_id_is_checked_for_its_countrys_form(country: str, tax_id: str, valid: bool | None) -> None:
    assert has_valid_form(country, tax_id) is valid


EVERYTHING = TaxRegime(
    name="VAT",
    standard_code="STANDARD",
    standard_percent=Decimal(20),
    reverse_charge_code="REVERSE",
    outside_scope_code="OUTSIDE",
)


@pytest.mark.parametrize(
    ("seller", "address", "tax_id", "code"),
    [
        # Monaco belongs to France (Article 7).
        ("DE", ("MC",), "FR53000056888", "REVERSE"),
        ("DE", ("FR", "Monaco"), "FR53000056888", "REVERSE"),
        ("DE", ("FR", None, "98000"), "FR53000056888", "REVERSE"),
        ("FR", ("MC",), "FR53000056888", "STANDARD"),
        ("FR", ("MC",), None, "STANDARD"),
        ("GB", ("MC",), None, "OUTSIDE"),
        # The Isle of Man is in the British VAT area, the Channel Islands are in none.
        ("GB", ("IM",), None, "STANDARD"),
        ("GB", ("GB", None, "IM1 1AA"), None, "STANDARD"),
        ("GB", ("JE",), None, "OUTSIDE"),
        ("GB", ("GB", None, "GY1 2AB"), None, "OUTSIDE"),
        ("DE", ("IM",), None, "OUTSIDE"),
        # Parts of Spain to which the directive does not apply (Article 6).
        ("DE", ("ES", "GC"), "ESB58378431", "OUTSIDE"),
        ("DE", ("ES", "ES-TF"), "ESB58378431", "OUTSIDE"),
        ("DE", ("ES", "Las Palmas"), "ESB58378431", "OUTSIDE"),
        ("DE", ("ES", None, "35001"), "ESB58378431", "OUTSIDE"),
        ("DE", ("IC",), None, "OUTSIDE"),
        ("ES", ("ES", "GC"), "ESB58378431", "OUTSIDE"),
        ("ES", ("ES", "CE"), "ESB58378431", "OUTSIDE"),
        ("ES", ("ES", "Melilla"), "ESB58378431", "OUTSIDE"),
        ("ES", ("ES", "M"), "ESB58378431", "STANDARD"),
        ("DE", ("ES", "M", "28001"), "ESB58378431", "REVERSE"),
        # Parts of other countries.
        ("FR", ("RE",), None, "OUTSIDE"),
        ("FR", ("FR", "972"), None, "OUTSIDE"),
        ("FR", ("FR", "Réunion"), None, "OUTSIDE"),
        ("DE", ("FR", None, "97400"), "FR40303265045", "OUTSIDE"),
        ("FI", ("AX",), None, "OUTSIDE"),
        ("FI", ("FI", "Åland"), None, "OUTSIDE"),
        ("DE", ("DE", None, "78266"), "DE136695976", "OUTSIDE"),
        ("DE", ("DE", None, "27498"), "DE136695976", "OUTSIDE"),
        ("DE", ("DE", "BW", "78267"), "DE136695976", "STANDARD"),
        ("IT", ("IT", "SO", "23041"), None, "OUTSIDE"),
        ("IT", ("IT", None, "22061"), None, "OUTSIDE"),
        ("GR", ("GR", "69"), None, "OUTSIDE"),
        # As people write them.
        ("DE", ("ES", "Las Palmas de Gran Canaria"), "ESB58378431", "OUTSIDE"),
        ("DE", ("ES", "Islas Canarias"), "ESB58378431", "OUTSIDE"),
        ("DE", ("ES", "Lanzarote"), "ESB58378431", "OUTSIDE"),
        ("DE", ("ES", "LA PALMA"), "ESB58378431", "OUTSIDE"),
        ("DE", ("ES", "Sta. Cruz de Tenerife"), "ESB58378431", "OUTSIDE"),
        ("DE", ("ES", "Ciudad de Ceuta"), "ESB58378431", "OUTSIDE"),
        ("DE", ("ES", "G\u200bC"), "ESB58378431", "OUTSIDE"),
        ("DE", ("ES", None, "ES-35001"), "ESB58378431", "OUTSIDE"),
        ("DE", ("ES", None, "E-35001"), "ESB58378431", "OUTSIDE"),
        ("DE", ("ES", None, "\uff13\uff15\uff10\uff10\uff11 Las Palmas"), "ESB58378431", "OUTSIDE"),
        ("DE", ("ES", "Palma de Mallorca"), "ESB58378431", "REVERSE"),
        ("DE", ("ES", "Santa Cruz de Mudela"), "ESB58378431", "REVERSE"),
        ("DE", ("FR", "Île de la Réunion"), "FR40303265045", "OUTSIDE"),
        ("DE", ("FR", "Guadeloupe (971)"), "FR40303265045", "OUTSIDE"),
        ("DE", ("FR", "Île-de-France", "75001 CEDEX 09"), "FR40303265045", "REVERSE"),
        ("DE", ("DE", None, "D-27498"), "DE136695976", "OUTSIDE"),
        ("DE", ("DE", None, "DE-78266"), "DE136695976", "OUTSIDE"),
        ("DE", ("DE", "Büsingen"), "DE136695976", "OUTSIDE"),
        ("DE", ("DE", "Buesingen am Hochrhein"), "DE136695976", "OUTSIDE"),
        ("DE", ("IT", "Livigno"), "IT00743110157", "OUTSIDE"),
        ("DE", ("IT", None, "I-23041"), "IT00743110157", "OUTSIDE"),
        ("DE", ("FI", None, "AX-22100"), "FI20774740", "OUTSIDE"),
        ("DE", ("FI", "Ahvenanmaan maakunta"), "FI20774740", "OUTSIDE"),
        # Overseas, where the Treaty does not apply.
        ("DE", ("FR", None, "98800"), "FR40303265045", "OUTSIDE"),
        ("DE", ("FR", None, "98714"), "FR40303265045", "OUTSIDE"),
        ("DE", ("FR", None, "97500"), "FR40303265045", "OUTSIDE"),
        ("DE", ("FR", "NC"), "FR40303265045", "OUTSIDE"),
        ("DE", ("FR", "PF"), "FR40303265045", "OUTSIDE"),
        ("DE", ("FR", "Polynésie française"), "FR40303265045", "OUTSIDE"),
        ("DE", ("NL", "CW"), "NL004495445B01", "OUTSIDE"),
        ("DE", ("NL", "Bonaire, Caribisch Nederland"), "NL004495445B01", "OUTSIDE"),
        ("DE", ("DK", "Føroyar"), "DK13585628", "OUTSIDE"),
        ("DE", ("DK", None, "DK-3900"), "DK13585628", "OUTSIDE"),
    ],
)
def test_a_vat_territory_is_not_a_country(
    seller: str, address: tuple[str, ...], tax_id: str | None, code: str
) -> None:
    treatment = decide_tax(
        TaxCase(seller=vat_area(seller), place=vat_area(*address), tax_id=tax_id, regime=EVERYTHING)
    )

    assert treatment is not None
    assert treatment.code == code
    assert ("Article 196" in treatment.reason) is (code == "REVERSE")


def test_what_a_territory_is_taken_for_is_said_with_its_source() -> None:
    def reason(seller: str, *address: str) -> str:
        treatment = decide_tax(TaxCase(seller=vat_area(seller), place=vat_area(*address), regime=EVERYTHING))
        assert treatment is not None
        return treatment.reason

    assert reason("FR", "MC") == (
        "VAT at the standard rate: Monaco belongs to FR for VAT (Article 7 of Directive 2006/112/EC)"
    )
    assert reason("DE", "ES", "GC") == (
        "Outside the scope of VAT: the place of supply is the Canary Islands, which is not in the EU's VAT "
        "area (Article 6(1) of Directive 2006/112/EC)"
    )


@pytest.mark.parametrize(
    ("address", "doubt"),
    [
        (("ES",), Doubt.NOTHING_TELLS),
        (("ES", "", " "), Doubt.NOTHING_TELLS),
        (("DE",), None),  # Büsingen and Heligoland are villages
        (("FR",), None),  # Réunion is RE
        (("ES", "Isla Perdida"), Doubt.NOT_KNOWN),
        (("ES", None, "99123"), Doubt.NOT_KNOWN),
        (("ES", None, "35001, 28001"), Doubt.NOT_KNOWN),
        (("FR", "Tropics"), Doubt.NOT_KNOWN),
        (("FI", "Archipelago"), Doubt.NOT_KNOWN),
        (("IT", "Alps"), Doubt.NOT_KNOWN),
        (("DE", "Hochrhein"), Doubt.NOT_KNOWN),
        (("ES", "Isla Perdida", "28001"), None),  # the postal code tells
        (("ES", "MD", "35001"), Doubt.CONTRADICTS),
        (("ES", "Comunidad de Madrid", "35001"), Doubt.CONTRADICTS),
        (("ES", "Las Palmas", "28001"), Doubt.CONTRADICTS),
        (("ES", "Ceuta", "35001"), Doubt.CONTRADICTS),
        (("FR", "Paris", "97400"), Doubt.CONTRADICTS),
        (("DE", "Bayern", "27498"), Doubt.CONTRADICTS),
        (("DE", "SH", "27498"), None),
        (("DE", "SH", "24103"), None),
        (("DE", "Baden-Württemberg", "78266"), None),
        (("IT", "SO", "23041"), None),
        (("IT", "Lombardia", "22061"), None),
        (("FR", "Provence-Alpes-Côte d'Azur", "98000"), None),  # Monaco: the same VAT area
        (("FR", "BL", "97133"), None),
        (("FR", "MF", "97150"), None),
        (("PL", "Somewhere", "no code"), None),  # one VAT area as a whole
    ],
)
def test_an_address_that_does_not_show_its_area_is_doubtful(
    address: tuple[str, ...], doubt: Doubt | None
) -> None:
    assert place_of(*address).doubt is doubt


@pytest.mark.parametrize(
    ("country", "name"),
    [
        ("ES", "Navarra"), ("ES", "Illes Balears"), ("ES", "Castilla-La Mancha"), ("ES", "A Coruña"),
        ("ES", "SE"), ("ES", "ES-CT"), ("ES", "País Vasco"), ("FR", "2A"), ("FR", "Hauts-de-Seine"),
        ("FR", "Val de Marne"), ("FR", "Seine-Saint-Denis"), ("FR", "Pays de la Loire"), ("FR", "FR-IDF"),
        ("FR", "Territoire de Belfort"), ("DE", "Nordrhein-Westfalen"), ("DE", "DE-BY"), ("DE", "Bavaria"),
        ("IT", "Reggio Emilia"), ("IT", "MI"), ("IT", "Città di Milano"), ("FI", "Uusimaa"), ("GR", "Attica"),
        ("NL", "Noord-Holland"), ("NL", "NB"), ("DK", "Region Hovedstaden"),
    ],
)  # fmt: skip
def test_the_rest_of_a_country_is_known_by_its_subdivisions(country: str, name: str) -> None:
    assert place_of(country, name) == Place(vat_area(country))


@pytest.mark.parametrize(("written", "meant"), [("EL", "GR"), ("UK", "GB"), ("GR", "GR")])
def test_country_codes_of_the_unions_own_texts_are_understood(written: str, meant: str) -> None:
    assert make.account(country=written).country == meant


# Whole deals.


def row(kind: ReferenceKind, key: str, value: Frozen) -> ReferenceRow:
    return ReferenceRow(kind=kind, key=key, valid_from=BEGIN, value=value.model_dump(mode="json"))


def nexus(service_lines: tuple[str, ...]) -> ReferenceRow:
    value = TaxNexus(code="TX", percent=Decimal("8.25"), service_lines=service_lines)
    return row(ReferenceKind.TAX_NEXUS, "ACME-US|TX", value)


def customer(country: str, **changes: Any) -> Opportunity:
    account = make.account(country=country, **{"tax_id": None, **changes})
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
