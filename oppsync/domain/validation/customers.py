"""Match a CRM account with the ERP's customers, and say where the two contradict each other.

What contradicts counts as much as what agrees: a customer of the same name in the same country with another tax
id is another company until a person says otherwise.
"""

from __future__ import annotations

from collections.abc import Iterable

from oppsync.domain.deal.customers import CustomerMatch, ErpCustomer
from oppsync.domain.deal.opportunity import Account
from oppsync.domain.reference.vat_territory import may_be_one_country
from oppsync.domain.values.identifiers import is_same_tax_id, names_are_alike

BY_CODE = "customer code"
BY_LINK = "cross-reference"


def match_code(code: str, by: str, found: Iterable[ErpCustomer]) -> CustomerMatch:
    """Choose among the customers with this code in any spelling: the one that is spelled so, or else the only
    one."""
    candidates = _in_order(found)
    exact = [each for each in candidates if each.code == code]
    if exact or len(candidates) == 1:
        return CustomerMatch(customer=(exact or candidates)[0], by=by, code=code)
    return CustomerMatch(candidates=candidates, code=code)


def match(account: Account, found: Iterable[ErpCustomer]) -> CustomerMatch:
    """One with the tax id is sure, unless its name is unlike and somebody else has the account's name: either
    of the two may be the slip. Where nobody has the tax id, one with name and country is. All that the account
    may be are left to a person where there are several, or something else contradicts."""
    candidates = _in_order(found)
    namesakes = [each for each in candidates if _may_have_name(each, account)]
    these, by = with_tax_id(account.tax_id, candidates), "tax id"
    if not these:
        these, by = tuple(each for each in namesakes if _is_at_home(each, account)), "name and country"
    if not these:
        return CustomerMatch()
    only, others = these[0], [each for each in namesakes if each not in these]
    contradicted = contradictions(account.country, account.tax_id, only)
    if len(these) == 1 and not contradicted and (not others or names_are_alike(account.name, only.name)):
        return CustomerMatch(customer=only, by=by)
    return CustomerMatch(candidates=_in_order((*these, *others)))


def with_tax_id(tax_id: str | None, found: Iterable[ErpCustomer]) -> tuple[ErpCustomer, ...]:
    return tuple(each for each in _in_order(found) if tax_id and _has_tax_id(each, tax_id))


def contradictions(country: str | None, tax_id: str | None, customer: ErpCustomer) -> tuple[str, ...]:
    """In which of `country` and `tax id` the ERP's customer is another than the CRM says. Where one of the two
    knows nothing, nothing contradicts."""
    found = []
    if country and customer.countries and not _is_in(customer, country):
        found.append("country")
    if tax_id and customer.tax_ids and not _has_tax_id(customer, tax_id):
        found.append("tax id")
    return tuple(found)


def _in_order(found: Iterable[ErpCustomer]) -> tuple[ErpCustomer, ...]:
    by_code = {customer.code: customer for customer in found}
    return tuple(by_code[code] for code in sorted(by_code))


def _has_tax_id(customer: ErpCustomer, tax_id: str) -> bool:
    return any(is_same_tax_id(tax_id, each) for each in customer.tax_ids)


def _is_in(customer: ErpCustomer, country: str) -> bool:
    return any(may_be_one_country(country, each) for each in customer.countries)


def _may_have_name(customer: ErpCustomer, account: Account) -> bool:
    """Where a country is not known, the name is enough."""
    is_elsewhere = "country" in contradictions(account.country, None, customer)
    return not is_elsewhere and customer.name.casefold() == account.name.casefold()


def _is_at_home(customer: ErpCustomer, account: Account) -> bool:
    return account.country is not None and _is_in(customer, account.country)
