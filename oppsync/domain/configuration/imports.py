"""Rows of one kind from a table that somebody keeps elsewhere: read in the form of numbers and dates that the
person chose, and put among the rows of now. All of it, or nothing."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Iterator, Sequence
from datetime import date
from decimal import Decimal
from enum import StrEnum
from itertools import pairwise
from typing import NamedTuple

from oppsync.domain.configuration.checks import wrong_between
from oppsync.domain.configuration.faults import BadBundle, Fault, Place, quoted
from oppsync.domain.configuration.files import FILES, VALID_FROM, VALID_TO, Form, key_in_words
from oppsync.domain.configuration.installation import Installation, unfit
from oppsync.domain.configuration.map_checks import MapJudge, wrong_maps
from oppsync.domain.configuration.near import NearNames
from oppsync.domain.configuration.records import (
    PlacedRow,
    ReadRecords,
    Record,
    columns,
    is_percent,
    read_records,
    types_of,
)
from oppsync.domain.reference.book import ReferenceKind, ReferenceRow, compared_key
from oppsync.domain.values.model import changed, plain

# The files whose rows are flat, so that a table can hold them.
IMPORTED = {file.name: kind for kind, file in FILES.items() if file.form is Form.CSV}


class Uncalculated(NamedTuple):
    """A formula of a spreadsheet whose result the file does not have."""

    formula: str


class Percentage(NamedTuple):
    """A cell that the spreadsheet shows as `shown` %, where it holds a hundredth of it."""

    shown: Decimal


class Ambiguous(NamedTuple):
    """A number that a condition in the cell's format shows as a percentage or as it is."""

    held: Decimal


# A cell of a spreadsheet may be a number or a day by itself; text is read in the person's form.
Cell = str | Decimal | date | bool | Percentage | Ambiguous | Uncalculated | None


class NumberForm(StrEnum):
    POINT = "point"
    COMMA = "comma"


class DateForm(StrEnum):
    ISO = "iso"
    DAY_FIRST = "day_first"
    MONTH_FIRST = "month_first"


class Forms(NamedTuple):
    """`since`: the first day of rows that name none."""

    numbers: NumberForm = NumberForm.POINT
    dates: DateForm = DateForm.ISO
    since: date | None = None


class Line(NamedTuple):
    number: int
    cells: Sequence[Cell]


class Table(NamedTuple):
    """`name`: of the file. The first line names the columns."""

    name: str
    lines: Sequence[Line]


NUMBER_EXAMPLES = {NumberForm.POINT: "1,234.50", NumberForm.COMMA: "1.234,50"}
DATE_EXAMPLES = {
    DateForm.ISO: "2026-01-31",
    DateForm.DAY_FIRST: "31.01.2026",
    DateForm.MONTH_FIRST: "01/31/2026",
}


# Thousands apart by the other sign, an apostrophe or a space, in groups of three.
def _numbers(sign: str, apart: str) -> re.Pattern[str]:
    digits = (
        rf"\d{{1,40}}|\d{{1,3}}(?P<apart>[{apart}'\u2019\u00a0\u202f ])\d{{3}}(?:(?P=apart)\d{{3}}){{0,12}}"
    )
    return re.compile(rf"-?(?:{digits})(?:{sign}\d{{1,40}})?", re.ASCII)


_NUMBERS = {NumberForm.POINT: _numbers(r"\.", ","), NumberForm.COMMA: _numbers(",", r"\.")}
# What a spreadsheet writes where a formula has no result.
_ERRORS = frozenset({"#DIV/0!", "#N/A", "#NAME?", "#NULL!", "#NUM!", "#REF!", "#VALUE!"})
_SIGN = {NumberForm.POINT: ".", NumberForm.COMMA: ","}
_PARTS = re.compile(r"(\d{1,2})[./-](\d{1,2})[./-](\d{4})", re.ASCII)
_ISO = re.compile(r"(\d{4})-(\d\d)-(\d\d)", re.ASCII)


def merged(
    now: Sequence[ReferenceRow],
    kind: ReferenceKind,
    table: Table,
    forms: Forms,
    here: Installation | None = None,
) -> list[ReferenceRow]:
    """The rows of now with those of the table. A row of the same key and day takes the place of one of now, and
    keeps what the table has no column for; another is added. One that has no end ends where the next of its key
    begins. Raises BadBundle with every fault."""
    reading = _Reading(kind, table, forms)
    found = read_records(kind, reading.records)
    told = {(each.line, each.field) for each in reading.faults}
    faults = [*reading.faults, *(each for each in found.faults if (each.line, each.field) not in told)]
    return put_among(now, kind, found, reading.header, faults, here=here)


