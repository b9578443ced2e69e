"""Planned anew, a record of ours is changed: which of its differences from the new order may be set, and how a
comment is written again without what people wrote into it.

A value may be set where what was found is what an earlier plan of the deal ordered, or what closing left there.
Whatever else was found, somebody meant.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from adapters.erp.tryton import landing
from adapters.erp.tryton.landing import Fields

# Of a project or task: what is set elsewhere than in its comment; fields of another name are lines of it.
WORK_FIELDS = {
    "type": "",
    "company": "",
    "name": "name",
    "customer": "party",
    "parent": "parent",
    "invoice method": "project_invoice_method",
    "product": "product",
    "price": "list_price",
    "effort": "effort_duration",
    "status": "status",
}
# Of a draft invoice. Whom it is for, and in which currency, a person decides there.
INVOICE_FIELDS = {
    "company": "",
    "customer": "",
    "currency": "",
    "state": "state",
    "description": "description",
    "date": "invoice_date",
    "payment terms": "payment_term",
    "amount": "lines",
    "product": "lines",
    "tax": "lines",
    "cost centre": "lines",
}
COMMENT = "comment"
# What closing leaves in the place of what was ordered.
CLOSED_WORK = {"status": landing.CLOSED, "invoice method": "manual", "price": "0"}
CLOSED_INVOICE = {"state": landing.CANCELLED}


class Compared(NamedTuple):
    """`revisable`: names of differences."""

    differences: dict[str, tuple[str, str]]
    revisable: frozenset[str]


def compare(
    wanted: Fields,
    found: Fields,
    was: Sequence[Fields],
    fields: Mapping[str, str],
    left_by_closing: Mapping[str, str],
) -> Compared:
    """`was`: as earlier plans ordered it; `fields`: the ERP's field of each name, empty for one that is never
    set; `left_by_closing`: of what we closed."""
    differences = landing.differences(wanted, found)
    for before in was:
        # What earlier releases never wrote is missed only where an earlier plan did not order it.
        missing = {name for name, value in wanted.items() if name not in found and name not in before and value}
        differences |= {name: (wanted[name], "") for name in missing}
        for name, value in before.items():
            if name not in wanted and found.get(name, "") == value != "":
                differences[name] = ("", value)
    revisable = {
        name
        for name, (_, there) in differences.items()
        if fields.get(name, COMMENT)
        and (there in {before.get(name, "") for before in was} or left_by_closing.get(name) == there)
    }
    return Compared(differences, frozenset(revisable))


def of_posted(compared: Compared, state: str) -> Compared:
    """Of an invoice that was posted or paid nothing is changed. Whoever posts it sets its date; where something
    else differs, its state is named too, since it is why nobody can correct the rest."""
    differences = {name: pair for name, pair in compared.differences.items() if name != "date"}
    if differences:
        differences["state"] = ("draft", state)
    return Compared(differences, frozenset())


def fields_to_set(differing: Collection[str], fields: Mapping[str, str]) -> set[str]:
    """The ERP's fields that hold these differences."""
    return {fields.get(name, COMMENT) for name in differing}


def comment_again(
    text: str | None, notes: Mapping[str, str], was: Sequence[Mapping[str, str]], key: str = ""
) -> str:
    """The comment with these notes in place of earlier ones; lines of other people stay, after ours."""
    ours = {*notes, *(label for before in was for label in before)}
    lines = [line.rstrip("\r") for line in (text or "").split("\n")]
    people = [line for line in lines if line and line != key and line.partition(": ")[0] not in ours]
    return "\n".join([landing.comment(notes, key), *people])
