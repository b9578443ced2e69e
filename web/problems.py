"""Errors as HTTP sees them: one table from our error classes to a status, and RFC 9457 documents of them.

Pages show the same errors as HTML (`web.pages.errors`); both read `STATUS_OF`. What each code means is in
`web.refusals`.
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
# What Flask refuses by itself. Python's own names of statuses change between its versions; codes do not.
BY_FLASK: dict[int, str] = {
    400: "BAD_REQUEST",
    404: "NOT_FOUND",
    405: "METHOD_NOT_ALLOWED",
    413: "REQUEST_ENTITY_TOO_LARGE",
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
    code = BY_FLASK.get(status.value, status.name)
    return Problem(status, code, error.description or status.phrase, headers=carried)


def _field_error(error: InvalidInput) -> FieldError:
    return {
        "pointer": f"/{error.field}",
        "code": error.code,
        "message": error.message,
        "fix": f"Correct {error.field} and send the request again.",
    }
