"""A configuration as a folder of files: what is written is read again, what is wrong is told all at once."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.documents.bundle_files import FirmBundle, not_kept, read_bundle, write_bundle
from adapters.documents.first_files import first_files
from adapters.documents.tables import read_table
from oppsync.domain.catalog import CATALOG
from oppsync.domain.configuration import near
from oppsync.domain.configuration.bundle import fingerprint, governed
from oppsync.domain.configuration.checks import wrong_between
from oppsync.domain.configuration.faults import BadBundle, Place
from oppsync.domain.configuration.files import FILES, UNGOVERNED, VALID_FROM, VALID_TO, key_in_words
from oppsync.domain.configuration.imports import Forms, merged
from oppsync.domain.configuration.records import PlacedRow, columns, records
from oppsync.domain.configuration.schema import schemas
from oppsync.domain.reference.book import ReferenceBook, ReferenceKind, ReferenceRow
from oppsync.domain.values.identifiers import invisible_in_name
from oppsync.domain.values.model import changed
from oppsync.kernel import canonical_json
from sandbox.firm.demo_firm import FOLDER, reference_rows

DOCS = Path(__file__).parents[2] / "docs"
DEMO = governed(reference_rows())
FILES_OF_DEMO = write_bundle("Acme Advisory", DEMO)
BEGIN = date(2025, 1, 1)

# What people type that a file format may take for something else.
TRICKY = [
    "NO",
    "1.10",
    "2026-01-31",
    "=1+1",
    "'=1+1",
    "-5",
    "null",
    "a: b",
    "# x",
    "- x",
    "{x}",
    "Zürich",
    "0x1f",
    "~",
]
signs = st.characters(exclude_categories=["Cs"], exclude_characters="\x00")
words = st.one_of(st.sampled_from(TRICKY), st.text(signs, min_size=1, max_size=12)).map(str.strip).filter(bool)
seen = words.filter(lambda code: not invisible_in_name(code))
codes = seen.filter(lambda code: "|" not in code)
numbers = st.decimals(min_value=0, max_value=10**9, places=4, allow_nan=False, allow_infinity=False)


def _row(kind: ReferenceKind, key: str, since: int = 0, **value: object) -> ReferenceRow:
    dumped = CATALOG[kind].shape.model_validate(value).model_dump(mode="json")
    return ReferenceRow(kind=kind, key=key, valid_from=BEGIN + timedelta(days=since), value=dumped)


@st.composite
def firms(draw: st.DrawFn) -> tuple[ReferenceRow, ...]:
    """Rows that are sound together, with names that a file format may take for something else."""
    entities, lines, regions = (draw(st.lists(codes, min_size=1, max_size=2, unique=True)) for _ in range(3))
    rows = [
        _row(
            ReferenceKind.LEGAL_ENTITY,
            draw(st.sampled_from([code, f"{code} CRM"])),
            code=code,
            name=draw(words),
            country="DE",
            currency="EUR",
            currencies=["EUR"],
            erp_company=code,
            approved=draw(st.booleans()),
            approved_from=draw(st.none() | st.dates()),
        )
        for code in entities
    ]
    rows += [
        _row(ReferenceKind.SERVICE_LINE, code, code=code, name=draw(st.just("") | words)) for code in lines
    ]
    rows += [
        _row(
            ReferenceKind.REGION,
            code,
            code=code,
            name=draw(words),
            compliance=draw(st.dictionaries(words, words, max_size=3)),
            delivery_entity=draw(st.none() | st.sampled_from(entities)),
        )
        for code in regions
    ]
    roles = draw(st.lists(codes, max_size=3, unique=True))
    for role in roles:
        for since in (0, 10):
            rate = {"card": draw(words), "hourly": draw(numbers), "version": draw(st.none() | words)}
            key = "|".join([*draw(st.just(()) | st.just(("CUST-1",))), regions[0], role, "EUR"])
            row = _row(ReferenceKind.RATE_CARD, key, since, **rate)
            rows.append(changed(row, valid_to=BEGIN + timedelta(days=since + 10)))
    for line in lines:
        key = f"{entities[0]}|{line}"
        rows.append(_row(ReferenceKind.COST_CENTRE, key, code=draw(seen), name=draw(st.just("") | words)))
        template: dict[str, Any] = {
            "code": draw(seen),
            "name": draw(words),
            "tasks": draw(st.lists(words, max_size=2)),
            "phases": [{"code": "a", "name": draw(words), "percent": 100}],
            "time_entry": draw(st.none()),
        }
        rows.append(_row(ReferenceKind.PROJECT_TEMPLATE, f"{line}|{regions[0]}|milestone", **template))
    calendar: dict[str, Any] = {"code": draw(seen), "country": "DE", "time_zone": "Europe/Berlin"}
    hours, closed = {"monday": "09:00-17:30"}, draw(st.lists(st.dates().map(str), max_size=2))
    rows.append(_row(ReferenceKind.CALENDAR, draw(codes), **calendar, hours=hours, closed=closed))
    up_to = {"amount": Decimal("50000.00"), "currency": "EUR"}
    rows.append(_row(ReferenceKind.APPROVAL_RULE, draw(codes), up_to=up_to, legal_entities=tuple(entities)))
    return tuple(rows)


@given(firms(), words.filter(str.isprintable))
def test_what_was_exported_and_read_again_is_the_same_and_is_written_byte_for_byte_the_same(
    rows: tuple[ReferenceRow, ...], firm: str
) -> None:
    files = write_bundle(firm, rows)
    read = read_bundle(files)

    assert read.firm == firm
    assert governed(read.rows) == governed(rows)
    assert fingerprint(read.rows) == fingerprint(rows)
    assert write_bundle(read.firm, reversed(read.rows)) == files


def test_the_demo_firm_is_whole_as_files() -> None:
    read = read_bundle(FILES_OF_DEMO)

    assert governed(read.rows) == DEMO
    assert write_bundle(read.firm, read.rows) == FILES_OF_DEMO


def test_every_governed_kind_has_a_file_whose_columns_have_names_of_their_own() -> None:
    assert set(FILES) == set(ReferenceKind) - UNGOVERNED
    for kind, file in FILES.items():
        fields = CATALOG[kind].shape.model_fields
        assert not {*file.parts, VALID_FROM, VALID_TO} & fields.keys(), kind
        assert len(set(columns(kind))) == len(columns(kind))


def test_the_published_schema_is_that_of_the_files_and_the_demo_firm_has_its_names() -> None:
    published = canonical_json.loads((DOCS / "configuration.schema.json").read_text(encoding="utf-8"))

    assert published == canonical_json.loads(canonical_json.dumps(schemas()))
    for kind, file in FILES.items():
        row = published[file.name]["items"]
        assert list(row["properties"]) == [*dict.fromkeys([*file.parts, VALID_FROM, VALID_TO, *columns(kind)])]
        for written in records(DEMO).get(kind, []):
            assert set(row["required"]) <= written.keys() <= row["properties"].keys()


def test_the_files_to_begin_with_have_no_rows_and_the_names_of_the_demo_firm_s() -> None:
    begun = first_files("Hinode: KK")

    assert read_bundle(begun) == FirmBundle("Hinode: KK", ())
    for name, content in begun.items():
        if name.endswith(".csv"):
            assert content.splitlines()[0] == FILES_OF_DEMO[name].splitlines()[0]
    said = {"code": "X", "name": "Ten", "valid_from": "2026-01-01"}
    needed = [line[2:] for line in begun["regions.yaml"].decode().splitlines()[1:] if line.endswith(":")]
    row = [f"{line} {said[line.strip(' -:')]}" for line in needed]
    (region,) = read_bundle(begun | {"regions.yaml": "\n".join(row).encode()}).rows
    assert (region.key, region.value["code"]) == ("X", "X")


def test_the_order_in_which_a_store_keeps_names_changes_no_byte() -> None:
    turned = [changed(row, value=dict(reversed(row.value.items()))) for row in DEMO]
    region = next(row for row in turned if row.kind is ReferenceKind.REGION)
    region.value["compliance"] = dict(reversed(region.value["compliance"].items()))

    assert write_bundle("Acme Advisory", turned) == FILES_OF_DEMO
    assert fingerprint(turned) == fingerprint(DEMO)


def test_a_cell_that_a_spreadsheet_would_calculate_is_harmless() -> None:
    row = _row(ReferenceKind.SERVICE_LINE, "X", code="X", name="=HYPERLINK(1)")
    files = write_bundle("Acme", [row])

    assert b",'=HYPERLINK(1)" in files["service_lines.csv"]
    assert read_bundle(files).rows[0].value["name"] == "=HYPERLINK(1)"


def edited(changes: Mapping[str, tuple[str, str]]) -> dict[str, bytes]:
    """The demo firm's files, where in each of these one text is replaced by another."""
    files = dict(FILES_OF_DEMO)
    for name, (old, new) in changes.items():
        text = files[name].decode()
        assert old in text, (name, old)
        files[name] = text.replace(old, new, 1).encode()
    return files


