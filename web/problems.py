"""Errors in HTTP: one table from our error classes to a status, and their RFC 9457 documents.

Pages show the same errors as HTML (`web.pages.errors`); both read `STATUS_OF`. What each code means is in
`web.refusals`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import NotRequired, TypedDict

from flask import Response, request
from flask.globals import request_ctx
from werkzeug.exceptions import HTTPException

from oppsync.domain.configuration.faults import BadBundle
from oppsync.domain.deal.owned_fields import who_owns
from oppsync.domain.plan.tampering import PlanTampered
from oppsync.domain.work.connector_forms import Fault, WrongFields
from oppsync.kernel import canonical_json
from oppsync.kernel.errors import (
    LONGEST_MESSAGE,
    BusinessError,
    Conflict,
    Forbidden,
    InvalidInput,
    NotFound,
    OppsyncError,
    RecordGone,
    SignatureRefused,
    StoreUnavailable,
    TooManyAttempts,
    TransientError,
)
from oppsync.kernel.json_pointer import pointer
from web.context import application, trace_id

STATUS_OF: dict[type[OppsyncError], HTTPStatus] = {
    NotFound: HTTPStatus.NOT_FOUND,
    Forbidden: HTTPStatus.FORBIDDEN,
    Conflict: HTTPStatus.CONFLICT,
    PlanTampered: HTTPStatus.CONFLICT,
    InvalidInput: HTTPStatus.UNPROCESSABLE_ENTITY,
    SignatureRefused: HTTPStatus.UNAUTHORIZED,
    TooManyAttempts: HTTPStatus.TOO_MANY_REQUESTS,
    TransientError: HTTPStatus.SERVICE_UNAVAILABLE,
    RecordGone: HTTPStatus.NOT_FOUND,
    BusinessError: HTTPStatus.BAD_GATEWAY,
}
RETRY_AFTER = {"Retry-After": "5"}
# Sent instead of the error's own text, which could reveal internals.
STORE_AWAY = "The database cannot be reached. Nothing was changed. Try again in a few seconds."
OUR_FAULT = "Something failed on our side. Report the trace id."
# Of a configuration with more, so many are listed.
MOST_FAULTS = 500
# Refusals that Flask makes by itself. Python renames its statuses between versions; the codes stay.
BY_FLASK: dict[int, str] = {
    400: "BAD_REQUEST",
    404: "NOT_FOUND",
    405: "METHOD_NOT_ALLOWED",
    413: "REQUEST_ENTITY_TOO_LARGE",
}
# The page that explains each code, below the application's own address.
DOCS_PATH = "/api/v1/docs"
# What reads a deal, and nothing writes: its fields are the CRM's.
_DEALS = frozenset({"opportunities.get_opportunity", "opportunity_page.show"})


class FieldError(TypedDict):
    """`pointer` is a JSON pointer into the request body, or `/<name>` of a query parameter. A fault of a
    configuration's file has the file, the line and the field in it."""

    pointer: str
    code: str
    message: str
    fix: str
    file: NotRequired[str]
    line: NotRequired[int]
    field: NotRequired[str]


@dataclass
class Problem(Exception):
    """A refusal or failure as an RFC 9457 document."""

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
    """The status of the nearest base class in the table; 500 for an error without one."""
    for kind in type(error).__mro__:
        if kind in STATUS_OF:
            return STATUS_OF[kind]
    return HTTPStatus.INTERNAL_SERVER_ERROR


def problem_of(error: OppsyncError) -> Problem:
    status = status_of(error)
    if isinstance(error, StoreUnavailable):
        return Problem(status, error.code, STORE_AWAY, headers=RETRY_AFTER)
    if isinstance(error, BadBundle):
        return Problem(status, error.code, _counted(error), errors=_bundle_errors(error))
    if isinstance(error, InvalidInput):
        return Problem(status, error.code, error.message, errors=_field_errors(error))
    if isinstance(error, TooManyAttempts):
        return Problem(status, error.code, error.message, headers={"Retry-After": str(error.wait_seconds)})
    if status is HTTPStatus.INTERNAL_SERVER_ERROR:
        return Problem(status, "BUG", OUR_FAULT)
    retry = RETRY_AFTER if status is HTTPStatus.SERVICE_UNAVAILABLE else {}
    return Problem(status, error.code, error.message, headers=retry)


def problem_of_http(error: HTTPException) -> Problem:
    """Convert werkzeug's own refusals (404, 405, 413, ...), with their headers, such as `Allow`."""
    status = HTTPStatus(error.code or 500)
    if status is HTTPStatus.INTERNAL_SERVER_ERROR:
        return Problem(status, "BUG", OUR_FAULT)
    carried = {name: value for name, value in error.get_headers() if name != "Content-Type"}
    code = BY_FLASK.get(status.value, status.name)
    detail = error.description or status.phrase
    if status is HTTPStatus.METHOD_NOT_ALLOWED and _read_instead() in _DEALS:
        detail = f"{detail} {who_owns('deal')}."
    return Problem(status, code, detail, headers=carried)


def _read_instead() -> str | None:
    """What a GET of this address would read."""
    adapter = request_ctx.url_adapter
    try:
        return str(adapter.match(method="GET")[0]) if adapter else None
    except HTTPException:
        return None


def unreadable_body(error: Exception) -> Problem:
    """Answer a body in which gunicorn finds a fault while a view reads it: a bad chunk, say."""
    return Problem(
        HTTPStatus.BAD_REQUEST,
        "UNREADABLE_BODY",
        f"The body is not well-formed HTTP/1.1: {error}"[:LONGEST_MESSAGE],
    )


def _counted(error: BadBundle) -> str:
    count = len(error.faults)
    more = f" The first {MOST_FAULTS} of them are listed." if count > MOST_FAULTS else ""
    return f"The configuration has {count} {'fault' if count == 1 else 'faults'}; errors lists each.{more}"


def _bundle_errors(error: BadBundle) -> Sequence[FieldError]:
    return [
        {
            "pointer": pointer(["files", fault.file]),
            "code": error.code,
            "message": fault.problem,
            "fix": fault.fix,
            "file": fault.file,
            "line": fault.line,
            "field": fault.field,
        }
        for fault in error.faults[:MOST_FAULTS]
    ]


def _field_errors(error: InvalidInput) -> Sequence[FieldError]:
    faults = error.faults if isinstance(error, WrongFields) else [Fault(error.field, error.message)]
    return [
        {
            "pointer": f"/{fault.field}",
            "code": error.code,
            "message": fault.message,
            "fix": f"Correct {fault.field} and send the request again.",
        }
        for fault in faults
    ]
