"""A code of the phone besides the password: set up, asked for, used once, taken away."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError
from flask import Flask
from pydantic import SecretStr
from sqlalchemy import text

from adapters.bootstrap import build
from adapters.identity.totp import TotpCodes
from adapters.postgres.repositories.second_factors import PostgresSecondFactors
from oppsync.domain.values.actor import COMMAND_LINE
from oppsync.domain.values.model import changed
from oppsync.domain.values.roles import PersonRole
from oppsync.domain.work.attempts import AttemptKind
from oppsync.kernel.errors import Conflict, Forbidden, Misconfigured, NotFound
from oppsync.kernel.settings import Settings
from oppsync.ports.storage.people import SecondFactor
from oppsync.services.admin.commands import (
    AcceptInvitation,
    BeginSecondFactor,
    CodeAsked,
    ConfirmSecondFactor,
    EnterCode,
    ReencryptSecrets,
    ResetSecondFactor,
    SetPassword,
    SignIn,
)
from oppsync.services.admin.second_factor import RECOVERY_CODES, step_at
from tests.harness.builders import TENANT
from tests.web.browser import Browser, Screen
from tests.web.office import PASSWORD, Office, email, link_of
from tests.web.test_people import changes
from web.app import create_app

Browsers = Callable[[str], Browser]
PAGE = "/account/second-factor"
NEW_PASSWORD = "seven quiet lanterns hum"


class Phone:
    """The program for codes. `later` codes are those of the next half minute, which are accepted too."""

    def __init__(self, office: Office, key: str) -> None:
        self.office, self.key = office, key

    def code(self, later: int = 0) -> str:
        return TotpCodes().at(self.key, step_at(self.office.application.clock.now()) + later)

    def time_passes(self) -> None:
        """All codes are new again."""
        with self.office.application.engine.begin() as connection:
            connection.execute(text("update second_factors set last_step = 0"))


def key_on(screen: Screen) -> str:
    found = re.search(r'name="key" value="([A-Z2-7]{32})"', screen.markup)
    assert found is not None
    return found[1]


def set_up(office: Office, browser: Browser) -> tuple[Phone, list[str]]:
    shown = browser.post(PAGE, action="begin", password=PASSWORD)
    phone = Phone(office, key_on(shown))
    done = Screen(
        browser.client.post(
            PAGE,
            data={"csrf_token": shown.form_token, "action": "confirm", "code": phone.code(), "key": phone.key},
        )
    )
    codes = re.findall(r"<code>([a-z2-9-]{23})</code>", done.markup)
    assert len(codes) == RECOVERY_CODES
    assert 'href="/">Go on</a>' in done.markup
    return phone, codes


def enter(app: Flask, code: str, back: str = "/") -> tuple[Browser, Screen]:
    browser = Browser(app)
    assert browser.sign_in("ana", back=back).location == "/sign-in/code"
    return browser, browser.post("/sign-in/code", code=code)


def test_the_codes_are_those_that_programs_on_phones_make() -> None:
    """The first and the third of RFC 6238, the last six digits of eight."""
    key = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
    assert TotpCodes().at(key, 59 // 30) == "287082"
    assert TotpCodes().at(key, 1111111111 // 30) == "050471"
    assert TotpCodes().uri(key, "a@b.example").startswith("otpauth://totp/oppsync:a%40b.example?")


def test_it_is_set_up_and_from_then_on_asked_for(app: Flask, browser: Browsers, office: Office) -> None:
    ana, elsewhere = browser("ana"), browser("ana")
    phone, _codes = set_up(office, ana)
    assert ana.get("/account").status == 200
    assert elsewhere.get("/account").status == 303, "other sessions end"
    assert "ana@acme.example signs in with a second factor" in changes(office)
    assert phone.key not in str(changes(office))
    assert phone.key not in ana.get(PAGE).markup

    half = Browser(app)
    assert half.sign_in("ana", back="/approvals").location == "/sign-in/code"
    assert half.get("/approvals").status == 303, "the password alone is no session"
    done = half.post("/sign-in/code", code=phone.code(later=1)[:3] + " " + phone.code(later=1)[3:])
    assert done.location == "/approvals"
    assert half.get("/approvals").status == 200
    assert half.get("/sign-in/code").location == "/sign-in"


def test_no_code_is_accepted_twice(app: Flask, browser: Browsers, office: Office) -> None:
    phone, codes = set_up(office, browser("ana"))
    code = phone.code(later=1)
    assert enter(app, code)[1].status == 303
    assert enter(app, code)[1].status == 422
    assert enter(app, phone.code(later=-1))[1].status == 422, "nor one from before it"

    shown_in_capitals = codes[0].upper().replace("-", " ")
    assert enter(app, shown_in_capitals)[1].status == 303
    assert enter(app, codes[0])[1].status == 422
    assert enter(app, codes[1])[1].status == 303


def test_of_two_who_enter_the_same_code_at_once_one_comes_in(browser: Browsers, office: Office) -> None:
    phone, codes = set_up(office, browser("ana"))
    dispatch, together = office.application.dispatch, threading.Barrier(2)

    def comes_in(code: str) -> bool:
        begun = dispatch(SignIn(TENANT, email("ana"), PASSWORD))
        assert isinstance(begun, CodeAsked)
        together.wait()
        try:
            return bool(dispatch(EnterCode(begun.secret, code)))
        except Forbidden:
            return False

    for code in (phone.code(later=1), codes[0]):
        with ThreadPoolExecutor(2) as pool:
            assert sorted(pool.map(comes_in, [code, code])) == [False, True]


def test_confirmed_by_two_clicks_at_once_it_is_set_up_once(
    office: Office, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    dispatch, together = office.application.dispatch, threading.Barrier(2)
    session = dispatch(SignIn(TENANT, email("ana"), PASSWORD))
    assert isinstance(session, str)
    phone = Phone(office, dispatch(BeginSecondFactor(session, "192.0.2.1", PASSWORD)))
    looked_up = PostgresSecondFactors.get

    def get(self: PostgresSecondFactors, tenant_id: str, person_id: UUID) -> SecondFactor | None:
        found = looked_up(self, tenant_id, person_id)
        together.wait()
        return found

    def confirm(_click: int) -> bool:
        try:
            return bool(dispatch(ConfirmSecondFactor(session, phone.code())))
        except Conflict:
            return False

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(PostgresSecondFactors, "get", get)
        with ThreadPoolExecutor(2) as pool:
            assert sorted(pool.map(confirm, [1, 2])) == [False, True]

    _, screen = enter(app, phone.code(later=1))
    assert screen.location == "/"


def test_the_recovery_codes_that_are_left_are_shown_and_each_use_of_one_is_in_the_log(
    app: Flask, browser: Browsers, office: Office
) -> None:
    _phone, codes = set_up(office, browser("ana"))
    for used in range(5):
        ana, screen = enter(app, codes[used])
        assert screen.location == "/"
        for path in ("/account", "/account/second-factor"):
            shown = ana.get(path).words
            assert f"{7 - used} of 8 recovery codes are left." in shown
            assert ("which gives new ones" in shown) is (used == 4)
    logged = [row.summary for row in office.application.queries.changes(TENANT).rows]
    told = [f"{email('ana')} used a recovery code: {left} of 8 are left" for left in (3, 4, 5, 6, 7)]
    assert [row for row in logged if "recovery" in row] == told


def test_a_sign_in_that_was_finished_is_not_finished_again(browser: Browsers, office: Office) -> None:
    _phone, codes = set_up(office, browser("ana"))
    begun = office.application.dispatch(SignIn(TENANT, email("ana"), PASSWORD))
    assert isinstance(begun, CodeAsked)
    assert office.application.dispatch(EnterCode(begun.secret, codes[0]))
    with pytest.raises(NotFound):
        office.application.dispatch(EnterCode(begun.secret, codes[1]))
    waits = office.application.dispatch(SignIn(TENANT, email("ana"), PASSWORD))
    assert isinstance(waits, CodeAsked)
    with office.application.engine.begin() as connection:
        connection.execute(text("update begun_sign_ins set expires_at = now() - interval '1 second'"))
    with pytest.raises(NotFound):
        office.application.dispatch(EnterCode(waits.secret, codes[1]))


def test_guessing_codes_is_slowed_down(app: Flask, browser: Browsers, office: Office) -> None:
    phone, _codes = set_up(office, browser("ana"))
    guesser = Browser(app)
    assert guesser.sign_in("ana").location == "/sign-in/code"
    answers = [guesser.post("/sign-in/code", code=f"guess{each}").status for each in range(10)]
    assert answers == [422] * 9 + [429], "the password was the first of ten attempts"
    assert guesser.post("/sign-in/code", code=phone.code(later=1)).status == 429
    counted = {row.kind: row.count for row in office.application.queries.attempts(TENANT)}
    assert counted[AttemptKind.CODE_WRONG] == 9


def test_a_new_password_and_a_reset_end_what_waits_for_a_code_and_keep_the_factor(
    app: Flask, browser: Browsers, office: Office
) -> None:
    phone, codes = set_up(office, browser("ana"))
    half = Browser(app)
    half.sign_in("ana")
    office.application.dispatch(SetPassword(TENANT, COMMAND_LINE, email("ana"), NEW_PASSWORD))
    assert half.post("/sign-in/code", code=codes[0]).location == "/sign-in?next=/"
    secret = link_of(office.application, "ana")
    assert not office.person("ana").can_sign_in
    office.application.dispatch(AcceptInvitation(secret, "nine amber kettles sing"))
    asked = office.application.dispatch(SignIn(TENANT, email("ana"), "nine amber kettles sing"))
    assert isinstance(asked, CodeAsked)
    assert office.application.dispatch(EnterCode(asked.secret, phone.code(later=1)))


def test_a_release_without_second_factors_lets_nobody_in_by_the_password_alone(
    browser: Browsers, office: Office
) -> None:
    """What it reads as the password's hash is none, whichever way the password was set."""

    def stored() -> str:
        with office.application.engine.connect() as connection:
            row = connection.execute(text("select password_hash from people where email like 'ana@%'"))
            return str(row.scalar_one())

    set_up(office, browser("ana"))
    with pytest.raises(InvalidHashError):
        PasswordHasher().verify(stored(), PASSWORD)
    office.application.dispatch(SetPassword(TENANT, COMMAND_LINE, email("ana"), NEW_PASSWORD))
    with pytest.raises(InvalidHashError):
        PasswordHasher().verify(stored(), NEW_PASSWORD)

    office.application.dispatch(ResetSecondFactor(TENANT, COMMAND_LINE, email("ana")))
    assert PasswordHasher().verify(stored(), NEW_PASSWORD)


