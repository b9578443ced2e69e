"""Enrichment: reference data of the day the deal was won, and all missing rows at once."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import NamedTuple

import pytest

from oppsync.domain.catalog import CATALOG
from oppsync.domain.deal.opportunity import BillingModelCode, Opportunity
from oppsync.domain.deal.reading import FieldOfCrm, either
from oppsync.domain.enrichment.enrich import enrich
from oppsync.domain.plan.enrichment import Enrichment
from oppsync.domain.reference.book import ReferenceBook, ReferenceKind, ReferenceRow
from oppsync.domain.values.findings.finding import Finding, Severity
from oppsync.domain.values.model import changed, require
from sandbox.firm.demo_firm import reference_rows
from tests.harness import builders as make

LAST_DAY = date(2025, 12, 31)
NEXT_DAY = date(2026, 1, 1)


class Case(NamedTuple):
    """A deal for which reference data is not sufficient, and its one finding."""

    code: str
    path: str
    value: str
    deal: Opportunity


TIME = make.opportunity(make.time_line())
FIXED = make.opportunity(make.fixed_line())
CASES = [
    Case(
        "LEGAL_ENTITY_UNKNOWN",
        "/contracting_entity",
        "ACME-XX",
        changed(FIXED, contracting_entity="ACME-XX"),
    ),
    Case(
        "TAX_TREATMENT_MISSING",
        "/account/country",
        "ACME-DE|BR",
        changed(FIXED, account=make.account(country="BR", tax_id=None)),
    ),
    Case("DELIVERY_MODEL_UNKNOWN", "/delivery_model", "Lunar", changed(FIXED, delivery_model="Lunar")),
    Case(
        "SERVICE_LINE_UNKNOWN",
        "/lines/0/service_line",
        "Catering",
        make.opportunity(make.fixed_line(service_line="Catering")),
    ),
    Case("REGION_UNKNOWN", "/region", "Atlantis", changed(FIXED, region="Atlantis")),
    Case(
        "RATE_MISSING",
        "/lines/0/role",
        "DACH|Astrologer|EUR",
        make.opportunity(make.time_line(role="Astrologer")),
    ),
    Case(
        "RATE_DIFFERS",
        "/lines/0/unit_price",
        "EUR 150.00",
        make.opportunity(make.time_line(unit_price=150, net=13_500)),
    ),
]


def findings(deal: Opportunity, book: ReferenceBook | None = None) -> tuple[Finding, ...]:
    result = enrich(deal, book or make.book())
    assert not isinstance(result, Enrichment)
    return result


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.code)
def test_what_reference_data_lacks_is_named(case: Case) -> None:
    (found,) = findings(case.deal)

    assert (found.code, found.path, found.value) == (case.code, case.path, case.value)


@pytest.mark.parametrize(
    ("kind", "code", "value"),
    [
        (ReferenceKind.COST_CENTRE, "COST_CENTRE_MISSING", "ACME-DE|CLOUD"),
        (ReferenceKind.PROJECT_TEMPLATE, "TEMPLATE_MISSING", "CLOUD|DACH|fixed_fee"),
    ],
)
def test_a_row_that_nobody_made_is_named(kind: ReferenceKind, code: str, value: str) -> None:
    (found,) = findings(FIXED, make.book(without=frozenset({kind})))

    assert (found.code, found.path, found.value) == (code, "/lines/0", value)


def test_all_findings_come_at_once_and_each_row_once() -> None:
    deal = make.opportunity(
        make.time_line(role="Astrologer"),
        make.fixed_line(service_line="Catering"),
        make.milestone_line(service_line="Catering"),
        account=make.account(country="BR", tax_id=None),
        delivery_model="Lunar",
    )

    assert [found.code for found in findings(deal)] == [
        "TAX_TREATMENT_MISSING",
        "DELIVERY_MODEL_UNKNOWN",
        "RATE_MISSING",
        "SERVICE_LINE_UNKNOWN",
    ]


def test_what_somebody_chose_is_told_with_the_field_and_what_else_can_be_chosen() -> None:
    deal = changed(FIXED, region="Atlantis", delivery_model="Lunar")

    result = enrich(deal, make.book(), field_at=lambda place: FieldOfCrm(f"Label of {place}"))

    assert not isinstance(result, Enrichment)
    told = {found.code: found.message for found in result}
    assert told["REGION_UNKNOWN"].endswith(f"; Label of /region can be {offered(ReferenceKind.REGION)}")
    assert told["DELIVERY_MODEL_UNKNOWN"].endswith(
        f"; Label of /delivery_model can be {offered(ReferenceKind.DELIVERY_MODEL)}"
    )


def test_a_role_without_a_rate_is_told_with_the_roles_that_have_one() -> None:
    (found,) = findings(make.opportunity(make.time_line(role="Astrologer")))

    day = require(TIME.won_on, "the close date")
    sold = [key.split("|") for key in make.book().keys(ReferenceKind.RATE_CARD, day)]
    roles = [role for region, role, currency in sold if (region, currency) == ("DACH", "EUR")]
    assert len(roles) > 1
    assert found.message.endswith(f" on 2026-05-04; Role can be {either(roles)}")


def test_a_region_that_an_unknown_entity_delivers_is_told_with_the_entities_known() -> None:
    """A field of the CRM would not mend it: the region's row names the entity."""
    region = ReferenceRow(
        kind=ReferenceKind.REGION,
        key="DACH",
        valid_from=date(2025, 1, 1),
        value={"code": "DACH", "name": "DACH", "delivery_entity": "ACME-XX"},
    )

    found = findings(FIXED, make.book(region, without=frozenset({ReferenceKind.REGION})))[0]

    assert found.code == "LEGAL_ENTITY_UNKNOWN"
    assert found.message.endswith("; known are ACME-DE, ACME-US")