def put_among(
    now: Sequence[ReferenceRow],
    kind: ReferenceKind,
    found: ReadRecords,
    named: Container[str],
    faults: list[Fault],
    *,
    here: Installation | None = None,
    judge: MapJudge | None = None,
) -> list[ReferenceRow]:
    """`named`: the columns that the records could give. Raises BadBundle with `faults` and what is wrong
    between the rows, in what they name in this installation, and in what they map."""
    others = [PlacedRow(row, Place(FILES[row.kind].name, 0)) for row in now]
    new = _first_of_each_day(kind, found.rows, faults)
    _keep_unnamed(kind, now, new, named)
    placed = [*_among(others, kind, new, faults)]
    faults += wrong_between(placed, {kind: found.codes})
    faults += unfit(placed, here)
    faults += wrong_maps(placed, judge) if judge else ()
    if faults:
        raise BadBundle(faults)
    return [each.row for each in placed]


class _Reading:
    """The table as records, each cell as a file of the bundle would have it."""

    def __init__(self, kind: ReferenceKind, table: Table, forms: Forms) -> None:
        self._kind, self._table, self._forms = kind, table, forms
        self.faults: list[Fault] = []
        self.records: list[Record] = []
        self.header: Sequence[str] = ()
        lines = [line for line in table.lines if any(cell not in (None, "") for cell in line.cells)]
        if not lines:
            self.faults.append(Fault(table.name, 0, "", "has no rows", "Name the columns in the first line"))
            return
        self.header = header = [_column(cell) for cell in lines[0].cells]
        self.faults += self._wrong_header(lines[0].number, header)
        if not self.faults:
            self.records = [self._record(header, line) for line in lines[1:]]

    def _wrong_header(self, line: int, header: Sequence[str]) -> Iterator[Fault]:
        known, near = columns(self._kind), NearNames()
        for name in dict.fromkeys(filter(None, header)):
            if name not in known:
                column, problem = quoted(name).strip("'"), "is no column of these rows"
                yield Fault(self._table.name, line, column, problem, near.column(name, known))
            elif header.count(name) > 1:
                yield Fault(self._table.name, line, name, "is there twice")

    def _record(self, header: Sequence[str], line: Line) -> Record:
        place = Place(self._table.name, line.number)
        values = {}
        for index, cell in enumerate(line.cells):
            name = header[index] if index < len(header) else ""
            if name:
                values[name] = self._text(place, name, cell)
            elif cell not in (None, ""):
                self.faults.append(place.fault([], f"{quoted(_plain(cell))} stands in a column without a name"))
        if self._forms.since and not values.get(VALID_FROM):
            values[VALID_FROM] = self._forms.since.isoformat()
        return Record(values, place)

    def _text(self, place: Place, name: str, cell: Cell) -> str:
        if not isinstance(cell, str):
            return self._of_a_sheet(place, name, cell)
        text, types = cell.strip(), types_of(self._kind, name)
        if text in _ERRORS:
            return self._refused(place, name, f"{text} is an error of the spreadsheet", "Correct its formula")
        if not text or not types & {Decimal, date}:
            return text
        is_number = Decimal in types
        read = _number(text, self._forms.numbers) if is_number else _day(text, self._forms.dates)
        if read is not None:
            return read
        example = NUMBER_EXAMPLES[self._forms.numbers] if is_number else DATE_EXAMPLES[self._forms.dates]
        isnt, what = ("is not", "numbers") if is_number else ("is no day", "dates")
        problem = f"{quoted(text)} {isnt} of the form {example}"
        fix = f"Correct it, or choose the other form of {what}"
        if text.endswith("%"):
            fix = self._without_sign(name, text.removesuffix("%").rstrip()) or fix
        return self._refused(place, name, problem, fix)

    def _without_sign(self, name: str, figure: str) -> str | None:
        """What to do about `2,5 %`, where the form of the number is right."""
        if _number(figure, self._forms.numbers) is None:
            return None
        if is_percent(self._kind, name):
            return f"Write {figure}"
        return "This is no column of percents: give the number that is meant"

    def _of_a_sheet(self, place: Place, name: str, cell: Cell) -> str:
        """19 % is 19 in a column of percents. Elsewhere it could mean 0.19 as well: nobody guesses."""
        if isinstance(cell, Uncalculated):
            fix = "Open the file in a spreadsheet program and save it there, or write the value itself"
            return self._refused(place, name, "a formula without a result", fix)
        fix = "Format the cell as a plain number, and see that it shows what is meant"
        if isinstance(cell, Ambiguous):
            problem = f"{_plain(cell)} has a format that shows some numbers as percentages and others not"
            return self._refused(place, name, problem, fix)
        if not isinstance(cell, Percentage):
            return _plain(cell)
        if is_percent(self._kind, name):
            return plain(cell.shown)
        problem = f"the sheet shows {_plain(cell)}, and this is no column of percents"
        return self._refused(place, name, problem, fix)

    def _refused(self, place: Place, name: str, problem: str, fix: str) -> str:
        self.faults.append(place.fault([name], problem, fix))
        return ""


