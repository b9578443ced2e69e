"""The tax of a deal: an explicit row for entity and country, or else what the entity's tax regime decides."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from oppsync.domain.deal.opportunity import Account, Opportunity
from oppsync.domain.deal.reading import all_of, some_of
from oppsync.domain.enrichment.lookup import Lookup
from oppsync.domain.enrichment.tax_decision import UNITED_STATES, TaxCase, has_valid_form, tax_treatment
from oppsync.domain.reference.book import ReferenceKind
from oppsync.domain.reference.entities import LegalEntity, ServiceLine
from oppsync.domain.reference.tax import TaxExemption, TaxNexus, TaxRegime, TaxTreatment, Withholding
from oppsync.domain.reference.vat_territory import (
    EU,
    Doubt,
    Place,
    VatArea,
    may_be_one_country,
    place_of,
    places_outside,
    vat_area,
)
from oppsync.domain.values.findings.codes import finding
from oppsync.domain.values.findings.finding import Finding, Severity
from oppsync.domain.values.identifiers import invisible_characters, without_invisible


def tax_of(opportunity: Opportunity, entity: LegalEntity | None, lookup: Lookup) -> TaxTreatment | None:
    """The deal's tax; None when something is missing, for which there is then a finding."""
    account = opportunity.account
    if account is None or entity is None or account.country is None:
        return None
    place, doubt = _place(opportunity, account, account.country)
    seller = vat_area(entity.country, entity.subdivision)
    if seller.in_union:
        lookup.findings += _about_the_address(account, doubt)
    explicit = lookup.first(TaxTreatment, ReferenceKind.TAX_TREATMENT, *_keys(entity, place, account))
    regime = lookup.first(TaxRegime, ReferenceKind.TAX_REGIME, (entity.code,))
    if explicit is not None or regime is None:
        return _explicit(explicit, account, entity, place, lookup)
    within_union = seller.in_union and place.in_union and seller.code != place.code
    needs_number_of = place.code if within_union and _is_elsewhere(account.country, place) else None
    tax_id_is_wrong = _has_wrong_form(account, place, needs_number_of)
    case = TaxCase(
        seller=seller,
        place=place,
        tax_id=None if tax_id_is_wrong or account.tax_id is None else without_invisible(account.tax_id),
        service_lines=_service_lines(opportunity, lookup),
        regime=regime,
        nexus=lookup.first(TaxNexus, ReferenceKind.TAX_NEXUS, (entity.code, account.subdivision)),
        state=account.subdivision,
        exemption=lookup.first(TaxExemption, ReferenceKind.TAX_EXEMPTION, (entity.code, account.code)),
    )
    reverse_charge = case.exemption is None and within_union
    if tax_id_is_wrong:
        lookup.findings += _wrong_form(account, reverse_charge, needs_number_of)
    elif reverse_charge and account.tax_id is None:
        lookup.findings += _no_tax_id(account)
    lookup.findings += _about_the_state(case, account)
    lookup.findings += _about_the_certificate(case.exemption, account, opportunity.ends_on)
    treatment = tax_treatment(case)
    if treatment is None:
        lookup.findings += _undecided(case, entity, place)
    return treatment


def withholding_of(opportunity: Opportunity, entity: LegalEntity | None, lookup: Lookup) -> Withholding | None:
    """Find what the customer will keep back of each invoice."""
    country = opportunity.account.country if opportunity.account else None
    return lookup.first(Withholding, ReferenceKind.WITHHOLDING, (entity.country if entity else None, country))


def _place(opportunity: Opportunity, account: Account, country: str) -> Place:
    """Where the service is taxed: where the contract says, or else where the customer is. A contract that names
    the customer's country says nothing of where in it that is."""
    stated = opportunity.contract.place_of_supply
    if stated and not may_be_one_country(stated, country):
        return Place(vat_area(stated))
    if stated and stated != country and vat_area(stated).source is not None:
        return Place(vat_area(stated))  # the contract names a territory of the customer's country
    return place_of(country, account.subdivision, account.postal_code)


def _is_elsewhere(country: str, place: VatArea) -> bool:
    """Whether the contract places the supply in another state than the customer is in, so that only a number of
    that state makes the customer liable for its VAT there."""
    return not may_be_one_country(country, place.code) and vat_area(country).code != place.code


def _keys(entity: LegalEntity, place: VatArea, account: Account) -> Iterator[tuple[str, str]]:
    """Keys of an explicit row: the account's country where the place belongs to another state's VAT area, then
    that area.

    A row for Spain does not hold in the Canary Islands; one for France holds in Monaco too.
    """
    if place.source is not None and place.in_union:
        yield entity.code, account.country or place.code
    yield entity.code, place.code


def _has_wrong_form(account: Account, place: VatArea, needs_number_of: str | None) -> bool:
    """Whether the tax id fits neither the account's country nor the one whose VAT area it is in; or not the one
    it has to be of."""
    if account.country is None or account.tax_id is None:
        return False
    countries = [needs_number_of] if needs_number_of else dict.fromkeys((account.country, place.code))
    forms = [has_valid_form(country, account.tax_id) for country in countries]
    return False in forms and True not in forms


