"""What rows name in the ERP is checked when they are entered: new and changed rows, in the company of their
entity."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

import pytest

from oppsync.domain.configuration.erp_names import (
    ErpNames,
    KnownErp,
    absent_for_rows,
    codes_of,
    unknown_in_erp,
    used_by_rows,
)
from oppsync.domain.configuration.faults import Fault, Place
from oppsync.domain.configuration.files import FILES
from oppsync.domain.configuration.records import PlacedRow
from oppsync.domain.master_data.rows import MasterKey, MasterKind
from oppsync.domain.reference.book import ReferenceKind, ReferenceRow
from oppsync.domain.values.model import changed
from sandbox.firm.demo_firm import reference_rows

ROWS = [row for row in reference_rows() if row.kind in FILES]
TODAY = date(2026, 6, 1)
AS_OF = datetime(2026, 6, 1, 9, 30, tzinfo=UTC)
THERE: Mapping[MasterKind, Collection[tuple[str, str]]] = {
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
    MasterKind.PAYMENT_TERMS: {("", "NET30"), ("", "NET60")},
    MasterKind.CUSTOMER: {("", "CUST-1001"), ("", "CUST-1009")},
}


def known(there: Mapping[MasterKind, Collection[tuple[str, str]]], name: str = "Tryton") -> KnownErp:
    codes = {kind: codes_of(kind, pairs) for kind, pairs in there.items()}
    return KnownErp(name, name, AS_OF if codes else None, codes)


def erp(rows: Sequence[ReferenceRow] = (), *others: KnownErp, **more: Any) -> ErpNames:
    return ErpNames([known(THERE)._replace(**more), *others], rows, TODAY)


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


def route(key: str, connection: str, ends: date | None = None) -> ReferenceRow:
    begin, value = date(2025, 1, 1), {"connection": connection}
    return ReferenceRow(kind=ReferenceKind.ROUTE, key=key, valid_from=begin, valid_to=ends, value=value)


@pytest.mark.parametrize(
    ("routes", "is_judged"),
    [
        ([route("erp|*|*|*", "Tryton")], True),
        ([route("erp|ACME-DE|*|*", "Other books")], False),
        ([route("erp|ACME-US|*|*", "Other books")], True),
        ([route("erp|*|*|CLOUD", "Other books")], False),
        ([route("erp|*|*|*", "Other books"), route("erp|ACME-DE|*|*", "Tryton")], True),
        ([route("erp|*|*|*", "Other books"), route("erp|ACME-DE|DACH|*", "Tryton")], False),
        ([route("erp|ACME-DE|*|*", "Other books", ends=TODAY)], True),
        ([route("psa|ACME-DE|*|*", "Other books")], True),
    ],
)
def test_what_may_be_in_another_erp_is_not_judged_by_this_one(
    routes: list[ReferenceRow], is_judged: bool
) -> None:
    assert bool(faults([*centre("CC-DE-ADW"), *routes], erp())) is is_judged


def test_the_erp_that_deals_of_the_entity_go_to_is_the_one_to_ask() -> None:
    """Nova's books have the cost centre, Tryton's do not, and the other way round."""
    nova = known(
        {**THERE, MasterKind.COST_CENTRE: {("ACME-DE", "CC-DE-NEW"), ("ACME-DE", "CC-DE-CLOUD")}}, "Nova"
    )
    german = [route("erp|ACME-DE|*|*", "Nova"), route("erp|*|*|*", "Tryton")]

    assert faults([*centre("CC-DE-NEW"), *german], erp((), nova)) == []
    (told,) = faults([*centre("CC-DE-ADV"), *german], erp((), nova))
    assert told.problem.startswith("Nova's company ACME-DE has no cost centre 'CC-DE-ADV'")
    assert "CC-DE-NEW" in told.fix
    assert [each.problem.split(",")[0] for each in faults(centre("CC-DE-NEW"), erp((), nova))] == [
        "Tryton's company ACME-DE has no cost centre 'CC-DE-NEW'"
    ]
    assert faults([*centre("CC-DE-NEW"), *german], erp((), known({}, "Nova"))) == []  # was never read


def test_where_deals_go_to_several_erps_one_that_has_it_is_enough() -> None:
    nova = known(
        {**THERE, MasterKind.COST_CENTRE: {("ACME-DE", "CC-DE-NEW"), ("ACME-DE", "CC-DE-CLOUD")}}, "Nova"
    )
    both = [route("erp|ACME-DE|DACH|*", "Nova"), route("erp|*|*|*", "Tryton")]

    assert faults([*centre("CC-DE-NEW"), *both], erp((), nova)) == []
    (told,) = faults([*centre("CC-DE-NOPE"), *both], erp((), nova))
    assert "Nova's company ACME-DE and Tryton's company ACME-DE have no cost centre" in told.problem


def of_customer(kind: ReferenceKind, key: str, **value: Any) -> ReferenceRow:
    like = next(row for row in ROWS if row.kind is kind)
    return changed(like, key=key, value={**like.value, **value}, valid_to=None)


@pytest.mark.parametrize(
    "row",
    [
        of_customer(ReferenceKind.RATE_CARD, "{}|DACH|Consultant|EUR"),
        of_customer(ReferenceKind.TAX_EXEMPTION, "ACME-DE|{}"),
    ],
    ids=["rates", "exemptions"],
)
def test_a_customer_that_rates_and_exemptions_name_is_there_in_any_spelling(row: ReferenceRow) -> None:
    def of(code: str) -> ReferenceRow:
        return changed(row, key=row.key.format(code))

    assert faults([*ROWS, of("cust-1001")], erp(ROWS)) == []
    (told,) = faults([*ROWS, of("CUST-1002")], erp(ROWS))
    assert told.field == "customer"
    assert told.problem.startswith("Tryton has no customer 'CUST-1002'")
    assert "CUST-1001" in told.fix
    creating = [
        changed(each, value={**each.value, "creates_customers": True})
        if each.kind is ReferenceKind.LEGAL_ENTITY
        else each
        for each in ROWS
    ]
    assert (
        faults([*creating, of("CUST-1002")], erp(creating)) == []
    )  # it may be created with its first projects


def filling(terms: str, *entities: str) -> ReferenceRow:
    """A rule that fills these payment terms, everywhere or at these entities."""
    value = {"on": "enrichment", "fills": {"payment_terms": terms}, "entities": [*entities]}
    return ReferenceRow(kind=ReferenceKind.RULE, key="usual-terms", valid_from=date(2025, 1, 1), value=value)


def asking_for(*terms: str, entities: Sequence[str] = ()) -> ReferenceRow:
    """An approval step that is for deals with these payment terms."""
    value = {"name": "Treasury", "payment_terms": [*terms], "entities": [*entities]}
    begin = date(2025, 1, 1)
    return ReferenceRow(kind=ReferenceKind.APPROVAL_STEP, key="treasury", valid_from=begin, value=value)


@pytest.mark.parametrize(
    ("row", "field"),
    [
        (filling("NET9999"), "fills.payment_terms"),
        (filling("NET9999", "ACME-DE"), "fills.payment_terms"),
        (asking_for("NET30", "NET9999"), "payment_terms.1"),
        (asking_for("NET9999", entities=["ACME-DE", "ACME-US"]), "payment_terms.0"),
    ],
)
def test_payment_terms_that_the_erp_lacks_are_told_where_a_rule_or_an_approval_step_names_them(
    row: ReferenceRow, field: str
) -> None:
    (told,) = faults([*ROWS, row], erp(ROWS))

    assert told.field == field
    assert told.problem == "Tryton has no payment terms 'NET9999', as of 2026-06-01 09:30 UTC"
    assert "NET30, NET60" in told.fix


def test_payment_terms_that_the_erp_has_pass() -> None:
    rule = changed(filling("NET30"), value={"on": "validation", "fills": {}})
    rows = [*ROWS, filling("NET30"), filling("NET60", "ACME-US"), rule, asking_for("NET30", "NET60")]

    assert faults(rows, erp(ROWS)) == []


def test_payment_terms_of_some_entities_are_looked_for_where_these_go() -> None:
    """One ERP that has them is enough, and an entity whose ERP is not connected is not judged."""
    nova = known({**THERE, MasterKind.PAYMENT_TERMS: {("", "NET45")}}, "Nova")
    german = [*ROWS, route("erp|ACME-DE|*|*", "Nova"), route("erp|*|*|*", "Tryton")]

    assert faults([*german, filling("NET45", "ACME-DE"), filling("NET30", "ACME-US")], erp((), nova)) == []
    assert faults([*german, filling("NET45", "ACME-DE", "ACME-US"), filling("NET30")], erp((), nova)) == []
    (told,) = faults([*german, filling("NET30", "ACME-DE")], erp(ROWS, nova))
    assert told.problem.startswith("Nova has no payment terms 'NET30'")
    assert faults([*german, filling("NOPE", "ACME-DE", "ACME-US")], erp(ROWS)) == []


def test_a_rule_and_a_step_that_name_ended_terms_are_found_by_them() -> None:
    rows, terms = (
        [*ROWS, filling("NET14"), asking_for("NET14")],
        MasterKey(MasterKind.PAYMENT_TERMS, "", "NET14"),
    )

    assert keys_of_rows(used_by_rows(erp(rows), {terms}, "Tryton")) == {terms: ["usual-terms", "treasury"]}
    assert keys_of_rows(absent_for_rows(erp(rows), (), "Tryton")) == {terms: ["usual-terms", "treasury"]}


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
    some = dict(THERE)
    del some[MasterKind.COST_CENTRE]

    assert faults(centre("CC-NOPE"), ErpNames([known(some)], (), TODAY)) == []


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


CENTRE = MasterKey(MasterKind.COST_CENTRE, "ACME-DE", "CC-DE-ADV")


def keys_of_rows(found: Mapping[MasterKey, Sequence[ReferenceRow]]) -> dict[MasterKey, list[str]]:
    return {key: [row.key for row in rows] for key, rows in found.items()}


def test_rows_that_name_what_ended_are_found_by_it() -> None:
    assert keys_of_rows(used_by_rows(erp(ROWS), {CENTRE}, "Tryton")) == {CENTRE: ["ACME-DE|ADV"]}
    exempt = MasterKey(MasterKind.CUSTOMER, "", "Cust-1009")
    assert keys_of_rows(used_by_rows(erp(ROWS), {exempt}, "Tryton")) == {exempt: ["ACME-DE|CUST-1009"]}


def test_what_ended_in_an_erp_that_no_deal_of_the_entity_goes_to_is_named_by_no_row_of_it() -> None:
    rows, other = [*ROWS, route("erp|ACME-DE|*|*", "Nova")], known(THERE, "Nova")

    assert used_by_rows(erp(rows, other), {CENTRE}, "Tryton") == {}
    assert keys_of_rows(used_by_rows(erp(rows, other), {CENTRE}, "Nova")) == {CENTRE: ["ACME-DE|ADV"]}


def test_what_rows_of_now_name_and_the_erp_never_had_is_found_unless_it_is_known_to_have_ended() -> None:
    nope = CENTRE._replace(code="CC-NOPE")

    assert absent_for_rows(erp(ROWS), (), "Tryton") == {}
    assert keys_of_rows(absent_for_rows(erp(centre("CC-NOPE")), (), "Tryton")) == {nope: ["ACME-DE|ADV"]}
    assert absent_for_rows(erp(centre("CC-NOPE")), {nope}, "Tryton") == {}
    assert absent_for_rows(erp(centre("CC-NOPE")), (), "another") == {}
