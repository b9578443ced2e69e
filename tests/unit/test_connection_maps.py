"""What connections map, as rows of the configuration: read, judged by the connectors, laid over settings."""

from __future__ import annotations

from datetime import date

import pytest

from adapters.connectors.maps import mapped, wrong_map
from adapters.connectors.registry import CONNECTORS, connector_of
from adapters.documents.bundle_files import read_bundle, write_bundle
from oppsync.domain.configuration.bundle import governed
from oppsync.domain.configuration.differences import differences, moves_money
from oppsync.domain.configuration.faults import BadBundle
from oppsync.domain.reference.book import ReferenceBook, ReferenceRow
from oppsync.domain.values.model import changed
from oppsync.domain.work.connections import Connection, ConnectionRole

BEGIN, TODAY = date(2025, 1, 1), date(2026, 6, 1)
MANIFEST = {"oppsync.yaml": b"format: 1\nfirm: Acme\n"}
OUR_ORG = """- connection: Our org
  valid_from: 2025-01-01
  vendor: salesforce
  settings:
    billing_terms: true
    fields:
      Account.Tax_Id__c: VAT__c
      Opportunity.Special_Terms__c: ""
"""
CRM = Connection(
    tenant_id="acme",
    id="salesforce-1",
    role=ConnectionRole.CRM,
    vendor="salesforce",
    name="Our org",
    settings={"base_url": "https://acme.my.salesforce.com", "currency": "EUR", "poll_page": 20},
)


def read(text: str) -> tuple[ReferenceRow, ...]:
    return read_bundle(MANIFEST | {"connection_maps.yaml": text.encode()}).rows


def faults(text: str) -> list[str]:
    with pytest.raises(BadBundle) as refused:
        read(text)
    return [str(each) for each in refused.value.faults]


def test_a_row_is_written_as_it_was_read_byte_for_byte() -> None:
    rows = read(OUR_ORG)

    assert write_bundle("Acme", rows)["connection_maps.yaml"].decode() == OUR_ORG
    assert governed(read(OUR_ORG.replace(': ""', ":"))) == governed(rows)  # nothing there is an empty text


NOT_TRUE = "billing_terms: 7: input should be a valid boolean, unable to interpret input."
NO_NAME = "fields.Account.Tax_Id__c: 'no name': string should match pattern"


@pytest.mark.parametrize(
    ("old", "new", "line", "told"),
    [
        (
            "vendor: salesforce",
            "vendor: salesforc",
            3,
            "vendor: 'salesforc' is no vendor that can be connected.",
        ),
        (
            "billing_terms: true",
            "base_url: x",
            5,
            "settings.base_url: belongs to the connection, and is no map",
        ),
        (
            "billing_terms",
            "biling_terms",
            5,
            "settings.biling_terms: is not known here. Did you mean billing_terms?",
        ),
        (
            "billing_terms",
            "roles",
            5,
            "settings.roles: is not known here. Maps of Salesforce are currency, billing",
        ),
        ("billing_terms: true", "billing_terms: 7", 5, f"settings.{NOT_TRUE}"),
        ("VAT__c", "no name", 7, f"settings.{NO_NAME}"),
        ("Special_Terms", "Specials", 6, "settings.fields: not a field that is used: Opportunity.Specials__c."),
        ("VAT__c", "[VAT__c]", 6, "settings.fields: write text of one line, a whole number, true or false for"),
    ],
)
def test_a_fault_says_where_it_is_and_what_the_connector_wants(
    old: str, new: str, line: int, told: str
) -> None:
    (fault,) = faults(OUR_ORG.replace(old, new))

    assert fault.startswith(f"connection_maps.yaml:{line}: {told}")


def test_all_that_is_wrong_is_told_at_once() -> None:
    wrong = OUR_ORG.replace("billing_terms: true", "currency: euro\n    limits:\n      requests: 3")
    other = OUR_ORG.replace("Our org", "Staff").replace("salesforce", "kantata")

    told = faults(wrong + other)

    assert [each.split(": ")[0] + each.split(": ")[1] for each in told] == [
        "connection_maps.yaml:5settings.currency",
        "connection_maps.yaml:6settings.limits",
        "connection_maps.yaml:15settings.billing_terms",
        "connection_maps.yaml:16settings.fields",
    ]


def test_the_row_says_all_that_is_mapped_and_the_rest_is_the_connection_s() -> None:
    book = ReferenceBook(read(OUR_ORG))

    assert mapped(CRM, book, TODAY).settings == {
        "base_url": "https://acme.my.salesforce.com",
        "poll_page": 20,
        "billing_terms": True,
        "fields": {"Account.Tax_Id__c": "VAT__c", "Opportunity.Special_Terms__c": None},
    }


@pytest.mark.parametrize(
    "connection",
    [changed(CRM, name="Another org"), changed(CRM, vendor="tryton", role=ConnectionRole.ERP)],
    ids=["of another name", "of another vendor"],
)
def test_a_connection_without_a_row_goes_by_its_own_settings(connection: Connection) -> None:
    assert mapped(connection, ReferenceBook(read(OUR_ORG)), TODAY) == connection


def test_a_row_counts_on_its_days() -> None:
    book = ReferenceBook(read(OUR_ORG.replace("2025-01-01", "2026-06-01\n  valid_to: 2026-07-01")))

    by_day = [mapped(CRM, book, day) == CRM for day in (date(2026, 5, 31), TODAY, date(2026, 7, 1))]

    assert by_day == [True, False, True]


def test_to_unmap_a_field_is_a_change_that_moves_money_and_is_told() -> None:
    before = OUR_ORG.replace('      Opportunity.Special_Terms__c: ""\n', "")

    (change,) = differences(read(before), read(OUR_ORG))

    assert moves_money(change)
    assert change.in_words == (
        "connection_maps.yaml: connection Our org from 2025-01-01: changed: "
        "settings.fields.Opportunity.Special_Terms__c nothing -> left empty"
    )


@pytest.mark.parametrize(("role", "vendor"), [(role, each) for role in CONNECTORS for each in CONNECTORS[role]])
def test_the_defaults_of_a_connector_are_a_map_without_a_fault(role: ConnectionRole, vendor: str) -> None:
    connector = connector_of(role, vendor)
    fields = connector.settings.model_fields
    defaults = {name: fields[name].get_default(call_default_factory=True) for name in connector.maps}

    assert defaults
    assert not wrong_map(vendor, {name: value for name, value in defaults.items() if value is not None})
