"""The tax of a deal: an explicit row for entity and country, or else what the entity's tax regime decides."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from oppsync.domain.deal.opportunity import Account, Opportunity
from oppsync.domain.enrichment.lookup import Search
from oppsync.domain.enrichment.tax_decision import EU, UNITED_STATES, TaxCase, decide, has_valid_form
from oppsync.domain.reference.book import ReferenceKind
from oppsync.domain.reference.entities import LegalEntity, ServiceLine
from oppsync.domain.reference.tax import TaxExemption, TaxNexus, TaxRegime, TaxTreatment, Withholding
from oppsync.domain.values.findings.codes import finding
from oppsync.domain.values.findings.finding import Finding, Severity


def tax_of(opportunity: Opportunity, entity: LegalEntity | None, search: Search) -> TaxTreatment | None:
    """None when something is missing; what, is then a finding."""
    account = opportunity.account
    if account is None or entity is None or account.country is None:
        return None
    place = opportunity.contract.place_of_supply or account.country
    explicit = search.first(TaxTreatment, ReferenceKind.TAX_TREATMENT, (entity.code, place))
    regime = search.first(TaxRegime, ReferenceKind.TAX_REGIME, (entity.code,))
    if explicit is not None or regime is None:
        return _explicit(account, entity, place, search)
    tax_id_is_wrong = account.tax_id is not None and has_valid_form(account.country, account.tax_id) is False
    case = TaxCase(
        entity_country=entity.country,
        place=place,
        tax_id=None if tax_id_is_wrong else account.tax_id,
        service_lines=_service_lines(opportunity, search),
        regime=regime,
        nexus=search.first(TaxNexus, ReferenceKind.TAX_NEXUS, (entity.code, account.subdivision)),
        state=account.subdivision,
        exemption=search.first(TaxExemption, ReferenceKind.TAX_EXEMPTION, (entity.code, account.code)),
    )
    reverse_charge = case.exemption is None and entity.country != place and {entity.country, place} <= EU
    if tax_id_is_wrong:
        search.findings += _wrong_form(account, reverse_charge)
    elif reverse_charge and account.tax_id is None:
        search.findings += _no_tax_id(account)
    search.findings += _about_the_state(case, account)
    search.findings += _about_the_certificate(case.exemption, account, opportunity.ends_on)
    treatment = decide(case)
    if treatment is None:
        search.findings += _undecided(case, entity, place)
    return treatment


def withholding_of(opportunity: Opportunity, entity: LegalEntity | None, search: Search) -> Withholding | None:
    """What the customer will keep back of each invoice."""
    country = opportunity.account.country if opportunity.account else None
    return search.first(Withholding, ReferenceKind.WITHHOLDING, (entity.country if entity else None, country))


def _service_lines(opportunity: Opportunity, search: Search) -> tuple[str, ...]:
    names = dict.fromkeys(opportunity.service_line_of(line) for line in opportunity.lines)
    found = [search.first(ServiceLine, ReferenceKind.SERVICE_LINE, (name,)) for name in names]
    return tuple(sorted(service_line.code for service_line in found if service_line is not None))


def _explicit(account: Account, entity: LegalEntity, place: str, search: Search) -> TaxTreatment | None:
    row = search.find(TaxTreatment, ReferenceKind.TAX_TREATMENT, "/account/country", entity.code, place)
    if row is not None and row.needs_tax_id and account.tax_id is None:
        words = f"{row.reason} needs the tax id of {account.name}"
        search.findings.append(
            finding(
                "TAX_ID_MISSING", words, path="/account/tax_id", value=account.name, severity=Severity.BLOCKS
            )
        )
    return row


def _wrong_form(account: Account, decisive: bool) -> Iterator[Finding]:
    """It blocks where it decides the tax."""
    yield finding(
        "TAX_ID_INVALID",
        f"The tax id {account.tax_id} of {account.name} has not the form of one of {account.country}",
        path="/account/tax_id",
        value=account.tax_id or "",
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
    if case.entity_country == case.place == UNITED_STATES and case.state is None and case.exemption is None:
        yield finding(
            "TAX_STATE_MISSING",
            f"{account.name} has no state, which decides the sales tax",
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


def _undecided(case: TaxCase, entity: LegalEntity, place: str) -> Iterator[Finding]:
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
        f"The tax regime of {entity.code} has no tax for this customer in {place}",
        path="/account/country",
        value=f"{entity.code}|{place}",
    )