def _column(cell: Cell) -> str:
    """`Valid from` is `valid_from`: people name columns for people."""
    return re.sub(r"[\s-]+", "_", _plain(cell).strip().casefold())


def _plain(cell: Cell) -> str:
    if cell is None or isinstance(cell, str):
        return cell or ""
    if isinstance(cell, bool):
        return str(cell).lower()
    if isinstance(cell, Uncalculated):
        return cell.formula
    if isinstance(cell, Percentage):
        return f"{plain(cell.shown)} %"
    if isinstance(cell, Ambiguous):
        return plain(cell.held)
    return plain(cell) if isinstance(cell, Decimal) else cell.isoformat()


def _number(text: str, form: NumberForm) -> str | None:
    found = _NUMBERS[form].fullmatch(text)
    if found is None:
        return None
    apart = found["apart"]
    return (text.replace(apart, "") if apart else text).replace(_SIGN[form], ".")


def _day(text: str, form: DateForm) -> str | None:
    found = (_ISO if form is DateForm.ISO else _PARTS).fullmatch(text)
    if found is None:
        return None
    one, two, three = (int(part) for part in found.groups())
    year, month, day = {
        DateForm.ISO: (one, two, three),
        DateForm.DAY_FIRST: (three, two, one),
        DateForm.MONTH_FIRST: (three, one, two),
    }[form]
    try:
        return date(year, month, day).isoformat()
    except ValueError:
        return None


# By the key under which rows are looked up, and by their first day.
_ByDay = dict[str, dict[date, PlacedRow]]


def _first_of_each_day(kind: ReferenceKind, rows: Iterable[PlacedRow], faults: list[Fault]) -> _ByDay:
    found: _ByDay = {}
    for each in rows:
        _, key = compared_key(kind, each.row.key)
        first = found.setdefault(key, {}).setdefault(each.row.valid_from, each)
        if first is not each:
            words = key_in_words(kind, each.row.key)
            problem = f"{words} stands in line {first.place.line} for the same day"
            faults.append(each.place.fault([VALID_FROM], problem, "Keep one of them"))
    return found


def _keep_unnamed(
    kind: ReferenceKind, now: Iterable[ReferenceRow], new: _ByDay, header: Container[str]
) -> None:
    for row in now:
        _, key = compared_key(row.kind, row.key)
        given = new.get(key, {}).get(row.valid_from) if row.kind is kind else None
        if given is not None:
            kept = {name: value for name, value in row.value.items() if name not in header}
            until = given.row.valid_to if VALID_TO in header else row.valid_to
            wanted = changed(given.row, valid_to=until, value={**given.row.value, **kept})
            new[key][row.valid_from] = PlacedRow(wanted, given.place)


def _among(
    others: Iterable[PlacedRow], kind: ReferenceKind, by_key: _ByDay, faults: list[Fault]
) -> Iterator[PlacedRow]:
    """All rows, those of a key that is imported with their ends."""
    kept: dict[str, list[PlacedRow]] = {}
    for each in others:
        _, key = compared_key(each.row.kind, each.row.key)
        if each.row.kind is not kind or key not in by_key:
            yield each
        elif each.row.valid_from not in by_key[key]:
            kept.setdefault(key, []).append(each)
    for key, same in by_key.items():
        yield from _ended([*kept.get(key, ()), *same.values()], set(same), faults)


def _ended(rows: Sequence[PlacedRow], imported: set[date], faults: list[Fault]) -> Iterator[PlacedRow]:
    """One row ends where the next begins, unless neither of them is new or it ends before."""
    ordered = sorted(rows, key=lambda each: each.row.valid_from)
    for each, following in pairwise(ordered):
        until, begins = each.row.valid_to, following.row.valid_from
        if not imported & {each.row.valid_from, begins} or (until is not None and until <= begins):
            yield each
            continue
        if each.row.valid_from in imported and until is not None:
            yield each  # what the person wrote overlaps: the check of the rows says so
            continue
        yield PlacedRow(changed(each.row, valid_to=begins), each.place)
        ends = following.row.valid_to
        longer = ends is not None and (until is None or until > ends)
        if longer and not any(other.row.valid_from == ends for other in ordered):
            problem = f"no row would hold from {ends} on, where the row that it cuts holds now"
            fix = f"Add the row that follows, or leave {VALID_TO} empty"
            faults.append(following.place.fault([VALID_TO], problem, fix))
    yield ordered[-1]


def imported_kind(name: str) -> ReferenceKind | None:
    """By the name of its file, with or without its ending; None for one that no table can hold."""
    return IMPORTED.get(name) or IMPORTED.get(f"{name}.{Form.CSV}")
