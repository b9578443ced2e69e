"""What connections map, by pages and API: shown with who says it, edited in the configuration alone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from urllib.parse import urlencode

import pytest
from flask import Flask

from oppsync.domain.configuration.bundle import governed
from oppsync.domain.reference.book import ReferenceKind, ReferenceRow
from oppsync.domain.values.roles import PersonRole
from oppsync.services.configuration.commands import ApplyConfiguration, Proposed
from tests.harness.builders import TENANT
from tests.web.browser import Browser
from tests.web.office import Office
from tests.web.test_configuration_api import go_live
from tests.web.test_configuration_rows import apply, changed, filled
from tests.web.test_connections import Api

Browsers = Callable[[str], Browser]
NAME = "Our <b>org"
FORM = "/connections/new?role=crm&vendor=salesforce"
GIVEN = {"name": NAME, "base_url": "https://org.example", "client_id": "key", "client_secret": "secret"}
ROW = "/configuration/rows/connection_map/{}?" + urlencode({"key": NAME, "since": "2026-01-01"})
SETTINGS = {"contract_terms": True, "fields": {"Opportunity.Special_Terms__c": "Clauses__c"}}
MAP = ReferenceRow(
    kind=ReferenceKind.CONNECTION_MAP,
    key=NAME,
    valid_from=date(2026, 1, 1),
    value={"vendor": "salesforce", "settings": SETTINGS},
)


@pytest.fixture
def ida(office: Office, browser: Browsers) -> Browser:
    """Who administers integrations."""
    office.hire("ida", PersonRole.INTEGRATION_ADMIN)
    return browser("ida")


def connect(browser: Browser, **more: str) -> str:
    answer = browser.post(FORM, **GIVEN, **more)
    assert answer.status == 303, answer.words
    return (answer.location or "").partition("?")[0]


def say(office: Office) -> None:
    office.application.dispatch(ApplyConfiguration(TENANT, office.ids["kim"], "Acme", [MAP]))


def test_what_a_connection_maps_becomes_a_row_in_sight_of_it_and_is_edited_there_from_then_on(
    ida: Browser, office: Office
) -> None:
    address = connect(ida, contract_terms="yes", fields="Opportunity.Region__c = Area__c")
    begin = "/configuration/rows/connection_map/add?" + urlencode({"key": NAME})
    page = ida.get(address)
    assert "Its own settings say what it maps, which one person may change." in page.words
    assert begin.partition("?")[0] in page.markup
    text = """connection: Our <b>org
valid_from: 2026-01-01
vendor: salesforce
settings:
  contract_terms: true
  fields:
    Opportunity.Region__c: Area__c