def test_it_is_begun_with_the_password_confirmed_with_a_code_and_taken_away_with_one(
    app: Flask, browser: Browsers, office: Office
) -> None:
    ana = browser("ana")
    assert ana.post(PAGE, action="begin", password="wrong").status == 422
    shown = ana.post(PAGE, action="begin", password=PASSWORD)
    assert "<svg" in shown.markup
    wrong = ana.client.post(
        PAGE,
        data={
            "csrf_token": shown.form_token,
            "action": "confirm",
            "code": "\u0661\u0662",
            "key": key_on(shown),
        },
    )
    assert wrong.status_code == 422
    assert key_on(Screen(wrong)) == key_on(shown)
    assert Browser(app).sign_in("ana").location == "/", "it counts once it is confirmed"

    phone, codes = set_up(office, ana)
    assert ana.post(PAGE, action="begin", password=PASSWORD).status == 409
    assert ana.post(PAGE, action="remove", code="000").status == 422
    phone.time_passes()
    assert ana.post(PAGE, action="remove", code=phone.code()).location == PAGE
    assert Browser(app).sign_in("ana").location == "/"
    set_up(office, ana)
    assert enter(app, codes[0])[1].status == 422, "codes of before are over"
    assert ana.post(PAGE, action="destroy").status == 400


