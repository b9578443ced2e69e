"""What changes between two configurations, row by row and in words, and whether it needs a second person."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from enum import StrEnum
from typing import Any, NamedTuple

from oppsync.domain.configuration.bundle import governed
from oppsync.domain.configuration.files import FILES, VALID_TO, key_in_words
from oppsync.domain.configuration.place_words import place_in_words
from oppsync.domain.reference.book import ReferenceBook, ReferenceKind, ReferenceRow
from oppsync.kernel.json_pointer import leaves


class Change(StrEnum):
    ADDED = "added"
    CHANGED = "changed"
    ENDED = "ended"
    REMOVED = "removed"


class FieldChange(NamedTuple):
    """`field` with the names on the way to it, such as `phases.0.percent`; None where there is no value."""

    field: str
    was: Any
    now: Any

    @property
    def in_words(self) -> str:
        return f"{place_in_words(self.field)} {_text(self.was)} -> {_text(self.now)}"


class Difference(NamedTuple):
    kind: ReferenceKind
    key: str
    valid_from: date
    change: Change
    fields: tuple[FieldChange, ...]
    # Whether days on which the row held have no row of its key any more.
    leaves_days_without: bool = False

    @property
    def file(self) -> str:
        return FILES[self.kind].name

    @property
    def row_in_words(self) -> str:
        return f"{key_in_words(self.kind, self.key)} from {self.valid_from}"

    @property
    def in_words(self) -> str:
        """Such as `rates.csv: region NA, role Consultant from 2026-01-01: changed: hourly 160 -> 170`."""
        return f"{self.file}: {self.row_in_words}: {self.what_in_words}"

    @property
    def what_in_words(self) -> str:
        if self.change is Change.ADDED:
            return f"added: {_given(self.fields)}"
        if self.change is Change.REMOVED:
            return "removed"
        if self.change is Change.ENDED:
            return f"ends: no longer holds from {self.fields[0].now} on"
        return f"changed: {_apart(self.fields).join(each.in_words for each in self.fields)}"


def _given(fields: Iterable[FieldChange]) -> str:
    given = [each for each in fields if each.now not in (None, [], {})]
    return _apart(given).join(f"{place_in_words(each.field)} {_text(each.now)}" for each in given)


def _apart(fields: Iterable[FieldChange]) -> str:
    """Between values: some may be of lists within the row."""
    return "; " if any(place_in_words(each.field) != each.field for each in fields) else ", "


def values_in_words(row: ReferenceRow) -> str:
    """What a row says, without its days, and without a condition that it does not have."""
    named = {at[1:].replace("/", "."): value for at, value in leaves(row.value)}
    if row.kind is ReferenceKind.APPROVAL_STEP and not named.get("new_customer"):
        named.pop("new_customer", None)
    return _given(FieldChange(name, None, value) for name, value in named.items())


def _text(value: Any) -> str:
    if value is None or value in ([], {}):
        return "nothing"
    if value == "":
        return "left empty"
    return str(value).lower() if isinstance(value, bool) else str(value)


def differences(before: Iterable[ReferenceRow], after: Iterable[ReferenceRow]) -> tuple[Difference, ...]:
    """In the order of the bundle's files."""
    was = {(row.kind, row.key, row.valid_from): row for row in governed(before)}
    now = {(row.kind, row.key, row.valid_from): row for row in governed(after)}
    order = list(FILES)
    every = sorted({*was, *now}, key=lambda at: (order.index(at[0]), at[1], at[2]))
    book = ReferenceBook(now.values())
    found = (_difference(was.get(at), now.get(at), book) for at in every)
    return tuple(each for each in found if each is not None)


def _difference(was: ReferenceRow | None, now: ReferenceRow | None, book: ReferenceBook) -> Difference | None:
    """`book`: all rows of after."""
    before, after = _fields(was), _fields(now)
    fields = tuple(
        FieldChange(name, before.get(name), after.get(name))
        for name in dict.fromkeys([*before, *after])
        if before.get(name) != after.get(name)
    )
    row = now or was
    if row is None or (not fields and was is not None and now is not None):
        return None
    change, leaves = _change(was, now, fields), was is not None and _leaves_days_without(was, book)
    return Difference(row.kind, row.key, row.valid_from, change, fields, leaves)


