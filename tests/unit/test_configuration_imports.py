"""A table that somebody keeps is put among the rows of now: in their form of numbers and dates, whole or not at
all."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import date, datetime, time
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook, load_workbook

from adapters.documents import tables
from adapters.documents.bundle_files import write_bundle
from adapters.documents.bundle_zip import zip_of
from adapters.documents.tables import read_table
from oppsync.domain.configuration.bounds import BOUNDS
from oppsync.domain.configuration.bundle import governed
from oppsync.domain.configuration.differences import differences
from oppsync.domain.configuration.faults import BadBundle
from oppsync.domain.configuration.imports import IMPORTED, DateForm, Forms, NumberForm, merged
from oppsync.domain.configuration.records import columns, is_percent
from oppsync.domain.reference.book import ReferenceKind, ReferenceRow
from sandbox.firm.demo_firm import reference_rows

NOW = governed(reference_rows())
RATES = ReferenceKind.RATE_CARD
PLAIN = Forms()
CONTINENTAL = Forms(NumberForm.COMMA, DateForm.DAY_FIRST)
HEADER = "Region;Role;Currency;Valid from;Card;Hourly"


def imported(content: str | bytes, forms: Forms = PLAIN, kind: ReferenceKind = RATES) -> Sequence[ReferenceRow]:
    table = read_table("ours.csv", content.encode() if isinstance(content, str) else content)
    return merged(NOW, kind, table, forms)


def told(content: str | bytes, forms: Forms = PLAIN, kind: ReferenceKind = RATES) -> list[str]:
    return [each.in_words for each in differences(NOW, imported(content, forms, kind))]


def faults(content: str | bytes, forms: Forms = PLAIN, kind: ReferenceKind = RATES) -> list[str]:
    with pytest.raises(BadBundle) as refused:
        imported(content, forms, kind)
    return [str(each) for each in refused.value.faults]


def xlsx(*rows: Sequence[object]) -> bytes:
    book = Workbook()
    for row in rows:
        book.active.append(list(row))
    made = io.BytesIO()
    book.save(made)
    return made.getvalue()


def test_a_new_rate_is_added_and_the_one_before_ends_where_it_begins() -> None:
    ended, added = told(f"{HEADER}\nNA;Consultant;USD;01.07.2026;NA summer;1.170,50\n", CONTINENTAL)
    rate = "rates.csv: region NA, role Consultant, currency USD"
    assert ended == f"{rate} from 2026-01-01: ends: no longer holds from 2026-07-01 on"
    assert added == f"{rate} from 2026-07-01: added: card NA summer, hourly 1170.5"


def test_a_rate_of_the_same_day_is_changed_and_keeps_what_the_table_has_no_column_for() -> None:
    (only,) = told(f"{HEADER}\nNA;Consultant;USD;1/1/2026;NA 2026;165\n", Forms(dates=DateForm.DAY_FIRST))
    assert only.endswith("changed: hourly 160 -> 165")


def test_a_rate_before_one_that_is_known_ends_where_that_begins() -> None:
    content = f"{HEADER}\nNA;Consultant;USD;2025-07-01;NA late 2025;155\n"
    rows = [row for row in imported(content) if (row.kind, row.key) == (RATES, "NA|Consultant|USD")]
    assert [(row.valid_from, row.valid_to) for row in sorted(rows, key=lambda row: row.valid_from)] == [
        (date(2025, 1, 1), date(2025, 7, 1)),
        (date(2025, 7, 1), date(2026, 1, 1)),
        (date(2026, 1, 1), None),
    ]


@pytest.mark.parametrize(
    ("stored", "number_format", "means"),
    [
        (0.19, "0%", "19"),
        (0.07, "0.00%", "7"),
        (0.145, "0.0 %;[Red]-0.0 %", "14.5"),
        (1, "0%", "100"),
        (19, '0"%"', "19"),
        (19, r"0\%", "19"),
        (19, "0.00", "19"),
        (0.19, "General", "0.19"),
    ],
)
def test_a_percentage_means_what_the_spreadsheet_shows(stored: float, number_format: str, means: str) -> None:
    content = xlsx(["Entity", "Valid from", "Floor percent"], ["ACME-DE", date(2026, 7, 1), stored])
    book = load_workbook(io.BytesIO(content))
    book.active["C2"].number_format = number_format
    made = io.BytesIO()
    book.save(made)
    rows = imported(made.getvalue(), kind=ReferenceKind.MARGIN_POLICY)
    (row,) = (each for each in rows if each.valid_from == date(2026, 7, 1))
    assert row.value["floor_percent"] == means


def formatted(row: Sequence[object], named: str, number_format: str) -> bytes:
    """A row, its last cell shown in this format."""
    book = load_workbook(io.BytesIO(xlsx(named.split(","), row)))
    book.active.cell(2, len(row)).number_format = number_format
    made = io.BytesIO()
    book.save(made)
    return made.getvalue()


@pytest.mark.parametrize("number_format", ["0%", "0.00%", "[Red]0.0 %", "0%;0"])
def test_a_percentage_in_a_column_of_another_kind_is_refused(number_format: str) -> None:
    plain_number = "Format the cell as a plain number, and see that it shows what is meant."
    row = ["EUR", "CHF", date(2026, 7, 1), "ECB", date(2026, 6, 30), 0.94]
    content = formatted(row, "From currency,To currency,Valid from,Source,Quoted on,Rate", number_format)
    assert faults(content, kind=ReferenceKind.EXCHANGE_RATE) == [
        f"ours.csv:2: rate: the sheet shows 94 %, and this is no column of percents. {plain_number}"
    ]
    named = "Region,Role,Currency,Valid from,Card,Hourly"
    (wrong,) = faults(formatted(["NA", "Consultant", "USD", "2026-07-01", "NA", 0.5], named, number_format))
    assert (
        wrong == f"ours.csv:2: hourly: the sheet shows 50 %, and this is no column of percents. {plain_number}"
    )
    named = "Region,Role,Currency,Valid from,Hourly,Card"
    assert "shows 100 %" in faults(formatted(["NA", "X", "USD", "2026-07-01", 5, 1], named, number_format))[0]


@pytest.mark.parametrize(
    ("stored", "number_format", "means"),
    [(2.5, "0;0%", "2.5"), (0, "0%;-0%;0", "0"), (0.5, '0%;-0%;"-"', "50"), (0.5, "[Red]0%;[Blue]0%", "50")],
)
def test_the_section_of_a_format_that_shows_the_value_decides(
    stored: float, number_format: str, means: str
) -> None:
    content = formatted(["ACME-DE", date(2026, 7, 1), stored], "Entity,Valid from,Floor percent", number_format)
    rows = imported(content, kind=ReferenceKind.MARGIN_POLICY)
    (row,) = (each for each in rows if each.valid_from == date(2026, 7, 1))
    assert row.value["floor_percent"] == means


def test_a_format_that_shows_a_percentage_on_a_condition_is_refused() -> None:
    content = formatted(["ACME-DE", date(2026, 7, 1), 2.5], "Entity,Valid from,Floor percent", "[>1]0;0%")
    (wrong,) = faults(content, kind=ReferenceKind.MARGIN_POLICY)
    assert "floor_percent: 2.5 has a format that shows some numbers as percentages and others not" in wrong


def test_the_columns_of_percents_are_those_that_are_bound_to_a_hundred() -> None:
    for kind in IMPORTED.values():
        bounds = BOUNDS.get(kind, {})
        assert [name for name in columns(kind) if is_percent(kind, name)] == [
            name for name in columns(kind) if name in bounds and bounds[name].most == 100
        ]


@pytest.mark.parametrize(
    ("forms", "text", "advice"),
    [
        (CONTINENTAL, "2,5 %", "Write 2,5."),
        (CONTINENTAL, "19%", "Write 19."),
        (PLAIN, "2.5 %", "Write 2.5."),
        (PLAIN, "2,5 %", "Correct it, or choose the other form of numbers."),
    ],
)
def test_a_percentage_that_is_text_is_told_how_to_be_written(forms: Forms, text: str, advice: str) -> None:
    header = ["Region", "Role", "Currency", "Valid from", "Card", "Hourly", "Discount percent"]
    row = ["NA", "Consultant", "USD", date(2026, 7, 1), "NA", 170]
    (wrong,) = faults(xlsx(header, [*row, text]), forms)
    assert wrong.startswith(f"ours.csv:2: discount_percent: '{text}' is not of the form")
    assert wrong.endswith(advice)
    (elsewhere,) = faults(xlsx(header, [*row[:5], text, None]), forms)
    assert elsewhere.startswith("ours.csv:2: hourly:")
    assert "Write" not in elsewhere


@pytest.mark.parametrize(
    ("stored", "number_format", "means"),
    [
        (12, "000000", "000012"),
        (12, "0000;-0000", "0012"),
        (1234567, "000000", "1234567"),
        (12, "0", "12"),
        (12, "General", "12"),
    ],
)
def test_a_code_has_the_zeros_that_the_spreadsheet_shows(stored: int, number_format: str, means: str) -> None:
    header = ["Entity", "Service line", "Valid from", "Code", "Name"]
    book = Workbook()
    book.active.append(header)
    book.active.append(["ACME-DE", "ADV", date(2026, 7, 1), stored, "Advisory"])
    book.active["D2"].number_format = number_format
    made = io.BytesIO()
    book.save(made)
    rows = imported(made.getvalue(), kind=ReferenceKind.COST_CENTRE)
    (row,) = (each for each in rows if each.valid_from == date(2026, 7, 1) and "ACME-DE" in each.key)
    assert row.value["code"] == means


def test_what_nobody_can_see_is_no_part_of_a_code_or_a_role() -> None:
    header = "region,role,currency,valid_from,card,hourly"
    assert faults(f"{header}\nNA,Consul\u200btant,USD,2026-07-01,NA,170\n") == [
        "ours.csv:2: role: 'Consul\\u200btant' holds what nobody can see: U+200B ZERO WIDTH SPACE."
    ]
    content = "entity,service_line,valid_from,code,name\nACME-DE,ADV,2026-07-01,41\u206000,Advisory\n"
    (unseen,) = faults(content, kind=ReferenceKind.COST_CENTRE)
    assert "U+2060" in unseen


def test_columns_beyond_the_last_one_that_is_read_are_refused() -> None:
    wide = f"{HEADER};{';' * tables.MOST_COLUMNS}"
    assert told(f"{wide}\nNA;Consultant;USD;01.07.2026;NA;170\n", CONTINENTAL)
    assert faults(f"{wide}\nNA;Consultant;USD;01.07.2026;NA;170{';' * tables.MOST_COLUMNS}left\n") == [
        "ours.csv:2: has more than 100 columns. Remove what is no column of these rows."
    ]


def test_a_sheet_with_columns_beyond_the_last_one_that_is_read_is_refused_too() -> None:
    header, row = HEADER.split(";"), ["NA", "Consultant", "USD", date(2026, 7, 1), "NA", 170]
    far: list[object] = [None] * (tables.MOST_COLUMNS - len(row))
    too_wide = "has more than 100 columns. Remove what is no column of these rows."
    assert faults(xlsx(header, [*row, *far, "left"])) == [f"ours.csv:2: {too_wide}"]
    assert faults(xlsx([*header, *far, "Discount percent"], [*row, *far, 10])) == [f"ours.csv:1: {too_wide}"]
    assert faults(xlsx(header, row, [*[None] * 500, "=5+5"])) == [f"ours.csv:3: {too_wide}"]
    book = load_workbook(io.BytesIO(xlsx(header, row)))
    book.active.cell(2, 150).number_format = "0.00"
    made = io.BytesIO()
    book.save(made)
    assert told(made.getvalue())
    sheet = "xl/worksheets/sheet1.xml"
    lying = with_part(
        xlsx(header, [*row, *far, "left"]), sheet, lambda xml: xml.replace("CW2", "F2", 1).encode()
    )
    assert faults(lying) == [f"ours.csv:2: {too_wide}"]


def test_rows_that_name_no_day_hold_from_the_day_that_was_chosen() -> None:
    header = "region,role,currency,card,hourly"
    (ended, added) = told(f"{header}\nNA,Consultant,USD,NA,165\n", Forms(since=date(2027, 1, 1)))
    assert "no longer holds from 2027-01-01 on" in ended
    assert "from 2027-01-01: added" in added
    assert faults(f"{header}\nNA,Consultant,USD,NA,165\n") == [
        "ours.csv:2: valid_from: is missing. Give the first day on which the row holds."
    ]


def test_every_row_at_fault_is_named_with_line_column_value_and_what_to_do() -> None:
    content = (
        f"{HEADER};\n"
        "NA;Consultant;USD;01.07.2026;NA;1,170.50\n"
        "NA;Consultant;USD;2026-07-01;NA;170\n"
        "NA;Consultant;USD;31.02.2026;NA;170\n"
        ";Consultant;USD;01.07.2026;NA;170\n"
        "NA;Consultant;USD;01.08.2026;NA;#REF!\n"
        "NA;Consultant;USD;01.09.2026;NA;170;left\n"
    )
    number, day = (f"Correct it, or choose the other form of {what}." for what in ("numbers", "dates"))
    assert faults(content, CONTINENTAL) == [
        f"ours.csv:2: hourly: '1,170.50' is not of the form 1.234,50. {number}",
        f"ours.csv:3: valid_from: '2026-07-01' is no day of the form 31.01.2026. {day}",
        f"ours.csv:4: valid_from: '31.02.2026' is no day of the form 31.01.2026. {day}",
        "ours.csv:5: region: is missing. It is a part of what the row is found by.",
        "ours.csv:6: hourly: #REF! is an error of the spreadsheet. Correct its formula.",
        "ours.csv:7: 'left' stands in a column without a name.",
    ]


def test_columns_are_named_and_rows_come_once() -> None:
    assert faults("region,rolle,hourly,hourly\n") == [
        "ours.csv:1: hourly: is there twice.",
        "ours.csv:1: rolle: is no column of these rows. Did you mean role?",
    ]
    assert faults("\n\n") == ["ours.csv: has no rows. Name the columns in the first line."]
    line = "NA;Consultant;USD;01.07.2026;NA;170\n"
    (twice,) = faults(f"{HEADER}\n{line}{line}", CONTINENTAL)
    assert twice.startswith("ours.csv:3: valid_from: region NA, role Consultant, currency USD stands in line 2")


def test_a_row_that_would_leave_a_hole_or_names_what_is_not_known_is_refused() -> None:
    header = "region,role,currency,valid_from,valid_to,card,hourly\n"
    (hole,) = faults(f"{header}NA,Consultant,USD,2026-07-01,2026-08-01,NA,170\n")
    assert hole.startswith("ours.csv:2: valid_to: no row would hold from 2026-08-01 on")
    both = "NA,Consultant,USD,2026-07-01,2026-08-01,NA,170\nNA,Consultant,USD,2026-08-01,,NA,160\n"
    assert len(told(header + both)) == 3
    (unknown,) = faults(f"{header}MOON,Consultant,USD,2026-07-01,,NA,170\n")
    assert unknown.startswith("ours.csv:2: region: no region has the code 'MOON'")


def test_numbers_and_days_of_a_spreadsheet_are_taken_as_they_are() -> None:
    content = xlsx(
        ["Region", "Role", "Currency", "Valid from", "Card", "Hourly", "Version"],
        [],
        ["NA", "Consultant", "USD", datetime.combine(date(2026, 7, 1), time()), "NA", 0.1, 7],
        ["NA", "Senior Consultant", "USD", "01.07.2026", "NA", "1.200,5", None],
    )
    rows = {row.key: row.value for row in imported(content, CONTINENTAL) if row.valid_from == date(2026, 7, 1)}
    assert (rows["NA|Consultant|USD"]["hourly"], rows["NA|Consultant|USD"]["version"]) == ("0.1", "7")
    assert Decimal(rows["NA|Senior Consultant|USD"]["hourly"]) == Decimal("1200.5")
    wrong = xlsx(
        ["region", "role", "currency", "valid_from", "card", "hourly"], ["NA", "X", "USD", 5, "NA", "x"]
    )
    assert len(faults(wrong)) == 2


def test_a_formula_without_a_result_is_told_and_one_with_an_empty_result_is_an_empty_cell() -> None:
    header = ["region", "role", "currency", "valid_from", "card", "hourly", "discount_percent"]
    row = ["NA", "Consultant", "USD", "2026-07-01", "NA", 170, "=5+5"]
    lacking = (
        "discount_percent: a formula without a result. "
        "Open the file in a spreadsheet program and save it there, or write the value itself."
    )
    assert faults(xlsx(header, row)) == [f"ours.csv:2: {lacking}"]
    assert f"ours.csv:3: {lacking}" in faults(xlsx(header, row[:-1], [*[None] * 6, "=5+5"]))
    calculated = b'<c r="G2"><f>5+5</f><v>10</v></c>'
    empty = b'<c r="G2" t="str"><f>""</f><v></v></c>'
    ten, none = (
        rate(imported(with_cell(xlsx(header, row), b'<c r="G2"><f>5+5</f><v></v></c>', instead)))
        for instead in (calculated, empty)
    )
    assert (ten["discount_percent"], none.get("discount_percent")) == ("10", None)


def with_cell(content: bytes, cell: bytes, instead: bytes) -> bytes:
    """The XLSX file with one cell as another program writes it."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(made, "w") as new:
        for name in old.namelist():
            part = old.read(name)
            if name.endswith("sheet1.xml"):
                assert cell in part
                part = part.replace(cell, instead)
            new.writestr(name, part)
    return made.getvalue()


