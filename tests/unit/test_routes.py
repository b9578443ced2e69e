"""Which route of the configuration a deal takes."""

from __future__ import annotations

from datetime import date

import pytest

from oppsync.domain.policy.route import NamedPlace, RoutedRole, route_of
from oppsync.domain.reference.book import ReferenceBook, ReferenceKind, ReferenceRow

BEGIN, TODAY = date(2025, 1, 1), date(2026, 3, 2)
NAMED = {
    ReferenceKind.LEGAL_ENTITY: {"Acme Germany": "ACME-DE"},
    ReferenceKind.REGION: {"D-A-CH": "DACH"},
    ReferenceKind.SERVICE_LINE: {"Advisory": "ADV"},
}
NAMES = [
    ReferenceRow(kind=kind, key=name, valid_from=BEGIN, value={"code": code})
    for kind, names in NAMED.items()
    for name, code in names.items()
]
HERE = NamedPlace("Acme Germany", "D-A-CH", "Advisory")


def book(*keys: str) -> ReferenceBook:
    """Each route leads to a connection that is called as its key."""
    routes = [
        ReferenceRow(kind=ReferenceKind.ROUTE, key=key, valid_from=BEGIN, value={"connection": key})
        for key in keys
    ]
    return ReferenceBook([*NAMES, *routes])


@pytest.mark.parametrize(
    ("keys", "taken"),
    [
        (("erp|*|*|*", "erp|ACME-DE|*|*"), "erp|ACME-DE|*|*"),
        (("erp|*|DACH|ADV", "erp|ACME-DE|*|*"), "erp|ACME-DE|*|*"),
        (("erp|ACME-DE|*|*", "erp|ACME-DE|*|ADV", "erp|ACME-DE|DACH|*"), "erp|ACME-DE|DACH|*"),
        (("erp|*|*|ADV", "erp|*|DACH|*"), "erp|*|DACH|*"),
        (("erp|ACME-US|*|*", "erp|*|*|*"), "erp|*|*|*"),
        (("psa|ACME-DE|*|*", "erp|*|*|CLOUD"), None),
    ],
)
def test_the_row_that_says_most_of_the_deal_is_taken_by_the_codes_of_what_the_crm_names(
    keys: tuple[str, ...], taken: str | None
) -> None:
    found = route_of(book(*keys), RoutedRole.ERP, HERE, TODAY)

    assert (found[1].key if found else None) == taken
    assert (found[0].connection if found else None) == taken


def test_a_deal_of_which_nothing_is_known_takes_the_route_of_every_deal() -> None:
    rows = book("erp|ACME-DE|*|*", "erp|*|*|*")

    for place in (NamedPlace(None, None, None), NamedPlace("Unheard of", "Moon", None)):
        found = route_of(rows, RoutedRole.ERP, place, TODAY)
        assert found is not None
        assert found[0].connection == "erp|*|*|*"


def test_each_role_has_routes_of_its_own() -> None:
    rows, place = book("psa|*|*|*"), NamedPlace(None, None, None)

    assert route_of(rows, RoutedRole.PSA, place, TODAY)
    assert route_of(rows, RoutedRole.ERP, place, TODAY) is None
    assert route_of(rows, RoutedRole.PSA, place, date(2024, 12, 31)) is None
