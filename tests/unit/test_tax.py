"""The tax by entity, customer, place of supply and registrations, with its reason as text."""

from __future__ import annotations

from decimal import Decimal

import pytest

from oppsync.domain.enrichment.tax_decision import TaxCase, has_valid_form, tax_treatment
from oppsync.domain.reference.tax import TaxExemption, TaxKind, TaxNexus, TaxRegime
from oppsync.domain.reference.vat_territory import EU, vat_area
from tests.unit.tax_cases import TEXAS, american, german

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
    treatment = tax_treatment(case)

    assert treatment is not None
    assert (treatment.kind, treatment.code, treatment.percent) == (kind, code, Decimal(percent))
    assert said in treatment.reason


def test_an_entity_without_such_a_tax_decides_nothing() -> None:
    bare = TaxRegime(name="German VAT")

    places = ("DE", "FR", "GB")
    cases = [TaxCase(seller=vat_area("DE"), place=vat_area(place), regime=bare) for place in places]
    assert [tax_treatment(case) for case in cases] == [None] * 3


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
