"""What rows name of the ERP that their entity goes to, and whether the mirror of it has that."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from functools import cache
from typing import NamedTuple

from oppsync.domain.configuration.bundle import content, governed
from oppsync.domain.configuration.faults import Fault, Place
from oppsync.domain.configuration.files import FILES
from oppsync.domain.configuration.near import NearNames
from oppsync.domain.configuration.records import PlacedRow
from oppsync.domain.master_data.rows import KINDS_IN_WORDS, MasterKey, MasterKind
from oppsync.domain.policy.route import RoutedRole, erps_of
from oppsync.domain.policy.rule import Fillable
from oppsync.domain.reference.book import ReferenceKind, ReferenceRow
from oppsync.domain.values.identifiers import customer_code_key

_MOST_NEAR = 3
At = tuple[object, ...]
KINDS = (
    MasterKind.COMPANY,
    MasterKind.COST_CENTRE,
    MasterKind.TAX,
    MasterKind.PAYMENT_TERMS,
    MasterKind.PRODUCT,
    MasterKind.CUSTOMER,
)


def nothing_more(keys: Collection[MasterKey]) -> Collection[MasterKey]:
    return ()


def compared(key: MasterKey) -> MasterKey:
    """A customer's code in any spelling is the same."""
    return key._replace(code=customer_code_key(key.code)) if key.kind is MasterKind.CUSTOMER else key


class KnownErp(NamedTuple):
    """What the mirror of one ERP has, and `as_of` when, where the firm is: of each kind that was read, the
    codes, each under the key that is compared. `look_up`: those of some keys that the ERP has after all, as it
    says itself. `mapped`: what of this vendor's maps names master data, and of which kind."""

    connection_id: str
    connection: str
    as_of: datetime | None
    codes: Mapping[MasterKind, Mapping[MasterKey, str]]
    look_up: Callable[[Collection[MasterKey]], Collection[MasterKey]] = nothing_more
    vendor: str = ""
    mapped: Mapping[str, MasterKind] = {}

    def may_have(self, key: MasterKey) -> bool:
        """Nothing is known of a kind that was never read."""
        return key.kind not in self.codes or compared(key) in self.codes[key.kind]


def codes_of(kind: MasterKind, there: Iterable[tuple[str, str]]) -> Mapping[MasterKey, str]:
    """`there`: company and code of each."""
    return {compared(MasterKey(kind, company, code)): code for company, code in there}


class ErpNames(NamedTuple):
    """`erps`: all that are connected, in their order. `rows`: those of now, which were judged when they were
    entered: what ended since is told as such. `today`: what ended before it is not judged."""

    erps: Sequence[KnownErp]
    rows: Sequence[ReferenceRow]
    today: date


class NamedThere(NamedTuple):
    """`at`: where it stands in the row."""

    at: At
    key: MasterKey


def names_of(
    row: ReferenceRow, companies: Mapping[str, Collection[str]], erps: Sequence[KnownErp]
) -> Iterator[NamedThere]:
    """What a row names there. `companies`: of each entity; nothing is said of a row whose entity has none."""
    value = row.value
    for erp in _mapped_by(row, erps):
        for name, kind in erp.mapped.items():
            if value["settings"].get(name):
                yield NamedThere(("settings", name), MasterKey(kind, "", str(value["settings"][name])))
    if row.kind is ReferenceKind.LEGAL_ENTITY:
        yield NamedThere(("erp_company",), MasterKey(MasterKind.COMPANY, "", str(value["erp_company"])))
    if row.kind in _OF_CUSTOMERS and (customer := _parts_of(row).get("customer")):
        yield NamedThere(("customer",), MasterKey(MasterKind.CUSTOMER, "", customer))
    for at, terms in _terms_of(row):
        yield NamedThere(at, MasterKey(MasterKind.PAYMENT_TERMS, "", terms))
    if row.kind not in _FIELDS:
        return
    kind, fields = _FIELDS[row.kind]
    for company in (each for entity in _entities_of(row) for each in companies.get(entity, ())):
        for field in fields:
            if value.get(field):
                yield NamedThere((field,), MasterKey(kind, company, str(value[field])))


def _mapped_by(row: ReferenceRow, erps: Sequence[KnownErp]) -> Sequence[KnownErp]:
    """The ERP of which the row says what it maps."""
    if row.kind is not ReferenceKind.CONNECTION_MAP:
        return ()
    return [erp for erp in erps if (erp.connection, erp.vendor) == (row.key, row.value["vendor"])]


def _terms_of(row: ReferenceRow) -> Iterator[tuple[At, str]]:
    """The payment terms that a row names, and where."""
    if row.kind is ReferenceKind.RULE and (filled := row.value.get("fills", {}).get(Fillable.PAYMENT_TERMS)):
        yield ("fills", Fillable.PAYMENT_TERMS.value), str(filled)
    if row.kind is ReferenceKind.APPROVAL_STEP:
        for index, terms in enumerate(row.value.get("payment_terms", ())):
            yield ("payment_terms", index), str(terms)