def test_an_administrator_takes_it_away_from_who_lost_it(app: Flask, browser: Browsers, office: Office) -> None:
    office.hire("ada", PersonRole.ADMIN)
    ada, ana = browser("ada"), browser("ana")
    set_up(office, ana)
    assert f"{RECOVERY_CODES} recovery codes are left" in ana.get(PAGE).words
    page = f"/people/{office.ids['ana']}"
    assert "A code is asked for" in ada.get(page).words

    assert ada.post(page, action="reset_second_factor").status == 303

    assert ana.get("/account").status == 303
    assert Browser(app).sign_in("ana").location == "/"
    assert "ana@acme.example signs in without a second factor" in changes(office)
    assert ada.post(page, action="reset_second_factor").status == 404
    headers = {"Authorization": f"Bearer {office.token('ada')}"}
    set_up(office, browser("tom"))
    at = f"/api/v1/people/{office.ids['tom']}"
    answer = app.test_client().post(f"{at}/reset-second-factor", headers=headers)
    assert (answer.status_code, answer.get_json()["second_factor"]) == (200, False)


def test_the_key_is_stored_encrypted_and_bound_to_its_person(browser: Browsers, office: Office) -> None:
    phone, codes = set_up(office, browser("ana"))
    with office.application.engine.begin() as connection:
        stored = connection.execute(text("select second_factors::text, key from second_factors")).one()
        assert phone.key not in stored[0]
        assert phone.key.encode() not in bytes(stored[1])
        assert not any(code in stored[0] or code.replace("-", "") in stored[0] for code in codes)


