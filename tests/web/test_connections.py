"""Connections by API and pages: secrets are told once, rotate with two valid for a while, and never leave
again."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from pydantic import SecretStr
from sqlalchemy import text
from standardwebhooks import Webhook
from werkzeug.serving import make_server
from werkzeug.test import TestResponse

from adapters.bootstrap import Application, build
from adapters.runtime.processes import free_port
from oppsync.domain.reference.book import ReferenceKind, ReferenceRow
from oppsync.domain.values.actor import COMMAND_LINE
from oppsync.domain.values.model import changed
from oppsync.domain.values.roles import PersonRole
from oppsync.domain.work.connections import Connection, ConnectionRole
from oppsync.kernel.errors import Misconfigured
from oppsync.kernel.settings import Settings
from oppsync.services.admin.commands import Reencrypted, ReencryptSecrets, RotateWebhookSecret, SendTrialEvent
from tests.harness.builders import TENANT
from tests.web.browser import Browser
from tests.web.office import CONNECTION, WEBHOOK_SECRET, Office
from tests.web.test_webhooks import BODY
from web.app import create_app

Browsers = Callable[[str], Browser]
TRYTON = {
    "role": "projects",
    "vendor": "tryton",
    "name": "Our <b>ERP",
    "settings": {"base_url": "https://erp.firm.example", "database": "erp"},
    "secrets": {"rest_key": "a-rest-key-to-hide"},
}


class Api:
    """The API as one person."""

    def __init__(self, app: Flask, token: str) -> None:
        self._client = app.test_client()
        self._headers = {"Authorization": f"Bearer {token}"}

    def __call__(self, method: str, path: str, body: Any = None) -> TestResponse:
        return self._client.open(f"/api/v1{path}", method=method, json=body, headers=self._headers)


@pytest.fixture
def ida(app: Flask, office: Office) -> Api:
    """Who administers integrations."""
    office.hire("ida", PersonRole.INTEGRATION_ADMIN)
    return Api(app, office.token("ida"))


def delivered(app: Flask, connection_id: str, secret: str) -> int:
    at = datetime.now(UTC)
    delivery_id = f"msg_{at.timestamp()}"
    headers = {
        "webhook-id": delivery_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(secret).sign(delivery_id, at, BODY),
        "Content-Type": "application/json",
    }
    return app.test_client().post(f"/webhooks/{connection_id}", data=BODY, headers=headers).status_code


def test_a_system_is_connected_read_changed_and_removed_and_its_secrets_are_never_answered(
    ida: Api, app: Flask, office: Office
) -> None:
    added = ida("POST", "/connections", TRYTON)
    assert added.status_code == 201
    connection = (added.json or {})["connection"]
    address = f"/connections/{connection['id']}"

    renamed = ida("PATCH", address, {"name": "ERP", "settings": {"timeout": 20.5}})
    back = ida(
        "PATCH", address, {"settings": {"timeout": None}, "secrets": {"rest_key": "another-key-to-hide"}}
    )

    assert (renamed.json or {})["settings"]["timeout"] in (20.5, "20.5")
    assert (back.json or {})["settings"] == TRYTON["settings"]
    read = [ida("GET", address), ida("GET", "/connections"), ida("GET", f"{address}/deliveries")]
    for answer in (added, renamed, back, *read):
        assert "to-hide" not in answer.get_data(as_text=True)
    with office.application.engine.connect() as database:
        assert (
            "to-hide" not in database.execute(text("select string_agg(a::text, '') from audit a")).scalar_one()
        )
    assert ida("DELETE", address).status_code == 204
    assert ida("GET", address).status_code == 404


def test_another_database_needs_its_secret_anew(ida: Api) -> None:
    address = f"/connections/{(ida('POST', '/connections', TRYTON).json or {})['connection']['id']}"
    settings = TRYTON["settings"] | {"database": "other"}  # type: ignore[operator]

    refused = ida("PATCH", address, {"settings": settings})

    assert refused.status_code == 422
    assert [each["pointer"] for each in (refused.json or {})["errors"]] == ["/rest_key"]
    assert ida("PATCH", address, {"settings": settings, "secrets": {"rest_key": "its key"}}).status_code == 200


def test_each_field_at_fault_is_named_and_nothing_is_connected(ida: Api) -> None:
    wrong = TRYTON | {"name": " ", "settings": {"base_url": "x", "colour": "red"}, "secrets": {}}

    answer = ida("POST", "/connections", wrong)

    assert answer.status_code == 422
    pointers = {error["pointer"] for error in (answer.json or {})["errors"]}
    assert pointers == {"/name", "/database", "/colour", "/rest_key"}
    unusable = TRYTON | {"settings": {"base_url": "nowhere", "database": "erp"}}
    errors = (ida("POST", "/connections", unusable).json or {})["errors"]
    assert [error["pointer"] for error in errors] == ["/base_url"]
    unknown = ida("POST", "/connections", TRYTON | {"vendor": "sap"})
    assert [error["pointer"] for error in (unknown.json or {})["errors"]] == ["/vendor"]
    assert [row["id"] for row in (ida("GET", "/connections").json or {})["rows"]] == [CONNECTION]


def test_who_reads_may_not_change(app: Flask, office: Office) -> None:
    ed, olga = Api(app, office.token("ed")), Api(app, office.token("olga"))

    assert olga("GET", "/connections").status_code == 200
    for path in ("/connections", "/connectors"):
        assert ed("GET", path).status_code == 403
    for who in (ed, olga):
        assert who("POST", "/connections", TRYTON).status_code == 403
        for action, body in (("pause", None), ("rotate-secret", {})):
            assert who("POST", f"/connections/{CONNECTION}/{action}", body).status_code == 403
        assert who("DELETE", f"/connections/{CONNECTION}").status_code == 403
    assert ed("POST", f"/connections/{CONNECTION}/test").status_code == 403
    seen = olga("POST", f"/connections/{CONNECTION}/test").json or {}
    assert (seen["is_well"], seen["rows"][0]["seen"]) == (False, "not_reached")


def test_a_webhook_secret_rotates_with_both_accepted_until_the_earlier_one_ends(
    ida: Api, app: Flask, office: Office
) -> None:
    new = (ida("POST", f"/connections/{CONNECTION}/rotate-secret", {}).json or {})["webhook_secret"]

    assert {delivered(app, CONNECTION, secret) for secret in (WEBHOOK_SECRET, new)} == {202}
    with office.uow() as uow:
        connection = uow.connections.get(CONNECTION)
        over = {name: at - timedelta(hours=25) for name, at in connection.secret_ends.items()}
        uow.connections.end_secrets(connection, over)
        uow.commit()
    assert [delivered(app, CONNECTION, secret) for secret in (WEBHOOK_SECRET, new)] == [401, 202]

    deliveries = ida("GET", f"/connections/{CONNECTION}/deliveries").json or {}
    assert [row["signature"] for row in deliveries["rows"]] == ["valid", "valid", "valid"]
    assert [row["count"] for row in deliveries["refused"]] == [1]


def test_a_secret_that_leaked_is_replaced_at_once(ida: Api, app: Flask) -> None:
    body = {"both_valid_hours": 0}
    new = (ida("POST", f"/connections/{CONNECTION}/rotate-secret", body).json or {})["webhook_secret"]

    assert [delivered(app, CONNECTION, secret) for secret in (WEBHOOK_SECRET, new)] == [401, 202]


def test_the_release_before_reads_the_secrets_as_a_plain_list(office: Office) -> None:
    new = office.application.dispatch(RotateWebhookSecret(TENANT, COMMAND_LINE, CONNECTION))

    with office.uow() as uow:
        assert uow.connections.secrets(CONNECTION)["webhook_secrets"] == [new, WEBHOOK_SECRET]


def test_a_removed_connection_s_webhook_is_nobody_s_and_one_with_deals_is_not_removed(
    ida: Api, app: Flask
) -> None:
    new = {"role": "crm", "vendor": "salesforce", "name": "Second org"}
    access = {
        "settings": {"base_url": "https://b.example"},
        "secrets": {"client_id": "i", "client_secret": "s"},
    }
    added = ida("POST", "/connections", new | access).json or {}
    second, secret = added["connection"]["id"], added["webhook_secret"]
    assert ida("DELETE", f"/connections/{second}").status_code == 204
    assert delivered(app, second, secret) == 404

    assert delivered(app, CONNECTION, WEBHOOK_SECRET) == 202
    refused = ida("DELETE", f"/connections/{CONNECTION}")
    assert (refused.status_code, (refused.json or {})["code"]) == (409, "CONNECTION_IN_USE")


@contextmanager
def listening(settings: Settings) -> Iterator[Application]:
    """The application behind a port of its own."""
    port = free_port(0)
    application = build(changed(settings, base_url=f"http://127.0.0.1:{port}"))
    server = make_server("127.0.0.1", port, create_app(application), threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield application
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        application.close()


def test_a_test_event_goes_through_the_webhook_itself_and_makes_no_deal(
    settings: Settings, office: Office
) -> None:
    with listening(settings) as application:
        sent = application.dispatch(SendTrialEvent(TENANT, COMMAND_LINE, CONNECTION))

    assert (sent.arrived, sent.status) == (True, 202)
    queries = office.application.queries
    (row,) = queries.received(TENANT, CONNECTION)
    assert (row.event_id, row.records) == (sent.event_id, 0)
    assert queries.opportunities(TENANT).rows == ()
    assert queries.exceptions(TENANT).rows == ()


def test_a_test_event_that_does_not_arrive_says_where_it_went(office: Office, settings: Settings) -> None:
    nowhere = build(changed(settings, base_url=f"http://127.0.0.1:{free_port(0)}"))
    sent = nowhere.dispatch(SendTrialEvent(TENANT, COMMAND_LINE, CONNECTION))
    nowhere.close()

    assert not sent.arrived
    assert "OPPSYNC_BASE_URL" in sent.says


# By pages alone


def test_an_admin_connects_a_system_by_pages_alone(browser: Browsers, office: Office) -> None:
    office.hire("ida", PersonRole.INTEGRATION_ADMIN)
    ida = browser("ida")
    chosen = "/connections/new?role=crm&vendor=salesforce"
    assert "Connect a system" in ida.get("/connections").words
    assert "Salesforce" in ida.get("/connections/new").words
    given = {"name": "Our <b>org", "base_url": "https://org.example", "client_id": "key-to-hide"}

    assert 'href="/guides/connectors/salesforce">The set-up guide' in ida.get(chosen).markup
    faulty = ida.post(chosen, **given, currency="euros")
    assert (faulty.status, faulty.title[:6]) == (422, "Error:")
    assert "Consumer secret: This is needed." in faulty.words
    assert 'value="https://org.example"' in faulty.markup
    assert "key-to-hide" not in faulty.markup
    added = ida.post(chosen, **given, client_secret="secret-to-hide", fields="Opportunity.Region__c = Area__c")

    assert added.status == 303
    address = (added.location or "").partition("?")[0]
    page = ida.get(added.location or "")
    assert "Our <b>org is connected" in page.words
    assert "Opportunity.Region__c = Area__c" in page.words
    assert "to-hide" not in page.markup
    assert "<b>org" not in page.markup
    assert "is accepted for 24 more hours" not in page.words
    told = ida.post(address, action="rotate")
    assert "The secret before is accepted until" not in told.words
    assert "The present secret is accepted for 24 more hours" in told.words
    secret = told.markup.partition('id="secret"')[2].partition(">")[2].partition("<")[0]
    assert secret.startswith("whsec_")
    assert secret not in ida.get(address).markup
    assert "The secret before is accepted until" in ida.post(address, action="rotate").words

    edited = ida.post(f"{address}/edit", name="Org", base_url="https://org.example", timeout="20")
    assert edited.status == 303
    moved = ida.post(f"{address}/edit", name="Org", base_url="https://other.example")
    assert (moved.status, "would be sent there" in moved.words) == (422, True)
    log = office.application.queries.changes(TENANT, limit=1).rows[0].summary
    assert "name 'Our <b>org' -> 'Org'" in log
    assert "Seconds to wait for an answer its default -> 20" in log
    after = ida.get(address).words
    assert "Area__c" not in after
    assert "Seconds to wait for an answer 20" in after

    assert ida.post(address, action="pause").status == 303
    assert "Paused since" in ida.get(address).words
    assert "Paused" in ida.get("/connections").words
    assert ida.post(address, action="resume").status == 303
    tested = ida.post(address, action="test")
    assert "Not reached" in tested.words
    for seen in (tested.words, ida.get(address).words, ida.get("/connections").words):
        assert "Something missing" in seen
    assert re.search("1 thing missing.*Not reached: ", ida.get(address).words)
    assert ida.post(address, action="destroy").status == 400
    assert ida.post(address, action="remove").location == "/connections"
    assert ida.get(address).status == 404


def test_a_second_erp_that_would_stop_new_deals_is_confirmed_on_the_page_and_in_the_api(
    browser: Browsers, office: Office, app: Flask
) -> None:
    office.hire("ida", PersonRole.INTEGRATION_ADMIN)
    ida, chosen = browser("ida"), "/connections/new?role=psa&vendor=kantata"
    given = {"base_url": "https://api.firm.example", "token": "a token to hide"}
    with office.application.engine.begin() as connection:
        connection.execute(text("update tenants set went_live_at = now()"))
        connection.execute(text("delete from connections where role = 'psa'"))
    assert ida.post(chosen, name="Staff", **given).status == 303

    refused = ida.post(chosen, name="Other <b>staff", **given)
    assert (refused.status, 'name="confirmed"' in refused.markup) == (409, True)
    assert "Staff would not be the only PSA any more" in refused.words
    assert 'value="Other &lt;b&gt;staff"' in refused.markup
    assert "to hide" not in refused.markup
    assert 'name="confirmed"' not in ida.get(chosen).markup

    api, secrets = Api(app, office.token("ida")), {"token": given["token"]}
    body = {"role": "psa", "vendor": "kantata", "name": "By API", "secrets": secrets}
    body["settings"] = {"base_url": given["base_url"]}
    answer = api("POST", "/connections", body)
    assert (answer.status_code, (answer.json or {})["code"]) == (409, "WOULD_STOP_DEALS")
    assert ida.post(chosen, name="Other <b>staff", confirmed="yes", **given).status == 303
    assert api("POST", "/connections", body | {"confirmed": True}).status_code == 201


def test_who_may_only_look_sees_no_buttons(browser: Browsers, office: Office) -> None:
    uma, olga = browser("uma"), browser("olga")
    address = f"/connections/{CONNECTION}"

    assert "Pause the connection" not in uma.get(address).words
    assert "Test the connection" not in uma.get(address).words
    assert "Test the connection" in olga.get(address).words
    assert olga.get(f"{address}/edit").status == 403
    assert olga.post(address, action="pause").status == 403
    assert browser("ana").get("/connections").status == 403


def test_the_page_says_which_deals_keep_a_connection(browser: Browsers, app: Flask, office: Office) -> None:
    office.hire("ida", PersonRole.INTEGRATION_ADMIN)
    delivered(app, CONNECTION, WEBHOOK_SECRET)
    delivered(app, CONNECTION, "whsec_" + "A" * 44)

    refused = browser("ida").post(f"/connections/{CONNECTION}", action="remove")

    assert refused.status == 409
    assert "1 deal under way goes by Salesforce" in refused.words
    assert "Refused for their signature" in refused.words


def test_once_all_secrets_are_encrypted_anew_the_old_key_can_go(office: Office, settings: Settings) -> None:
    old = settings.secret_keys.get_secret_value()
    new = "another long key that nobody can guess"
    rotated = changed(settings, secret_keys=SecretStr(f"{new},{old}"))
    without = changed(settings, secret_keys=SecretStr(new))

    def secrets(of: Settings) -> object:
        application = build(of)
        try:
            with application.uow.reading() as uow:
                return uow.connections.secrets(CONNECTION)["client_secret"]
        finally:
            application.close()

    with pytest.raises(Misconfigured):
        secrets(without)
    with pytest.raises(Misconfigured):
        reencrypt(without)

    assert reencrypt(rotated) == (1, 0)

    assert secrets(without) == "secret"
    assert told_last(office) == ("secrets.reencrypted.v1", "command-line")


def reencrypt(settings: Settings) -> Reencrypted:
    application = build(settings)
    try:
        return application.dispatch(ReencryptSecrets(TENANT, COMMAND_LINE))
    finally:
        application.close()


def told_last(office: Office) -> tuple[str, str]:
    row = office.application.queries.changes(TENANT).rows[0]
    return row.type, row.actor


def test_a_connection_s_page_shows_the_routes_that_lead_there(browser: Browsers, office: Office) -> None:
    office.hire("ida", PersonRole.INTEGRATION_ADMIN)
    psa = Connection(tenant_id=TENANT, id="psa-1", role=ConnectionRole.PSA, vendor="kantata", name="Our PSA")
    with office.uow() as uow:
        uow.connections.put(psa, {})
        for key, name in (("psa|ACME-DE|*|*", "Our PSA"), ("psa|ACME-US|*|*", "Another")):
            day = date(2026, 1, 1)
            row = ReferenceRow(kind=ReferenceKind.ROUTE, key=key, valid_from=day, value={"connection": name})
            uow.references.put(TENANT, row)
        uow.commit()

    ida = browser("ida")

    shown = ida.get("/connections/psa-1").words
    assert "Routes of the configuration that lead deals here: role psa, entity ACME-DE" in shown
    assert "ACME-US" not in shown
    ida.post("/connections/psa-1", action="pause")
    assert "Kantata, PSA · Not tested" in shown
    paused = ida.get("/connections/psa-1").words
    assert "nothing is called there. Deals that need it wait" in paused
    assert "go on when it is resumed: resume it" in paused
    assert "is possible while the connection is paused" in paused
    assert "Webhooks" not in paused
