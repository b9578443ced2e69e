"""The polls of the CRMs: changes that arrived without a webhook, and how late they were found."""

from __future__ import annotations

from collections.abc import Mapping

from web.api.auth import authenticate
from web.api.bridge import Blueprint
from web.api.schemas import polls as schemas
from web.context import application, signed_in

polls = Blueprint(
    "polls", __name__, description="Changes that arrived without a webhook, found by polling the CRMs."
)
polls.before_request(authenticate)


@polls.route("/polls")
@polls.answers(schemas.Polls)
def list_polls() -> Mapping[str, object]:
    """Read up to when each CRM connection has been polled"""
    return {"rows": application().queries.polls(signed_in().tenant_id)}
