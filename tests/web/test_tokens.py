"""API tokens: what each may do, how long, when it was used; made and revoked by people themselves."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text
from werkzeug.test import TestResponse

from oppsync.domain.values.actor import COMMAND_LINE, Bearer
from oppsync.domain.values.roles import PersonRole
from oppsync.domain.values.scopes import EVERY_SCOPE, LONGEST_TOKEN, READS_ONLY, TOKEN_LASTS, Scope
from oppsync.kernel.bus import Command
from oppsync.kernel.errors import Forbidden, InvalidInput, NotFound
from oppsync.services.admin.commands import CreateToken, RevokeToken
from oppsync.services.admin.secret_hash import hash_secret
from oppsync.services.configuration.commands import CompareConfiguration
from oppsync.services.insight.commands import FindOpportunity, PreviewPlan, RecomputePlan
from tests.harness.builders import TENANT
from tests.web.office import Office, email
from tests.web.test_who_asks import ASKED


def made(
    office: Office, name: str, *scopes: Scope, called: str = "mine", lasts: timedelta = TOKEN_LASTS
) -> str:
    command = CreateToken(TENANT, COMMAND_LINE, called, email(name), frozenset(scopes), lasts)
    return office.application.dispatch(command)


class Caller:
    def __init__(self, app: Flask, token: str) -> None:
        self.client, self.headers = app.test_client(), {"Authorization": f"Bearer {token}"}

    def get(self, path: str) -> TestResponse:
        return self.client.get(f"/api/v1{path}", headers=self.headers)

    def post(self, path: str, body: object = None) -> TestResponse:
        return self.client.post(f"/api/v1{path}", headers=self.headers, json=body)


def stored(office: Office, column: str) -> Any:
    with office.application.engine.connect() as connection:
        return connection.execute(text(f"select {column} from api_tokens")).scalar_one()


def store(office: Office, change: str) -> None:
    with office.application.engine.begin() as connection:
        connection.execute(text(f"update api_tokens set {change}"))


@pytest.mark.parametrize("command", ASKED, ids=lambda command: command.__name__)
def test_a_token_that_only_reads_changes_nothing_whatever_its_person_may(
    command: type[Command[Any]], office: Office
) -> None:
    everything = office.hire("eve", *PersonRole)
    if command in {PreviewPlan, RecomputePlan, FindOpportunity, CompareConfiguration}:
        return  # they read
    reads: Any = Bearer(everything, READS_ONLY, office.application.clock.now() + timedelta(days=1))

    with pytest.raises(Forbidden) as refused:
        office.application.dispatch(ASKED[command](office, reads))

    only_on_the_command_line = "command line" in refused.value.message
    assert refused.value.code == "SCOPE_MISSING" or only_on_the_command_line


def test_a_new_token_reads_and_a_refusal_names_the_scope_that_is_missing(app: Flask, office: Office) -> None:
    waiting = office.waiting()
    decision = {"plan_hash": waiting.plan.hash, "decision": "approve"}
    at = f"/approvals/{waiting.finance.id}/decision"
    reads = Caller(app, made(office, "ana"))
    assert reads.get(f"/approvals/{waiting.finance.id}").status_code == 200

    refused = reads.post(at, decision)

    assert (refused.status_code, refused.get_json()["code"]) == (403, "SCOPE_MISSING")
    assert "lacks the scope approve" in refused.get_json()["detail"]
    works = Caller(app, made(office, "ana", Scope.WORK, Scope.ADMIN, called="works"))
    assert works.post(at, decision).get_json()["code"] == "SCOPE_MISSING"
    approves = Caller(app, made(office, "ana", Scope.APPROVE, called="approves"))
    assert approves.post(at, decision).status_code == 200


def test_a_scope_gives_nothing_that_the_person_may_not(app: Flask, office: Office) -> None:
    answer = Caller(app, made(office, "olga", *Scope)).get("/people")
    assert (answer.status_code, answer.get_json()["code"]) == (403, "FORBIDDEN")


def test_a_token_of_before_keeps_all_that_its_person_may_and_has_no_end(app: Flask, office: Office) -> None:
    secret = "as an older release stored it"
    made(office, "olga")
    store(office, f"scopes = null, expires_at = null, secret_hash = '{hash_secret(secret)}'")
    _deal, item = office.parked()
    olga = Caller(app, secret)
    assert olga.post(f"/exceptions/{item}/dismiss", {"reason": "Settled by hand"}).status_code == 200

    (row,) = olga.get("/tokens").get_json()["rows"]
    assert (row["scopes"], row["expires_at"]) == (None, None)
    assert olga.post("/tokens", {"name": "of now", "scopes": ["work"]}).status_code == 200


def test_a_release_without_scopes_does_not_find_a_token_that_has_them(app: Flask, office: Office) -> None:
    """It looks for the plain hash, and would give all that the person may. Nor does a token of before open
    anything that was made with scopes."""
    secret = made(office, "ana")
    assert stored(office, "secret_hash") != hash_secret(secret)
    store(office, f"secret_hash = '{hash_secret(secret)}'")
    assert Caller(app, secret).get("/approvals").status_code == 401


def test_a_token_is_over_at_its_end(app: Flask, office: Office) -> None:
    caller = Caller(app, made(office, "uma", lasts=timedelta(days=1)))
    (row,) = caller.get("/tokens").get_json()["rows"]
    assert row["expires_at"] > row["created_at"]
    store(office, "expires_at = now() - interval '1 second'")

    assert caller.get("/approvals").get_json()["code"] == "TOKEN_REFUSED"
    assert office.application.queries.tokens(TENANT) == []
    for lasts in (timedelta(0), LONGEST_TOKEN + timedelta(days=1)):
        with pytest.raises(InvalidInput):
            made(office, "uma", called="another", lasts=lasts)


def test_when_it_was_last_used_is_kept_by_the_hour(app: Flask, office: Office) -> None:
    caller = Caller(app, made(office, "ana"))
    assert stored(office, "last_used_at") is None
    caller.get("/approvals")
    first, version = stored(office, "last_used_at"), stored(office, "xmin::text")
    assert first is not None
    caller.get("/approvals")
    assert stored(office, "xmin::text") == version, "a request is no reason to write"
    store(office, "last_used_at = last_used_at - interval '61 minutes'")
    caller.get("/approvals")
    assert stored(office, "last_used_at") >= first


def test_people_make_list_and_revoke_their_own(app: Flask, office: Office) -> None:
    made(office, "tom", called="tom's")
    ana = Caller(app, made(office, "ana", Scope.ADMIN, Scope.WORK, called="ana's"))

    answer = ana.post("/tokens", {"name": "nightly", "scopes": ["work"], "days": 30}).get_json()

    assert answer["row"]["scopes"] == ["read", "work"]
    assert Caller(app, answer["token"]).get("/approvals").status_code == 200
    assert [row["name"] for row in ana.get("/tokens").get_json()["rows"]] == ["ana's", "nightly"]
    assert ana.post("/tokens/revoke", {"name": "tom's"}).status_code == 403
    assert ana.post("/tokens/revoke", {"name": "nobody's"}).status_code == 403
    assert [row["name"] for row in ana.post("/tokens/revoke", {"name": "nightly"}).get_json()["rows"]] == [
        "ana's"
    ]
    assert Caller(app, answer["token"]).get("/approvals").status_code == 401
    assert ana.post("/tokens", {"name": " "}).status_code == 422
    assert ana.post("/tokens", {"name": "x", "days": 800}).status_code == 422
    assert ana.post("/tokens", {"name": "x", "scopes": ["all"]}).status_code == 422
    assert ana.post("/tokens", {"name": "ana's"}).status_code == 409


def test_a_token_makes_none_that_may_do_more_or_lasts_longer(app: Flask, office: Office) -> None:
    weak = made(office, "ana", Scope.ADMIN, lasts=timedelta(days=2))
    (its,) = office.application.queries.tokens(TENANT)
    ana = Caller(app, weak)
    refused = ana.post("/tokens", {"name": "approves", "scopes": ["approve"]})
    assert (refused.status_code, refused.get_json()["code"]) == (403, "SCOPE_MISSING")

    child = ana.post("/tokens", {"name": "child", "scopes": ["admin"]}).get_json()["row"]

    assert its.expires_at is not None
    assert child["expires_at"][:19] == its.expires_at.isoformat()[:19]
    assert Caller(app, made(office, "ana", called="reads")).post("/tokens", {"name": "x"}).status_code == 403


def test_nobody_makes_a_token_for_another(office: Office) -> None:
    ada = office.hire("ada", PersonRole.ADMIN)
    with pytest.raises(Forbidden):
        office.application.dispatch(CreateToken(TENANT, ada, "of ana", email("ana")))
    made(office, "ana", called="hers")
    with pytest.raises(NotFound):
        office.application.dispatch(RevokeToken(TENANT, ada, "no such token"))
    office.application.dispatch(RevokeToken(TENANT, ada, "hers"))
    assert office.application.queries.tokens(TENANT) == []


def test_a_scope_of_a_newer_release_gives_nothing_here(app: Flask, office: Office) -> None:
    token = made(office, "ana", *EVERY_SCOPE)
    store(office, "scopes = '{read,of_tomorrow}'")
    caller = Caller(app, token)
    assert caller.get("/approvals").status_code == 200
    assert caller.get("/tokens").get_json()["rows"][0]["scopes"] == ["read"]
    assert caller.post("/tokens", {"name": "x"}).status_code == 403
