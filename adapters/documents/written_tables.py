"""Tables that people take away: CSV and XLSX, with the same cells. `tables` reads both."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from decimal import Decimal

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import TYPE_STRING

from adapters.documents.bundle_files import csv_of

WrittenCell = str | int | Decimal | None
Lines = Iterable[Sequence[WrittenCell]]
CSV, XLSX = "text/csv", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def written_csv(lines: Lines) -> bytes:
    """With a mark at its beginning by which spreadsheet programs know that it is UTF-8."""
    return csv_of(lines).encode("utf-8-sig")


def written_xlsx(title: str, lines: Lines) -> bytes:
    book = Workbook(write_only=True)
    sheet = book.create_sheet(title)
    for line in lines:
        sheet.append([_cell(sheet, value) for value in line])
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def _cell(sheet: object, value: WrittenCell) -> object:
    """Text stays text, also where it begins as a formula does."""
    cell = WriteOnlyCell(sheet, value)
    if isinstance(value, str):
        cell.data_type = TYPE_STRING
    return cell
