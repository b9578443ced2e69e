"""Decide the tax of a service sold to a business from who sells, who buys, where, and what is registered.

Follows Directive 2006/112/EC: Articles 6 and 7 (which places its VAT covers, `reference/vat_territory.py`),
Article 44 (the place of supply is where the customer is), Article 196 (reverse charge); in the United States
the states in which the entity has nexus, and what each of them taxes. All of it is a default: an explicit
`TaxTreatment` row of reference data comes first."""

from __future__ import annotations

from decimal import Decimal

from stdnum import get_cc_module

from oppsync.domain.reference.tax import TaxExemption, TaxKind, TaxNexus, TaxRegime, TaxTreatment
from oppsync.domain.reference.vat_territory import VatArea
from oppsync.domain.values.identifiers import tax_id_key
from oppsync.domain.values.model import Code, Frozen

UNITED_STATES = "US"


class TaxCase(Frozen):
    """The facts that decide the tax. `seller` is the entity's VAT area, `place` the place of supply: the
    customer's area unless the contract names another.

    `tax_id` is the customer's, None when it has none of the right form; `nexus` is the entity's in the
    customer's state.
    """

    seller: VatArea
    place: VatArea
    tax_id: Code | None = None
    service_lines: tuple[Code, ...] = ()
    regime: TaxRegime
    nexus: TaxNexus | None = None
    state: Code | None = None
    exemption: TaxExemption | None = None


def has_valid_form(country: str, tax_id: str) -> bool | None:
    """Whether it has the form of that country's VAT numbers; None where python-stdnum knows no such form."""
    rules = get_cc_module(country.lower(), "vat")
    return None if rules is None else bool(rules.is_valid(tax_id_key(tax_id)))


def tax_treatment(case: TaxCase) -> TaxTreatment | None:
    """The treatment with its reason in words; None when the entity has no tax for it."""
    regime, here = case.regime, case.seller
    if case.exemption is not None:
        reason = f"Exempt from {regime.name}: certificate {case.exemption.certificate} on file"
        return _treatment(TaxKind.EXEMPT, regime.exempt_code, reason)
    if case.place.code == here.code:
        if here.code == UNITED_STATES:
            return _in_a_state(case)
        return _standard(regime, f"{regime.name} at the standard rate{_because(case.place)}")
    if here.in_union and case.place.in_union:
        return _within_the_union(case)
    words = f"Outside the scope of {regime.name}: the place of supply is {case.place.name}"
    if case.place.source and not case.place.in_union:
        words += f", which is not in the EU's VAT area ({case.place.source})" if here.in_union else ""
    elif here.in_union:
        words += " (Article 44)"
    return _treatment(TaxKind.OUTSIDE_SCOPE, regime.outside_scope_code, words)


def _because(place: VatArea) -> str:
    return f": {place.name} belongs to {place.code} for VAT ({place.source})" if place.source else ""


def _within_the_union(case: TaxCase) -> TaxTreatment | None:
    if case.tax_id is None:
        where = case.place.name
        words = f"{case.regime.name} at the standard rate: the customer in {where} has no valid VAT number"
        return _standard(case.regime, words)
    words = (
        f"Reverse charge, Article 196 of Directive 2006/112/EC: the customer in {case.place.name}, VAT number "
        f"{case.tax_id}, accounts for the VAT{_because(case.place)}"
    )
    return _treatment(TaxKind.REVERSE_CHARGE, case.regime.reverse_charge_code, words)


def _in_a_state(case: TaxCase) -> TaxTreatment | None:
    """Not taxable without a nexus, or when the state taxes none of the service lines; None when it taxes only
    some."""
    nexus, where = case.nexus, case.state or "the customer's state"
    if nexus is None:
        words = f"Not taxable: no nexus in {where}"
        return _treatment(TaxKind.NOT_TAXABLE, case.regime.not_taxable_code, words)
    taxed = {nexus.taxes(line) for line in case.service_lines}
    if taxed == {True, False}:
        return None
    if True in taxed:
        words = f"Sales tax of {where}"
        return TaxTreatment(code=nexus.code, percent=nexus.percent, reason=words, kind=TaxKind.STANDARD)
    words = f"Not taxable: {where} does not tax these services"
    return _treatment(TaxKind.NOT_TAXABLE, case.regime.not_taxable_code, words)


def _standard(regime: TaxRegime, reason: str) -> TaxTreatment | None:
    return _treatment(TaxKind.STANDARD, regime.standard_code, reason, regime.standard_percent)


def _treatment(
    kind: TaxKind, code: str | None, reason: str, percent: Decimal = Decimal(0)
) -> TaxTreatment | None:
    return None if code is None else TaxTreatment(code=code, percent=percent, reason=reason, kind=kind)