def faults_of(files: Mapping[str, bytes]) -> list[str]:
    with pytest.raises(BadBundle) as refused:
        read_bundle(files)
    return [str(fault) for fault in refused.value.faults]


def test_all_faults_of_all_files_are_told_at_once_with_file_line_value_and_what_to_do() -> None:
    files = edited(
        {
            "rates.csv": ("DACH 2025,120", 'DACH 2025,"120,50"'),
            "cost_centres.csv": ("ACME-US,CLOUD", "ACME-UK,CLOUD"),
            "legal_entities.yaml": ("currency: EUR", "currency: DEM"),
            "split_rules.yaml": ("percent: 20", "percent: 30"),
        }
    )

    # The entity that cannot be read is known all the same to what names it.
    unknown, withdrawn, number, percents = faults_of(files)
    assert unknown.startswith(
        "cost_centres.csv:6: entity: no legal entity has the code 'ACME-UK'. Use a code of"
    )
    assert withdrawn.startswith("legal_entities.yaml:5: currency: 'DEM': 'DEM' was withdrawn in 2002-03")
    assert number == "rates.csv:2: hourly: '120,50' is not a number. Write a number as 1234.50."
    assert percents.startswith("split_rules.yaml:9: phases: the percents of phases are 30 % + 80 %: 110 %")