"""
    offered = filled(ida.get(begin))["row-text"]
    rest = text.partition("2026-01-01\n")[2]
    assert offered == f'valid_from:\nconnection: "{NAME}"\n{rest}'

    shown = changed(ida, begin, text=text)
    assert "settings.fields.Opportunity.Region__c Area__c" in shown.words
    apply(ida, shown)

    page = ida.get(address)
    assert "The configuration says what it maps" in page.words
    assert "Fields for contract terms yes (by the configuration)" in page.words
    assert "Currency not set" in page.words
    assert "not set (by" not in page.words
    assert "<b>org" not in page.markup
    form = ida.get(f"{address}/edit")
    assert 'name="contract_terms"' not in form.markup
    assert "What it maps is said by the configuration" in form.words
    edited = ida.post(f"{address}/edit", name=NAME, base_url="https://org.example", timeout="20")
    assert edited.status == 303, edited.words
    assert "Seconds to wait for an answer 20" in ida.get(address).words


def test_a_row_follows_the_new_name_of_its_connection(ida: Browser, office: Office) -> None:
    address = connect(ida)
    say(office)

    renamed = ida.post(f"{address}/edit", name="Another", base_url="https://org.example")

    assert renamed.status == 303, renamed.words
    assert "Fields for contract terms yes (by the configuration)" in ida.get(address).words


def test_a_system_that_is_connected_after_its_row_is_one_form_as_before(ida: Browser, office: Office) -> None:
    """A form sends every field: what it has as it comes, and what the row says, is no other."""
    say(office)
    as_it_comes = {"billing_terms": "no", "contract_terms": "no", "owner_history": "no"}

    refused = ida.post(FORM, **GIVEN, **as_it_comes, currency="EUR")
    assert refused.status == 422
    assert "Currency: The configuration (connection_maps.yaml, row Our <b>org) says this" in refused.words
    page = ida.get(connect(ida, **as_it_comes, fields="Opportunity.Special_Terms__c = Clauses__c"))

    assert "Fields for contract terms yes (by the configuration)" in page.words


def test_of_a_live_firm_the_row_is_proposed_and_its_faults_are_told_at_the_text(
    ida: Browser, office: Office
) -> None:
    say(office)
    go_live(office)
    text = "connection: Our <b>org\nvalid_from: 2026-01-01\nvendor: salesforce\nsettings:\n  {}\n"

    wrong = changed(ida, ROW.format("edit"), text=text.format("colour: red"))
    assert (wrong.status, wrong.title[:6]) == (422, "Error:")
    assert "Line 5: settings.colour: is not known here. Maps of Salesforce are currency" in wrong.words
    shown = changed(ida, ROW.format("edit"), text=text.format("contract_terms: true"))
    assert "settings.fields.Opportunity.Special_Terms__c Clauses__c -> nothing" in shown.words
    assert "nothing is connected as 'Our <b>org'" in shown.words

    assert apply(ida, shown).startswith("/configuration/proposals/")
    with office.uow.reading() as uow:
        assert [row.value for row in governed(uow.configurations.rows(TENANT))] == [MAP.value]


def test_whoever_agrees_to_remove_the_row_reads_that_one_person_says_it_from_then_on(
    ida: Browser, office: Office
) -> None:
    connect(ida)
    say(office)
    go_live(office)

    answer = office.application.dispatch(ApplyConfiguration(TENANT, office.ids["ida"], "Acme", []))
    assert isinstance(answer, Proposed)

    page = ida.get(f"/configuration/proposals/{answer.proposal_id}")
    assert (
        "on no row says what Our <b>org maps: its own settings do then, which one person edits." in page.words
    )
    assert "<b>org" not in page.markup


def test_the_api_answers_what_is_in_force_and_refuses_what_the_row_says(app: Flask, office: Office) -> None:
    office.hire("ida", PersonRole.INTEGRATION_ADMIN)
    ida = Api(app, office.token("ida"))
    secrets = {"client_id": "key", "client_secret": "secret"}
    body = {"role": "crm", "vendor": "salesforce", "name": NAME, "secrets": secrets}
    added = ida("POST", "/connections", body | {"settings": {"base_url": "https://org.example"}}).json
    address = f"/connections/{(added or {})['connection']['id']}"
    assert (ida("GET", address).json or {})["map"] is None

    say(office)

    read = ida("GET", address).json or {}
    assert read["settings"] == {"base_url": "https://org.example", **SETTINGS}
    assert read["map"] == {"row": NAME, "valid_from": "2026-01-01"}
    refused = ida("PATCH", address, {"settings": {"contract_terms": False, "poll_page": 20}})
    assert refused.status_code == 422
    assert [error["pointer"] for error in (refused.json or {})["errors"]] == ["/contract_terms"]
    same = ida("PATCH", address, {"settings": {**read["settings"], "poll_page": 20}})
    assert same.status_code == 200
    assert (same.json or {})["settings"] == read["settings"] | {"poll_page": 20}
    files = {"oppsync.yaml": "format: 1\nfirm: Acme\n", "connection_maps.yaml": "- connection: New\n"}
    files["connection_maps.yaml"] += "  valid_from: 2026-01-01\n  vendor: kantata\n  settings: {}\n"
    compared = ida("POST", "/configuration/diff", {"files": files})
    assert ["connected as 'New'" in note for note in (compared.json or {})["notes"]] == [True, False]
