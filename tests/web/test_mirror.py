"""Master data of an ERP by API and page: what there is, how old it is, what ended while in use."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from oppsync.domain.configuration.bundle import governed
from oppsync.domain.values.actor import COMMAND_LINE
from oppsync.domain.values.roles import PersonRole
from oppsync.domain.work.connections import Connection, ConnectionRole
from oppsync.services.admin.commands import PauseConnection, SetConnection
from oppsync.services.configuration.commands import ApplyConfiguration
from oppsync.services.mirror.commands import ReadMirror, Step
from sandbox.firm.demo_firm import reference_rows
from sandbox.standins.process import running
from tests.harness.builders import TENANT
from tests.integration.test_tryton_standin import ask
from tests.web.browser import Browser
from tests.web.office import Office
from tests.web.test_connections import Api

Browsers = Callable[[str], Browser]
ERP = "tryton-demo"


@pytest.fixture
def tryton(tmp_path: Path) -> Iterator[str]:
    with running("tryton", tmp_path / "tryton.sqlite") as url:
        yield url


@pytest.fixture
def connected(office: Office, tryton: str) -> None:
    connect(office, tryton)


def connect(office: Office, address: str) -> None:
    settings = {"base_url": address, "database": "erp"}
    connection = Connection(
        tenant_id=TENANT, id=ERP, role=ConnectionRole.ERP, vendor="tryton", name="Our ERP", settings=settings
    )
    secrets = {"rest_key": "tryton-standin-rest-key"}
    office.application.dispatch(SetConnection(TENANT, COMMAND_LINE, connection, secrets))


@pytest.fixture
def olga(app: Flask, office: Office) -> Api:
    return Api(app, office.token("olga"))


def read_all(office: Office) -> None:
    while office.application.dispatch(ReadMirror()) is Step.MORE:
        pass


def counts(document: Any) -> dict[str, int]:
    return {each["kind"]: each["rows"] for each in document["kinds"]}


@pytest.mark.usefixtures("connected")
def test_it_is_asked_for_read_and_listed(olga: Api, office: Office) -> None:
    asked = olga("POST", f"/connections/{ERP}/master-data/read", {})
    assert (asked.status_code, asked.json) == (200, {"begins": True})
    read_all(office)

    shown: Any = olga("GET", f"/connections/{ERP}/master-data").json
    assert counts(shown) == {
        "company": 2, "setting": 16, "fiscal_year": 8, "tax": 4, "payment_terms": 3, "cost_centre": 4,
        "product": 3, "customer": 9,
    }  # fmt: skip
    assert shown["runs"][0]["asked_by"] == "person:olga@acme.example"
    assert shown["error"] is None

    rows: Any = olga("GET", f"/connections/{ERP}/master-data/cost_centre?search=cloud").json
    assert [(row["company"], row["code"]) for row in rows["rows"]] == [
        ("ACME-DE", "CC-DE-CLOUD"),
        ("ACME-US", "CC-US-CLOUD"),
    ]
    assert olga("GET", f"/connections/{ERP}/master-data/nothing").status_code == 404


@pytest.mark.usefixtures("connected")
def test_what_ended_while_a_deal_and_a_row_name_it_is_shown_with_links(
    olga: Api, office: Office, browser: Browsers, tryton: str
) -> None:
    deal = office.waiting()
    office.application.dispatch(ApplyConfiguration(TENANT, COMMAND_LINE, "Acme", governed(reference_rows())))
    read_all(office)
    (centre,) = [each for each in centres(tryton) if each["code"] == "CC-DE-ADV"]
    ask(tryton, "DELETE", f"analytic_account.account/{centre['id']}")
    olga("POST", f"/connections/{ERP}/master-data/read", {"kinds": ["cost_centre"]})
    read_all(office)

    shown: Any = olga("GET", f"/connections/{ERP}/master-data").json
    (ended,) = [each for each in shown["ended_in_use"] if each["kind"] == "cost_centre"]
    assert (ended["kind"], ended["company"], ended["code"]) == ("cost_centre", "ACME-DE", "CC-DE-ADV")
    assert [each["id"] for each in ended["deals"]] == [str(deal.opportunity_id)]

    page = browser("olga").get(f"/connections/{ERP}/master-data?kind=cost_centre")
    text = page.markup
    assert f'href="/opportunities/{deal.opportunity_id}"' in text
    assert "cost centre CC-DE-ADV of ACME-DE" in text
    assert '<th scope="row">CC-DE-CLOUD</th>' in text
    assert "was read less than a minute ago" in page.words
    assert 'href="/configuration/rows/cost_centre/history?key=ACME-DE' in text
    ended_kind = f"/connections/{ERP}/master-data?kind=cost_centre&amp;ended=yes#rows"
    assert f'href="{ended_kind}"' in text
    gone = browser("olga").get(f"/connections/{ERP}/master-data?kind=cost_centre&ended=yes").markup
    assert '<th scope="row">CC-DE-ADV</th>' in gone
    assert '<th scope="row">CC-DE-CLOUD</th>' not in gone
    assert "Ended in use" in browser("olga").get("/connections").words
    connection = browser("olga").get(f"/connections/{ERP}").words
    assert "that deals or rows of the configuration name" in connection
    assert "not in Our ERP, or not any more: see which" in connection
    assert "entity ACME-DE" not in connection
    rows = browser("olga").get("/configuration/rows/cost_centre").words
    assert "Not in Our ERP, or not any more: cost centre CC-DE-ADV of ACME-DE" in rows
    assert rows.count("Not in Our ERP") == 1


def test_a_reading_that_failed_is_told_without_an_empty_table(
    olga: Api, office: Office, browser: Browsers
) -> None:
    connect(office, "http://127.0.0.1:9")
    olga("POST", f"/connections/{ERP}/master-data/read", {})
    read_all(office)

    page = browser("olga").get(f"/connections/{ERP}/master-data")

    assert "not reachable (ConnectError). It is tried again." in page.words
    assert ": not to the end" in page.words
    assert "<table" not in page.markup


def centres(url: str) -> list[dict[str, Any]]:
    return list(ask(url, "GET", "analytic_account.account?f=code").json)


@pytest.mark.usefixtures("connected")
def test_nobody_reads_a_paused_connection_and_an_auditor_only_looks(
    app: Flask, olga: Api, office: Office, browser: Browsers
) -> None:
    office.hire("ann", PersonRole.AUDITOR)
    auditor = Api(app, office.token("ann"))
    assert auditor("POST", f"/connections/{ERP}/master-data/read", {}).status_code == 403
    assert "Read it now" not in browser("ann").get(f"/connections/{ERP}/master-data").markup

    office.application.dispatch(PauseConnection(TENANT, COMMAND_LINE, ERP))
    assert olga("POST", f"/connections/{ERP}/master-data/read", {}).status_code == 409
    page = browser("olga").get(f"/connections/{ERP}/master-data").words
    assert "Our ERP is paused: nothing is read there." in page
    assert "Read it now" not in page
    assert office.application.dispatch(ReadMirror()) is Step.IDLE
    assert office.application.dispatch(ReadMirror(ERP)) is Step.IDLE


def test_another_system_has_none(olga: Api) -> None:
    assert olga("POST", "/connections/sf-demo/master-data/read", {}).status_code == 422