@pytest.mark.parametrize(
    ("name", "old", "new", "told"),
    [
        ("oppsync.yaml", "format: 1", "format: 2", "oppsync.yaml:1: format: 2 is not a format of this release"),
        ("oppsync.yaml", "firm:", "firn:", "oppsync.yaml:2: firn: is not known here"),
        ("rates.csv", "hourly", "hour_rate", "rates.csv:1: hour_rate: is no column of this file"),
        ("rates.csv", "hourly", "hourli", "Did you mean hourly?"),
        ("rates.csv", "customer,region", "region,region", "rates.csv:1: region: is there twice"),
        (
            "rates.csv",
            "2026-01-01,DACH",
            "2025-02-31,DACH",
            "csv:2: valid_to: '2025-02-31' is not a date",
        ),
        ("rates.csv", "2026-01-01,DACH", "2024-01-01,DACH", "valid_to: 2024-01-01 is not after valid_from"),
        (
            "rates.csv",
            "2026-01-01,DACH",
            ",DACH",
            "another row for that day, from 2025-01-01. End that one",
        ),
        ("rates.csv", ",DACH,Consultant,EUR", ",,Consultant,EUR", "rates.csv:2: region: is missing"),
        ("rates.csv", ",DACH,Consultant,EUR", ",DACH,A|B,EUR", "rates.csv:2: role: 'A|B' contains |"),
        ("rates.csv", ",DACH,Consultant,EUR", ",DACH,Consultant,EURO", "'EURO' is not the code of a current"),
        ("rates.csv", ",1\n", ",1,2\n", "rates.csv:2: has 11 cells, and the first line names 10 columns"),
        ("rates.csv", ",DACH,Consultant,EUR", ',"DACH"x,Consultant,EUR', "rates.csv:2: cannot be read as CSV"),
        ("legal_entities.yaml", "Europe/Berlin", "Europe/Berln", "time_zone: 'Europe/Berln' is no time zone"),
        ("legal_entities.yaml", "approved: true", "approved: yes", "'yes': input should be a valid boolean"),
        ("legal_entities.yaml", "country: DE", "country: 49", "49: input should be a valid string. Write text"),
        ("legal_entities.yaml", "code: ACME-DE", "code: &a ACME-DE", "anchors and aliases are not supported"),
        ("legal_entities.yaml", "  country: DE", "  code: X\n  country: DE", ":4: row 1 > code: appears twice"),
        ("legal_entities.yaml", "  country: DE", "  shape: round", "shape: is not known here"),
        (
            "regions.yaml",
            "  name: N",
            "  delivery_entity: A-FR\n  name: N",
            "legal entity has the code 'A-FR'",
        ),
        ("project_templates.yaml", "model: fixed_fee\n", "model: gift\n", "'gift' is no billing model"),
        (
            "project_templates.yaml",
            "service_line: ADV",
            "service_line: LAW",
            "service line has the code 'LAW'",
        ),
        ("project_templates.yaml", "{workstream} for {account}", "{workstreem}", "{workstreem} is not one of"),
        ("rates.csv", ",120,", ",-120,", "rates.csv:2: hourly: -120 is not 0 or more."),
        (
            "rates.csv",
            ",120,",
            ",120,150",
            "rates.csv:2: discount_percent: 150 is not between 0 and 100. Write 19 for 19 %.",
        ),
        ("rates.csv", ",120,", ",120,-5", "rates.csv:2: discount_percent: -5 is not between 0 and 100"),
        ("cost_rates.csv", ",76", ",-76", "cost_rates.csv:2: hourly: -76 is not 0 or more."),
        ("tax_regimes.csv", ",19,", ",-19,", "standard_percent: -19 is not between 0 and 100"),
        ("tax_regimes.csv", ",19,", ",1900,", "standard_percent: 1900 is not between 0 and 100"),
        ("transfer_prices.csv", ",8,", ",-8,", "transfer_prices.csv:2: percent: -8 is not between 0 and 100"),
        ("margin_floors.csv", ",20,", ",120,", "floor_percent: 120 is not between 0 and 100"),
        ("legal_entities.yaml", "country: DE", "country: XX", "country: 'XX' is no country. Use a code of ISO"),
        ("legal_entities.yaml", "country: DE", "country: de", "'de' is no country. Did you mean DE?"),
        ("legal_entities.yaml", "country: DE", "country: Germany", "Did you mean DE?"),
        (
            "tax_treatments.csv",
            "ES-CE",
            "ES-XX",
            "tax_treatments.csv:3: customer_country: 'ES-XX' is no country",
        ),
        ("tax_treatments.csv", ",GB,", ",UK,", "customer_country: 'UK' is no country. Did you mean GB?"),
        ("withholding.csv", "DE,IN", "DE,India", "customer_country: 'India' is no country. Did you mean IN?"),
        ("withholding.csv", "DE,IN", "D,IN", "entity_country: 'D' is no country"),
        ("exception_owners.csv", "TEMPLATE_MISSING", "TEMPLAT_MISSING", "Did you mean TEMPLATE_MISSING?"),
        ("exception_owners.csv", "TEMPLATE_MISSING", "NOPE", "'NOPE' is no code of an exception"),
        ("exception_owners.csv", "ACME-US", "ACME-UK", "no legal entity has the code 'ACME-UK'"),
        ("exception_owners.csv", ",*,", ",MOON,", "no region has the code 'MOON'"),
        ("exception_owners.csv", "operations", "somebody", "owner"),
        ("sla_targets.csv", "validation", "happiness", "'happiness' is no measure. Known are validation"),
        ("sla_targets.csv", ",DACH,", ",MOON,", "no region has the code 'MOON'"),
        ("sla_targets.csv", ",0.25,", ",0,", "0 is not between 0.05 and 2000. Write 0.25 for a quarter"),
        ("sla_targets.csv", ",0.25,", ",soon,", "hours: 'soon' is not a number"),
    ],
)
def test_a_fault_says_where_it_is_and_what_is_wrong(name: str, old: str, new: str, told: str) -> None:
    assert told in "\n".join(faults_of(edited({name: (old, new)})))


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ("erp,ACME-DE,*,*,2025-01-01,,Tryton", ""),
        ("psa,*,*,*,2025-01-01,,", ""),
        (
            "erp,ACME-DE,*,*,2025-01-01,,",
            "routes.csv:2: connection: is missing. Name the ERP as it is connected.",
        ),
        ("crm,*,*,*,2025-01-01,,X", "routes.csv:2: role: 'crm' is no role. Known are erp, psa."),
        ("erp,ACME-UK,*,*,2025-01-01,,X", "no legal entity has the code 'ACME-UK'"),
        ("erp,*,MOON,*,2025-01-01,,X", "no region has the code 'MOON'"),
        ("erp,*,*,LAW,2025-01-01,,X", "no service line has the code 'LAW'"),
        ("erp,,*,*,2025-01-01,,X", "entity"),
    ],
)
def test_a_route_names_what_there_is_and_an_erp_has_one(row: str, told: str) -> None:
    header = ",".join(columns(ReferenceKind.ROUTE))
    files = FILES_OF_DEMO | {"routes.csv": f"{header}\n{row}\n".encode()}
    if told:
        assert told in "\n".join(faults_of(files))
    else:
        assert [each.kind for each in read_bundle(files).rows].count(ReferenceKind.ROUTE) == 1