def test_what_the_deal_says_is_looked_up_though_every_line_says_otherwise() -> None:
    """By its region and service line the deal's ERP and PSA are chosen."""
    line = make.fixed_line(service_line="Advisory", delivery_region="DACH")
    typed = make.opportunity(line, region="Atlantis", service_line="Catering")

    result = enrich(typed, make.book(), field_at=lambda place: FieldOfCrm(f"Label of {place}"))

    assert not isinstance(result, Enrichment)
    assert [(found.code, found.path, found.value) for found in result] == [
        ("SERVICE_LINE_UNKNOWN", "/service_line", "Catering"),
        ("REGION_UNKNOWN", "/region", "Atlantis"),
    ]
    assert all(f"; Label of {found.path} can be " in found.message for found in result)
    sound = make.enrichment(changed(typed, region="NA", service_line="Cloud"))
    assert {"NA", "Cloud"}.isdisjoint(use.key for use in sound.used)


def test_of_many_values_the_first_are_named_and_the_others_counted() -> None:
    rows = [
        ReferenceRow(kind=ReferenceKind.REGION, key=f"R{n:02d}", valid_from=date(2025, 1, 1), value={})
        for n in range(11)
    ]
    ended = ReferenceRow(
        kind=ReferenceKind.REGION,
        key="A-GONE",
        valid_from=date(2025, 1, 1),
        valid_to=date(2025, 6, 1),
        value={},
    )

    told = [found.message for found in findings(FIXED, ReferenceBook([*rows, ended]))]

    assert any(
        each.endswith("; Region can be R00, R01, R02, R03, R04, R05, R06, R07 and 3 more") for each in told
    )


def offered(kind: ReferenceKind) -> str:
    return either(make.book().keys(kind, require(FIXED.won_on, "the close date")))


def test_an_empty_book_is_told_row_by_row() -> None:
    assert [found.code for found in findings(FIXED, ReferenceBook([]))] == [
        "LEGAL_ENTITY_UNKNOWN",
        "DELIVERY_MODEL_UNKNOWN",
        "SERVICE_LINE_UNKNOWN",
        "REGION_UNKNOWN",
    ]


def test_a_deal_won_a_year_apart_gets_other_rates() -> None:
    earlier = make.opportunity(make.time_line(unit_price=150, net=13_500), won_on=LAST_DAY)
    later = make.opportunity(make.time_line(), won_on=NEXT_DAY)

    rates = [make.enrichment(deal).lines[0].rate for deal in (earlier, later)]

    assert [(rate.card, rate.hourly) for rate in rates if rate] == [
        ("DACH 2025", Decimal(150)),
        ("DACH 2026", Decimal(160)),
    ]


def test_the_old_price_is_no_longer_sold_in_the_new_year() -> None:
    (found,) = findings(make.opportunity(make.time_line(unit_price=150, net=13_500), won_on=NEXT_DAY))

    assert "was sold at EUR 150.00 an hour, the rate card DACH 2026 has EUR 160.00" in found.message


def test_a_deal_won_a_year_apart_is_booked_on_another_cost_centre() -> None:
    centres = [
        make.enrichment(make.opportunity(make.fixed_line(), won_on=day)).lines[0].cost_centre.code
        for day in (LAST_DAY, NEXT_DAY)
    ]

    assert centres == ["CC-DE-ADV", "CC-DE-CLOUD"]


def test_before_the_firm_began_nothing_is_known() -> None:
    codes = {found.code for found in findings(changed(FIXED, won_on=date(2024, 12, 31)))}

    assert "LEGAL_ENTITY_UNKNOWN" in codes


