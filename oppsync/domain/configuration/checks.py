"""What must hold between the rows of a bundle: no two for one day, nothing named that does not exist, and no
figure that cannot be."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from datetime import date
from itertools import groupby
from typing import Any, NamedTuple
from zoneinfo import available_timezones

from oppsync.domain.configuration.bounds import out_of_bounds
from oppsync.domain.configuration.faults import Fault, quoted
from oppsync.domain.configuration.files import FILES, VALID_FROM, key_in_words
from oppsync.domain.configuration.near import NearNames
from oppsync.domain.configuration.records import PlacedRow
from oppsync.domain.configuration.rule_checks import wrong_rules
from oppsync.domain.deal.countries import country_code, is_country
from oppsync.domain.deal.opportunity import BillingModelCode
from oppsync.domain.policy.route import RoutedRole
from oppsync.domain.policy.rule import Fillable
from oppsync.domain.policy.sla_target import SlaMeasure
from oppsync.domain.reference.book import ANY, ReferenceKind, ReferenceRow, compared_key
from oppsync.domain.reference.calendars import LEAST_A_WEEK, open_a_week
from oppsync.domain.reference.public_holidays import is_known
from oppsync.domain.reference.splitting import LineAttribute
from oppsync.domain.reference.vat_territory import AREA_CODES
from oppsync.domain.values.findings.codes import CODES
from oppsync.domain.values.model import plain
from oppsync.domain.values.money import current_currencies, why_not_current
from oppsync.domain.values.roles import ApprovalRole, is_role_code

_FOREVER = date.max
# Kinds whose rows have a country and a time zone.
_SOMEWHERE = frozenset({ReferenceKind.LEGAL_ENTITY, ReferenceKind.CALENDAR})


Codes = Mapping[ReferenceKind, Set[str]]


def wrong_between(rows: Sequence[PlacedRow], besides: Codes | None = None) -> Iterator[Fault]:
    """`besides`: codes of rows that have a fault themselves."""
    yield from _overlaps(rows)
    yield from _dangling(rows, _codes(rows), besides or {})
    yield from _unfillable(rows, besides or {})
    yield from _unusable(rows)
    yield from _misnamed_approvals(rows)
    yield from _absurd(rows)
    yield from wrong_rules(rows)


def _until(row: ReferenceRow) -> date:
    return row.valid_to or _FOREVER


def _overlaps(rows: Sequence[PlacedRow]) -> Iterator[Fault]:
    def key(each: PlacedRow) -> tuple[str, str]:
        return compared_key(each.row.kind, each.row.key)

    for _key, group in groupby(sorted(rows, key=lambda each: (key(each), each.row.valid_from)), key):
        before: PlacedRow | None = None
        for each in group:
            if before is not None and _until(before.row) > each.row.valid_from:
                words = key_in_words(each.row.kind, each.row.key)
                problem = f"{words} has another row for that day, from {before.row.valid_from}"
                where = f", in line {before.place.line}" if before.place.line else ""
                yield each.place.fault([VALID_FROM], problem, f"End that one before{where}")
            before = each


class _Named(NamedTuple):
    """A code that a row names: where it stands in the row, and the kind that has to know it."""

    at: tuple[object, ...]
    value: str
    kind: ReferenceKind


def _codes(rows: Sequence[PlacedRow]) -> Codes:
    """The codes of each kind, by which others name them."""
    found: dict[ReferenceKind, set[str]] = {}
    for each in rows:
        code = (FILES[each.row.kind].parts_of(each.row.key) or {}).get("code")
        if "code" in each.row.value or code:
            found.setdefault(each.row.kind, set()).add(str(each.row.value.get("code", code)))
    return found


_OF_PART = {
    "entity": ReferenceKind.LEGAL_ENTITY,
    "selling_entity": ReferenceKind.LEGAL_ENTITY,
    "delivering_entity": ReferenceKind.LEGAL_ENTITY,
    "service_line": ReferenceKind.SERVICE_LINE,
    "region": ReferenceKind.REGION,
}
_OF_CONDITION = {
    LineAttribute.LEGAL_ENTITY: ReferenceKind.LEGAL_ENTITY,
    LineAttribute.SERVICE_LINE: ReferenceKind.SERVICE_LINE,
    LineAttribute.DELIVERY_REGION: ReferenceKind.REGION,
}
_OF_STEP = {
    "entities": ReferenceKind.LEGAL_ENTITY,
    "regions": ReferenceKind.REGION,
    "service_lines": ReferenceKind.SERVICE_LINE,
}


def _named(row: ReferenceRow) -> Iterator[_Named]:
    for part, value in (FILES[row.kind].parts_of(row.key) or {}).items():
        if part in _OF_PART and not (value == ANY and part in FILES[row.kind].may_be_any):
            yield _Named((part,), value, _OF_PART[part])
    yield from _VALUES_NAME.get(row.kind, _nothing)(row.value)


def _nothing(value: Mapping[str, Any]) -> Iterable[_Named]:
    return ()


def _deliverer(value: Mapping[str, Any]) -> Iterator[_Named]:
    if value.get("delivery_entity"):
        yield _Named(("delivery_entity",), value["delivery_entity"], ReferenceKind.LEGAL_ENTITY)


def _in_split_rule(value: Mapping[str, Any]) -> Iterator[_Named]:
    yield from _deliverer(value)
    for attribute, kind in _OF_CONDITION.items():
        for index, each in enumerate(value["when"].get(attribute, ())):
            yield _Named(("when", attribute, index), each, kind)


def _in_approval_rule(value: Mapping[str, Any]) -> Iterator[_Named]:
    yield from _approval_roles(value)
    for index, each in enumerate(value["legal_entities"]):
        yield _Named(("legal_entities", index), each, ReferenceKind.LEGAL_ENTITY)


def _in_rule(value: Mapping[str, Any]) -> Iterator[_Named]:
    for field, kind in (("entities", ReferenceKind.LEGAL_ENTITY), ("regions", ReferenceKind.REGION)):
        for index, each in enumerate(value[field]):
            yield _Named((field, index), each, kind)


def _in_approval_step(value: Mapping[str, Any]) -> Iterator[_Named]:
    yield from _approval_roles(value)
    yield from _approval_roles(value, "escalate_to")
    for field, kind in _OF_STEP.items():
        for index, each in enumerate(value[field]):
            yield _Named((field, index), each, kind)


def _approval_roles(value: Mapping[str, Any], field: str = "roles") -> Iterator[_Named]:
    """Finance and delivery are always there."""
    for index, each in enumerate(value.get(field, ())):
        if each not in set(ApprovalRole):
            yield _Named((field, index), each, ReferenceKind.APPROVAL_ROLE)


_VALUES_NAME: Mapping[ReferenceKind, Callable[[Mapping[str, Any]], Iterable[_Named]]] = {
    ReferenceKind.REGION: _deliverer,
    ReferenceKind.SPLIT_RULE: _in_split_rule,
    ReferenceKind.APPROVAL_RULE: _in_approval_rule,
    ReferenceKind.RULE: _in_rule,
    ReferenceKind.APPROVAL_STEP: _in_approval_step,
}


def _dangling(rows: Sequence[PlacedRow], codes: Codes, besides: Codes) -> Iterator[Fault]:
    """A row may hold while what it names does not yet, or no more: only a code that no row has is wrong."""
    for each in rows:
        ignoring_case = each.row.kind is ReferenceKind.SPLIT_RULE
        for named in _named(each.row):
            known = {*codes.get(named.kind, ()), *besides.get(named.kind, ())}
            if named.value in known or (ignoring_case and named.value.casefold() in map(str.casefold, known)):
                continue
            what = named.kind.replace("_", " ")
            fix = f"Use a code of {FILES[named.kind].name}, or add it there"
            yield each.place.fault(named.at, f"no {what} has the code {named.value!r}", fix)


# What rules fill, by the name that the CRM has for it. Payment terms are the ERP's.
_FILLED = {
    Fillable.DELIVERY_MODEL: ReferenceKind.DELIVERY_MODEL,
    Fillable.REGION: ReferenceKind.REGION,
    Fillable.SERVICE_LINE: ReferenceKind.SERVICE_LINE,
}


def _unfillable(rows: Sequence[PlacedRow], besides: Codes) -> Iterator[Fault]:
    """What no row knows by that name would stop each deal that it fills. Where a row of the kind has a fault
    itself, it may be the one."""
    known, near = dict[ReferenceKind, set[str]](), NearNames()
    for each in rows:
        known.setdefault(each.row.kind, set()).add(each.row.key)
    for each in (each for each in rows if each.row.kind is ReferenceKind.RULE):
        for field, value in each.row.value["fills"].items():
            kind = _FILLED.get(field)
            if kind is None or value in known.get(kind, ()) or besides.get(kind):
                continue
            meant = near.of(value, sorted(known.get(kind, ())))
            begins = f"Did you mean {meant[0]}? It" if meant else "It"
            fix = f"{begins} has to be a name that {FILES[kind].name} has for it, as the CRM writes it"
            problem = f"no {kind.replace('_', ' ')} is called {quoted(value)} in the CRM"
            yield each.place.fault(["fills", field], problem, fix)


def _unusable(rows: Sequence[PlacedRow]) -> Iterator[Fault]:
    near = NearNames()
    for each in rows:
        row, place = each.row, each.place
        parts = FILES[row.kind].parts_of(row.key) or {}
        for part, value in parts.items():
            wrong = _wrong_part(row.kind, part, value, near)
            if wrong is not None:
                yield place.fault([part], *wrong)
        is_of_erp = row.kind is ReferenceKind.ROUTE and parts.get("role") == RoutedRole.ERP
        if is_of_erp and not row.value.get("connection"):
            yield place.fault(["connection"], "is missing", "Name the ERP as it is connected")
        if row.kind in _SOMEWHERE:
            yield from _nowhere(each)


def _unknown_holidays(each: PlacedRow) -> Iterator[Fault]:
    country, part = each.row.value["country"], each.row.value.get("subdivision")
    if part is not None and not is_known(country, part):
        problem = f"no public holidays are known of {quoted(part)} in {country}"
        yield each.place.fault(
            ["subdivision"], problem, "Use a code of ISO 3166-2, such as BY, or leave it out"
        )


def _misnamed_approvals(rows: Sequence[PlacedRow]) -> Iterator[Fault]:
    """Codes of approval roles and steps become parts of a person's roles and of a task's name."""
    for each in rows:
        row, place = each.row, each.place
        if row.kind not in (ReferenceKind.APPROVAL_ROLE, ReferenceKind.APPROVAL_STEP):
            continue
        if not is_role_code(row.key):
            fix = "Use at most 40 small letters, digits and _, a letter first"
            yield place.fault(["code"], f"{quoted(row.key)} is no code", fix)
        elif row.key in set(ApprovalRole) and row.kind is ReferenceKind.APPROVAL_ROLE:
            yield place.fault(["code"], f"the approval role {row.key} is always there", "Use another code")
        elif row.key in set(ApprovalRole) and (row.value["people"] or row.value["roles"] != [row.key]):
            problem = f"the step {row.key} stands for the approval that each plan needs of {row.key}"
            yield place.fault(["code"], problem, f"Ask for the role {row.key} alone, or use another code")


class _Wrong(NamedTuple):
    problem: str
    fix: str = ""


# The parts of keys that are one of a few.
_CHOICES: Mapping[tuple[ReferenceKind, str], Sequence[str]] = {
    (ReferenceKind.ROUTE, "role"): tuple(RoutedRole),
    (ReferenceKind.SLA_TARGET, "measure"): tuple(SlaMeasure),
}


def _wrong_part(kind: ReferenceKind, part: str, value: str, near: NearNames) -> _Wrong | None:
    """What is wrong with a part of a row's key that is no code of another row."""
    if part.endswith("currency") and value not in current_currencies():
        return _Wrong(f"{value!r} {why_not_current(value)}")
    if part == "billing_model" and value not in set(BillingModelCode):
        return _Wrong(f"{value!r} is no billing model", f"Known are {', '.join(BillingModelCode)}")
    if part.endswith("country") and not is_country(value) and value not in AREA_CODES:
        return _no_country(value)
    choices = _CHOICES.get((kind, part))
    if choices is not None and value not in choices:
        return _Wrong(f"{quoted(value)} is no {part}", f"Known are {', '.join(choices)}")
    if kind is ReferenceKind.EXCEPTION_OWNER and part == "code" and value not in CODES:
        meant = near.of(value, [*CODES])
        fix = f"Did you mean {meant[0]}?" if meant else "The runbook lists them"
        return _Wrong(f"{quoted(value)} is no code of an exception", fix)
    return None


