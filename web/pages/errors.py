"""Refusals and failures as pages. They use no database, because that may be what failed."""

from __future__ import annotations

from http import HTTPStatus

from flask import Response, make_response, render_template, request
from werkzeug.exceptions import MethodNotAllowed

from oppsync.domain.approval.who_may import RIGHTS
from web.context import trace_id
from web.problems import Problem

_TITLES = {
    HTTPStatus.BAD_REQUEST: "This request cannot be used",
    HTTPStatus.FORBIDDEN: "This was refused",
    HTTPStatus.NOT_FOUND: "Page not found",
    HTTPStatus.METHOD_NOT_ALLOWED: "This cannot be done here",
    HTTPStatus.SERVICE_UNAVAILABLE: "The database is unavailable",
    HTTPStatus.INTERNAL_SERVER_ERROR: "Something failed on our side",
}
# The codes of refusals that a role decides. Others have other reasons, such as that two people are needed.
_BY_ROLE = frozenset(right.code for right in RIGHTS.values())


def error_page(problem: Problem) -> Response:
    by_role = problem.status is HTTPStatus.FORBIDDEN and problem.code in _BY_ROLE
    page = render_template(
        "errors/page.html",
        title="Your role may not do this" if by_role else _TITLES.get(problem.status, problem.status.phrase),
        problem=problem,
        who_owns=problem.detail.removeprefix(str(MethodNotAllowed.description)),
        may_be_read="GET" in problem.headers.get("Allow", ""),
        # One slash: two would name a host.
        address="/" + request.path.lstrip("/"),
        reference=trace_id()[:8].upper(),
    )
    response = make_response(page, problem.status.value)
    response.headers.extend(dict(problem.headers))
    return response