@pytest.mark.parametrize(
    ("kind", "key", "value"),
    [
        (ReferenceKind.TAX_TREATMENT, "ACME-DE|FR", {"code": "X", "reason": "ours", "percent": "1900"}),
        (ReferenceKind.TAX_NEXUS, "ACME-US|TX", {"code": "X", "percent": "-8"}),
        (ReferenceKind.WITHHOLDING, "DE|IN", {"reason": "treaty", "percent": "500"}),
    ],
)
def test_a_row_out_of_bounds_that_an_installation_has_is_read_and_refused_only_as_a_new_configuration(
    kind: ReferenceKind, key: str, value: dict[str, str]
) -> None:
    shape = CATALOG[kind].shape
    day = BEGIN + timedelta(days=500)
    row = ReferenceRow(kind=kind, key=key, valid_from=day, value=value)
    others = [each for each in DEMO if (each.kind, each.key) != (kind, key)]

    assert ReferenceBook([row]).find(shape, kind, key, day) is not None
    (fault,) = wrong_between([PlacedRow(each, Place(FILES[kind].name, 0)) for each in [*others, row]])
    assert (fault.file, fault.field) == (FILES[kind].name, "percent")
    assert f"{key_in_words(kind, key)} from {day}: {value['percent']} is not between 0 and 100" in str(fault)


