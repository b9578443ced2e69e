"""What a plan names and its systems do not know: found before anybody approves, all at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date

from oppsync.domain.deal.field_words import field_words
from oppsync.domain.deal.reading import some_of, takes
from oppsync.domain.plan.plan import PlanContent
from oppsync.domain.plan.references import CentreOfCompany, ErpReferenceKind, MissingReference, centres_of
from oppsync.domain.values.findings.codes import finding
from oppsync.domain.values.findings.finding import Finding
from oppsync.domain.values.findings.reference_codes import REFERENCE_CODES

CODE_OF: dict[ErpReferenceKind, str] = {
    ErpReferenceKind.COMPANY: "LEGAL_ENTITY_NOT_READY",
    ErpReferenceKind.CUSTOMER: "ACCOUNT_UNKNOWN",
    ErpReferenceKind.COST_CENTRE: "COST_CENTRE_UNKNOWN",
    ErpReferenceKind.TAX: "TAX_CODE_UNKNOWN",
    ErpReferenceKind.PAYMENT_TERMS: "PAYMENT_TERMS_UNKNOWN",
    ErpReferenceKind.CUSTOMER_ADDRESS: "CUSTOMER_WITHOUT_ADDRESS",
    ErpReferenceKind.FISCAL_YEAR: "FISCAL_YEAR_NOT_OPEN",
    ErpReferenceKind.SETUP: "ERP_SETUP_MISSING",
}
_WORDS = {
    ErpReferenceKind.COMPANY: "The ERP has no company {name}",
    ErpReferenceKind.CUSTOMER: "The ERP has no customer {name} ({customer_name})",
    ErpReferenceKind.COST_CENTRE: "The ERP's company {company} has no cost centre {name}",
    ErpReferenceKind.TAX: "The ERP's company {company} has no tax {name}",
    ErpReferenceKind.PAYMENT_TERMS: "The ERP has no payment terms {name}",
    ErpReferenceKind.CUSTOMER_ADDRESS: "The ERP's customer {name} ({customer_name}) has no address to invoice",
    ErpReferenceKind.SETUP: "For invoices of {company} the ERP lacks {name}",
}
# Where the CRM names it: validation looks for these too, and says it of the same place.
_PATHS = {
    ErpReferenceKind.COMPANY: "/contracting_entity",
    ErpReferenceKind.CUSTOMER: "/account/code",
    ErpReferenceKind.PAYMENT_TERMS: "/contract/payment_terms",
}
_WORKSTREAMS_NAMED = 3
_DAYS_NAMED = 5


def is_about_references(found: Finding) -> bool:
    return found.code in REFERENCE_CODES


def missing_in_erp(
    plan: PlanContent,
    missing: Iterable[MissingReference],
    books_open_until: date | None,
    payment_terms: Sequence[str] = (),
) -> tuple[Finding, ...]:
    """A finding for each; the days without an open fiscal year are one. Days after the last open one are left
    to `BOOKS_NOT_OPEN`, which names that day. `payment_terms`: those the ERP has."""
    every = list(missing)
    days = [each.name for each in every if each.kind is ErpReferenceKind.FISCAL_YEAR]
    closed = [day for day in days if books_open_until is None or day <= books_open_until.isoformat()]
    others = (each for each in every if each.kind is not ErpReferenceKind.FISCAL_YEAR)
    return (*(_one(plan, each, payment_terms) for each in others), *_closed(plan, closed))


def _one(plan: PlanContent, each: MissingReference, payment_terms: Sequence[str]) -> Finding:
    path, words = _PATHS.get(each.kind, ""), _words(plan, each)
    if each.kind is ErpReferenceKind.PAYMENT_TERMS:
        words += takes(field_words(path), payment_terms)
    return finding(CODE_OF[each.kind], words, path=path, value=_value(each))


def _value(each: MissingReference) -> str:
    """A cost centre with its company: another company may lack one of the same code."""
    match each.kind:
        case ErpReferenceKind.COST_CENTRE:
            return f"{each.company} {each.name}"
        case ErpReferenceKind.COMPANY:
            return f"the company {each.name} itself"
        case _:
            return each.name


def _words(plan: PlanContent, each: MissingReference) -> str:
    words = _WORDS[each.kind].format(name=each.name, company=each.company, customer_name=plan.customer_name)
    if each.kind is not ErpReferenceKind.COST_CENTRE:
        return words
    return words + _used_by(plan, CentreOfCompany(company=each.company, code=each.name))


def _used_by(plan: PlanContent, centre: CentreOfCompany) -> str:
    names = [node.name for node in plan.nodes if centre in centres_of(plan, node)]
    more = f" and {len(names) - _WORKSTREAMS_NAMED} more" if len(names) > _WORKSTREAMS_NAMED else ""
    return f", planned for {', '.join(names[:_WORKSTREAMS_NAMED])}{more}" if names else ""


def _closed(plan: PlanContent, days: Sequence[str]) -> Iterator[Finding]:
    if not days:
        return
    more = f" and on {len(days) - _DAYS_NAMED} more days" if len(days) > _DAYS_NAMED else ""
    yield finding(
        "FISCAL_YEAR_NOT_OPEN",
        f"{plan.erp_company} has no open fiscal year for invoices due on {', '.join(days[:_DAYS_NAMED])}{more}",
        value=", ".join(days[:_DAYS_NAMED]),
    )


def unknown_in_psa(roles: Iterable[str], known: Sequence[str]) -> tuple[Finding, ...]:
    return tuple(
        finding(
            "PSA_ROLE_UNKNOWN",
            f"The PSA's connection does not know the role {role}{_but(known)}",
            value=role,
        )
        for role in roles
    )


def _but(known: Sequence[str]) -> str:
    return f", but {some_of(known)}" if known else ""
