"""Customers of Tryton: parties with a code, found by name or by an identifier such as their VAT number."""

from __future__ import annotations

from pydantic import BaseModel

from adapters.erp.tryton.client import TrytonClient
from oppsync.domain.deal.customers import Candidate

FIELDS = ["name", "code", "addresses.country.code", "identifiers.code"]
# These are wild cards in a pattern.
_WILD = str.maketrans({"%": "_", "\\": "_"})


class Country(BaseModel):
    code: str | None = None


class Address(BaseModel):
    country: Country | None = None


class Identifier(BaseModel):
    code: str | None = None


class Party(BaseModel):
    name: str | None
    code: str | None
    addresses: tuple[Address, ...] = ()
    identifiers: tuple[Identifier, ...] = ()


def customers_like(client: TrytonClient, name: str, tax_id: str | None) -> list[Candidate]:
    """Parties of this name, or with this identifier. They are candidates: the caller decides which one is the
    customer."""
    either: list[object] = [["name", "ilike", name.translate(_WILD)]]
    if tax_id:
        either.append(["identifiers.code", "=", tax_id])
    found = client.search("party.party", [["code", "!=", None], ["OR", *either]], FIELDS)
    return [_candidate(Party.model_validate(each)) for each in found]


def _candidate(party: Party) -> Candidate:
    countries = {address.country.code for address in party.addresses if address.country}
    return Candidate(
        code=party.code or "",
        name=party.name or "",
        countries=tuple(sorted(code for code in countries if code)),
        tax_ids=tuple(identifier.code for identifier in party.identifiers if identifier.code),
    )
