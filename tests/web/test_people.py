"""Administrators invite people and end their access; people set their passwords by a one-time link."""

from __future__ import annotations

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask
from sqlalchemy import text

from adapters.bootstrap import build
from oppsync.domain.values.actor import COMMAND_LINE
from oppsync.domain.values.model import changed
from oppsync.domain.values.roles import PersonRole
from oppsync.kernel.errors import Conflict, Forbidden, InvalidInput, NotFound
from oppsync.kernel.settings import Settings
from oppsync.services.admin.commands import (
    AcceptInvitation,
    DeactivatePerson,
    InvitePerson,
    SetPassword,
    SetRoles,
)
from oppsync.services.admin.secret_hash import hash_secret
from tests.harness.builders import TENANT
from tests.harness.mail import mail_server
from tests.harness.waiting import somebody_waits, until
from tests.web.browser import Browser, Screen
from tests.web.office import PASSWORD, Office, email, link_of

Browsers = Callable[[str], Browser]
NEW_PASSWORD = "seven quiet lanterns hum"
AUDITOR = frozenset({PersonRole.AUDITOR})


@pytest.fixture
def admin(office: Office, browser: Browsers) -> Browser:
    office.hire("ada", PersonRole.ADMIN)
    return browser("ada")


def link_on(screen: Screen) -> str:
    found = re.search(r"https?://[^/]+(/invitation\?key=[\w-]+)", screen.markup)
    assert found is not None
    return found[1]


def set_password(browser: Browser, link: str, password: str = NEW_PASSWORD, again: str | None = None) -> Screen:
    key = link.partition("key=")[2]
    return browser.post(
        "/invitation", form_of=link, key=key, new=password, again=password if again is None else again
    )


def invited(office: Office, name: str = "nora") -> str:
    command = InvitePerson(TENANT, COMMAND_LINE, email(name), name.capitalize(), AUDITOR)
    return f"/invitation?key={office.application.dispatch(command).secret}"


def changes(office: Office) -> list[str]:
    return [row.summary for row in office.application.queries.changes(TENANT, limit=100).rows]


def test_an_invited_person_sets_a_password_by_the_link_and_comes_in(
    app: Flask, admin: Browser, office: Office
) -> None:
    made = admin.post("/people", email="Nora@acme.example", name="Nora <b>", role="auditor")
    assert made.status == 200
    assert "Nora <b>" in made.words
    assert "Has a link until" in made.words
    nora = Browser(app)
    assert nora.sign_in("nora", password="").status == 422
    assert "For Nora <b>, nora@acme.example" in nora.get(link_on(made)).words
    assert "these two differ" in set_password(nora, link_on(made), again="another").words
    assert "common" in set_password(nora, link_on(made), "password1234").words
    assert set_password(nora, link_on(made)).location == "/sign-in"
    assert nora.sign_in("nora", password=NEW_PASSWORD).location == "/"
    assert nora.get("/security").status == 200
    assert "Nora <b> was invited as nora@acme.example, to be auditor" in changes(office)
    assert link_on(made).partition("key=")[2] not in str(changes(office))


def test_a_link_works_once_is_ended_by_a_newer_one_and_by_age(app: Flask, office: Office) -> None:
    used = invited(office)
    assert set_password(Browser(app), used).status == 303
    assert Browser(app).get(used).status == 404
    key = used.partition("key=")[2]
    with pytest.raises(NotFound):
        office.application.dispatch(AcceptInvitation(key, NEW_PASSWORD + " 2"))

    first = link_of(office.application, "ana")
    second = link_of(office.application, "ana")
    assert office.application.invited(first) is None
    assert office.application.invited(second) is not None
    with office.application.engine.begin() as connection:
        connection.execute(text("update invitations set expires_at = now() - interval '1 second'"))
    with pytest.raises(NotFound):
        office.application.dispatch(AcceptInvitation(second, NEW_PASSWORD))
    assert "This link is over" in Browser(app).get("/invitation?key=" + second).words


def test_of_two_who_use_a_link_at_once_one_sets_a_password(office: Office) -> None:
    key, application = invited(office).partition("key=")[2], office.application
    with ThreadPoolExecutor(1) as other, office.uow() as first:
        assert first.credentials.use_invitation(hash_secret(key)) is not None
        second = other.submit(application.dispatch, AcceptInvitation(key, NEW_PASSWORD))
        until(lambda: second.done() or somebody_waits(application.engine), "the second waits for the first")
        first.commit()
    with pytest.raises(NotFound):
        second.result()


def test_only_the_hash_of_a_link_is_stored(office: Office) -> None:
    key = invited(office).partition("key=")[2]
    with office.application.engine.connect() as connection:
        stored = connection.execute(text("select invitations::text from invitations")).scalars().all()
    assert len(stored) == 1
    assert key not in stored[0]


