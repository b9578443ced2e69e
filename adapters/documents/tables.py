"""Tables that people keep: a CSV file in whatever way their program writes it, or the first sheet of an XLSX
file."""

from __future__ import annotations

import csv
import io
import math
import re
import zipfile
from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from typing import IO, Any
from xml.parsers import expat

from openpyxl import load_workbook
from openpyxl.cell.cell import TYPE_FORMULA
from openpyxl.cell.read_only import EMPTY_CELL, ReadOnlyCell

from adapters.documents.bundle_files import without_apostrophe
from oppsync.domain.configuration.faults import BadBundle, Fault
from oppsync.domain.configuration.imports import Ambiguous, Cell, Line, Percentage, Table, Uncalculated

LARGEST = 4_000_000
# Of an XLSX file, unpacked: its XML is read at a few megabytes a second.
LARGEST_UNPACKED = 20_000_000
MOST_LINES = 5_001
MOST_COLUMNS = 100
_XLSX = b"PK"
_DELIMITERS = ",;\t"
_SAVE_AS = "Save it as an XLSX or CSV file again"
# What a number format shows as it stands: quoted text, an escaped character, a space as wide as one, a filler.
_LITERAL = re.compile(r'"[^"]*"|[\\_*].')
_LEADING_ZEROS = re.compile(r"(0{2,})(?:;.*)?")
_CONDITION = re.compile(r"\[[<>=]")


def read_table(name: str, content: bytes) -> Table:
    """Raises BadBundle for what is no table."""
    if len(content) > LARGEST:
        raise _fault(name, f"is longer than {LARGEST} bytes")
    lines = _xlsx(name, content) if content.startswith(_XLSX) else _csv(name, content)
    found = []
    for line in lines:
        found.append(line)
        if len(found) > MOST_LINES:
            raise _fault(name, f"has more than {MOST_LINES - 1} rows", "Import it in parts")
    return Table(name, found)