@pytest.mark.parametrize(
    ("entity", "customer_country", "tax", "percent"),
    [
        ("ACME-DE", "DE", "VAT-DE-19", Decimal(19)),
        ("ACME-DE", "FR", "VAT-DE-19", Decimal(19)),  # without a French VAT number
        ("ACME-DE", "US", "EXPORT-0", Decimal(0)),
        ("ACME-US", "US", "US-NT", Decimal(0)),
        ("ACME-US", "DE", "US-NT", Decimal(0)),
    ],
)
def test_the_tax_goes_by_entity_and_customers_country(
    entity: str, customer_country: str, tax: str, percent: Decimal
) -> None:
    deal = changed(
        FIXED, contracting_entity=entity, account=make.account(country=customer_country, tax_id=None)
    )

    found = make.enrichment(deal).tax

    assert (found.code, found.percent) == (tax, percent)


def test_every_value_says_which_row_it_came_from() -> None:
    used = {(use.kind.value, use.key, use.valid_from) for use in make.enrichment(TIME).used}

    first_day = date(2025, 1, 1)
    assert used == {
        ("legal_entity", "ACME-DE", first_day),
        ("tax_regime", "ACME-DE", first_day),
        ("delivery_model", "Hybrid", first_day),
        ("service_line", "Advisory", first_day),
        ("region", "DACH", first_day),
        ("cost_centre", "ACME-DE|ADV", first_day),
        ("project_template", "ADV|DACH|time_and_materials", first_day),
        ("rate_card", "DACH|Senior Consultant|EUR", NEXT_DAY),
        ("cost_rate", "DACH|Senior Consultant|EUR", first_day),
    }


def test_every_line_says_which_rows_its_values_came_from() -> None:
    lines = make.enrichment(make.opportunity()).lines

    rows = [[(use.kind.value, use.key) for use in line.rows] for line in lines]
    assert rows[0][-2:] == [
        ("rate_card", "DACH|Senior Consultant|EUR"),
        ("cost_rate", "DACH|Senior Consultant|EUR"),
    ]
    assert rows[1] == [
        ("service_line", "Cloud"),
        ("region", "DACH"),
        ("cost_centre", "ACME-DE|CLOUD"),
        ("project_template", "CLOUD|DACH|fixed_fee"),
        ("cost_rate", "DACH|*|EUR"),
    ]


def test_a_line_delivered_elsewhere_follows_that_regions_rules() -> None:
    deal = make.opportunity(make.fixed_line(delivery_region="NA"), make.milestone_line())

    lines = make.enrichment(deal).lines

    assert [(line.region.code, line.template.code) for line in lines] == [
        ("NA", "TPL-CLOUD-NA-FF"),
        ("DACH", "TPL-CLOUD-DACH-MS"),
    ]


def _overlap(one: ReferenceRow, other: ReferenceRow) -> bool:
    return one is not other and one.key == other.key and one.kind == other.kind and one.covers(other.valid_from)


def test_the_demo_firms_rows_are_whole() -> None:
    rows = reference_rows()

    # Who approves is set by somebody, never installed; people without a calendar work by their entity's.
    approvals = {ReferenceKind.APPROVAL_RULE, ReferenceKind.APPROVAL_ROLE, ReferenceKind.APPROVAL_STEP}
    assert {row.kind for row in rows} == set(ReferenceKind) - approvals - {ReferenceKind.CALENDAR}
    for row in rows:
        CATALOG[row.kind].shape.model_validate(row.value)
        assert not any(_overlap(row, other) for other in rows), row.key
    templates = {row.key for row in rows if row.kind is ReferenceKind.PROJECT_TEMPLATE}
    assert templates == {
        f"{line}|{region}|{model}"
        for line in ("ADV", "CLOUD")
        for region in ("DACH", "NA")
        for model in BillingModelCode
    }


@pytest.mark.parametrize(
    ("closed_on", "severity"),
    [
        (date(2026, 5, 4), Severity.BLOCKS),
        (date(2026, 5, 5), Severity.WARNS),
        (date(2026, 9, 15), Severity.WARNS),
        (date(2026, 9, 16), None),
    ],
)
def test_a_cost_centre_that_closes_blocks_or_warns(closed_on: date, severity: Severity | None) -> None:
    """The deal was won on 4 May, the work ends on 15 September."""
    row = ReferenceRow(
        kind=ReferenceKind.COST_CENTRE,
        key="ACME-DE|CLOUD",
        valid_from=date(2026, 1, 1),
        value={"code": "CC-OLD", "name": "Old", "closed_on": closed_on.isoformat()},
    )

    result = enrich(FIXED, make.book(row, without=frozenset({ReferenceKind.COST_CENTRE})))
    found = result.warnings if isinstance(result, Enrichment) else result

    expected = [("COST_CENTRE_CLOSED", "/lines/0", severity)] if severity else []
    assert [(each.code, each.path, each.severity) for each in found] == expected