_FIELDS: Mapping[ReferenceKind, tuple[MasterKind, Sequence[str]]] = {
    ReferenceKind.COST_CENTRE: (MasterKind.COST_CENTRE, ["code"]),
    ReferenceKind.TAX_TREATMENT: (MasterKind.TAX, ["code"]),
    ReferenceKind.TAX_NEXUS: (MasterKind.TAX, ["code"]),
    ReferenceKind.TAX_REGIME: (
        MasterKind.TAX,
        ["standard_code", "reverse_charge_code", "outside_scope_code", "exempt_code", "not_taxable_code"],
    ),
}
# Those whose keys name a customer.
_OF_CUSTOMERS = frozenset({ReferenceKind.RATE_CARD, ReferenceKind.TAX_EXEMPTION})
# Those that name payment terms, and the entities at which they hold in a field: without any, at all.
_OF_TERMS = frozenset({ReferenceKind.RULE, ReferenceKind.APPROVAL_STEP})

# Those of which rows may name master data of an ERP.
NAMING = frozenset(
    {*_FIELDS, *_OF_CUSTOMERS, *_OF_TERMS, ReferenceKind.LEGAL_ENTITY, ReferenceKind.CONNECTION_MAP}
)


def companies_of(rows: Iterable[ReferenceRow]) -> Mapping[str, Collection[str]]:
    """Entity -> its company in the ERP: all that it has had, where that changed."""
    found: dict[str, set[str]] = {}
    for row in rows:
        if row.kind is ReferenceKind.LEGAL_ENTITY:
            found.setdefault(str(row.value["code"]), set()).add(str(row.value["erp_company"]))
    return found


class _Missing(NamedTuple):
    """`keys`: what the row may mean by it, of which none of `erps` has any."""

    row: PlacedRow
    at: At
    keys: Sequence[MasterKey]
    erps: Sequence[KnownErp]


def unknown_in_erp(rows: Sequence[PlacedRow], names: ErpNames) -> Iterator[Fault]:
    """Of the rows that are new or changed, what the ERP that deals of their entity go to does not have. Where
    these may go to several, or the entity has had several companies, one of them is enough."""
    missing = [*_missing(rows, names)]
    there, near = _looked_up(missing), NearNames()
    for each in missing:
        if not any((erp.connection_id, key) in there for erp in each.erps for key in each.keys):
            yield each.row.place.fault(each.at, _problem(each), _advice(each, near))


def _missing(rows: Sequence[PlacedRow], names: ErpNames) -> Iterator[_Missing]:
    companies = companies_of(each.row for each in rows)
    before = {_written(row) for row in governed(names.rows)}
    holding = [each for each in rows if still_holds(each.row, names.today)]
    of_now = [each.row for each in holding]
    erps_for, creating = _judging(of_now, names.erps), _creating(of_now)
    for each in holding:
        entities, is_map = _entities_of(each.row), each.row.kind is ReferenceKind.CONNECTION_MAP
        erps = _mapped_by(each.row, names.erps) if is_map else _of_all(map(erps_for, entities))
        if not erps or _written(each.row) in before:
            continue
        for at, keys in _by_place(names_of(each.row, companies, erps)).items():
            if keys[0].kind is MasterKind.CUSTOMER and any(_creates(entity, creating) for entity in entities):
                continue  # it may be created together with its first projects
            if not any(erp.may_have(key) for erp in erps for key in keys) and not _in_unknown_company(
                keys, erps
            ):
                yield _Missing(each, at, keys, erps)


def _judging(rows: Sequence[ReferenceRow], erps: Sequence[KnownErp]) -> Callable[[str], Sequence[KnownErp]]:
    """Entity -> the ERPs that know what it names; none where one of them is not connected."""
    leads_to, connected = leading(rows, [erp.connection for erp in erps]), {erp.connection: erp for erp in erps}

    def judging(entity: str) -> Sequence[KnownErp]:
        wanted = leads_to(entity)
        return [connected[name] for name in sorted(wanted)] if wanted <= connected.keys() else ()

    return cache(judging)


def _of_all(erps: Iterable[Sequence[KnownErp]]) -> Sequence[KnownErp]:
    """Those of several entities, each once; none where those of one entity are not known."""
    every = list(erps)
    return tuple({erp.connection: erp for some in every for erp in some}.values()) if all(every) else ()


def leading(rows: Iterable[ReferenceRow], connected: Sequence[str]) -> Callable[[str], frozenset[str]]:
    """Entity -> the names of the ERPs that its deals may go to; of what is of no entity, all. As long as no row
    routes to an ERP it is the first, and where no row is about the entity, the only one."""
    routes = [
        row for row in rows if row.kind is ReferenceKind.ROUTE and row.key.startswith(f"{RoutedRole.ERP}|")
    ]
    otherwise = frozenset(connected[:1] if len(connected) == 1 or not routes else ())
    return lambda entity: (erps_of(routes, entity) or otherwise) if entity else frozenset(connected)