def rate(rows: Sequence[ReferenceRow]) -> dict[str, object]:
    at = (RATES, "NA|Consultant|USD", date(2026, 7, 1))
    return next(row.value for row in rows if (row.kind, row.key, row.valid_from) == at)


def test_what_was_downloaded_and_is_imported_again_changes_nothing() -> None:
    line = ReferenceRow(
        kind=ReferenceKind.SERVICE_LINE,
        key="=x",
        valid_from=date(2025, 1, 1),
        value={"code": "=x", "name": "-10 % off"},
    )
    now = governed([*NOW, line])
    downloaded = write_bundle("Acme", now)["service_lines.csv"]
    cells = [row.split(",") for row in downloaded.decode().splitlines()]
    for content in (downloaded, xlsx(*cells)):
        table = read_table("service_lines.csv", content)
        assert differences(now, merged(now, ReferenceKind.SERVICE_LINE, table, PLAIN)) == ()


def test_a_figure_out_of_bounds_is_refused_with_its_line_and_what_is_allowed() -> None:
    header = "region,role,currency,valid_from,card,hourly,discount_percent"
    content = (
        f"{header}\nNA,Consultant,USD,2026-07-01,NA,170,150\nNA,Senior Consultant,USD,2026-07-01,NA,-1,-5\n"
    )
    assert faults(content) == [
        "ours.csv:2: discount_percent: 150 is not between 0 and 100. Write 19 for 19 %.",
        "ours.csv:3: discount_percent: -5 is not between 0 and 100. Write 19 for 19 %.",
        "ours.csv:3: hourly: -1 is not 0 or more.",
    ]