def _csv(name: str, content: bytes) -> Iterator[Line]:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise _fault(name, "is not UTF-8", "Save it as CSV UTF-8, or as an XLSX file", line) from None
    first = text.lstrip("\r\n").partition("\n")[0]
    delimiter = max(_DELIMITERS, key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    line = 1
    try:
        for cells in reader:
            yield _line(name, line, [without_apostrophe(cell) for cell in cells])
            line = reader.line_num + 1
    except csv.Error as error:
        raise _fault(name, f"cannot be read as CSV: {error}", "", line) from None


def _line(name: str, number: int, cells: Sequence[Cell]) -> Line:
    if any(cell not in (None, "") for cell in cells[MOST_COLUMNS:]):
        problem = f"has more than {MOST_COLUMNS} columns"
        raise _fault(name, problem, "Remove what is no column of these rows", number)
    return Line(number, cells[:MOST_COLUMNS])


def _xlsx(name: str, content: bytes) -> Iterator[Line]:
    _refuse_bomb(name, content)
    try:
        lines = _lines(content)
    # openpyxl raises whatever its own code runs into when a file is not as it expects.
    except Exception as error:
        raise _fault(name, f"cannot be read as XLSX: {error}", _SAVE_AS) from None
    for number, cells in lines:
        yield _line(name, number, cells)


def _lines(content: bytes) -> list[tuple[int, list[Cell]]]:
    results = _rows(content, results=True)
    # Reading takes long: formulas are read only where a result may be missing.
    may_lack = any(_lacks_result(cell) for row in results for cell in row)
    formulas = _rows(content, results=False) if may_lack else results
    lines = []
    for number, (row, with_formulas) in enumerate(zip(results, formulas, strict=True), 1):
        cells = [_cell(cell, formula) for cell, formula in zip(row, with_formulas, strict=True)]
        if any(cell is not None for cell in cells):
            lines.append((number, cells))
    return lines


def _rows(content: bytes, *, results: bool) -> list[tuple[Any, ...]]:
    """The cells of the first sheet. `results`: those of formulas, in place of the formulas themselves."""
    book = load_workbook(io.BytesIO(content), read_only=True, data_only=results, keep_links=False)
    sheet: Any = book.worksheets[0]
    # Whatever size the sheet states: it may be a lie. So each row is as wide as what stands in it.
    sheet.reset_dimensions()
    return [_within_bounds(row) for row in sheet.iter_rows(min_row=1, max_row=MOST_LINES + 1, min_col=1)]


def _within_bounds(row: tuple[Any, ...]) -> tuple[Any, ...]:
    """One cell more than is read: the first beyond that holds something, or else may."""
    near = (*row[:MOST_COLUMNS], *[EMPTY_CELL] * (MOST_COLUMNS - len(row)))
    beyond = [cell for cell in row[MOST_COLUMNS:] if cell is not EMPTY_CELL]
    return (*near, max(beyond, key=lambda cell: cell.value is not None, default=EMPTY_CELL))


def _lacks_result(cell: Any) -> bool:
    """Whether the sheet has the cell without a value. The result of a formula may be the empty text."""
    return isinstance(cell, ReadOnlyCell) and cell.value is None and cell.data_type != "str"


def _refuse_bomb(name: str, content: bytes) -> None:
    """Unpack it once, counting: sizes that a zip file states may be lies. Entities, which make much of little,
    stand in the declaration of a document type, which no spreadsheet program writes."""
    left, declares = LARGEST_UNPACKED, False
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for info in archive.infolist():
                with archive.open(info) as packed:
                    while left >= 0 and (piece := packed.read(100_000)):
                        left -= len(piece)
                if left >= 0:
                    with archive.open(info) as packed:
                        declares = declares or _declares_a_type(packed)
    # As zip_of: whatever the reader raises for a file that was tampered with.
    except Exception as error:
        raise _fault(name, f"cannot be read as XLSX: {error}", _SAVE_AS) from None
    if left < 0:
        raise _fault(name, f"is longer than {LARGEST_UNPACKED} bytes unpacked", "Import it in parts")
    if declares:
        raise _fault(name, "declares a document type, as no spreadsheet does", _SAVE_AS)


def _declares_a_type(part: IO[bytes]) -> bool:
    """Whether it is XML that does, in whichever encoding the parser that reads it later takes. Up to the first
    element: nothing behind that may."""
    found: list[bool] = []
    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = lambda *_: found.append(True)
    parser.StartElementHandler = lambda *_: found.append(False)
    try:
        while not found and (piece := part.read(100_000)):
            parser.Parse(piece)
    # A part that is no XML, such as a picture.
    except expat.ExpatError:
        pass
    return any(found)


def _cell(cell: Any, formula: Any) -> Cell:
    """The value of a cell. `formula`: the same cell, read with its formula."""
    if _lacks_result(cell) and formula.data_type == TYPE_FORMULA:
        return Uncalculated(formula.value if isinstance(formula.value, str) else "=")
    return _value(cell.value, cell.number_format)


def _value(value: Any, number_format: str) -> Cell:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        return _number(value, _LITERAL.sub("", number_format)) if math.isfinite(value) else str(value)
    if isinstance(value, datetime):
        return value.date() if value.time() == datetime.min.time() else value.isoformat()
    return without_apostrophe(str(value))


def _number(value: int | float, number_format: str) -> Cell:
    """As a spreadsheet shows it: 0.1, and not the double next to it; 19 for what it shows as 19 %; and the code
    000012 with its zeros."""
    shown = {"%" in section for section in _sections(value, number_format)}
    if len(shown) > 1:
        return Ambiguous(Decimal(repr(value)))
    if True in shown:
        return Percentage(Decimal(repr(value)).scaleb(2))
    zeros = _LEADING_ZEROS.fullmatch(number_format)
    if zeros and value >= 0 and value == int(value):
        return str(int(value)).zfill(len(zeros[1]))
    return Decimal(repr(value))


def _sections(value: int | float, number_format: str) -> list[str]:
    """Those of the format that may show the value: one for numbers above zero, below it and zero itself, unless
    it states conditions of its own."""
    sections = number_format.split(";")[:3]
    if _CONDITION.search(number_format):
        return sections
    wanted = 1 if value < 0 else 2 if value == 0 else 0
    return [sections[wanted] if wanted < len(sections) else sections[0]]


def _fault(name: str, problem: str, fix: str = "", line: int = 0) -> BadBundle:
    return BadBundle([Fault(name, line, "", problem, fix)])
