"""Tax regimes of a German and an American entity, and cases for them."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from oppsync.domain.enrichment.tax_decision import TaxCase
from oppsync.domain.reference.tax import TaxNexus, TaxRegime
from oppsync.domain.reference.vat_territory import vat_area

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


EVERYTHING = TaxRegime(
    name="VAT",
    standard_code="STANDARD",
    standard_percent=Decimal(20),
    reverse_charge_code="REVERSE",
    outside_scope_code="OUTSIDE",
)