def test_two_thousand_rows_are_imported_at_once() -> None:
    header = ["region", "role", "currency", "valid_from", "card", "hourly"]
    rows = [["NA", f"Role {number}", "USD", date(2026, 7, 1), "NA", 100 + number] for number in range(2_000)]
    assert len(differences(NOW, imported(xlsx(header, *rows)))) == 2_000
    rows[1_234][5] = "a lot"
    (only,) = faults(xlsx(header, *rows))
    assert only.startswith("ours.csv:1236: hourly: 'a lot' is not of the form 1,234.50")


@pytest.mark.parametrize(
    ("form", "text", "value"),
    [
        (NumberForm.POINT, "1,234.50", "1234.50"),
        (NumberForm.POINT, "1'234", "1234"),
        (NumberForm.COMMA, "1.234,50", "1234.50"),
        (NumberForm.COMMA, "1 234 567,5", "1234567.5"),
        (NumberForm.COMMA, "1234", "1234"),
        (NumberForm.POINT, "1.234,50", None),
        (NumberForm.POINT, "1,23", None),
        (NumberForm.COMMA, "1,234.50", None),
        (NumberForm.COMMA, "1.2.3", None),
        (NumberForm.COMMA, "1.234.5", None),
        (NumberForm.POINT, "1e5", None),
        (NumberForm.POINT, "٣", None),
    ],
)
def test_a_number_is_read_in_the_form_that_was_chosen_or_refused(
    form: NumberForm, text: str, value: str | None
) -> None:
    content = f'region\trole\tcurrency\tvalid_from\tcard\thourly\nNA\tNew\tUSD\t2026-07-01\tNA\t"{text}"\n'
    if value is None:
        assert f"hourly: '{text}' is not of the form" in faults(content, Forms(form))[0]
    else:
        (row,) = (each for each in imported(content, Forms(form)) if "New" in each.key)
        assert Decimal(row.value["hourly"]) == Decimal(value)


