"""Which VAT area an address is in, where a country is not one."""

from __future__ import annotations

import pytest

from oppsync.domain.enrichment.tax_decision import TaxCase, tax_treatment
from oppsync.domain.reference.vat_territory import Doubt, Place, place_of, vat_area
from tests.harness import builders as make
from tests.unit.tax_cases import EVERYTHING


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
    treatment = tax_treatment(
        TaxCase(seller=vat_area(seller), place=vat_area(*address), tax_id=tax_id, regime=EVERYTHING)
    )

    assert treatment is not None
    assert treatment.code == code
    assert ("Article 196" in treatment.reason) is (code == "REVERSE")


def test_what_a_territory_is_taken_for_is_said_with_its_source() -> None:
    def reason(seller: str, *address: str) -> str:
        treatment = tax_treatment(TaxCase(seller=vat_area(seller), place=vat_area(*address), regime=EVERYTHING))
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
