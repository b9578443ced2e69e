"""Between rows and what stands in the files: one record for each row, with names that people write."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from datetime import date
from decimal import Decimal
from enum import StrEnum
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin

from pydantic import ValidationError

from oppsync.domain.catalog import CATALOG
from oppsync.domain.configuration.bundle import governed, in_order, read_value
from oppsync.domain.configuration.conditionals import rule_in_words, wrong_conditions
from oppsync.domain.configuration.faults import BadBundle, Fault, Place, quoted
from oppsync.domain.configuration.files import FILES, VALID_FROM, VALID_TO, Form
from oppsync.domain.configuration.near import NearNames
from oppsync.domain.policy.effort import Work
from oppsync.domain.reference.book import ReferenceKind, ReferenceRow
from oppsync.domain.values.identifiers import invisible_in_name
from oppsync.domain.values.model import LONGEST_CODE
from oppsync.kernel import canonical_json

_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_NUMBER = re.compile(r"-?\d{1,40}(\.\d{1,40})?", re.ASCII)
_BOOLEANS = {"true": True, "false": False}
_WRITE_DATE = "Write a date as 2026-01-31"
_QUOTE = "Write text that looks like a number, a date or a truth value in quotes"


class Record(NamedTuple):
    """The content of one row as it stands in a file. From a table, every value is text."""

    values: Mapping[str, Any]
    place: Place


class PlacedRow(NamedTuple):
    row: ReferenceRow
    place: Place


def columns(kind: ReferenceKind) -> tuple[str, ...]:
    """The names of a record in the order in which they are written."""
    file, fields = FILES[kind], CATALOG[kind].shape.model_fields
    first = (*file.parts, "code") if file.key_is_code else file.parts
    return (*first, VALID_FROM, VALID_TO, *(name for name in fields if name not in first))


def types_of(kind: ReferenceKind, name: str) -> Set[Any]:
    """The types that a column of a record may have, without None."""
    if name in (VALID_FROM, VALID_TO):
        return {date}
    field = CATALOG[kind].shape.model_fields.get(name)
    return _types(field.annotation) if field else {str}


def is_percent(kind: ReferenceKind, name: str) -> bool:
    """Whether a column holds 19 for 19 %: the shapes name such figures so."""
    return Decimal in types_of(kind, name) and (name == "percent" or name.endswith("_percent"))


def choices_of(kind: ReferenceKind, name: str) -> Sequence[str]:
    """What may stand in a column of a table that has only a few values; none for any other."""
    for each in types_of(kind, name):
        if each is bool:
            return tuple(_BOOLEANS)
        if get_origin(each) is Literal:
            return tuple(map(str, get_args(each)))
        if isinstance(each, type) and issubclass(each, StrEnum):
            return tuple(each)
    return ()


def must_be_given(kind: ReferenceKind, name: str) -> bool:
    file, field = FILES[kind], CATALOG[kind].shape.model_fields.get(name)
    if field is not None:
        return field.is_required()
    return name == VALID_FROM or (name in file.parts and not file.key_is_code and name != file.optional)


def records(rows: Iterable[ReferenceRow]) -> dict[ReferenceKind, list[dict[str, Any]]]:
    """The records of each kind that has rows, with what is at its default left out. Raises BadBundle for rows
    that no file can hold."""
    written: dict[ReferenceKind, list[dict[str, Any]]] = {}
    faults = []
    for row in governed(rows):
        record = _record(row)
        if record is None:
            what = f"the row {quoted(row.key)} from {row.valid_from} is not one of this release"
            faults.append(Fault(FILES[row.kind].name, 0, "", what, "Correct it where it was written"))
        else:
            written.setdefault(row.kind, []).append(record)
    if faults:
        raise BadBundle(faults)
    return written


def _record(row: ReferenceRow) -> dict[str, Any] | None:
    value, file = read_value(row), FILES[row.kind]
    parts = file.parts_of(row.key)
    if value is None or parts is None:
        return None
    fields = value.model_dump(exclude_defaults=True)
    if file.key_is_code and list(parts.values()) == [fields["code"]]:
        parts = {}
    days = {VALID_FROM: row.valid_from} | ({VALID_TO: row.valid_to} if row.valid_to else {})
    written = {**parts, **days, **fields}
    return {name: written[name] for name in columns(row.kind) if name in written}


class ReadRecords(NamedTuple):
    """`codes`: those of records that are no rows; what else names them is not wrong for that."""

    rows: list[PlacedRow]
    faults: list[Fault]
    codes: set[str]


def read_records(kind: ReferenceKind, found: Iterable[Record]) -> ReadRecords:
    """The rows of these records, and everything that is wrong with the others."""
    read, near, work = ReadRecords([], [], set()), NearNames(), Work()
    for record in found:
        reading = _Reading(kind, record)
        wrong = [*_wrong_names(kind, record, near), *reading.faults]
        read.faults.extend(wrong)
        if reading.row is not None and not wrong:
            read.rows.append(PlacedRow(reading.row, record.place))
        else:
            read.codes.add(str(record.values.get("code")))
            read.faults.extend(_wrong_condition(kind, record, work))
    return read


def _wrong_names(kind: ReferenceKind, record: Record, near: NearNames) -> Iterator[Fault]:
    known = columns(kind)
    for name in record.values:
        if name not in known:
            yield record.place.fault([name], "is not known here", near.column(name, known))


def _wrong_condition(kind: ReferenceKind, record: Record, work: Work) -> Iterator[Fault]:
    """All is told at once: a condition does not wait for the other fields of its row."""
    parts = (record.values.get(name) for name in (*FILES[kind].parts, "code"))
    rule = rule_in_words("|".join(dict.fromkeys(each for each in parts if isinstance(each, str))))
    for wrong in wrong_conditions(kind, record.values, work):
        yield record.place.fault(wrong.at, f"{rule}: {wrong.problem}", wrong.fix)


class _Reading:
    """One record as a row; `row` is None where something is wrong with it."""

    def __init__(self, kind: ReferenceKind, record: Record) -> None:
        self._kind, self._file, self._place = kind, FILES[kind], record.place
        self._shape = CATALOG[kind].shape
        self.faults: list[Fault] = []
        values = {name: value for name, value in record.values.items() if not self._is_unsaid(name, value)}
        value = self._value({name: each for name, each in values.items() if name in self._shape.model_fields})
        parts = self._parts(values, value)
        first, until = self._day(values, VALID_FROM), self._day(values, VALID_TO)
        if first is None and VALID_FROM not in values:
            self._wrong(VALID_FROM, "is missing", "Give the first day on which the row holds")
        if first and until and until <= first:
            fix = f"It is the first day on which the row no longer holds: after {first}"
            self._wrong(VALID_TO, f"{until} is not after {VALID_FROM}", fix)
        self.row: ReferenceRow | None = None
        if not self.faults and first is not None and value is not None:
            self.row = ReferenceRow(
                kind=kind, key=self._file.key_of(parts), valid_from=first, valid_to=until, value=value
            )

    def _is_unsaid(self, name: str, value: Any) -> bool:
        """An empty cell, where it is not the text that a field needs."""
        if value is None:
            return True
        field = self._shape.model_fields.get(name)
        may_be_empty = field is not None and field.is_required() and _types(field.annotation) == {str}
        return self._file.form is Form.CSV and value == "" and not may_be_empty

    def _wrong(self, at: str, problem: str, fix: str = "") -> None:
        self.faults.append(self._place.fault([at], problem, fix))

    def _parts(self, values: Mapping[str, Any], value: Mapping[str, Any] | None) -> dict[str, str]:
        parts = {}
        for name in self._file.parts:
            given = values.get(name)
            if name not in values:
                if self._file.key_is_code:
                    parts[name] = str((value or {}).get("code", ""))
                elif name != self._file.optional:
                    self._wrong(name, "is missing", "It is a part of what the row is found by")
                continue
            if not isinstance(given, str):
                self._wrong(name, f"{quoted(given)} is not text", _QUOTE)
                continue
            parts[name] = given.strip()
            if why := self._why_no_part(parts[name]):
                self._wrong(name, f"{quoted(given)} {why}")
        key = self._file.key_of(parts)
        if len(key) > LONGEST_CODE:
            self._wrong("", f"its {', '.join(parts)} have more than {LONGEST_CODE} characters together")
        return parts

    def _why_no_part(self, part: str) -> str | None:
        if not part:
            return "is empty"
        if "\x00" in part:
            return "contains a NUL character"
        if unseen := invisible_in_name(part):
            return f"holds what nobody can see: {', '.join(unseen)}"
        return "contains |, which separates parts" if "|" in part and len(self._file.parts) > 1 else None

    def _day(self, values: Mapping[str, Any], name: str) -> date | None:
        given = values.get(name)
        if given is None:
            return None
        try:
            if isinstance(given, str) and _DATE.fullmatch(given.strip()):
                return date.fromisoformat(given.strip())
        except ValueError:  # 2026-02-30
            pass
        self._wrong(name, f"{quoted(given)} is not a date", _WRITE_DATE)
        return None

    def _value(self, fields: Mapping[str, Any]) -> dict[str, Any] | None:
        converted = {name: self._converted(name, value) for name, value in fields.items()}
        code = fields.get("code")
        if isinstance(code, str) and (unseen := invisible_in_name(code)):
            self._wrong("code", f"{quoted(code)} holds what nobody can see: {', '.join(unseen)}")
        if self.faults:  # told here; the shape would tell the same once more
            return None
        try:
            text = canonical_json.dumps(in_order(converted))
            return self._shape.model_validate_json(text, strict=True).model_dump(mode="json")
        except ValidationError as error:
            for each in error.errors(include_url=False):
                self.faults.append(self._place.fault(each["loc"], *_in_words(each)))
        return None

    def _converted(self, name: str, value: Any) -> Any:
        """A value as JSON has it: the cells of a table are all text."""
        types = types_of(self._kind, name)
        if date in types:
            self._day({name: value}, name)
            return value.strip() if isinstance(value, str) else value
        if self._file.form is not Form.CSV:
            return value
        if Decimal in types and not _NUMBER.fullmatch(value.strip()):
            self._wrong(name, f"{quoted(value)} is not a number", "Write a number as 1234.50")
        if bool in types:
            if value.strip().lower() not in _BOOLEANS:
                self._wrong(name, f"{quoted(value)} is neither true nor false")
            return _BOOLEANS.get(value.strip().lower())
        return value.strip() if Decimal in types else value


def _in_words(error: Any) -> tuple[str, str]:
    """The problem and what to do."""
    given, kind = error["input"], error["type"]
    message = str(error["msg"]).removeprefix("Value error, ")
    if kind == "missing":
        return "is missing", "Give it a value"
    if kind == "extra_forbidden":
        return "is not known here", "Remove it, or correct its name"
    message = f"{message[0].lower()}{message[1:]}"
    problem = message if isinstance(given, dict | list) else f"{quoted(given)}: {message}"
    return problem, _QUOTE if kind == "string_type" and not isinstance(given, dict | list) else ""


def _types(annotation: Any) -> set[Any]:
    """The types that a field may have, without None."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _types(get_args(annotation)[0])
    if origin in (Union, UnionType):
        return {each for arg in get_args(annotation) for each in _types(arg)} - {NoneType}
    return {annotation}
