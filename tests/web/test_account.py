"""One's own account: where one is signed in, the password, and tokens that act for one."""

from __future__ import annotations

import re
from collections.abc import Callable
from uuid import uuid4

import pytest
from flask import Flask

from tests.harness.builders import TENANT
from tests.web.browser import Browser, Screen
from tests.web.office import Office
from tests.web.test_connections import Api
from web.pages.account.devices import device

Browsers = Callable[[str], Browser]
PHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 19_2 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/19.2 Mobile/15E148 Safari/604.1"
)
CHROME = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0"


def signed_in_with(app: Flask, name: str, user_agent: str) -> Browser:
    browser = Browser(app)
    browser.client.environ_base["HTTP_USER_AGENT"] = user_agent
    assert browser.sign_in(name).status == 303
    return browser


def session_on(screen: Screen) -> str:
    found = re.findall(r'name="session" value="([^"]+)"', screen.markup)
    assert len(found) == 1, "this session itself has no button"
    return str(found[0])


@pytest.mark.parametrize(
    ("user_agent", "words"),
    [
        (PHONE, "Safari on iPhone"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0", "Firefox on Linux"),
        (f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {CHROME} Safari/537.36 Edg/150.0.0.0", "Edge on Windows"),
        (f"Mozilla/5.0 (Linux; Android 16; K) {CHROME} Mobile Safari/537.36", "Chrome on Android"),
        ("curl/8.9", "Unknown browser"),
        ("", "Unknown browser"),
    ],
)
def test_a_browser_is_named_in_words(user_agent: str, words: str) -> None:
    assert device(user_agent) == words


def test_one_sees_where_one_is_signed_in_and_ends_one_of_them(app: Flask, browser: Browsers) -> None:
    phone, here, other = signed_in_with(app, "ana", PHONE), browser("ana"), browser("tom")
    shown = here.get("/account")
    assert "Safari on iPhone 127.0.0.1" in shown.words
    assert "This one, which you use now" in shown.words

    done = here.post("/account", action="end_session", session=session_on(shown))

    assert done.location == "/account?done=session"
    assert phone.get("/account").status == 303
    assert "Safari on iPhone" not in here.get("/account").words
    assert other.get("/account").status == 200


def test_nobody_ends_the_session_of_another(browser: Browsers, app: Flask, office: Office) -> None:
    ana, tom = browser("ana"), browser("tom")
    browser("ana")
    of_ana = session_on(ana.get("/account"))
    for session in (of_ana, str(uuid4()), "no id", ""):
        assert tom.post("/account", action="end_session", session=session).status == 404
    assert "Safari" not in tom.get("/account").words
    assert session_on(ana.get("/account")) == of_ana


def rows(api: Api) -> list[dict[str, object]]:
    found: list[dict[str, object]] = api("GET", "/sessions").get_json()["rows"]
    return found


def test_a_program_lists_and_ends_its_persons_sessions_and_nobody_elses(
    browser: Browsers, app: Flask, office: Office
) -> None:
    ana, tom = browser("ana"), browser("tom")
    mine, theirs = Api(app, office.token("ana")), Api(app, office.token("tom"))
    [session] = rows(mine)
    assert session["is_this"] is False

    assert theirs("DELETE", f"/sessions/{session['id']}").status_code == 404
    assert ana.get("/account").status == 200
    assert mine("DELETE", f"/sessions/{session['id']}").status_code == 204

    assert rows(mine) == []
    assert ana.get("/account").status == 303
    assert tom.get("/account").status == 200


def test_what_a_browser_calls_itself_is_shown_as_text_and_not_kept_at_any_length(app: Flask) -> None:
    strange = signed_in_with(app, "ana", "<script>alert(1)</script>" * 50)
    assert "<script>" not in strange.get("/account").markup
    assert "Unknown browser" in strange.get("/account").words


def test_a_token_is_made_shown_once_used_and_revoked_on_the_page(app: Flask, browser: Browsers) -> None:
    ana = browser("ana")
    assert "No token acts as you" in ana.get("/account").words

    made = ana.post("/account", action="create_token", name="nightly <b>", scope="approve", days="90")

    found = re.search(r"<code>([\w-]{43})</code>", made.markup)
    assert found is not None
    assert "nightly <b>" in made.words
    headers = {"Authorization": f"Bearer {found[1]}"}
    (row,) = app.test_client().get("/api/v1/tokens", headers=headers).get_json()["rows"]
    assert row["scopes"] == ["read", "approve"]
    again = ana.get("/account")
    assert found[1] not in again.markup
    assert "approve, read" in again.words
    assert "Not yet" not in again.words, "it was used"

    assert ana.post("/account", action="revoke_token", token="nightly <b>").location == "/account?done=token"
    assert app.test_client().get("/api/v1/approvals", headers=headers).status_code == 401


def test_a_faulty_token_keeps_what_was_typed_and_others_tokens_are_not_revoked(
    browser: Browsers, office: Office
) -> None:
    office.token("tom")
    (toms,) = office.application.queries.tokens(TENANT)
    ana = browser("ana")
    assert ana.post("/account", action="create_token", name=" ").status == 422
    taken = ana.post("/account", action="create_token", name=toms.name, scope="work", days="30")
    assert taken.status == 409
    assert 'value="work" checked' in taken.markup
    assert 'value="30" selected' in taken.markup
    assert ana.post("/account", action="revoke_token", token=toms.name).status == 403
    assert office.application.queries.tokens(TENANT) == [toms]
    assert ana.post("/account", action="destroy").status == 400
