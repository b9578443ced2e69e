"""A configuration bundle as YAML and CSV files: read with the line of each fault, and written so that equal
rows are equal bytes."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

from adapters.connectors.maps import wrong_map
from adapters.documents.canonical_document import UnreadableDocument, read_document
from oppsync.domain.configuration.checks import wrong_between
from oppsync.domain.configuration.faults import BadBundle, Fault, Place, quoted
from oppsync.domain.configuration.files import FILES, FORMAT, KIND_OF_FILE, MANIFEST, Form
from oppsync.domain.configuration.installation import Installation, unfit
from oppsync.domain.configuration.map_checks import wrong_maps
from oppsync.domain.configuration.near import NearNames
from oppsync.domain.configuration.records import (
    PlacedRow,
    Record,
    columns,
    read_records,
    records,
)
from oppsync.domain.configuration.rule_checks import wrong_rules
from oppsync.domain.deal.owned_fields import who_owns
from oppsync.domain.reference.book import ReferenceKind, ReferenceRow
from oppsync.domain.values.model import plain
from oppsync.domain.work.tenants import LONGEST_FIRM_NAME
from oppsync.kernel import canonical_json
from oppsync.kernel.json_pointer import pointer

Files = Mapping[str, bytes]
# Bytes. Ten kilobytes of YAML take a quarter of a second to read.
LARGEST = {Form.YAML: 500_000, Form.CSV: 4_000_000}
LARGEST_BUNDLE = 16_000_000
MOST_ROWS = 20_000
# Characters of one row of YAML.
LONGEST_ROW = 20_000
_OF_THE_INSTALLATION = frozenset({"connections", "customer_links", "people", "secrets", "tokens"})
# Text of a cell that a spreadsheet would take for a formula gets an apostrophe, which reading takes off again.
_LIKE_FORMULA = re.compile(r"'*[=+\-@\t\r]")
_ESCAPED = re.compile(r"'+[=+\-@\t\r]")
_NEEDS_QUOTES = re.compile('[,"\r\n]')
# Lines of a file that has no rows yet.
_ONLY_COMMENTS = re.compile(rb"(?:[ \t]*(?:#[^\r\n]*)?\r?\n)+")
# A line of its own, or behind a value without quotes.
_COMMENT = re.compile(rb"^(?:[^\"'\r\n]*[ \t])?#", re.MULTILINE)
# Text that YAML reads as text, and that no reader takes for something else.
_PLAIN_TEXT = re.compile(r"[^\W\d_](?:[\w .()/&+-]*[\w()])?")
_OTHER_TYPES = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})
# What a YAML reader may take for a line break or refuse, though JSON writes it as it is.
_NOT_IN_YAML = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")


class FirmBundle(NamedTuple):
    firm: str
    rows: tuple[ReferenceRow, ...]


def write_bundle(firm: str, rows: Iterable[ReferenceRow]) -> dict[str, bytes]:
    """Name -> content; kinds without rows have no file. Raises BadBundle for rows that no file can hold."""
    written = {MANIFEST: f"format: {FORMAT}\nfirm: {_yaml_scalar(firm)}\n".encode()}
    for kind, of_kind in records(rows).items():
        file = FILES[kind]
        text = _csv(kind, of_kind) if file.form is Form.CSV else "".join(_yaml_items(of_kind, 0))
        written[file.name] = text.encode()
    return written


def cells_of(row: ReferenceRow) -> dict[str, str]:
    """The row of a CSV file by its columns, as people write them."""
    [record] = records([row])[row.kind]
    return {
        name: str(value) if isinstance(value, str) else _plain_scalar(value) for name, value in record.items()
    }


def text_of(row: ReferenceRow) -> str:
    """The row of a YAML file, without what makes it one of a list."""
    [record] = records([row])[row.kind]
    return "".join(_yaml_fields(record, 0))


def record_of(text: str) -> Record:
    """Of such a text. Its faults name no file. Raises BadBundle."""
    faults: list[Fault] = []
    if len(text) > LONGEST_ROW:
        raise BadBundle([Fault("", 0, "", f"is longer than {LONGEST_ROW} characters")])
    document, lines = _document("", text.encode(errors="surrogatepass"), faults)
    place = Place("", 0, lines)
    if not faults and not isinstance(document, dict):
        faults.append(place.fault([], "is not a row of names with their values"))
    if faults:
        raise BadBundle(faults)
    return Record(document, place)


def read_bundle(files: Files, here: Installation | None = None) -> FirmBundle:
    """Raises BadBundle with everything that is wrong in all the files, also in what they name `here`."""
    read = _read(files)
    faults = list(read.faults)
    # Where a file cannot be read at all, nobody knows what it would have.
    unreadable = {fault.file for fault in read.faults if not fault.field}
    if unreadable.isdisjoint(KIND_OF_FILE):
        faults += wrong_between(read.rows, read.codes)
        faults += wrong_maps(read.rows, wrong_map)
        faults += unfit(read.rows, here)
    if faults:
        raise BadBundle(faults)
    return FirmBundle(read.firm, tuple(each.row for each in read.rows))


def not_kept(files: Files) -> list[str]:
    """What the files have and their rows do not, in words."""
    names = [each for each in sorted(files) if each.endswith(Form.YAML) and _COMMENT.search(files[each])]
    if not names:
        return []
    return [f"Comments are not kept: an export comes out without those of {', '.join(names)}."]


def read_rows(files: Files) -> tuple[ReferenceRow, ...]:
    """The rows as they stand, whether or not they fit together. Raises BadBundle where one cannot be read, also
    with what is wrong with the conditions of the others."""
    read = _read(files)
    if read.faults:
        raise BadBundle([*read.faults, *wrong_rules(read.rows)])
    return tuple(each.row for each in read.rows)


class _Read(NamedTuple):
    """`codes`: those of rows that have a fault."""

    firm: str
    rows: list[PlacedRow]
    codes: dict[ReferenceKind, Set[str]]
    faults: list[Fault]


def _read(files: Files) -> _Read:
    """Raises BadBundle for files that are no bundle."""
    faults = list(_unfit(files))
    if faults:
        raise BadBundle(faults)
    read = _Read(_firm(files, faults), [], {}, faults)
    for name, kind in KIND_OF_FILE.items():
        if name in files:
            found = read_records(kind, _records(kind, name, files[name], faults))
            read.rows.extend(found.rows)
            read.codes[kind] = found.codes
            faults += found.faults
    faults += _too_many(read.rows)
    return read


def _unfit(files: Files) -> Iterator[Fault]:
    near = NearNames()
    for name, content in files.items():
        if name != MANIFEST and name not in KIND_OF_FILE:
            fix = _who_keeps(name.rpartition(".")[0]) or near.advice(name, [*KIND_OF_FILE])
            yield Fault(quoted(name).strip("'"), 0, "", "is no file of a bundle", fix)
        elif len(content) > (most := LARGEST[Form(name.rpartition(".")[2])]):
            yield Fault(name, 0, "", f"is longer than {most} bytes")
    if sum(map(len, files.values())) > LARGEST_BUNDLE:
        yield Fault(MANIFEST, 0, "", f"all files together are longer than {LARGEST_BUNDLE} bytes")
    if MANIFEST not in files:
        fix = f"Begin with a file of two lines: `format: {FORMAT}` and `firm: ` with the firm's name"
        yield Fault(MANIFEST, 0, "", "is missing", fix)


def _who_keeps(what: str) -> str | None:
    if what in _OF_THE_INSTALLATION:
        return f"The installation keeps {what}, and an administrator changes them there"
    return who_owns(what)


def _too_many(rows: Sequence[PlacedRow]) -> Iterator[Fault]:
    if len(rows) > MOST_ROWS:
        yield Fault(MANIFEST, 0, "", f"there are {len(rows)} rows, and at most {MOST_ROWS} are possible")


def _decoded(name: str, content: bytes, faults: list[Fault]) -> str | None:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        faults.append(Fault(name, line, "", "is not UTF-8", "Save the file in the encoding UTF-8"))
        return None


def _firm(files: Files, faults: list[Fault]) -> str:
    document, lines = _document(MANIFEST, files[MANIFEST], faults)
    place = Place(MANIFEST, 1, lines)
    if not isinstance(document, dict):
        if lines:
            faults.append(place.fault([], "is not a list of names with their values"))
        return ""
    for name in document:
        if name not in ("format", "firm"):
            faults.append(place.fault([name], "is not known here", "Known are format, firm"))
    given = document.get("format")
    if given != FORMAT or isinstance(given, bool):
        faults.append(place.fault(["format"], f"{quoted(given)} is not a format of this release", "It reads 1"))
    firm = document.get("firm")
    if not isinstance(firm, str) or not firm.strip():
        faults.append(place.fault(["firm"], f"{quoted(firm)} is not the name of a firm"))
        return ""
    name = firm.strip()
    if len(name) > LONGEST_FIRM_NAME or not name.isprintable():
        wanted = f"A name is one line of at most {LONGEST_FIRM_NAME} characters that print"
        faults.append(place.fault(["firm"], f"{quoted(name)} is not the name of a firm", wanted))
    return name


def _document(name: str, content: bytes, faults: list[Fault]) -> tuple[Any, Mapping[str, int]]:
    """Read YAML: its values, and the line of each place; no lines where it cannot be read."""
    text = _decoded(name, content, faults)
    if text is None:
        return None, {}
    try:
        return read_document(text)
    except UnreadableDocument as error:
        for each in error.faults:
            at = each.pointer.strip("/").replace("/", ".")
            faults.append(Fault(name, each.line, at, each.message))
        return None, {}


def _records(kind: ReferenceKind, name: str, content: bytes, faults: list[Fault]) -> Iterator[Record]:
    if FILES[kind].form is Form.CSV:
        text = _decoded(name, content, faults)
        return _csv_records(kind, name, text, faults) if text is not None else iter(())
    return _yaml_records(name, content, faults)


def _yaml_records(name: str, content: bytes, faults: list[Fault]) -> Iterator[Record]:
    if _ONLY_COMMENTS.fullmatch(content):
        return
    document, lines = _document(name, content, faults)
    if not isinstance(document, list):
        if lines:
            faults.append(Fault(name, 1, "", "is not a list", "Begin each row with `- `"))
        return
    for index, row in enumerate(document):
        place = Place(name, lines.get(f"/{index}", 1), lines, pointer([index]))
        if isinstance(row, dict):
            yield Record(row, place)
        else:
            faults.append(place.fault([], f"{quoted(row)} is not a row of names with their values"))


def _csv_records(kind: ReferenceKind, name: str, text: str, faults: list[Fault]) -> Iterator[Record]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    header: list[str] | None = None
    line = 1
    try:
        for cells in reader:
            if header is None:
                header = [cell.strip() for cell in cells]
                wrong = list(_wrong_header(kind, name, header))
                faults += wrong
                if wrong:
                    return
            elif len(cells) > len(header):
                problem = f"has {len(cells)} cells, and the first line names {len(header)} columns"
                faults.append(Fault(name, line, "", problem, "Put quotes around text that contains a comma"))
            elif any(cell.strip() for cell in cells):
                given = {column: without_apostrophe(cell) for column, cell in zip(header, cells, strict=False)}
                yield Record(given, Place(name, line))
            line = reader.line_num + 1
    except csv.Error as error:
        faults.append(Fault(name, line, "", f"cannot be read as CSV: {error}"))


def _wrong_header(kind: ReferenceKind, name: str, header: Sequence[str]) -> Iterator[Fault]:
    known, near = columns(kind), NearNames()
    if len(header) == 1 and ";" in header[0]:
        yield Fault(name, 1, "", "its columns are separated by semicolons", "Separate them by commas")
        return
    for column in dict.fromkeys(header):
        if column not in known:
            fix = near.column(column, known)
            yield Fault(name, 1, quoted(column).strip("'"), "is no column of this file", fix)
        elif header.count(column) > 1:
            yield Fault(name, 1, column, "is there twice")


def without_apostrophe(cell: str) -> str:
    """The text as it was before `write_bundle` made it harmless."""
    return cell[1:] if _ESCAPED.match(cell) else cell


def _csv(kind: ReferenceKind, rows: Sequence[Mapping[str, Any]]) -> str:
    names = columns(kind)
    return csv_of((names, *([row.get(name) for name in names] for row in rows)))


def csv_of(lines: Iterable[Sequence[Any]]) -> str:
    """The lines as CSV. Text that a spreadsheet would take for a formula is made harmless."""
    return "".join(f"{','.join(_in_quotes(_cell(cell)) for cell in line)}\n" for line in lines)


def _in_quotes(cell: str) -> str:
    """The writer of `csv` leaves a lone carriage return unquoted, which its reader takes for a new line."""
    return '"{}"'.format(cell.replace('"', '""')) if _NEEDS_QUOTES.search(cell) else cell


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return f"'{value}" if _LIKE_FORMULA.match(value) else value
    return _plain_scalar(value)


def _plain_scalar(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return plain(value)
    return value.isoformat() if isinstance(value, date) else str(value)


def _yaml_items(rows: Iterable[Any], depth: int) -> Iterator[str]:
    for row in rows:
        if isinstance(row, dict) and row:
            first, *rest = _yaml_fields(row, depth + 1)
            yield f"{'  ' * depth}- {first.lstrip(' ')}"
            yield from rest
        else:
            yield f"{'  ' * depth}- {_yaml_scalar(row)}\n"


def _yaml_fields(fields: Mapping[str, Any], depth: int) -> Iterator[str]:
    begin = "  " * depth
    for name, value in fields.items():
        head = f"{begin}{_yaml_scalar(name)}:"
        if isinstance(value, dict) and value:
            yield f"{head}\n"
            yield from _yaml_fields(value, depth + 1)
        elif isinstance(value, list | tuple) and value:
            yield f"{head}\n"
            yield from _yaml_items(value, depth + 1)
        else:
            yield f"{head} {_yaml_scalar(value)}\n"


def _yaml_scalar(value: Any) -> str:
    if isinstance(value, str):
        text = str(value)
        if _PLAIN_TEXT.fullmatch(text) and text.casefold() not in _OTHER_TYPES and text.isascii():
            return text
        escaped = canonical_json.dumps(text)
        return _NOT_IN_YAML.sub(lambda found: f"\\u{ord(found[0]):04x}", escaped)
    if isinstance(value, dict):
        return "{}"
    if isinstance(value, list | tuple):
        return "[]"
    return "null" if value is None else _plain_scalar(value)