def test_a_file_that_is_none_and_a_folder_without_the_first_file_are_told() -> None:
    files = {**FILES_OF_DEMO, "rate.csv": b""}
    del files["oppsync.yaml"]

    missing, other = faults_of(files)

    assert missing.startswith(
        "oppsync.yaml: is missing. Begin with a file of two lines: `format: 1` and `firm: `"
    )
    assert other == "rate.csv: is no file of a bundle. Did you mean rates.csv?"


@pytest.mark.parametrize(("name", "most"), [("split_rules.yaml", 500_000), ("rates.csv", 4_000_000)])
def test_a_file_that_would_take_too_long_to_read_is_refused_unread(name: str, most: int) -> None:
    files = {**FILES_OF_DEMO, name: b"[" * (most + 1)}

    assert faults_of(files) == [f"{name}: is longer than {most} bytes."]


def test_a_row_that_no_file_can_hold_is_told_and_the_fingerprint_still_made() -> None:
    rows = [
        *DEMO,
        ReferenceRow(kind=ReferenceKind.RATE_CARD, key="EUR", valid_from=BEGIN, value={"hourly": "x"}),
    ]

    assert fingerprint(rows) != fingerprint(DEMO)
    with pytest.raises(BadBundle, match="the row 'EUR' from 2025-01-01 is not one of this release"):
        write_bundle("Acme", rows)


@st.composite
def damaged(draw: st.DrawFn) -> dict[str, bytes]:
    """The demo firm's files, damaged as people, programs and disks damage files."""
    files = dict(FILES_OF_DEMO)
    for _ in range(draw(st.integers(1, 3))):
        name = draw(st.sampled_from(sorted(files)))
        content = files[name]
        start = draw(st.integers(0, len(content)))
        end = min(len(content), start + draw(st.sampled_from([0, 1, 2, 30, 10_000])))
        instead = draw(
            st.one_of(
                st.binary(max_size=8),
                st.sampled_from(
                    [
                        b"\x00",
                        b"\xff\xfe",
                        b"&a ",
                        b"*a",
                        b"<<: ",
                        b"!!python/object:x ",
                        b"? ",
                        b"[" * 3_000,
                        b"{a: ",
                        b"9" * 5_000,
                        b"1e999",
                        b'"',
                        b"'",
                        b"\t",
                        b"\r",
                        b"|",
                        b"- - - ",
                        b"null",
                        b".inf",
                        b"\n---\n",
                        b"%YAML 9.9\n",
                        "\u2028\ufeff".encode(),
                        b"\n\n",
                        b"true",
                        b"2026-13-45",
                        b",,,,",
                        b"a: b: c",
                    ]
                ),
                st.sampled_from(sorted(FILES_OF_DEMO.values())),
            )
        )
        files[name] = content[:start] + instead + content[end:]
    return files


@given(damaged())
def test_damaged_files_are_read_or_refused_with_their_faults_and_never_break_anything(
    files: dict[str, bytes],
) -> None:
    try:
        read = read_bundle(files)
    except BadBundle:
        return
    again = write_bundle(read.firm, read.rows)
    assert governed(read_bundle(again).rows) == governed(read.rows)


