"""The security log."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

from oppsync.domain.approval.who_may import Action, check
from oppsync.domain.reading.readings import Page, TimelineEntry
from web.api.auth import authenticate
from web.api.bridge import Blueprint
from web.api.schemas import paging
from web.api.schemas import security as schemas
from web.context import application, signed_in

security = Blueprint(
    "security", __name__, description="Who changed what about people and secrets, and who tried to come in."
)
security.before_request(authenticate)


@security.route("/security/changes")
@security.takes(paging.PageQuery, location="query")
@security.answers(schemas.SecurityChangePage)
@security.refuses(HTTPStatus.FORBIDDEN)
def list_changes(query: paging.PageQuery) -> Page[TimelineEntry]:
    """List audit events that are about no deal, newest first: people, tokens, connections, rules

    Needs the role auditor.
    """
    check(signed_in().person, Action.READ_SECURITY_LOG, signed_in().scopes)
    return application().queries.changes(signed_in().tenant_id, after=query.cursor, limit=query.limit)


@security.route("/security/attempts")
@security.answers(schemas.SecurityAttempts)
@security.refuses(HTTPStatus.FORBIDDEN)
def list_attempts() -> Mapping[str, object]:
    """List sign-ins, and what was refused, counted by the hour; the last 100

    Needs the role auditor.
    """
    check(signed_in().person, Action.READ_SECURITY_LOG, signed_in().scopes)
    return {"rows": application().queries.attempts(signed_in().tenant_id)}
