"""The set-up's page and its API: who opens it, what a form refuses, and that going live happens once."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from sqlalchemy import Engine, text

from adapters.bootstrap import Application
from oppsync.domain.reading.set_up import STEPS
from oppsync.domain.values.actor import COMMAND_LINE
from oppsync.domain.values.roles import PersonRole
from oppsync.kernel.errors import Conflict, InvalidInput
from oppsync.services.admin.commands import EditConnection, InvitePerson, RotateWebhookSecret
from oppsync.services.set_up.commands import GoLive, NameFirm
from tests.harness.builders import TENANT
from tests.harness.waiting import until
from tests.unit.test_set_up import EVERYTHING
from tests.web.browser import Browser
from tests.web.office import CONNECTION, Office, email
from web.pages.table import BY_BLUEPRINT

Browsers = Callable[[str], Browser]


@pytest.fixture
def ada(office: Office, browser: Browsers) -> Browser:
    """The first administrator, who also administers integrations."""
    office.hire("ada", PersonRole.ADMIN, PersonRole.INTEGRATION_ADMIN)
    return browser("ada")


def told(office: Office) -> list[tuple[str, str]]:
    return [(row.type, row.summary) for row in office.application.queries.changes(TENANT, limit=100).rows]


def test_the_navigation_leads_there_until_every_step_is_done(
    ada: Browser, browser: Browsers, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.hire("ben", PersonRole.ADMIN)
    assert ada.get("/").location == "/set-up"
    assert 'href="/set-up"' in ada.get("/people").markup
    assert 'href="/set-up"' not in browser("olga").get("/opportunities").markup

    office.application.dispatch(GoLive(TENANT, office.ids["ada"], email("ben")))

    assert ada.get("/").location != "/set-up"
    assert 'href="/set-up"' in ada.get("/people").markup
    assert "Still missing: Name and time zone" in ada.get("/set-up").words
    monkeypatch.setattr(type(office.application.queries), "set_up_facts", lambda *_: EVERYTHING)
    assert 'href="/set-up"' not in ada.get("/people").markup
    done = ada.get("/set-up").words
    assert "Still missing" not in done
    assert [step.command for step in STEPS if step.command in done] == []
    assert browser("uma").get("/set-up").status == 403


def test_every_step_leads_to_a_page_that_is_there(ada: Browser, app: Flask) -> None:
    page = ada.get("/set-up")
    for step in STEPS:
        assert step.title in page.words
        if step.page is not None:
            endpoint, _ = app.url_map.bind("").match(step.page.partition("#")[0])
            assert endpoint.partition(".")[0] in BY_BLUEPRINT
            anchor = step.page.partition("#")[2]
            assert not anchor or f'id="{anchor}"' in page.markup


def test_who_may_not_open_a_step_s_page_is_shown_its_command_alone(browser: Browsers, office: Office) -> None:
    office.hire("ida", PersonRole.INTEGRATION_ADMIN)
    page = browser("ida").get("/set-up")

    assert 'href="/people"' not in page.markup
    assert 'href="/connections/new"' in page.markup
    assert "Save name and zone" not in page.words


def test_a_firm_without_name_or_with_an_unknown_zone_is_refused_and_keeps_what_was_typed(
    ada: Browser, office: Office
) -> None:
    for fields, fault in (
        ({"name": " ", "time_zone": "Europe/Berlin"}, "Give the firm its name"),
        ({"name": "Acme <b>", "time_zone": "Berlin"}, "'Berlin' is no time zone"),
        ({"name": "A" * 201, "time_zone": "UTC"}, "at most 200 characters"),
        ({"name": "Ac\u200bme", "time_zone": "UTC"}, "U+200B ZERO WIDTH SPACE"),
        ({"name": "\u202eemcA", "time_zone": "UTC"}, "U+202E RIGHT-TO-LEFT OVERRIDE"),
    ):
        answer = ada.post("/set-up", action="name_firm", **fields)
        assert answer.status == 422
        assert fault in answer.words
        assert "<b>" not in answer.markup
    assert ada.post("/set-up", action="name_firm", name="Acme <b>", time_zone="Europe/Berlin").status == 303
    assert "Acme <b>, Europe/Berlin." in ada.get("/set-up").words
    assert told(office)[0] == ("firm.named.v1", "The firm is Acme <b>, in Europe/Berlin")
    before = told(office)
    ada.post("/set-up", action="name_firm", name="Acme <b>", time_zone="Europe/Berlin")
    assert told(office) == before


def test_pages_show_times_where_the_firm_is(ada: Browser, office: Office) -> None:
    assert "\u00a0UTC<" in ada.get("/people").markup.partition("<footer>")[2]
    office.application.dispatch(NameFirm(TENANT, office.ids["ada"], "Acme KK", "Asia/Tokyo"))

    footer = ada.get("/people").markup.partition("<footer>")[2]

    found = re.search(r'datetime="([^"]+)">[^,]*, (\d\d):(\d\d)\u00a0JST<', footer)
    assert found is not None, footer
    there = datetime.fromisoformat(found[1]).astimezone(ZoneInfo("Asia/Tokyo"))
    assert (there.hour, there.minute) == (int(found[2]), int(found[3]))


def test_a_deal_that_cannot_be_read_is_named_at_its_field(ada: Browser) -> None:
    empty = ada.post("/set-up", action="try_deal", record=" ")
    assert (empty.status, "Give the id of a deal" in empty.words) == (422, True)
    unreachable = ada.post("/set-up", action="try_deal", record="006A")
    assert unreachable.status == 422
    assert 'value="006A"' in unreachable.markup
    assert "No deal was tried yet" in unreachable.words


def test_the_second_administrator_is_active_has_a_password_and_is_somebody_else(
    ada: Browser, office: Office
) -> None:
    invited = InvitePerson(TENANT, COMMAND_LINE, "cleo@acme.example", "Cleo", frozenset({PersonRole.ADMIN}))
    office.application.dispatch(invited)
    for second, fault in (
        ("ada@acme.example", "another administrator"),
        ("ana@acme.example", "no active administrator"),
        ("nobody@acme.example", "no active administrator"),
        ("cleo@acme.example", "has no password yet"),
    ):
        with pytest.raises(InvalidInput, match=fault):
            office.application.dispatch(GoLive(TENANT, office.ids["ada"], second))
    page = ada.get("/set-up")
    assert "A second administrator who can sign in is needed first" in page.words
    office.hire("ben", PersonRole.ADMIN)
    unsure = ada.post("/set-up", action="go_live", second=email("ben"))
    assert (unsure.status, "Tick that you know what changes" in unsure.words) == (422, True)
    nobody = ada.post("/set-up", action="go_live", second="", sure="yes")
    assert nobody.status == 422
    assert not office.application.queries.is_live(TENANT)


def test_of_two_who_take_the_firm_live_at_once_one_does(
    office: Office, applications: Callable[[], Application]
) -> None:
    watcher = applications().engine
    office.hire("ada", PersonRole.ADMIN)
    office.hire("ben", PersonRole.ADMIN)
    refused = []

    def go_live(first: str, second: str) -> None:
        try:
            office.application.dispatch(GoLive(TENANT, office.ids[first], email(second)))
        except Conflict as error:
            refused.append(error.code)

    both = [threading.Thread(target=go_live, args=pair) for pair in (("ada", "ben"), ("ben", "ada"))]
    with office.uow() as uow:  # until both are there
        uow.tenants.lock(TENANT)
        for each in both:
            each.start()
        until(lambda: waiting_for_locks(watcher) == len(both), "both wait", lambda: "")
    for each in both:
        each.join()

    assert refused == ["ALREADY_LIVE"]
    assert [kind for kind, _ in told(office)].count("went.live.v1") == 1


def waiting_for_locks(engine: Engine) -> int:
    query = (
        "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"
    )
    with engine.connect() as connection:
        number: int = connection.execute(text(query)).scalar_one()
        return number


def test_an_edited_connection_has_to_be_tested_again(ada: Browser, office: Office) -> None:
    def standing() -> bool:
        with office.uow.reading() as uow:
            return uow.connections.get(CONNECTION).is_well_tested

    with office.uow() as uow:
        uow.connections.note_test(uow.connections.get(CONNECTION), [])
        uow.commit()
    assert standing()
    assert ": nothing was missing." in ada.get(f"/connections/{CONNECTION}").words
    office.application.dispatch(RotateWebhookSecret(TENANT, COMMAND_LINE, CONNECTION))
    office.application.dispatch(EditConnection(TENANT, COMMAND_LINE, CONNECTION, name="Renamed"))
    assert standing()
    office.application.dispatch(EditConnection(TENANT, COMMAND_LINE, CONNECTION, settings={"timeout": 12}))
    assert not standing()
    assert "Not tested since it was set" in ada.get(f"/connections/{CONNECTION}").words


def test_the_api_shows_the_steps_names_the_firm_and_goes_live(app: Flask, office: Office) -> None:
    office.hire("ada", PersonRole.ADMIN)
    office.hire("ben", PersonRole.ADMIN)
    client, headers = app.test_client(), {"Authorization": f"Bearer {office.token('ada')}"}

    steps = {row["key"]: row for row in client.get("/api/v1/setup", headers=headers).get_json()["steps"]}
    assert (steps["administrator"]["is_done"], steps["firm"]["is_done"]) == (True, False)
    wrong = client.post("/api/v1/setup/firm", headers=headers, json={"name": "Acme", "time_zone": "Nowhere"})
    assert (wrong.status_code, wrong.get_json()["errors"][0]["pointer"]) == (422, "/time_zone")
    named = client.post("/api/v1/setup/firm", headers=headers, json={"name": "Acme", "time_zone": "UTC"})
    assert (named.status_code, named.get_json()["name"]) == (200, "Acme")
    body = {"second": email("ben")}
    live = client.post("/api/v1/setup/go-live", headers=headers, json=body).get_json()
    assert (live["went_live_by"], live["second_admin"]) == (email("ada"), email("ben"))
    again = client.post("/api/v1/setup/go-live", headers=headers, json=body)
    assert (again.status_code, again.get_json()["code"]) == (409, "ALREADY_LIVE")
    theirs = {"Authorization": f"Bearer {office.token('ed')}"}
    assert client.get("/api/v1/setup", headers=theirs).status_code == 403
