"""Which customer of the ERP a CRM account is: by code, cross-reference, tax id, or name and country."""

from __future__ import annotations

from collections.abc import Iterable

from stdnum.util import clean

from oppsync.domain.deal.opportunity import Account, Opportunity
from oppsync.domain.values.model import Code, Frozen, Text, changed


class CustomerLink(Frozen):
    """Key: `<CRM>|<account id>`. The cross-reference to the ERP's customer, and who or what made it."""

    customer: Code
    linked_by: Text


class Candidate(Frozen):
    """A customer of the ERP that may be the account."""

    code: Code
    name: Text
    countries: tuple[Code, ...] = ()
    tax_ids: tuple[Code, ...] = ()

    def __str__(self) -> str:
        return f"{self.code} {self.name}"


class CustomerMatch(Frozen):
    """A certain match has `customer`, and `by` what it was found; otherwise a person has to choose from
    `candidates`."""

    customer: Code | None = None
    by: Text = ""
    candidates: tuple[Candidate, ...] = ()


def match(account: Account, found: Iterable[Candidate]) -> CustomerMatch:
    """Certain when exactly one candidate has the tax id or, where none has it, exactly one has name and
    country."""
    by_code = {candidate.code: candidate for candidate in found}
    candidates = tuple(by_code[code] for code in sorted(by_code))
    same_tax_id = tuple(each for each in candidates if account.tax_id and _has_tax_id(each, account.tax_id))
    same_name = tuple(each for each in candidates if _has_name(each, account))
    for by, matching in (("tax id", same_tax_id), ("name and country", same_name)):
        if len(matching) == 1:
            return CustomerMatch(customer=matching[0].code, by=by)
        if matching:
            return CustomerMatch(candidates=matching)
    return CustomerMatch()


def with_customer(opportunity: Opportunity, code: str | None) -> Opportunity:
    """The deal with its customer's code, where the CRM's record has none."""
    account = opportunity.account
    if code is None or account is None or account.code is not None:
        return opportunity
    return changed(opportunity, account=changed(account, code=code))


def _has_tax_id(candidate: Candidate, tax_id: str) -> bool:
    return _compact(tax_id) in {_compact(each) for each in candidate.tax_ids}


def _has_name(candidate: Candidate, account: Account) -> bool:
    same_country = account.country is not None and account.country in candidate.countries
    return same_country and candidate.name.casefold() == account.name.casefold()


def _compact(tax_id: str) -> str:
    return str(clean(tax_id, " -./")).upper()