def test_the_demo_firm_s_folder_is_as_an_export_writes_it() -> None:
    stored = {each.name: each.read_bytes() for each in FOLDER.iterdir() if each.name != "README.md"}

    assert stored == FILES_OF_DEMO


def test_names_are_compared_with_known_ones_only_so_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file may have a hundred thousand unknown names, and each comparison takes a millisecond."""
    compared = 0

    def count(*_args: object, **_named: object) -> list[str]:
        nonlocal compared
        compared += 1
        return ["near"]

    monkeypatch.setattr(near, "get_close_matches", count)
    manifest = {"oppsync.yaml": b"format: 1\nfirm: Acme\n"}
    many = range(3_000)
    bundles: list[dict[str, bytes]] = [
        {"regions.yaml": "- {}\n".format("\n  ".join(f"x{each}: 1" for each in many)).encode()},
        {"regions.yaml": "".join(f"- x{each}: 1\n" for each in many).encode()},
        {"rates.csv": ",".join(f"x{each}" for each in many).encode()},
        {
            "exception_owners.csv": b"code,entity,region,valid_from,owner\n"
            + b"".join(b"X%d,*,*,2026-01-01,finance\n" % each for each in many)
        },
        {f"x{each}.yaml": b"" for each in many},
    ]
    for files in bundles:
        compared = 0
        with pytest.raises(BadBundle) as refused:
            read_bundle(manifest | files)
        assert len(refused.value.faults) >= 3_000
        assert compared == near.MOST


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("customers.csv", "The ERP owns customers, which are changed in the ERP."),
        (
            "accounts.yaml",
            "The CRM owns accounts, which are changed in the CRM; the deal is read again",
        ),
        ("opportunities.csv", "The CRM owns opportunities, which"),
        ("people.yaml", "The installation keeps people, and an administrator changes them there."),
        ("connections.yaml", "The installation keeps connections, and an administrator"),
        ("rate.csv", "Did you mean rates.csv?"),
    ],
)
def test_a_file_of_what_no_bundle_has_is_told_who_owns_it(name: str, says: str) -> None:
    with pytest.raises(BadBundle) as refused:
        read_bundle({**FILES_OF_DEMO, name: b"name\n"})
    (fault,) = refused.value.faults
    assert str(fault).startswith(f"{name}: is no file of a bundle. {says}")


def test_a_column_of_what_another_system_owns_is_told_which() -> None:
    crm = "The CRM owns payment_terms (contract), which is changed in the CRM; the deal is read again by itself"
    csv = b"entity,customer,valid_from,certificate,payment_terms\nACME-US,C1,2026-01-01,X,NET30\n"
    yaml = b"- code: EMEA\n  valid_from: 2026-01-01\n  name: EMEA\n  payment_terms: NET30\n"
    for name, content in {"tax_exemptions.csv": csv, "regions.yaml": yaml}.items():
        with pytest.raises(BadBundle) as refused:
            read_bundle({**FILES_OF_DEMO, name: content})
        assert any(crm in str(each) for each in refused.value.faults), refused.value
    with pytest.raises(BadBundle) as refused:
        merged(DEMO, ReferenceKind.TAX_EXEMPTION, read_table("tax.csv", csv), Forms())
    (fault,) = refused.value.faults
    assert str(fault) == f"tax.csv:1: payment_terms: is no column of these rows. {crm}."


@pytest.mark.parametrize(
    ("line", "has"),
    [
        (b"# Ours\n", True),
        (b"  # Ours\r\n", True),
        (b"- code: x # ours\n", True),
        (b'- name: "# 1"\n', False),
        (b"- name: 'a # b'\n", False),
        (b"- name: a#b\n", False),
    ],
)
def test_comments_that_no_export_has_again_are_told(line: bytes, has: bool) -> None:
    named = b"" if line.startswith(b"-") else b"- name: X\n"
    rest = b"  name: X\n" if b"code" in line else b"  code: x\n"
    files = {
        "oppsync.yaml": b"format: 1\nfirm: Acme\n",
        "approval_roles.yaml": line + named + rest + b"  valid_from: 2026-01-01\n",
    }
    told = ["Comments are not kept: an export comes out without those of approval_roles.yaml."]
    assert not_kept(files) == (told if has else [])
    written = write_bundle("Acme", read_bundle(files).rows)["approval_roles.yaml"]
    assert (b"#" in written) is not has
