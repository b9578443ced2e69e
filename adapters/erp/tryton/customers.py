"""Customers of Tryton: parties with a code, found by that, by name, or by a tax identifier.

Tryton is asked whenever it answers: what was wrong with a customer is mended there, and the deal is replayed at
once. While it does not, or its connection is paused, who is known answers; who is not known stays unknown.
"""

from __future__ import annotations

from collections.abc import Sequence

from adapters.erp.tryton.client import TrytonClient
from adapters.erp.tryton.sources import SOURCES
from oppsync.domain.deal.customers import ErpCustomer
from oppsync.domain.master_data.rows import Customer, MasterKey, MasterKind
from oppsync.domain.values.identifiers import (
    customer_code_key,
    is_same_tax_id,
    national_number,
)
from oppsync.kernel.errors import NO_ANSWER
from oppsync.ports.master_data import MasterMemory

# These are wild cards in a pattern.
_WILD = str.maketrans({"%": "_", "\\": "_"})


def of_code(client: TrytonClient, memory: MasterMemory, code: str) -> list[ErpCustomer]:
    """The party of this code, which is unique; without one, those whose code differs in spelling alone."""
    try:
        exact = _search(client, memory, ["code", "=", code])
        if exact:
            return _known_as(exact)
        memory.keep([], absent=[MasterKey(MasterKind.CUSTOMER, "", code)])
        alike = ["code", "ilike", customer_code_key(code).translate(_WILD)]
        return _known_as(_of_this_code(_search(client, memory, alike), code))
    except NO_ANSWER:
        known = _of_this_code(memory.customers_like(code, None, None), code)
        if not known:
            raise
        return _known_as(known)


def _of_this_code(found: Sequence[Customer], code: str) -> Sequence[Customer]:
    exact = [each for each in found if each.code == code]
    key = customer_code_key(code)
    return exact or [each for each in found if customer_code_key(each.code) == key]


def customers_like(
    client: TrytonClient, memory: MasterMemory, name: str, tax_id: str | None
) -> list[ErpCustomer]:
    """Parties of this name, or with this tax id; the caller decides which one is the customer."""
    either: list[object] = [["name", "ilike", name.translate(_WILD)]]
    if number := national_number(tax_id or "").lstrip("0"):
        # However people wrote it there: anything may stand between two of its characters, before and after
        # them, and a zero before it may be missing.
        number = "%".join(number.translate(_WILD))
        either.append(["identifiers.code", "ilike", f"%{number}%"])
    try:
        found = _search(client, memory, ["OR", *either])
    except NO_ANSWER:
        found = [each for each in memory.customers_like(None, name, tax_id) if _is_like(each, name, tax_id)]
        if not found:
            raise
    return _known_as([each for each in found if _is_like(each, name, tax_id)])


def _is_like(customer: Customer, name: str, tax_id: str | None) -> bool:
    if customer.name.casefold() == name.casefold():
        return True
    return tax_id is not None and any(is_same_tax_id(tax_id, each) for each in customer.tax_ids)


def _search(client: TrytonClient, memory: MasterMemory, clause: Sequence[object]) -> list[Customer]:
    (source,) = SOURCES[MasterKind.CUSTOMER]
    found = client.search(source.model, [*source.domain, list(clause)], source.fields)
    rows = [row for each in found if isinstance(row := source.read(each, ""), Customer)]
    memory.keep(rows)
    return rows


def _known_as(found: Sequence[Customer]) -> list[ErpCustomer]:
    return [
        ErpCustomer(code=each.code, name=each.name, countries=each.countries, tax_ids=each.tax_ids)
        for each in found
    ]
