"""Tables that people keep: a CSV file in whatever way their program writes it, or the first sheet of an XLSX
file."""

from __future__ import annotations

import csv
import io
import math
import zipfile
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any

from openpyxl import load_workbook

from oppsync.domain.configuration.faults import BadBundle, Fault
from oppsync.domain.configuration.imports import Cell, Line, Table

LARGEST = 4_000_000
# Of an XLSX file, unpacked: its XML is read at a few megabytes a second.
LARGEST_UNPACKED = 20_000_000
MOST_LINES = 5_001
MOST_COLUMNS = 100
_XLSX = b"PK"
_DELIMITERS = ",;\t"
_SAVE_AS = "Save it as an XLSX or CSV file again"


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
            yield Line(line, cells[:MOST_COLUMNS])
            line = reader.line_num + 1
    except csv.Error as error:
        raise _fault(name, f"cannot be read as CSV: {error}", "", line) from None


def _xlsx(name: str, content: bytes) -> Iterator[Line]:
    _refuse_bomb(name, content)
    try:
        book = load_workbook(io.BytesIO(content), read_only=True, data_only=True, keep_links=False)
        sheet: Any = book.worksheets[0]
        # Whatever size the sheet states: it may be a lie.
        bounds = {"min_row": 1, "max_row": MOST_LINES + 1, "min_col": 1, "max_col": MOST_COLUMNS}
        rows = [(number, row) for number, row in enumerate(sheet.iter_rows(**bounds), 1) if _has_value(row)]
    # openpyxl raises whatever its own code runs into when a file is not as it expects.
    except Exception as error:
        raise _fault(name, f"cannot be read as XLSX: {error}", _SAVE_AS) from None
    for number, row in rows:
        yield Line(number, [_cell(each.value) for each in row])


def _has_value(row: Any) -> bool:
    return any(each.value is not None for each in row)


def _refuse_bomb(name: str, content: bytes) -> None:
    """Unpack it once, counting: sizes that a zip file states may be lies."""
    left = LARGEST_UNPACKED
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for info in archive.infolist():
                with archive.open(info) as packed:
                    while left >= 0 and (piece := packed.read(100_000)):
                        left -= len(piece)
    # As zip_of: whatever the reader raises for a file that was tampered with.
    except Exception as error:
        raise _fault(name, f"cannot be read as XLSX: {error}", _SAVE_AS) from None
    if left < 0:
        raise _fault(name, f"is longer than {LARGEST_UNPACKED} bytes unpacked", "Import it in parts")


def _cell(value: Any) -> Cell:
    """Numbers with the digits that a spreadsheet shows: 0.1, and not the double next to it."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        return Decimal(repr(value)) if math.isfinite(value) else str(value)
    if isinstance(value, datetime):
        return value.date() if value.time() == datetime.min.time() else value.isoformat()
    return str(value)


def _fault(name: str, problem: str, fix: str = "", line: int = 0) -> BadBundle:
    return BadBundle([Fault(name, line, "", problem, fix)])
