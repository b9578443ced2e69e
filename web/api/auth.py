"""Who calls the API: a bearer token acts as its person, with that person's roles, within its scopes."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus

from flask import g, request

from oppsync.domain.approval.who_may import Action, check
from oppsync.domain.work.attempts import UNKNOWN_TOKEN, AttemptKind
from oppsync.services.admin.secret_hash import hash_secret
from web.access.attempts import note_and_count
from web.context import application, sign_in_as, signed_in
from web.problems import Problem


def authenticate() -> None:
    """Before every operation. Raises a 401 problem without a token that is known; Forbidden without a role."""
    scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not secret.strip():
        raise _refusal('Bearer realm="oppsync"', "Send an API token: Authorization: Bearer <token>.")
    found = application().token(secret.strip())
    if found is None:
        note_and_count(AttemptKind.TOKEN_REFUSED, UNKNOWN_TOKEN)
        raise _refusal(
            'Bearer realm="oppsync", error="invalid_token"',
            "This API token is not known, or was revoked, or is at its end. The page *Your account* makes one.",
        )
    sign_in_as(found)
    g.token = hash_secret(secret.strip())
    check(found.person, Action.READ, found.scopes)


def authenticate_for(action: Action, **acts: Action) -> Callable[[], None]:
    """Before every operation of a blueprint that is as the pages of this right. `acts`: the rights of those
    operations that need more, judged first and before their bodies are read. Raises Forbidden besides."""

    def before() -> None:
        authenticate()
        me, operation = signed_in(), (request.endpoint or "").rpartition(".")[2]
        for needed in (acts.get(operation, action), action):
            check(me.person, needed, me.scopes)

    return before


def _refusal(challenge: str, detail: str) -> Problem:
    return Problem(HTTPStatus.UNAUTHORIZED, "TOKEN_REFUSED", detail, headers={"WWW-Authenticate": challenge})
