"""Signing in and out, and what a browser may keep."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy import text

from adapters.bootstrap import build
from oppsync.domain.values.model import changed
from oppsync.kernel.settings import Settings
from oppsync.services.admin.sign_in_brake import PAIR
from tests.web.browser import Browser
from tests.web.office import PASSWORD, Office, email
from web.app import create_app


def test_a_link_in_a_message_shows_only_sign_in_and_leads_back(app: Flask, office: Office) -> None:
    waiting = office.waiting()
    path = f"/approvals/{waiting.finance.id}"
    stranger = Browser(app)
    refused = stranger.get(path)
    assert (refused.status, refused.location) == (303, f"/sign-in?next={path}")
    shown = stranger.get(f"/sign-in?next={path}")
    assert waiting.plan.content.name not in shown.markup
    assert stranger.sign_in("ana", back=path).location == path
    assert waiting.plan.content.name in stranger.get(path).words


@pytest.mark.parametrize(
    "elsewhere",
    ["https://evil.example/", "//evil.example", "/\\evil.example", "\\\\evil.example", "javascript:alert(1)",
     "/\t/evil.example", "evil"],
)  # fmt: skip
def test_nobody_is_led_elsewhere_by_signing_in(app: Flask, elsewhere: str) -> None:
    assert Browser(app).sign_in("ana", back=elsewhere).location == "/"


def test_a_wrong_password_says_so_without_saying_which_part_is_wrong(app: Flask) -> None:
    wrong = Browser(app).sign_in("ana", password="wrong")
    unknown = Browser(app).sign_in("nobody", password="wrong")
    assert wrong.status == unknown.status == 422
    assert wrong.title == "Error: Sign in · oppsync"
    message = "The e-mail address or the password is not right."
    assert message in wrong.words
    assert message in unknown.words
    assert 'href="#password"' in wrong.markup
    assert 'value="ana@acme.example"' in wrong.markup


def test_empty_fields_are_all_named(app: Flask) -> None:
    screen = Browser(app).post("/sign-in", email="", password="")
    assert screen.status == 422
    assert 'href="#email"' in screen.markup
    assert 'href="#password"' in screen.markup


def test_guessing_is_slowed_down_for_this_person_from_this_address_only(app: Flask) -> None:
    guesser = Browser(app)
    for _ in range(PAIR.most):
        assert guesser.sign_in("ana", password="guess").status == 422
    slowed = guesser.sign_in("ana", password=PASSWORD)
    assert slowed.status == 429
    assert 0 < int(slowed.response.headers["Retry-After"]) <= PAIR.seconds
    assert Browser(app).sign_in("tom").status == 303


def test_after_sign_out_the_session_is_gone_even_for_who_kept_the_cookie(app: Flask) -> None:
    ana = Browser(app)
    ana.sign_in("ana")
    kept = ana.client.get_cookie("session")
    assert kept is not None
    assert ana.post("/sign-out", form_of="/approvals").status == 303
    thief = Browser(app)
    thief.client.set_cookie("session", kept.value)
    assert thief.get("/approvals").location == "/sign-in?next=/approvals"


def test_an_ended_session_leads_back_with_the_comment_kept(app: Flask, office: Office) -> None:
    waiting = office.waiting()
    path, ana = f"/approvals/{waiting.finance.id}", Browser(app)
    ana.sign_in("ana")
    token = ana.get(path).form_token
    with office.application.engine.begin() as connection:
        connection.execute(text("update sessions set expires_at = now()"))
    form = {"csrf_token": token, "plan_hash": waiting.plan.hash, "decision": "reject", "comment": "Too cheap é"}
    sent = ana.client.post(path, data=form)
    assert sent.status_code == 401
    shown = sent.get_data(as_text=True)
    assert 'name="kept_comment" value="Too cheap é"' in shown
    fields = {"email": email("ana"), "password": PASSWORD, "next": path, "kept_comment": "Too cheap é"}
    assert ana.post("/sign-in", **fields).location == path
    again = ana.get(path)
    assert ">Too cheap é</textarea>" in again.markup
    assert "checked" not in again.markup
    assert "Too cheap" not in ana.get(path).markup
    with office.application.uow() as uow:
        assert uow.approvals.get("default", waiting.finance.id).status == "open"


def test_a_form_without_its_token_is_refused_and_nothing_is_written(
    browser: Callable[[str], Browser], office: Office
) -> None:
    waiting = office.waiting()
    path, ana = f"/approvals/{waiting.finance.id}", browser("ana")
    form = {"plan_hash": waiting.plan.hash, "decision": "approve", "comment": ""}
    assert ana.client.post(path, data=form).status_code == 400
    assert ana.client.post(path, data={**form, "csrf_token": "forged"}).status_code == 400
    assert ana.client.post("/sign-out").status_code == 400
    with office.application.uow() as uow:
        assert uow.approvals.get("default", waiting.finance.id).status == "open"


def test_a_form_token_from_before_the_sign_in_is_worth_nothing_after_it(app: Flask) -> None:
    ana = Browser(app)
    planted = ana.get("/sign-in").form_token
    ana.sign_in("ana")
    assert ana.client.post("/sign-out", data={"csrf_token": planted}).status_code == 400


def test_pages_are_not_kept_and_load_nothing_foreign(browser: Callable[[str], Browser]) -> None:
    screen = browser("ana").get("/approvals")
    headers = screen.response.headers
    assert headers["Cache-Control"] == "no-store"
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert "<script" not in screen.markup
    assert "style=" not in screen.markup
    assert "Strict-Transport-Security" not in headers


def test_behind_https_cookies_are_bound_to_the_host(settings: Settings, office: Office) -> None:
    application = build(changed(settings, base_url="https://oppsync.example"))
    try:
        client = create_app(application).test_client()
        router = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "192.0.2.7"}
        page = client.get("/sign-in", headers=router, base_url="https://oppsync.example")
        assert page.headers["Strict-Transport-Security"].startswith("max-age=")
        token = page.get_data(as_text=True).partition('name="csrf_token" value="')[2].partition('"')[0]
        sent = client.post(
            "/sign-in",
            data={"csrf_token": token, "email": email("ana"), "password": PASSWORD},
            headers={**router, "Referer": "https://oppsync.example/sign-in"},
            base_url="https://oppsync.example",
        )
        assert sent.status_code == 303
        cookie = next(each for each in sent.headers.getlist("Set-Cookie") if "session" in each)
        assert cookie.startswith("__Host-session=")
        for attribute in ("Secure", "HttpOnly", "SameSite=Lax", "Path=/"):
            assert attribute in cookie
    finally:
        application.close()
