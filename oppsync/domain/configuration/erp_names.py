"""What rows name of the ERP that their entity goes to, and whether the mirror of it has that."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from functools import cache, partial
from typing import NamedTuple

from oppsync.domain.configuration.bundle import content, governed
from oppsync.domain.configuration.faults import Fault
from oppsync.domain.configuration.files import FILES
from oppsync.domain.configuration.near import NearNames
from oppsync.domain.configuration.records import PlacedRow
from oppsync.domain.master_data.rows import KINDS_IN_WORDS, MasterKey, MasterKind
from oppsync.domain.policy.route import erps_of
from oppsync.domain.reference.book import ReferenceKind, ReferenceRow

_MOST_NEAR = 3
Place = tuple[object, ...]
KINDS = (MasterKind.COMPANY, MasterKind.COST_CENTRE, MasterKind.TAX)


def nothing_more(keys: Collection[MasterKey]) -> Collection[MasterKey]:
    return ()


class ErpNames(NamedTuple):
    """What the mirror of a connection has, of each kind that was read, and `as_of` when. `rows`: those of now,
    which were judged when they were entered: what ended since is told as such. `today`: what ended before it is
    not judged. `look_up`: those of some keys that the ERP has after all, as it says itself."""

    connection_id: str
    connection: str
    as_of: datetime
    codes: Mapping[MasterKind, Collection[tuple[str, str]]]
    rows: Sequence[ReferenceRow]
    today: date
    look_up: Callable[[Collection[MasterKey]], Collection[MasterKey]] = nothing_more

    def may_have(self, key: MasterKey) -> bool:
        """Nothing is known of a kind that was never read."""
        return key.kind not in self.codes or (key.company, key.code) in self.codes[key.kind]


class NamedThere(NamedTuple):
    """`at`: where it stands in the row."""

    at: Place
    key: MasterKey


def names_of(row: ReferenceRow, companies: Mapping[str, Collection[str]]) -> Iterator[NamedThere]:
    """What a row names there. `companies`: of each entity; nothing is said of a row whose entity has none."""
    value = row.value
    if row.kind is ReferenceKind.LEGAL_ENTITY:
        yield NamedThere(("erp_company",), MasterKey(MasterKind.COMPANY, "", str(value["erp_company"])))
    if row.kind not in _FIELDS:
        return
    kind, fields = _FIELDS[row.kind]
    for company in companies.get(_entity_of(row), ()):
        for field in fields:
            if value.get(field):
                yield NamedThere((field,), MasterKey(kind, company, str(value[field])))


_FIELDS: Mapping[ReferenceKind, tuple[MasterKind, Sequence[str]]] = {
    ReferenceKind.COST_CENTRE: (MasterKind.COST_CENTRE, ["code"]),
    ReferenceKind.TAX_TREATMENT: (MasterKind.TAX, ["code"]),
    ReferenceKind.TAX_NEXUS: (MasterKind.TAX, ["code"]),
    ReferenceKind.TAX_REGIME: (
        MasterKind.TAX,
        ["standard_code", "reverse_charge_code", "outside_scope_code", "exempt_code", "not_taxable_code"],
    ),
}


def companies_of(rows: Iterable[ReferenceRow]) -> Mapping[str, Collection[str]]:
    """Entity -> its company in the ERP: all that it has had, where that changed."""
    found: dict[str, set[str]] = {}
    for row in rows:
        if row.kind is ReferenceKind.LEGAL_ENTITY:
            found.setdefault(str(row.value["code"]), set()).add(str(row.value["erp_company"]))
    return found


def unknown_in_erp(rows: Sequence[PlacedRow], erp: ErpNames) -> Iterator[Fault]:
    """Of the rows that are new or changed, what the ERP does not have. Where an entity has had several
    companies, one of them is enough. What is of an entity whose deals may go to another ERP is not judged."""
    companies = companies_of(each.row for each in rows)
    before = {_written(row) for row in governed(erp.rows)}
    leads_to = _routed([each.row for each in rows if _still_holds(each.row, erp.today)])
    entered = [
        each
        for each in rows
        if _written(each.row) not in before
        and _still_holds(each.row, erp.today)
        and leads_to(_entity_of(each.row)) <= {erp.connection}
    ]
    missing = [
        (each, at, keys)
        for each in entered
        for at, keys in _by_place(names_of(each.row, companies)).items()
        if not any(map(erp.may_have, keys)) and not _in_unknown_company(keys, erp)
    ]
    there = set(erp.look_up({key for _each, _at, keys in missing for key in keys})) if missing else set()
    near = NearNames()
    for each, at, keys in missing:
        if there.isdisjoint(keys):
            yield each.place.fault(at, _problem(keys[0], erp), _advice(keys, erp, near))


def _routed(rows: Sequence[ReferenceRow]) -> Callable[[str], frozenset[str]]:
    """Entity -> the names of the ERPs that its deals may go to."""
    routes = [row for row in rows if row.kind is ReferenceKind.ROUTE]
    return cache(partial(erps_of, routes))


def _entity_of(row: ReferenceRow) -> str:
    if row.kind is ReferenceKind.LEGAL_ENTITY:
        return str(row.value["code"])
    return (FILES[row.kind].parts_of(row.key) or {}).get("entity", "")


def _by_place(names: Iterable[NamedThere]) -> Mapping[Place, Sequence[MasterKey]]:
    found: dict[Place, list[MasterKey]] = {}
    for name in names:
        found.setdefault(name.at, []).append(name.key)
    return found


def _in_unknown_company(keys: Sequence[MasterKey], erp: ErpNames) -> bool:
    """The company is told at its entity, and what is in it is not known."""
    companies = (MasterKey(MasterKind.COMPANY, "", key.company) for key in keys if key.company)
    return all(key.company for key in keys) and not any(map(erp.may_have, companies))


def _problem(key: MasterKey, erp: ErpNames) -> str:
    of = f"{erp.connection}'s company {key.company}" if key.company else erp.connection
    return f"{of} has no {KINDS_IN_WORDS[key.kind][0]} {key.code!r}, as of {erp.as_of:%Y-%m-%d %H:%M} UTC"


def _advice(keys: Sequence[MasterKey], erp: ErpNames, near_names: NearNames) -> str:
    companies = {key.company for key in keys}
    codes = sorted(code for company, code in erp.codes.get(keys[0].kind, ()) if company in companies)
    near = near_names.of(keys[0].code, codes, _MOST_NEAR) or codes[:_MOST_NEAR]
    known = f"Use one that is there, such as {', '.join(near)}; or" if near else "There is none:"
    return f"{known} create it there, have the master data read again, then try again"


def _still_holds(row: ReferenceRow, today: date) -> bool:
    return row.valid_to is None or row.valid_to > today


def _written(row: ReferenceRow) -> str:
    return repr(content(row))


def used_by_rows(
    rows: Iterable[ReferenceRow], keys: Collection[MasterKey], today: date
) -> Mapping[MasterKey, Sequence[ReferenceRow]]:
    """Of these things in the ERP, the rows that name them, now or later."""
    every = [row for row in rows if _still_holds(row, today)]
    companies = companies_of(every)
    found: dict[MasterKey, list[ReferenceRow]] = {}
    for row in every:
        for name in names_of(row, companies):
            if name.key in keys:
                found.setdefault(name.key, []).append(row)
    return found
