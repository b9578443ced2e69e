"""Who calls the API: a bearer token acts as its person, with that person's roles."""

from __future__ import annotations

from http import HTTPStatus

from flask import request

from oppsync.domain.approval.tasks import Person
from oppsync.domain.values.roles import PersonRole
from oppsync.kernel.errors import Forbidden
from web.context import application, sign_in_as
from web.problems import Problem

WORKS_EXCEPTIONS = (PersonRole.OPERATIONS, PersonRole.INTEGRATION_ADMIN)


def authenticate() -> None:
    """Before every operation. Raises a 401 problem without a token that is known; Forbidden without a role."""
    scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not secret.strip():
        raise _refusal('Bearer realm="oppsync"', "Send an API token: Authorization: Bearer <token>.")
    found = application().token(secret.strip())
    if found is None:
        raise _refusal(
            'Bearer realm="oppsync", error="invalid_token"',
            "This API token is not known. `oppsync token create` makes one.",
        )
    if not found.person.roles:
        raise Forbidden("This token's person has no role here. An administrator gives roles.")
    sign_in_as(found)


def require(person: Person, roles: tuple[PersonRole, ...]) -> None:
    """Raises Forbidden, naming the roles any one of which would do."""
    if not person.roles.intersection(roles):
        raise Forbidden(f"This needs the role {in_words(roles)}. An administrator gives it.")


def in_words(roles: tuple[PersonRole, ...]) -> str:
    return " or ".join(role.value.replace("_", " ") for role in roles)


def _refusal(challenge: str, detail: str) -> Problem:
    return Problem(HTTPStatus.UNAUTHORIZED, "TOKEN_REFUSED", detail, headers={"WWW-Authenticate": challenge})
