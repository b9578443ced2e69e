"""The API under /api/v1: flask-smorest with pydantic models, OpenAPI 3.1, problem documents."""

from __future__ import annotations

import flask

from web.api.absences import absences
from web.api.approvals import approvals
from web.api.bridge import Api
from web.api.configuration import configuration
from web.api.configuration_rows import rows
from web.api.connections import connections
from web.api.dashboard import dashboard
from web.api.deliveries import deliveries
from web.api.exceptions import exceptions
from web.api.opportunities import opportunities
from web.api.people import people
from web.api.plans import plans
from web.api.polls import polls
from web.api.published import published
from web.api.replays import replays
from web.api.schemas.problems import ProblemDocument
from web.api.security import security
from web.api.set_up import setup

PREFIX = "/api/v1"
BLUEPRINTS = (
    dashboard,
    opportunities,
    plans,
    approvals,
    exceptions,
    replays,
    deliveries,
    polls,
    connections,
    configuration,
    rows,
    security,
    people,
    absences,
    setup,
)


def register_api(app: flask.Flask, base_url: str) -> tuple[flask.Blueprint, ...]:
    """Register every operation and its documentation; the blueprints, for whoever asks for no cookie."""
    app.config.update(
        API_TITLE="oppsync",
        API_VERSION="v1",
        OPENAPI_VERSION="3.1.0",
        OPENAPI_URL_PREFIX=PREFIX,
        API_SPEC_OPTIONS={
            "info": {"description": "Won opportunities, their plans, approvals and exceptions."},
            "security": [{"token": []}],
            "servers": [{"url": base_url}],
        },
    )
    api = Api(app, ProblemDocument)
    api.spec.components.security_scheme("token", {"type": "http", "scheme": "bearer"})
    for blueprint in BLUEPRINTS:
        api.register_blueprint(blueprint, url_prefix=PREFIX)
    public = published(api.spec.to_dict)
    app.register_blueprint(public, url_prefix=PREFIX)
    return (*BLUEPRINTS, public)