def with_size(of: bytes, dimension: str, cell: str) -> bytes:
    """An XLSX file whose sheet states another size, and has its last cell elsewhere."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(of)) as before, zipfile.ZipFile(made, "w") as after:
        for name in before.namelist():
            content = before.read(name)
            if name.startswith("xl/worksheets/"):
                content = re.sub(rb'ref="A1:[A-Z]+\d+"', f'ref="{dimension}"'.encode(), content)
                far = f'<row r="1048576"><c r="{cell}"><v>1</v></c></row></sheetData>'.encode()
                content = content.replace(b"</sheetData>", far)
            after.writestr(name, content)
    return made.getvalue()


def bomb() -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * (tables.LARGEST_UNPACKED + 1))
    return made.getvalue()


SOUND = xlsx(["region", "role"], ["NA", "X"])
WRONG_TABLES = {
    "no xlsx": b"PK\x03\x04",
    "cut off": SOUND[: len(SOUND) // 2],
    "a bomb": bomb(),
    "another encoding": "region;rôle\n".encode("latin-1"),
    "utf-16": "region;role\n".encode("utf-16"),
    "a quote that does not end": b'region,role\n"NA,X',
    "NUL": b"region,role\nN\x00A,X\n",
    "longer than is read": b"region\n" + b"x\n" * (tables.MOST_LINES + 1),
    "nothing": b"",
    "a zip of something else": zip_of({"rates.csv": b""}),
}


@pytest.mark.parametrize("content", WRONG_TABLES.values(), ids=WRONG_TABLES.keys())
def test_what_is_no_table_is_refused(content: bytes) -> None:
    assert faults(content)


def test_a_sheet_that_lies_about_its_size_is_read_within_bounds() -> None:
    for last in ("A1048576", "XFD1048576"):
        far = with_size(SOUND, "A1:XFD1048576", last)
        assert load_workbook(io.BytesIO(far), read_only=True).worksheets
        assert [line.number for line in read_table("ours.xlsx", far).lines] == [1, 2]
    short = with_size(SOUND, "A1:A1", "A1048576")
    assert [len([*line.cells]) for line in read_table("ours.xlsx", short).lines] == [tables.MOST_COLUMNS] * 2


def with_part(of: bytes, part: str, change: Callable[[str], bytes]) -> bytes:
    """An XLSX file with one of its parts as another program could write it."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(of)) as before, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as after:
        for name in before.namelist():
            content = before.read(name)
            after.writestr(name, change(content.decode()) if name == part else content)
    return made.getvalue()