def _service_lines(opportunity: Opportunity, lookup: Lookup) -> tuple[str, ...]:
    names = dict.fromkeys(opportunity.service_line_of(line) for line in opportunity.lines)
    known = [lookup.first(ServiceLine, ReferenceKind.SERVICE_LINE, (name,)) for name in names]
    return tuple(sorted(service_line.code for service_line in known if service_line is not None))


def _explicit(
    row: TaxTreatment | None, account: Account, entity: LegalEntity, place: VatArea, lookup: Lookup
) -> TaxTreatment | None:
    if row is None:
        lookup.find(TaxTreatment, ReferenceKind.TAX_TREATMENT, "/account/country", entity.code, place.code)
    elif row.needs_tax_id and account.tax_id is None:
        words = f"{row.reason} needs the tax id of {account.name}"
        lookup.findings.append(
            finding(
                "TAX_ID_MISSING", words, path="/account/tax_id", value=account.name, severity=Severity.BLOCKS
            )
        )
    return row


def _about_the_address(account: Account, doubt: Doubt | None) -> Iterator[Finding]:
    """Parts of some countries are outside the EU's VAT area, which only a complete address shows."""
    if doubt is None or account.country not in EU:
        return
    said = {"the state": account.subdivision, "the postal code": account.postal_code}
    has = " and ".join(f"{what} {value}" for what, value in said.items() if value)
    unseen = invisible_characters(f"{account.subdivision or ''}{account.postal_code or ''}")
    holds = f"; they hold what nobody can see: {', '.join(unseen)}" if unseen else ""
    here = f"{account.name} in {account.country}"
    mainland = "so it is treated as mainland, inside the EU's VAT area"
    others = f"; outside it are {some_of(places_outside(account.country), all_of)}"
    match doubt:
        case Doubt.CONTRADICTS:
            yield finding(
                "TAX_TERRITORY_CONTRADICTS",
                f"{here} has {has}, which are not in the same VAT area{holds}",
                path="/account/postal_code",
                value=f"{account.subdivision}|{account.postal_code}",
            )
        case Doubt.NOT_KNOWN:
            yield finding(
                "TAX_TERRITORY_UNKNOWN",
                f"{here} has {has}, of which nothing is known in {account.country}, {mainland}{holds}{others}",
                path="/account/subdivision" if account.subdivision else "/account/postal_code",
                value=account.subdivision or account.postal_code or "",
            )
        case Doubt.NOTHING_TELLS:
            yield finding(
                "TAX_TERRITORY_UNKNOWN",
                f"{here} has neither a state nor a postal code, {mainland}{others}",
                path="/account/subdivision",
                value=account.name,
            )


def _wrong_form(account: Account, decisive: bool, needs_number_of: str | None) -> Iterator[Finding]:
    """The finding blocks when the tax id decides the tax."""
    unseen = invisible_characters(account.tax_id or "")
    holds = f"; it holds what nobody can see: {', '.join(unseen)}" if unseen else ""
    where, fix = "", ""
    if needs_number_of:
        where = f", where the contract places the supply; {account.name} is in {account.country}"
        fix = (
            f"Enter the customer's VAT number of {needs_number_of} in the CRM, correct the place of supply, or "
            "set a tax treatment of the entity for that country."
        )
    yield finding(
        "TAX_ID_INVALID",
        f"The tax id {account.tax_id} of {account.name} has not the form of one of "
        f"{needs_number_of or account.country}{where}{holds}",
        path="/account/tax_id",
        value=account.tax_id or "",
        fix=fix,
        severity=Severity.BLOCKS if decisive else Severity.WARNS,
    )


def _no_tax_id(account: Account) -> Iterator[Finding]:
    yield finding(
        "TAX_ID_MISSING",
        f"{account.name} in {account.country} has no VAT number: VAT is charged, no reverse charge",
        path="/account/tax_id",
        value=account.name,
        severity=Severity.WARNS,
    )


def _about_the_state(case: TaxCase, account: Account) -> Iterator[Finding]:
    if case.seller.code == case.place.code == UNITED_STATES and case.state is None and case.exemption is None:
        yield finding(
            "TAX_STATE_MISSING",
            f"{account.name} has no state, and the state decides the sales tax",
            path="/account/subdivision",
            value=account.name,
        )


def _about_the_certificate(
    exemption: TaxExemption | None, account: Account, ends_on: date | None
) -> Iterator[Finding]:
    if exemption and exemption.expires_on and ends_on and exemption.expires_on < ends_on:
        yield finding(
            "TAX_CERTIFICATE_EXPIRES",
            f"The exemption certificate {exemption.certificate} of {account.name} expires on "
            f"{exemption.expires_on}, before the work ends on {ends_on}",
            path="/account/tax_id",
            value=exemption.expires_on,
        )


def _undecided(case: TaxCase, entity: LegalEntity, place: VatArea) -> Iterator[Finding]:
    if case.nexus is not None and case.exemption is None:
        yield finding(
            "TAX_DIFFERS_BY_LINE",
            f"{case.state} taxes some of the services of this deal and some not",
            path="/lines",
            value=case.state or "",
        )
        return
    yield finding(
        "TAX_TREATMENT_MISSING",
        f"The tax regime of {entity.code} has no tax for this customer in {place.name}",
        path="/account/country",
        value=f"{entity.code}|{place.code}",
    )