def test_a_password_set_meanwhile_ends_the_link(office: Office) -> None:
    secret = link_of(office.application, "ana")
    office.application.dispatch(SetPassword(TENANT, COMMAND_LINE, email("ana"), NEW_PASSWORD))
    assert office.application.invited(secret) is None


def test_a_reset_ends_password_and_sessions_and_the_old_password_is_not_taken_again(
    app: Flask, admin: Browser, browser: Browsers, office: Office
) -> None:
    ana = browser("ana")
    shown = admin.post(f"/people/{office.ids['ana']}", action="reset")
    assert ana.get("/approvals").status == 303
    assert Browser(app).sign_in("ana").status == 422
    assert "one of the last" in set_password(ana, link_on(shown), PASSWORD).words
    assert set_password(ana, link_on(shown)).status == 303
    assert Browser(app).sign_in("ana", password=NEW_PASSWORD).status == 303


def test_who_is_deactivated_is_out_at_once_and_comes_back_by_an_invitation_without_their_tokens(
    app: Flask, admin: Browser, browser: Browsers, office: Office
) -> None:
    ana, token = browser("ana"), office.token("ana")
    page = f"/people/{office.ids['ana']}"
    assert admin.post(page, action="deactivate").status == 303
    assert ana.get("/approvals").status == 303
    assert Browser(app).sign_in("ana").status == 422
    assert "Deactivated" in admin.get(page).words
    with office.application.engine.connect() as connection:
        assert connection.execute(text("select revoked_at from api_tokens")).scalar_one() is not None

    again = admin.post(page, action="invite", role="auditor")
    assert Browser(app).sign_in("ana").status == 422
    assert set_password(ana, link_on(again)).status == 303
    assert ana.sign_in("ana", password=NEW_PASSWORD).status == 303
    assert office.person("ana").roles == AUDITOR
    headers = {"Authorization": f"Bearer {token}"}
    assert app.test_client().get("/api/v1/approvals", headers=headers).status_code == 401


def test_a_token_that_an_earlier_release_left_to_somebody_deactivated_opens_nothing_then_or_later(
    office: Office,
) -> None:
    application, token = office.application, office.token("ana")
    assert application.token(token) is not None
    with application.engine.begin() as connection:
        connection.execute(text("update people set is_active = false where email = :of"), {"of": email("ana")})
    assert application.token(token) is None

    application.dispatch(InvitePerson(TENANT, COMMAND_LINE, email("ana"), "Ana", AUDITOR))
    assert office.person("ana").is_active
    assert application.token(token) is None


def test_a_link_of_somebody_deactivated_opens_nothing(office: Office) -> None:
    key = invited(office).partition("key=")[2]
    office.application.dispatch(DeactivatePerson(TENANT, COMMAND_LINE, email("nora")))
    with pytest.raises(NotFound):
        office.application.dispatch(AcceptInvitation(key, NEW_PASSWORD))


def test_new_roles_end_the_sessions_that_were_opened_with_the_old_ones(
    admin: Browser, browser: Browsers, office: Office
) -> None:
    ana, tom = browser("ana"), browser("tom")
    assert admin.post(f"/people/{office.ids['ana']}", action="set_roles", role="operations").status == 303
    assert office.person("ana").roles == {PersonRole.OPERATIONS}
    assert ana.get("/").location == "/sign-in?next=/"
    assert tom.get("/approvals").status == 200


def test_an_administrator_changes_everybody_but_themselves(admin: Browser, office: Office) -> None:
    page = f"/people/{office.ids['ada']}"
    assert "another administrator has to change your roles" in admin.get(page).words
    for fields in ({"action": "set_roles", "role": "finance_approver"}, {"action": "reset"}):
        token = admin.get("/account").form_token
        assert admin.client.post(page, data={"csrf_token": token, **fields}).status_code == 403
    with pytest.raises(Forbidden) as refused:
        office.application.dispatch(DeactivatePerson(TENANT, office.ids["ada"], email("ada")))
    assert refused.value.code == "OWN_ACCOUNT"
    assert office.person("ada").roles == {PersonRole.ADMIN}
    assert admin.get("/people").status == 200


def test_an_auditor_reads_people_and_changes_nobody(browser: Browsers, office: Office) -> None:
    uma = browser("uma")
    listed = uma.get("/people")
    assert "ana@acme.example" in listed.words
    assert "Invite a person" not in listed.words
    token = uma.get("/account").form_token
    for path, fields in (
        ("/people", {"email": "x@acme.example", "name": "X", "role": "admin"}),
        (f"/people/{office.ids['ana']}", {"action": "deactivate"}),
        (f"/people/{office.ids['ana']}", {"action": "reset"}),
    ):
        assert uma.client.post(path, data={"csrf_token": token, **fields}).status_code == 403
    assert office.person("ana").is_active
    assert browser("ana").get("/people").status == 403


