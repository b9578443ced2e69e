"""What rows name in the ERP is checked when they are entered: new and changed rows, in the company of their
entity."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, date, datetime
from typing import Any

import pytest

from oppsync.domain.configuration.erp_names import ErpNames, unknown_in_erp, used_by_rows
from oppsync.domain.configuration.faults import Fault, Place
from oppsync.domain.configuration.files import FILES
from oppsync.domain.configuration.records import PlacedRow
from oppsync.domain.master_data.rows import MasterKey, MasterKind
from oppsync.domain.reference.book import ReferenceKind, ReferenceRow
from oppsync.domain.values.model import changed
from sandbox.firm.demo_firm import reference_rows

ROWS = [row for row in reference_rows() if row.kind in FILES]
TODAY = date(2026, 6, 1)
THERE = {
    MasterKind.COMPANY: {("", "ACME-DE"), ("", "ACME-US")},
    MasterKind.COST_CENTRE: {
        ("ACME-DE", "CC-DE-ADV"),
        ("ACME-DE", "CC-DE-CLOUD"),
        ("ACME-US", "CC-US-ADV"),
        ("ACME-US", "CC-US-CLOUD"),
    },
    MasterKind.TAX: {
        ("ACME-DE", "VAT-DE-19"),
        ("ACME-DE", "RC-EU"),
        ("ACME-DE", "EXPORT-0"),
        ("ACME-US", "US-NT"),
    },
}


def erp(rows: Sequence[ReferenceRow] = (), **more: Any) -> ErpNames:
    names = ErpNames("erp", "Tryton", datetime(2026, 6, 1, 9, 30, tzinfo=UTC), THERE, rows, TODAY)
    return names._replace(**more)


def faults(rows: Sequence[ReferenceRow], names: ErpNames) -> list[Fault]:
    return list(unknown_in_erp([PlacedRow(row, Place(FILES[row.kind].name, 7)) for row in rows], names))


def centre(code: str, **more: Any) -> list[ReferenceRow]:
    """All rows, with German advice booked on this cost centre."""
    return [
        changed(row, value={**row.value, "code": code}, **more)
        if (row.kind, row.key) == (ReferenceKind.COST_CENTRE, "ACME-DE|ADV")
        else row
        for row in ROWS
    ]


def test_the_demo_firm_names_nothing_that_its_erp_lacks() -> None:
    assert faults(ROWS, erp()) == []


def test_a_cost_centre_that_the_erp_lacks_is_told_with_its_place_and_what_is_near() -> None:
    (fault,) = faults(centre("CC-DE-ADW"), erp())

    assert (fault.file, fault.line, fault.field) == ("cost_centres.csv", 7, "code")
    problem = "Tryton's company ACME-DE has no cost centre 'CC-DE-ADW', as of 2026-06-01 09:30 UTC"
    assert fault.problem == problem
    assert "such as CC-DE-ADV" in fault.fix


def test_one_of_another_company_is_none_of_this_one() -> None:
    assert [fault.problem.split(",")[0] for fault in faults(centre("CC-US-ADV"), erp())] == [
        "Tryton's company ACME-DE has no cost centre 'CC-US-ADV'"
    ]


def test_what_stands_there_already_or_is_over_is_not_judged_again() -> None:
    rows = centre("CC-GONE")

    assert faults(rows, erp(rows=rows)) == []
    assert faults(centre("CC-GONE", valid_to=TODAY), erp()) == []


def test_what_was_created_there_since_is_looked_up_by_one_question() -> None:
    asked: list[Collection[MasterKey]] = []

    def look_up(keys: Collection[MasterKey]) -> Collection[MasterKey]:
        asked.append(keys)
        return keys

    assert faults(centre("CC-NEW"), erp(look_up=look_up)) == []
    assert asked == [{MasterKey(MasterKind.COST_CENTRE, "ACME-DE", "CC-NEW")}]


def test_of_a_kind_that_was_never_read_nothing_is_said() -> None:
    some = {kind: codes for kind, codes in THERE.items() if kind is not MasterKind.COST_CENTRE}

    assert faults(centre("CC-NOPE"), erp(codes=some)) == []


@pytest.mark.parametrize(
    ("kind", "field", "told"),
    [
        (ReferenceKind.LEGAL_ENTITY, "erp_company", "Tryton has no company 'NOPE'"),
        (ReferenceKind.TAX_TREATMENT, "code", "has no tax 'NOPE'"),
        (ReferenceKind.TAX_REGIME, "reverse_charge_code", "has no tax 'NOPE'"),
    ],
)
def test_companies_and_taxes_are_checked_too(kind: ReferenceKind, field: str, told: str) -> None:
    first = next(row for row in ROWS if row.kind is kind and row.value.get(field))
    rows = [changed(row, value={**row.value, field: "NOPE"}) if row is first else row for row in ROWS]

    found = faults(rows, erp())
    assert [told in fault.problem for fault in found if fault.field == field] == [True]


def test_of_a_company_that_the_erp_lacks_only_the_company_is_told() -> None:
    rows = [
        changed(row, value={**row.value, "erp_company": "NOPE"})
        if (row.kind, row.key) == (ReferenceKind.LEGAL_ENTITY, "ACME-DE")
        else row
        for row in ROWS
    ]

    told = faults(rows, erp(rows=[row for row in ROWS if row.kind is not ReferenceKind.COST_CENTRE]))
    assert [fault.field for fault in told] == ["erp_company"]


def test_rows_that_name_what_ended_are_found_by_it() -> None:
    ended = MasterKey(MasterKind.COST_CENTRE, "ACME-DE", "CC-DE-ADV")

    found = used_by_rows(ROWS, {ended}, TODAY)
    assert {key: [row.key for row in rows] for key, rows in found.items()} == {ended: ["ACME-DE|ADV"]}
