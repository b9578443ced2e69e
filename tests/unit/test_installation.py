"""A route to a system that is not connected is told with the line of its file, wherever rows are read."""

from __future__ import annotations

from datetime import date

import pytest

from adapters.documents.bundle_files import read_bundle, write_bundle
from oppsync.domain.configuration.edits import written
from oppsync.domain.configuration.faults import BadBundle, Fault, Place
from oppsync.domain.configuration.imports import Forms, Line, Table, merged
from oppsync.domain.configuration.installation import Connected, Installation
from oppsync.domain.configuration.records import Record
from oppsync.domain.policy.route import RoutedRole
from oppsync.domain.reference.book import ReferenceKind, ReferenceRow
from sandbox.firm.demo_firm import bundle

FIRM, ROWS = bundle()
TODAY = date(2026, 6, 1)
HEAD = ("role", "entity", "region", "service_line", "connection", "valid_from")
STORED = ReferenceRow(
    kind=ReferenceKind.ROUTE,
    key="erp|ACME-US|*|*",
    valid_from=date(2025, 1, 1),
    value={"connection": "Gone"},
)


def here(*erps: str, psas: tuple[str, ...] = ()) -> Installation:
    return Installation(Connected({RoutedRole.ERP: erps, RoutedRole.PSA: psas}, [STORED], TODAY))


def read(installation: Installation, *routes: str) -> list[Fault]:
    files = write_bundle(FIRM, [*ROWS, STORED])
    lines = [files["routes.csv"].decode().rstrip("\n"), *routes]
    try:
        read_bundle({**files, "routes.csv": "\n".join(lines).encode()}, installation)
    except BadBundle as refused:
        return list(refused.faults)
    return []


def test_a_bundle_tells_the_line_of_each_route_to_nobody_and_leaves_what_is_stored() -> None:
    faults = read(here("Tryton"), "erp,*,*,*,2025-01-01,,Tryton", "psa,*,*,*,2025-01-01,,Kantata")

    (fault,) = faults
    assert (fault.file, fault.line, fault.field) == ("routes.csv", 4, "connection")
    assert fault.problem == "no PSA is connected as 'Kantata'"
    assert fault.fix == "Connect it under that name first"


def test_a_firm_that_has_connected_no_erp_begins_with_its_rules_and_ended_rows_lead_nobody() -> None:
    assert read(here(), "erp,*,*,*,2025-01-01,,Tryton") == []
    assert read(here("Tryton"), "erp,*,*,*,2025-01-01,2026-01-01,Old") == []
    assert read(here("Tryton"), "psa,*,*,*,2025-01-01,,") == []  # none takes part


def test_an_imported_table_and_an_edited_row_are_told_too() -> None:
    now, installation = [*ROWS, STORED], here("Tryton", "Books")
    row = ("erp", "*", "*", "*", "Boks", "2025-01-01")

    with pytest.raises(BadBundle) as refused:
        merged(now, ReferenceKind.ROUTE, Table("t.csv", [Line(1, HEAD), Line(2, row)]), Forms(), installation)
    (fault,) = refused.value.faults
    assert (fault.file, fault.line, fault.field) == ("t.csv", 2, "connection")
    assert fault.fix == "Connected are Books, Tryton: use one of these, or connect it under that name first"

    record = Record(dict(zip(HEAD, row, strict=True)), Place("", 0))
    with pytest.raises(BadBundle, match="no ERP is connected as 'Boks'"):
        written(now, ReferenceKind.ROUTE, record, None, installation)
