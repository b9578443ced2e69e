"""One exception: each code's buttons do what its text says."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import text

from oppsync.domain.configuration.files import FILES
from oppsync.domain.plan.overrides import in_force
from oppsync.domain.values.findings.codes import CODES, finding
from oppsync.domain.work.connections import Connection, ConnectionRole
from oppsync.domain.work.states import State
from tests.harness.builders import TENANT
from tests.web.browser import Browser
from tests.web.office import Office, sold_by
from web.pages.exceptions.actions import REMEDIES
from web.pages.guides.rendering import guide

Browsers = Callable[[str], Browser]


def test_every_remedy_is_of_a_code_that_exists_and_names_rows_that_have_a_page() -> None:
    assert REMEDIES.keys() <= CODES.keys()
    assert {kind for remedy in REMEDIES.values() for kind in remedy.rows} <= FILES.keys()


@pytest.mark.parametrize("words", ["reference data", "connection", "override"])
def test_a_code_whose_text_sends_people_somewhere_has_the_way_there(words: str) -> None:
    """Those that are listed are done in the CRM, or concern what already has a page of its own."""
    elsewhere = {
        "DELIVERY_ID_REUSED",  # the connection's secret, by whoever finds it stolen
        "COST_RATE_MISSING",
        "RATE_GAP",
        "TAX_CERTIFICATE_EXPIRES",  # warnings: they stop nothing
    }
    sending = {code for code, each in CODES.items() if words in each.fix.lower()}
    assert sending - elsewhere <= REMEDIES.keys()


def test_an_exception_leads_to_its_runbook_entry(browser: Browsers, office: Office) -> None:
    _deal, item_id = office.parked()
    assert 'href="/guides/runbook#cost_centre_missing"' in browser("olga").get(f"/exceptions/{item_id}").markup
    body = guide("runbook").body
    assert [code for code in CODES if f'id="{code.lower()}"' not in body] == []


def test_a_missing_row_leads_to_the_rows_and_the_record_to_the_crm(browser: Browsers, office: Office) -> None:
    record = sold_by("sam.seller", url="https://crm.example/006")
    _deal, item_id = office.parked(record=record)
    markup = browser("olga").get(f"/exceptions/{item_id}").markup
    assert 'href="/configuration/rows/cost_centre">Add or edit a row of cost_centres.csv' in markup
    assert '<a href="https://crm.example/006" rel="noreferrer">Open it in the CRM</a>' in markup


def test_a_record_s_address_that_is_no_http_is_no_link(browser: Browsers, office: Office) -> None:
    _deal, item_id = office.parked(record=sold_by("sam.seller", url="javascript:alert(1)"))
    assert "javascript:" not in browser("olga").get(f"/exceptions/{item_id}").markup


def test_a_refused_call_is_shown_and_its_system_can_be_tested(browser: Browsers, office: Office) -> None:
    erp = Connection(
        tenant_id=TENANT,
        id="tryton-demo",
        role=ConnectionRole.ERP,
        vendor="tryton",
        name="Tryton <books>",
        settings={},
    )
    with office.uow() as uow:
        uow.connections.put(erp, {})
        uow.commit()
    opportunity_id, item_id = office.parked(
        State.APPROVED, finding("VENDOR_REJECTED", "Tryton: 400: The fiscal year is closed.")
    )
    keep = text(
        "insert into vendor_calls (tenant_id, id, opportunity_id, connection_id, stage, method, target, "
        "status, outcome, milliseconds, request, response, at, traceparent) values "
        "(:tenant, gen_random_uuid(), :deal, "
        "'tryton-demo', 'create_projects', 'POST', '/books', 400, 'VENDOR_REJECTED', 12, '{}', :answer, "
        "now(), '')"
    )
    with office.application.engine.begin() as connection:
        closed = "<b>The fiscal year is closed</b>"
        connection.execute(keep, {"tenant": TENANT, "deal": opportunity_id, "answer": closed})

    screen = browser("olga").get(f"/exceptions/{item_id}")

    assert "Test Tryton <books>" in screen.words
    assert 'action="/connections/tryton-demo"' in screen.markup
    assert "POST /books : 400, VENDOR_REJECTED, 12 ms" in screen.words
    assert "&lt;b&gt;The fiscal year is closed" in screen.markup
    assert "Test Tryton" not in browser("uma").get(f"/exceptions/{item_id}").words


def test_an_unknown_customer_is_linked_on_the_page(browser: Browsers, office: Office) -> None:
    unknown = finding("ACCOUNT_UNKNOWN", "The ERP has no such customer", path="/account/name", value="Globex")
    _deal, item_id = office.parked(State.RECEIVED, unknown)
    path, olga = f"/exceptions/{item_id}", browser("olga")
    assert "Link the customer Name the customer of the ERP that Globex GmbH is" in olga.get(path).words
    assert "Link the customer" not in browser("uma").get(path).words
    _other, cost_centre = office.parked()
    assert "Link the customer" not in olga.get(f"/exceptions/{cost_centre}").words


def test_a_cost_centre_that_the_erp_lacks_is_overridden_on_the_page(browser: Browsers, office: Office) -> None:
    waiting = office.waiting()
    unknown = finding("COST_CENTRE_UNKNOWN", "The ERP has no cost centre CC-1")
    item_id = office.stop(waiting.opportunity_id, State.AWAITING_APPROVAL, unknown)
    path, olga = f"/exceptions/{item_id}", browser("olga")
    assert "Override for this deal" in olga.get(path).words
    asked = {"action": "override_plan", "field": "name", "workstream": "00kL2"}

    missing = olga.post(path, **asked, value="Portal", overridden_because=" ")
    nowhere = olga.post(path, **asked | {"workstream": "00kL9"}, value="Portal", overridden_because="Agreed")

    assert (missing.status, 'href="#overridden_because"' in missing.markup) == (422, True)
    assert 'value="Portal"' in missing.markup
    assert (nowhere.status, 'href="#workstream"' in nowhere.markup) == (422, True)
    assert olga.post(path, **asked | {"field": "all"}, value="1", overridden_because="x").status == 400
    assert olga.post(path, **asked, value="Portal <2>", overridden_because="Agreed").location == path
    assert "Replayed by olga@acme.example" in olga.get(path).words
    with office.uow() as uow:
        (override,) = in_force(uow.overrides.of(TENANT, waiting.opportunity_id))
    assert (override.value, override.reason, override.author) == ("Portal <2>", "Agreed", "olga@acme.example")


def test_what_is_decided_is_not_offered_to_be_overridden(browser: Browsers, office: Office) -> None:
    unknown = finding("COST_CENTRE_UNKNOWN", "The ERP has no cost centre CC-1")
    _deal, item_id = office.parked(State.APPROVED, unknown)
    assert "Override for this deal" not in browser("olga").get(f"/exceptions/{item_id}").words