def _creating(rows: Iterable[ReferenceRow]) -> Collection[str]:
    """The entities whose customers oppsync creates in the ERP."""
    entities = (row.value for row in rows if row.kind is ReferenceKind.LEGAL_ENTITY)
    return {str(value["code"]) for value in entities if value.get("creates_customers")}


def _creates(entity: str, creating: Collection[str]) -> bool:
    """What is of no entity may be of any."""
    return entity in creating if entity else bool(creating)


def _looked_up(missing: Sequence[_Missing]) -> Collection[tuple[str, MasterKey]]:
    """Connection and key of what an ERP has after all: each is asked once."""
    keys: dict[str, set[MasterKey]] = {}
    erps = {erp.connection_id: erp for each in missing for erp in each.erps}
    for each in missing:
        for erp in each.erps:
            keys.setdefault(erp.connection_id, set()).update(each.keys)
    return {(of, key) for of, wanted in keys.items() for key in erps[of].look_up(wanted)}


def _parts_of(row: ReferenceRow) -> Mapping[str, str]:
    return FILES[row.kind].parts_of(row.key) or {}


def _entities_of(row: ReferenceRow) -> Sequence[str]:
    """Whose it is; an empty one where it is of no entity."""
    if row.kind is ReferenceKind.LEGAL_ENTITY:
        return [str(row.value["code"])]
    if row.kind in _OF_TERMS:
        return [*map(str, row.value.get("entities", ()))] or [""]
    return [_parts_of(row).get("entity", "")]


def _by_place(names: Iterable[NamedThere]) -> Mapping[At, Sequence[MasterKey]]:
    found: dict[At, list[MasterKey]] = {}
    for name in names:
        found.setdefault(name.at, []).append(name.key)
    return found


def _in_unknown_company(keys: Sequence[MasterKey], erps: Sequence[KnownErp]) -> bool:
    """The company is told at its entity, and what is in it is not known."""
    companies = [MasterKey(MasterKind.COMPANY, "", key.company) for key in keys if key.company]
    return len(companies) == len(keys) and not any(erp.may_have(key) for erp in erps for key in companies)


def _problem(missing: _Missing) -> str:
    key, erps = missing.keys[0], missing.erps
    where = " and ".join(
        f"{erp.connection}'s company {key.company}" if key.company else erp.connection for erp in erps
    )
    has = "has" if len(erps) == 1 else "have"
    as_of = min(erp.as_of for erp in erps if erp.as_of is not None)
    return f"{where} {has} no {KINDS_IN_WORDS[key.kind][0]} {key.code!r}, as of {as_of:%Y-%m-%d %H:%M %Z}"


def _advice(missing: _Missing, near_names: NearNames) -> str:
    code, kind = missing.keys[0].code, missing.keys[0].kind
    companies = {key.company for key in missing.keys}
    known = [item for erp in missing.erps for item in erp.codes.get(kind, {}).items()]
    codes = sorted({there for key, there in known if key.company in companies})
    near = near_names.of(code, codes, _MOST_NEAR) or codes[:_MOST_NEAR]
    words = f"Use one that is there, such as {', '.join(near)}; or" if near else "There is none:"
    return f"{words} create it there, have the master data read again, then try again"


def still_holds(row: ReferenceRow, today: date) -> bool:
    return row.valid_to is None or row.valid_to > today


def _written(row: ReferenceRow) -> str:
    return repr(content(row))


def absent_for_rows(
    names: ErpNames, ended: Collection[MasterKey], connection_id: str
) -> Mapping[MasterKey, Sequence[ReferenceRow]]:
    """What rows of now name and this ERP does not have, though it was read, with the rows; besides what `ended`
    there."""
    placed = [PlacedRow(row, Place(FILES[row.kind].name, 0)) for row in names.rows]
    told, found = {compared(key) for key in ended}, dict[MasterKey, list[ReferenceRow]]()
    for each in _missing(placed, names._replace(rows=())):
        is_there = any(erp.connection_id == connection_id for erp in each.erps)
        if is_there and told.isdisjoint(map(compared, each.keys)):
            found.setdefault(each.keys[0], []).append(each.row.row)
    return found


def used_by_rows(
    names: ErpNames, keys: Collection[MasterKey], connection_id: str
) -> Mapping[MasterKey, Sequence[ReferenceRow]]:
    """Of these things in one ERP, the rows of now that name them, now or later."""
    every = [row for row in names.rows if still_holds(row, names.today)]
    companies, goes_to = companies_of(every), leading(every, [erp.connection for erp in names.erps])
    here = {erp.connection for erp in names.erps if erp.connection_id == connection_id}
    wanted = {compared(key): key for key in keys}
    found: dict[MasterKey, list[ReferenceRow]] = {}
    for row in every:
        is_map = row.kind is ReferenceKind.CONNECTION_MAP
        leads_to = [frozenset({row.key})] if is_map else map(goes_to, _entities_of(row))
        if not any(here & each for each in leads_to):
            continue
        for name in names_of(row, companies, names.erps):
            key = wanted.get(compared(name.key))
            if key is not None:
                found.setdefault(key, []).append(row)
    return found
