"""Sessions end when they should, passwords are good ones, and auditors read who changed and who tried what."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask
from pydantic import SecretStr
from sqlalchemy import text
from werkzeug.test import TestResponse

from adapters.bootstrap import build
from oppsync.domain.reference.book import ReferenceKind, ReferenceRow
from oppsync.domain.values.actor import COMMAND_LINE
from oppsync.domain.values.model import changed
from oppsync.domain.values.roles import PersonRole
from oppsync.domain.work.connections import Connection, ConnectionRole
from oppsync.kernel.errors import Conflict, Forbidden, InvalidInput, Misconfigured
from oppsync.kernel.settings import Settings
from oppsync.services.admin.commands import (
    CreatePerson,
    DeactivatePerson,
    EndSessions,
    RevokeToken,
    SetConnection,
    SetPassword,
    SetRoles,
    SignIn,
)
from oppsync.services.admin.secret_hash import hash_secret
from oppsync.services.approvals.commands import SetApprovalRule
from tests.harness.builders import NOW, TENANT
from tests.web.browser import Browser
from tests.web.office import CONNECTION, PASSWORD, Office, email
from tests.web.test_webhooks import deliver, signed
from web.access.dear_calls import DEAR_CALLS

Browsers = Callable[[str], Browser]
NEW_PASSWORD = "seven quiet lanterns hum"
TO_SIGN_IN = "/sign-in?next=/approvals"


def is_in(browser: Browser) -> bool:
    return browser.get("/approvals").status == 200


def with_cookie_of(app: Flask, browser: Browser) -> Browser:
    cookie = browser.client.get_cookie("session")
    assert cookie is not None
    other = Browser(app)
    other.client.set_cookie("session", cookie.value)
    return other


def attempts(office: Office) -> dict[tuple[str, str], int]:
    rows = office.application.queries.attempts(TENANT)
    return {(row.kind.value, row.subject): row.count for row in rows}


def changes(office: Office) -> list[str]:
    return [row.summary for row in office.application.queries.changes(TENANT, limit=100).rows]


# Sessions


def test_signing_in_again_ends_the_browser_s_session_before(app: Flask, browser: Browsers) -> None:
    ana = browser("ana")
    before = with_cookie_of(app, ana)
    assert is_in(before)
    token = before.get("/account").form_token
    form = {"csrf_token": token, "email": email("ana"), "password": PASSWORD, "next": "/"}
    assert (
        ana.client.post("/sign-in", data={**form, "csrf_token": ana.get("/account").form_token}).status_code
        == 303
    )
    assert is_in(ana)
    assert not is_in(before)


def test_signing_out_everywhere_ends_all_sessions_and_is_written_down(
    browser: Browsers, office: Office
) -> None:
    here, there, tom = browser("ana"), browser("ana"), browser("tom")
    assert here.post("/account", action="sign_out_everywhere").location == "/sign-in"
    assert not is_in(here)
    assert not is_in(there)
    assert is_in(tom)
    assert "ana@acme.example was signed out everywhere" in changes(office)


def test_an_operator_signs_somebody_out_everywhere(browser: Browsers, office: Office) -> None:
    ana, again = browser("ana"), browser("ana")
    assert office.application.dispatch(EndSessions(TENANT, COMMAND_LINE, email("ana"))) == 2
    assert not is_in(ana)
    assert not is_in(again)


def test_a_session_that_is_not_used_for_an_hour_ends_and_use_keeps_it(
    browser: Browsers, office: Office
) -> None:
    def last_used(ago: str) -> None:
        with office.application.engine.begin() as connection:
            connection.execute(text(f"update sessions set last_seen = now() - interval '{ago}'"))

    ana = browser("ana")
    last_used("59 minutes")
    assert is_in(ana)
    with office.application.engine.connect() as connection:
        used = "select last_seen > now() - interval '1 minute' from sessions"
        assert connection.execute(text(used)).scalar_one()
    last_used("61 minutes")
    assert not is_in(ana)


def test_a_closed_account_is_out_at_once_with_its_tokens(app: Flask, browser: Browsers, office: Office) -> None:
    ana, token = browser("ana"), office.token("ana")
    headers = {"Authorization": f"Bearer {token}"}
    assert app.test_client().get("/api/v1/approvals", headers=headers).status_code == 200
    office.application.dispatch(DeactivatePerson(TENANT, COMMAND_LINE, email("ana")))
    assert not is_in(ana)
    assert app.test_client().get("/api/v1/approvals", headers=headers).status_code == 401
    assert Browser(app).sign_in("ana").status == 422


# Passwords


@pytest.mark.parametrize("weak", ["short", "password1234", "qwertyuiop12", "ana@acme.example"])
def test_a_password_that_is_guessed_early_is_refused(office: Office, weak: str) -> None:
    with pytest.raises(InvalidInput):
        office.application.dispatch(SetPassword(TENANT, COMMAND_LINE, email("ana"), weak))
    with pytest.raises(InvalidInput):
        office.application.dispatch(
            CreatePerson(TENANT, COMMAND_LINE, "ann@acme.example", "ana@acme.example", weak, frozenset())
        )


def test_none_of_the_last_five_passwords_is_taken_again(office: Office) -> None:
    def take(password: str) -> None:
        office.application.dispatch(SetPassword(TENANT, COMMAND_LINE, email("ana"), password))

    further = [f"{NEW_PASSWORD} {number}" for number in range(5)]
    for password in further[:4]:
        take(password)
    for password in (PASSWORD, *further[:4]):
        with pytest.raises(InvalidInput):
            take(password)
    take(further[4])
    take(PASSWORD)


def test_a_person_changes_their_password_and_is_signed_out_everywhere_else(
    app: Flask, browser: Browsers, office: Office
) -> None:
    here, there = browser("ana"), browser("ana")
    wrong = {"old": "not it", "new": NEW_PASSWORD, "again": NEW_PASSWORD}
    assert "Ana, ana@acme.example" in here.get("/account").words
    assert here.post("/account", action="change_password", **wrong).status == 422
    differing = {"old": PASSWORD, "new": NEW_PASSWORD, "again": "another"}
    assert "these two differ" in here.post("/account", action="change_password", **differing).words
    weak = {"old": PASSWORD, "new": "password1234", "again": "password1234"}
    assert "common" in here.post("/account", action="change_password", **weak).words
    right = {"old": PASSWORD, "new": NEW_PASSWORD, "again": NEW_PASSWORD}
    assert here.post("/account", action="change_password", **right).location == "/account?done=password"
    assert is_in(here)
    assert not is_in(there)
    assert Browser(app).sign_in("ana").status == 422
    assert Browser(app).sign_in("ana", password=NEW_PASSWORD).status == 303
    assert "ana@acme.example has a new password" in changes(office)


def test_the_present_password_is_not_guessed_at_in_an_open_browser(browser: Browsers, office: Office) -> None:
    ana, guess = browser("ana"), {"old": "not it", "new": NEW_PASSWORD, "again": NEW_PASSWORD}
    answers = [ana.post("/account", action="change_password", **guess).status for _ in range(11)]
    assert answers == [422] * 10 + [429]


# What is written down


def test_who_changed_people_tokens_connections_and_rules_is_read_by_auditors_without_the_secrets(
    browser: Browsers, office: Office
) -> None:
    dispatch = office.application.dispatch
    roles = frozenset({PersonRole.EXECUTIVE})
    dispatch(CreatePerson(TENANT, COMMAND_LINE, "new@acme.example", "New <b>", NEW_PASSWORD, roles))
    dispatch(SetRoles(TENANT, COMMAND_LINE, "new@acme.example", frozenset({PersonRole.FINANCE_APPROVER})))
    dispatch(SetPassword(TENANT, COMMAND_LINE, "new@acme.example", NEW_PASSWORD + " 2"))
    secret = office.token("ana")
    with office.application.engine.connect() as connection:
        name = connection.execute(text("select name from api_tokens")).scalar_one()
    dispatch(RevokeToken(TENANT, COMMAND_LINE, name))
    dispatch(DeactivatePerson(TENANT, COMMAND_LINE, "new@acme.example"))
    erp = Connection(tenant_id=TENANT, id="erp", role=ConnectionRole.ERP, vendor="tryton", name="Tryton")
    dispatch(SetConnection(TENANT, COMMAND_LINE, erp, {"rest_key": "a first secret"}))
    dispatch(SetConnection(TENANT, COMMAND_LINE, erp, {"rest_key": "a second secret"}))
    rule_value = {"up_to": {"amount": "100.00", "currency": "EUR"}}
    rule = ReferenceRow(kind=ReferenceKind.APPROVAL_RULE, key="small", valid_from=NOW.date(), value=rule_value)
    dispatch(SetApprovalRule(TENANT, rule, COMMAND_LINE))

    log = browser("uma").get("/security")

    for what in (
        "New <b> can sign in as new@acme.example, as executive",
        "New <b> is now finance approver",
        "new@acme.example has a new password",
        f"The API token {name} acts as ana@acme.example",
        f"The API token {name} opens nothing any more",
        "new@acme.example was deactivated",
        "The connection erp (Tryton) was added",
        "The connection erp (Tryton) was set anew: secret rest_key",
        "Plans are approved by rule small",
    ):
        assert what in log.words
    assert "New <b>" not in log.markup
    assert "command-line" in log.words
    with office.application.engine.connect() as connection:
        everything = connection.execute(text("select string_agg(t::text, '') from audit t")).scalar_one()
    for kept_back in (NEW_PASSWORD, secret, "a first secret", "a second secret", "argon2"):
        assert kept_back not in everything


def test_what_was_refused_is_counted_and_not_an_entry_each(
    app: Flask, browser: Browsers, office: Office
) -> None:
    for _ in range(3):
        Browser(app).sign_in("ana", password="wrong")
    for number in range(4):
        Browser(app).sign_in(f"made up {number}", password="wrong")
    for _ in range(11):
        Browser(app).sign_in("tom", password="wrong")
    for number in range(5):
        headers = {"Authorization": f"Bearer guess-{number}"}
        assert app.test_client().get("/api/v1/exceptions", headers=headers).status_code == 401
        assert deliver(app, {**signed(), "data": f"forged {number}"}).status_code == 401
    assert browser("ed").get("/exceptions").status == 403

    counted = attempts(office)

    assert counted[("sign_in_failed", "ana@acme.example")] == 3
    assert counted[("sign_in_failed", "an unknown account")] == 4
    assert counted[("sign_in_failed", "tom@acme.example")] == 10
    assert counted[("sign_in_braked", "tom@acme.example")] == 1
    assert counted[("token_refused", "an unknown token")] == 5
    assert counted[("signature_refused", CONNECTION)] == 5
    assert counted[("forbidden", "ed@acme.example: FORBIDDEN")] == 1
    assert counted[("signed_in", "ed@acme.example")] == 1
    assert not office.application.queries.exceptions(TENANT).rows
    shown = browser("uma").get("/security?view=attempts").words
    assert "Wrong webhook signature" in shown
    assert "127.0.0.1" in shown


@pytest.mark.parametrize("name", ["ana", "olga", "ed"])
def test_only_auditors_read_the_security_log(app: Flask, browser: Browsers, office: Office, name: str) -> None:
    assert browser(name).get("/security").status == 403
    headers = {"Authorization": f"Bearer {office.token(name)}"}
    for path in ("changes", "attempts"):
        answer = app.test_client().get(f"/api/v1/security/{path}", headers=headers)
        assert (answer.status_code, (answer.json or {})["code"]) == (403, "FORBIDDEN")


def test_the_log_is_read_page_by_page_through_the_api(app: Flask, office: Office) -> None:
    headers = {"Authorization": f"Bearer {office.token('uma')}"}
    for number in range(3):
        roles = frozenset({PersonRole.EXECUTIVE, PersonRole.OPERATIONS} if number % 2 else set())
        office.application.dispatch(SetRoles(TENANT, COMMAND_LINE, email("ed"), roles))
    first = app.test_client().get("/api/v1/security/changes?limit=2", headers=headers).json or {}
    assert [row["type"] for row in first["rows"]] == ["person.changed.v1", "person.changed.v1"]
    rest = f"/api/v1/security/changes?limit=100&cursor={first['next_cursor']}"
    second = app.test_client().get(rest, headers=headers).json or {}
    assert {row["type"] for row in second["rows"]} == {"person.changed.v1", "token.made.v1"}
    app.test_client().get("/api/v1/exceptions", headers={"Authorization": "Bearer guess"})
    counted = app.test_client().get("/api/v1/security/attempts", headers=headers).json or {}
    assert [(row["kind"], row["count"]) for row in counted["rows"]] == [("token_refused", 1)]


def test_a_connection_of_another_tenant_is_not_replaced(office: Office) -> None:
    with office.uow() as uow:
        theirs = uow.connections.get(CONNECTION)
    ours = changed(theirs, tenant_id="another")
    with pytest.raises(Conflict):
        office.application.dispatch(SetConnection("another", COMMAND_LINE, ours, {}))


def test_a_connection_set_to_what_it_is_is_no_change(office: Office) -> None:
    with office.uow() as uow:
        connection = uow.connections.get(CONNECTION)
    office.application.dispatch(SetConnection(TENANT, COMMAND_LINE, connection))
    assert changes(office) == []


def test_secrets_whose_key_is_lost_can_be_replaced_and_not_kept(settings: Settings, office: Office) -> None:
    with office.uow() as uow:
        connection = uow.connections.get(CONNECTION)
    without_the_key = build(changed(settings, secret_keys=SecretStr("k" * 40)))
    with pytest.raises(Misconfigured):
        without_the_key.dispatch(SetConnection(TENANT, COMMAND_LINE, changed(connection, name="New")))
    without_the_key.dispatch(SetConnection(TENANT, COMMAND_LINE, connection, {"client_id": "again"}))
    with without_the_key.uow() as uow:
        assert uow.connections.secrets(CONNECTION) == {"client_id": "again"}
    without_the_key.close()


def test_a_token_s_dear_calls_are_limited_and_other_tokens_go_on(app: Flask, office: Office) -> None:
    def preview(token: str) -> TestResponse:
        headers = {"Authorization": f"Bearer {token}"}
        selection = {"selection": {"state": "parked"}}
        return app.test_client().post("/api/v1/replays/preview", json=selection, headers=headers)

    first, second = office.token("olga"), office.token("olga")
    assert preview(first).status_code == 200
    for _ in range(DEAR_CALLS.most - 1):
        office.application.brake.count(DEAR_CALLS, hash_secret(first))
    for refused in (preview(first), preview(first)):
        assert (refused.status_code, (refused.json or {})["code"]) == (429, "TOO_MANY_CALLS")
        assert 0 < int(refused.headers["Retry-After"]) <= DEAR_CALLS.seconds
    assert preview(second).status_code == 200
    cheap = {"Authorization": f"Bearer {first}"}
    assert app.test_client().get("/api/v1/exceptions", headers=cheap).status_code == 200
    assert attempts(office)[("calls_braked", "olga@acme.example")] == 1


def test_a_refused_sign_in_by_a_program_is_forbidden(office: Office) -> None:
    with pytest.raises(Forbidden):
        office.application.dispatch(SignIn(TENANT, email("ana"), "wrong"))