def _no_country(value: str) -> _Wrong:
    meant = country_code(value)
    fix = f"Did you mean {meant}?" if is_country(meant) else "Use a code of ISO 3166, such as DE"
    return _Wrong(f"{quoted(value)} is no country", fix)


def _nowhere(each: PlacedRow) -> Iterator[Fault]:
    row, place = each.row, each.place
    if row.value["time_zone"] not in available_timezones():
        problem = f"{row.value['time_zone']!r} is no time zone"
        yield place.fault(["time_zone"], problem, "Use a name of the IANA list, such as Europe/Berlin")
    if not is_country(country := row.value["country"]):
        yield place.fault(["country"], *_no_country(country))
    elif row.kind is ReferenceKind.CALENDAR:
        yield from _unknown_holidays(each)
    if row.kind is ReferenceKind.CALENDAR and open_a_week(row.value["hours"].values()) < LEAST_A_WEEK:
        problem = f"are fewer than {LEAST_A_WEEK.seconds // 3600} hours a week"
        yield place.fault(["hours"], problem, "Give longer hours, or another weekday")


def _absurd(rows: Sequence[PlacedRow]) -> Iterator[Fault]:
    for each in rows:
        for field, figure, bounds in out_of_bounds(each.row):
            # A row that is stored already has no line by which people would find it.
            words = f"{key_in_words(each.row.kind, each.row.key)} from {each.row.valid_from}: "
            row = "" if each.place.line else words
            yield each.place.fault([field], f"{row}{plain(figure)} is not {bounds.in_words}", bounds.fix)