def test_a_faulty_invitation_keeps_what_was_typed(admin: Browser, office: Office) -> None:
    faulty = admin.post("/people", email="nobody", name="Nora", role="auditor")
    assert faulty.status == 422
    assert 'value="Nora"' in faulty.markup
    assert 'value="auditor" checked' in faulty.markup
    assert admin.post("/people", email="x@acme.example", name=" ").status == 422
    assert admin.post("/people", email="ANA@acme.example", name="Ana").status == 409
    with pytest.raises(InvalidInput):
        office.application.dispatch(InvitePerson(TENANT, COMMAND_LINE, "x@acme.example", " ", AUDITOR))
    with pytest.raises(Conflict):
        office.application.dispatch(InvitePerson(TENANT, COMMAND_LINE, email("ana"), "Ana", AUDITOR))
    assert admin.post(f"/people/{office.ids['ana']}", action="destroy").status == 400


def test_the_api_invites_sets_roles_resets_and_deactivates(app: Flask, office: Office) -> None:
    office.hire("ada", PersonRole.ADMIN)
    client, headers = app.test_client(), {"Authorization": f"Bearer {office.token('ada')}"}

    def post(path: str, body: dict[str, object] | None = None) -> dict[str, object]:
        answer = client.post(f"/api/v1{path}", headers=headers, json=body)
        assert answer.status_code == 200, answer.text
        shown: dict[str, object] = answer.get_json()
        return shown

    made = post("/people", {"email": "nora@acme.example", "name": "Nora", "roles": ["auditor"]})
    key = str(made["link"]).partition("key=")[2]
    office.application.dispatch(AcceptInvitation(key, NEW_PASSWORD))
    rows = client.get("/api/v1/people", headers=headers).get_json()["rows"]
    nora = next(row for row in rows if row["email"] == "nora@acme.example")
    assert (nora["roles"], nora["is_active"], nora["link_until"]) == (["auditor"], True, None)
    assert post(f"/people/{nora['id']}/roles", {"roles": ["executive"]})["roles"] == ["executive"]
    assert "invitation" in str(post(f"/people/{nora['id']}/reset")["link"])
    assert post(f"/people/{nora['id']}/deactivate")["is_active"] is False

    office.token("tom")
    names = [row["name"] for row in client.get("/api/v1/tokens", headers=headers).get_json()["rows"]]
    toms = next(name for name in names if name.startswith("tom-"))
    left = post("/tokens/revoke", {"name": toms})["rows"]
    assert toms not in str(left)

    theirs = {"Authorization": f"Bearer {office.token('olga')}"}
    assert client.get("/api/v1/people", headers=theirs).status_code == 403
    assert client.post(f"/api/v1/people/{nora['id']}/reset", headers=theirs).status_code == 403


def test_deals_that_waited_for_somebody_who_left_are_looked_at_again(office: Office) -> None:
    waiting, other = office.waiting(), office.deal()

    def woken() -> set[object]:
        with office.application.engine.begin() as connection:
            return set(connection.execute(text("delete from outbox returning opportunity_id")).scalars())

    woken()
    office.application.dispatch(DeactivatePerson(TENANT, COMMAND_LINE, email("uma")))
    assert woken() == set()
    office.application.dispatch(DeactivatePerson(TENANT, COMMAND_LINE, email("ana")))
    assert woken() == {waiting.opportunity_id}
    office.application.dispatch(SetRoles(TENANT, COMMAND_LINE, email("kim"), AUDITOR))
    assert woken() == {waiting.opportunity_id}
    assert other not in woken()


def test_a_link_is_mailed_to_its_person_and_a_mail_that_is_refused_stops_nothing(
    settings: Settings, office: Office
) -> None:
    with mail_server() as server:
        mailing = build(changed(settings, smtp_url=server.url))
        mailing.dispatch(InvitePerson(TENANT, COMMAND_LINE, email("nora"), "Nora", AUDITOR))
        with office.application.engine.begin() as connection:  # a name that an older release took
            name = "E'Nora\\r\\nhttps://evil.example'"
            connection.execute(text(f"update people set name = {name} where email like 'nora@%'"))
        secret = link_of(mailing, "nora")
        server.refusal = "550 nobody here"
        again = link_of(mailing, "nora")
        mailing.close()

    _invitation, mail = server.mails
    assert mail["To"] == email("nora")
    assert [line for line in mail.get_content().splitlines() if "://" in line and "evil" not in line] == [
        mailing.link(secret)
    ]
    assert office.application.invited(again) is not None
    assert "The one-time link of nora@acme.example was mailed" in changes(office)
    assert any("could not be mailed" in each and "550" in each for each in changes(office))
    assert secret not in str(changes(office))


def test_without_a_mail_server_the_link_is_written_nowhere(office: Office) -> None:
    invited(office)
    folder = office.application.settings.outbox_folder
    assert not folder.exists() or not list(folder.iterdir())
