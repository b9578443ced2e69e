"""Errors as HTTP sees them: one table from our error classes to a status, and RFC 9457 documents of them.

Pages show the same errors as HTML (`web.pages.errors`); both read `STATUS_OF`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TypedDict

from flask import Response, request
from werkzeug.exceptions import HTTPException

from oppsync.kernel import canonical_json
from oppsync.kernel.errors import (
    BusinessError,
    Conflict,
    Forbidden,
    InvalidInput,
    NotFound,
    OppsyncError,
    RecordGone,
    SignatureRefused,
    StoreUnavailable,
    TransientError,
)
from web.context import application, trace_id

STATUS_OF: dict[type[OppsyncError], HTTPStatus] = {
    NotFound: HTTPStatus.NOT_FOUND,
    Forbidden: HTTPStatus.FORBIDDEN,
    Conflict: HTTPStatus.CONFLICT,
    InvalidInput: HTTPStatus.UNPROCESSABLE_ENTITY,
    SignatureRefused: HTTPStatus.UNAUTHORIZED,
    TransientError: HTTPStatus.SERVICE_UNAVAILABLE,
    RecordGone: HTTPStatus.NOT_FOUND,
    BusinessError: HTTPStatus.BAD_GATEWAY,
}
RETRY_AFTER = {"Retry-After": "5"}
# What a program reads when the error's own text could tell what it should not.
STORE_AWAY = "The database cannot be reached. Nothing was changed. Try again in a few seconds."
OUR_FAULT = "Something failed on our side. Report the trace id."
# Codes of refusals, for the documentation page; exception items have codes of their own (`domain.findings`).
CODES: dict[str, tuple[HTTPStatus, str]] = {
    "UNREADABLE_JSON": (HTTPStatus.BAD_REQUEST, "The body is not JSON, or not text, or nested too deeply."),
    "TOKEN_REFUSED": (HTTPStatus.UNAUTHORIZED, "No API token was sent, or one that is not known."),
    "SIGNATURE_REFUSED": (HTTPStatus.UNAUTHORIZED, "A webhook's signature is missing, stale or wrong."),
    "FORBIDDEN": (HTTPStatus.FORBIDDEN, "The token's person lacks the role named in the detail."),
    "NOT_AN_APPROVER": (HTTPStatus.FORBIDDEN, "The person has not the role this task asks for."),
    "OWN_OPPORTUNITY": (HTTPStatus.FORBIDDEN, "Nobody decides about a deal that person owns."),
    "ALREADY_DECIDED_OTHER_ROLE": (HTTPStatus.FORBIDDEN, "Nobody approves a plan in two roles."),
    "NOT_FOUND": (HTTPStatus.NOT_FOUND, "There is no such thing, or not for this token."),
    "PLAN_CHANGED": (HTTPStatus.CONFLICT, "Another plan replaced the one with the hash that was sent."),
    "ALREADY_DECIDED": (HTTPStatus.CONFLICT, "The task has been decided."),
    "REREAD_DUE": (HTTPStatus.CONFLICT, "The CRM said that the deal changed; it is read again first."),
    "ALREADY_CLOSED": (HTTPStatus.CONFLICT, "The exception item was replayed or dismissed already."),
    "NOT_COMPENSABLE": (HTTPStatus.CONFLICT, "Only a deal parked after its approval can be given up."),
    "BODY_PRUNED": (HTTPStatus.CONFLICT, "The delivery's body is older than is kept, and was pruned."),
    "REQUEST_ENTITY_TOO_LARGE": (HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "The body is over 1 MiB."),
    "UNSUPPORTED_MEDIA_TYPE": (HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "The body is not declared as JSON."),
    "INVALID_INPUT": (HTTPStatus.UNPROCESSABLE_ENTITY, "Fields or parameters are wrong; errors lists each."),
    "CRM_RECORD_GONE": (HTTPStatus.NOT_FOUND, "The CRM has no such record."),
    "VENDOR_REJECTED": (HTTPStatus.BAD_GATEWAY, "The CRM or the ERP refused what it was asked."),
    "CONNECTION_MISCONFIGURED": (
        HTTPStatus.BAD_GATEWAY,
        "A connection is missing, or does not work as it is set.",
    ),
    "UNREADABLE_DELIVERY": (HTTPStatus.BAD_GATEWAY, "The CRM's record is not what it should look like."),
    "VENDOR_UNAVAILABLE": (
        HTTPStatus.SERVICE_UNAVAILABLE,
        "The CRM or the ERP cannot be reached; Retry-After says when to retry.",
    ),
    "RATE_LIMITED": (HTTPStatus.SERVICE_UNAVAILABLE, "The CRM or the ERP wants to be asked later."),
    "NEWER_RELEASE": (
        HTTPStatus.SERVICE_UNAVAILABLE,
        "A deploy is under way, and a later release stored this: ask again.",
    ),
    "STORE_UNAVAILABLE": (
        HTTPStatus.SERVICE_UNAVAILABLE,
        "The database is away; Retry-After says when to retry.",
    ),
    "BUG": (HTTPStatus.INTERNAL_SERVER_ERROR, "Something failed on our side; report the trace id."),
}
# The page that explains each code, below the application's own address.
DOCS_PATH = "/api/v1/docs"


class FieldError(TypedDict):
    """`pointer` is a JSON pointer into the request body, or `/<name>` of a query parameter."""

    pointer: str
    code: str
    message: str
    fix: str


@dataclass
class Problem(Exception):
    """An answer other than the wanted one, as RFC 9457 says it."""

    status: HTTPStatus
    code: str
    detail: str
    errors: Sequence[FieldError] = ()
    headers: Mapping[str, str] = field(default_factory=dict)

    def response(self) -> Response:
        document = {
            "type": f"{application().settings.base_url}{DOCS_PATH}#{self.code}",
            "title": self.status.phrase,
            "status": self.status.value,
            "detail": self.detail,
            "instance": request.path,
            "code": self.code,
            "trace_id": trace_id(),
            "errors": list(self.errors),
        }
        return Response(
            canonical_json.dumps(document),
            status=self.status.value,
            content_type="application/problem+json",
            headers=dict(self.headers),
        )


def status_of(error: OppsyncError) -> HTTPStatus:
    """The status of the nearest class in the table; 500 for an error that nobody asked for."""
    for kind in type(error).__mro__:
        if kind in STATUS_OF:
            return STATUS_OF[kind]
    return HTTPStatus.INTERNAL_SERVER_ERROR


def problem_of(error: OppsyncError) -> Problem:
    status = status_of(error)
    if isinstance(error, StoreUnavailable):
        return Problem(status, error.code, STORE_AWAY, headers=RETRY_AFTER)
    if isinstance(error, InvalidInput):
        return Problem(status, error.code, error.message, errors=[_field_error(error)])
    if status is HTTPStatus.INTERNAL_SERVER_ERROR:
        return Problem(status, "BUG", OUR_FAULT)
    retry = RETRY_AFTER if status is HTTPStatus.SERVICE_UNAVAILABLE else {}
    return Problem(status, error.code, error.message, headers=retry)


def problem_of_http(error: HTTPException) -> Problem:
    """Werkzeug's own refusals (404, 405, 413, ...), with the headers they carry, `Allow` among them."""
    status = HTTPStatus(error.code or 500)
    if status is HTTPStatus.INTERNAL_SERVER_ERROR:
        return Problem(status, "BUG", OUR_FAULT)
    carried = {name: value for name, value in error.get_headers() if name != "Content-Type"}
    code = status.phrase.upper().replace(" ", "_").replace("-", "_")
    return Problem(status, code, error.description or status.phrase, headers=carried)


def _field_error(error: InvalidInput) -> FieldError:
    return {
        "pointer": f"/{error.field}",
        "code": error.code,
        "message": error.message,
        "fix": f"Correct {error.field} and send the request again.",
    }