_ENTITIES = (
    '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>',
    '<!DOCTYPE x SYSTEM "file:///etc/passwd">',
    f"<!--{'x' * 300_000}--><!DOCTYPE x [<!ENTITY a 'a'>]>",
)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "latin-1"])
@pytest.mark.parametrize("declared", _ENTITIES)
@pytest.mark.parametrize("part", ["xl/worksheets/sheet1.xml", "xl/workbook.xml", "[Content_Types].xml"])
def test_a_sheet_that_declares_entities_is_refused_before_anything_reads_it(
    part: str, declared: str, encoding: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether or not a package that refuses entities is installed."""

    def never(*_args: object, **_named: object) -> None:
        raise AssertionError("it was read")

    def change(text: str) -> bytes:
        body = text.partition("?>")[2] if text.startswith("<?xml") else text
        return f'<?xml version="1.0" encoding="{encoding}"?>{declared}{body}'.encode(encoding)

    monkeypatch.setattr(tables, "load_workbook", never)
    assert faults(with_part(SOUND, part, change)) == [
        "ours.csv: declares a document type, as no spreadsheet does. Save it as an XLSX or CSV file again."
    ]


def test_a_sheet_is_unpacked_within_bounds() -> None:
    assert faults(bomb()) == [
        f"ours.csv: is longer than {tables.LARGEST_UNPACKED} bytes unpacked. Import it in parts."
    ]


@given(
    st.one_of(
        st.binary(max_size=200),
        st.text(max_size=200).map(str.encode),
        st.tuples(st.integers(0, len(SOUND)), st.binary(max_size=6)).map(
            lambda at: SOUND[: at[0]] + at[1] + SOUND[at[0] + len(at[1]) :]
        ),
    ),
    st.sampled_from([Forms(), CONTINENTAL]),
)
def test_whatever_bytes_are_sent_as_a_table_are_read_or_refused_with_faults(
    content: bytes, forms: Forms
) -> None:
    with suppress(BadBundle):
        imported(content, forms)
