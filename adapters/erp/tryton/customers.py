"""Customers of Tryton: parties with a code, found by that, by name, or by a tax identifier."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import BaseModel

from adapters.erp.tryton.client import TrytonClient
from oppsync.domain.deal.customers import ErpCustomer
from oppsync.domain.values.identifiers import (
    customer_code_key,
    is_same_tax_id,
    national_number,
)

FIELDS = ["name", "code", "addresses.country.code", "identifiers.type", "identifiers.code"]
# These are wild cards in a pattern.
_WILD = str.maketrans({"%": "_", "\\": "_"})
# Besides those called `xx_vat`: the types of identifiers that Tryton 8.2 takes for tax ids. One without a type
# may be.
_TAX_TYPES = frozenset(
    ["au_acn", "az_voen", "lt_pvm", "md_idno", "mz_nuit", "sn_nimea", "th_moa", "ua_edrpou", "ua_rntrc",
     "us_atin", "us_ein", "us_itin", "us_ptin", "us_ssn", "us_tin", "za_tin"]
)  # fmt: skip


class Country(BaseModel):
    code: str | None = None


class Address(BaseModel):
    country: Country | None = None


class Identifier(BaseModel):
    type: str | None = None
    code: str | None = None

    @property
    def tax_id(self) -> str | None:
        is_tax = not self.type or self.type.endswith("_vat") or self.type in _TAX_TYPES
        return self.code if is_tax else None


class Party(BaseModel):
    name: str | None
    code: str | None
    addresses: tuple[Address, ...] = ()
    identifiers: tuple[Identifier, ...] = ()


def of_code(client: TrytonClient, code: str) -> list[ErpCustomer]:
    """The party of this code, which is unique; without one, those whose code differs in spelling alone."""
    exact = _search(client, ["code", "=", code])
    if exact:
        return exact
    key = customer_code_key(code)
    found = _search(client, ["code", "ilike", key.translate(_WILD)])
    return [each for each in found if customer_code_key(each.code) == key]


def customers_like(client: TrytonClient, name: str, tax_id: str | None) -> list[ErpCustomer]:
    """Parties of this name, or with this tax id; the caller decides which one is the customer."""
    either: list[object] = [["name", "ilike", name.translate(_WILD)]]
    if number := national_number(tax_id or "").lstrip("0"):
        # However people wrote it there: anything may stand between two of its characters, before and after
        # them, and a zero before it may be missing.
        number = "%".join(number.translate(_WILD))
        either.append(["identifiers.code", "ilike", f"%{number}%"])
    found = _search(client, ["OR", *either])
    return [each for each in found if _is_like(each, name, tax_id)]


def _is_like(customer: ErpCustomer, name: str, tax_id: str | None) -> bool:
    if customer.name.casefold() == name.casefold():
        return True
    return tax_id is not None and any(is_same_tax_id(tax_id, each) for each in customer.tax_ids)


def _search(client: TrytonClient, clause: Sequence[object]) -> list[ErpCustomer]:
    found = client.search("party.party", [["code", "!=", None], list(clause)], FIELDS)
    return [_customer(Party.model_validate(each)) for each in found]


def _customer(party: Party) -> ErpCustomer:
    countries = {address.country.code for address in party.addresses if address.country}
    tax_ids = {identifier.tax_id for identifier in party.identifiers}
    return ErpCustomer(
        code=party.code or "",
        name=party.name or "",
        countries=tuple(sorted(code for code in countries if code)),
        tax_ids=tuple(sorted(tax_id for tax_id in tax_ids if tax_id)),
    )