def test_encrypted_anew_it_is_opened_without_the_old_key(
    browser: Browsers, office: Office, settings: Settings
) -> None:
    phone, _ = set_up(office, browser("ana"))
    old, new = settings.secret_keys.get_secret_value(), "another long key that nobody can guess"
    rotating = build(changed(settings, secret_keys=SecretStr(f"{new},{old}")))
    rotated = build(changed(settings, secret_keys=SecretStr(new)))

    assert rotating.dispatch(ReencryptSecrets(TENANT, COMMAND_LINE)).second_factors == 1

    phone.time_passes()
    _, screen = enter(create_app(rotated), phone.code())
    assert screen.location == "/"
    for application in (rotating, rotated):
        application.close()


def test_what_one_wrote_before_signing_in_again_is_kept_over_the_code(
    app: Flask, browser: Browsers, office: Office
) -> None:
    waiting = office.waiting()
    phone, _codes = set_up(office, browser("ana"))
    at = f"/approvals/{waiting.finance.id}"
    again = Browser(app)
    again.post("/sign-in", email=email("ana"), password=PASSWORD, next=at, kept_comment="Looked at twice")
    assert again.post("/sign-in/code", code=phone.code(later=1)).location == at
    assert "Looked at twice" in again.get(at).markup


def test_a_role_can_ask_for_it_and_opens_nothing_else_before(settings: Settings, office: Office) -> None:
    waiting = office.waiting()
    application = build(changed(settings, second_factor_roles="finance_approver, admin"))
    app = create_app(application)
    ana, tom = Browser(app), Browser(app)
    assert ana.sign_in("ana").status == tom.sign_in("tom").status == 303
    for path in ("/", "/approvals", f"/approvals/{waiting.finance.id}", "/account"):
        assert ana.get(path).location == PAGE
    assert tom.get("/approvals").status == 200
    token = ana.get(PAGE).form_token
    decision = {"csrf_token": token, "action": "approve", "plan_hash": waiting.plan.hash, "key": "1"}
    assert ana.client.post(f"/approvals/{waiting.finance.id}", data=decision).location == PAGE
    assert "Your role asks for it" in ana.get(PAGE).words

    set_up(office, ana)

    assert ana.get("/approvals").status == 200
    application.close()


def test_a_role_that_does_not_exist_is_told_at_the_start(settings: Settings) -> None:
    with pytest.raises(Misconfigured, match="names no role: approver"):
        build(changed(settings, second_factor_roles="approver"))
