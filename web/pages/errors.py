"""Refusals and failures as pages. They use no database, because that may be what failed."""

from __future__ import annotations

from http import HTTPStatus

from flask import Response, make_response, render_template

from web.context import trace_id
from web.problems import Problem

_TITLES = {
    HTTPStatus.BAD_REQUEST: "This request cannot be used",
    HTTPStatus.FORBIDDEN: "Your role may not do this",
    HTTPStatus.NOT_FOUND: "Page not found",
    HTTPStatus.SERVICE_UNAVAILABLE: "The database is unavailable",
    HTTPStatus.INTERNAL_SERVER_ERROR: "Something failed on our side",
}


def error_page(problem: Problem) -> Response:
    page = render_template(
        "errors/page.html",
        title=_TITLES.get(problem.status, problem.status.phrase),
        problem=problem,
        reference=trace_id()[:8].upper(),
    )
    response = make_response(page, problem.status.value)
    response.headers.extend(dict(problem.headers))
    return response