def _leaves_days_without(was: ReferenceRow, book: ReferenceBook) -> bool:
    last = was.valid_to - timedelta(days=1) if was.valid_to else date.max
    return book.uncovered(was.kind, was.key, was.valid_from, last) is not None


def _change(was: ReferenceRow | None, now: ReferenceRow | None, fields: tuple[FieldChange, ...]) -> Change:
    if was is None:
        return Change.ADDED
    if now is None:
        return Change.REMOVED
    is_end = [each.field for each in fields] == [VALID_TO] and now.valid_to is not None
    return Change.ENDED if is_end else Change.CHANGED


def _fields(row: ReferenceRow | None) -> Mapping[str, Any]:
    if row is None:
        return {}
    until = {VALID_TO: row.valid_to.isoformat()} if row.valid_to else {}
    return until | {at[1:].replace("/", "."): value for at, value in leaves(row.value)}


# Per kind, the fields that move no money and change no approval: names, and what only shows. Of a kind that is
# not here, everything counts.
_HARMLESS: Mapping[ReferenceKind, frozenset[str]] = {
    ReferenceKind.LEGAL_ENTITY: frozenset({"name"}),
    ReferenceKind.COST_CENTRE: frozenset({"name"}),
    ReferenceKind.REGION: frozenset({"name", "compliance"}),
    ReferenceKind.SERVICE_LINE: frozenset({"name"}),
    ReferenceKind.DELIVERY_MODEL: frozenset({"code", "name"}),
    ReferenceKind.CALENDAR: frozenset({"code", "country", "subdivision", "time_zone", "hours", "closed"}),
    ReferenceKind.PROJECT_TEMPLATE: frozenset(
        {
            "code",
            "name",
            "tasks",
            "phases",
            "budget",
            "requests_roles_sold",
            "naming",
            "numbering",
            "time_entry",
        }
    ),
}
# A row of these may come, end and go without moving money by itself, as long as others hold on its days: a deal
# whose row is missing stops.
_ROWS_ARE_HARMLESS = frozenset(
    {
        ReferenceKind.DELIVERY_MODEL,
        ReferenceKind.PROJECT_TEMPLATE,
        ReferenceKind.CALENDAR,
    }
)
# Who is asked to act on an exception, and within what time: no plan and no approval depends on it.
_MOVE_NOTHING = frozenset({ReferenceKind.EXCEPTION_OWNER, ReferenceKind.SLA_TARGET})


def moves_money(difference: Difference) -> bool:
    """Whether it may change what a deal is worth, where it is booked or taxed, who approves it, or
    stop it."""
    if difference.kind in _MOVE_NOTHING:
        return False
    comes_or_goes = difference.change in (Change.ADDED, Change.REMOVED)
    if difference.leaves_days_without or (comes_or_goes and difference.kind not in _ROWS_ARE_HARMLESS):
        return True
    return bool(_not_harmless(difference))


def moving_fields(difference: Difference) -> tuple[str, ...]:
    """Of a change that moves money, the values by which it does; its days, where it leaves some without a
    row."""
    days = (VALID_TO,) if difference.leaves_days_without else ()
    return tuple(dict.fromkeys((*_not_harmless(difference), *days)))


def _not_harmless(difference: Difference) -> tuple[str, ...]:
    harmless = _HARMLESS.get(difference.kind, frozenset())
    if difference.kind in _ROWS_ARE_HARMLESS:
        harmless = harmless | {VALID_TO}
    return tuple(
        each.field
        for each in difference.fields
        if each.field.partition(".")[0] not in harmless
        and (each.was not in (None, []) or each.now not in (None, []))
    )


def needs_second_person(changes: Iterable[Difference], *, is_live: bool) -> bool:
    """Until a firm has gone live, one person may set it up alone."""
    return is_live and any(moves_money(each) for each in changes)
