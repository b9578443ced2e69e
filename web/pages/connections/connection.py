"""One connection: its settings, a test, its webhook, and its life."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from http import HTTPStatus
from typing import Any
from uuid import UUID

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from oppsync.domain.approval.who_may import Action, may
from oppsync.domain.configuration.files import key_in_words
from oppsync.domain.reference.book import ReferenceKind, ReferenceRow
from oppsync.domain.work.connections import Connection, ConnectionRole
from oppsync.domain.work.connector_forms import shown
from oppsync.domain.work.webhook_secrets import WEBHOOK_SECRETS
from oppsync.kernel.bus import Command
from oppsync.kernel.errors import Conflict, Misconfigured
from oppsync.services.admin.commands import (
    InspectConnection,
    PauseConnection,
    RemoveConnection,
    ResumeConnection,
    RotateWebhookSecret,
    SendTrialEvent,
)
from web.context import application, signed_in
from web.forms import posted
from web.pages.connections.form import found_connection
from web.pages.connections.words import ROLE_WORDS, SEEN_SHOWN, ended_of, state_of
from web.problems import Problem

page = Blueprint("connection_page", __name__, url_prefix="/connections")


class Button(StrEnum):
    TEST = "test"
    TEST_EVENT = "test_event"
    ROTATE = "rotate"
    REPLACE = "replace"
    PAUSE = "pause"
    RESUME = "resume"
    REMOVE = "remove"


@page.get("/<connection_id>")
def show(connection_id: str) -> ResponseReturnValue:
    return _render(
        found_connection(connection_id), is_new="added" in request.args, forgot="forgot" in request.args
    )


@page.post("/<connection_id>")
def act(connection_id: str) -> ResponseReturnValue:
    """Do what a button says. The answer itself shows what a test saw, or a new secret, which is kept nowhere on
    its way."""
    found, action = found_connection(connection_id), posted("action")
    told = _told(found, action)
    if told:
        return _render(found, **told)
    try:
        application().dispatch(_command(found, action))
    except Conflict as conflict:
        return _render(found, notice=conflict.message), HTTPStatus.CONFLICT
    if action == Button.REMOVE:
        return redirect(url_for("connection_overview.show"), HTTPStatus.SEE_OTHER)
    return redirect(url_for(".show", connection_id=found.id), HTTPStatus.SEE_OTHER)


def _told(found: Connection, action: str) -> dict[str, Any]:
    """Do what the pressed button says, and return what it tells; empty for one that only changes something."""
    dispatch, who = application().dispatch, _who(found)
    match action:
        case Button.TEST:
            return {"seen": dispatch(InspectConnection(*who))}
        case Button.TEST_EVENT:
            return {"sent": dispatch(SendTrialEvent(*who))}
        case Button.ROTATE:
            return {"secret": dispatch(RotateWebhookSecret(*who))}
        case Button.REPLACE:
            return {"secret": dispatch(RotateWebhookSecret(*who, both_valid=timedelta(0)))}
    return {}


def _command(found: Connection, action: str) -> Command[None]:
    who = _who(found)
    match action:
        case Button.PAUSE:
            return PauseConnection(*who)
        case Button.RESUME:
            return ResumeConnection(*who)
        case Button.REMOVE:
            return RemoveConnection(*who)
    raise Problem(HTTPStatus.BAD_REQUEST, "UNKNOWN_ACTION", "This page does not offer that action.")


def _who(found: Connection) -> tuple[str, UUID, str]:
    return found.tenant_id, signed_in().person.id, found.id


def _render(found: Connection, **told: Any) -> str:
    if "secret" in told or "seen" in told:  # the ends of earlier secrets, and how it stands, are new
        found = found_connection(found.id)
    me, queries = signed_in(), application().queries
    form = application().connectors.form(found.role, found.vendor)
    as_mapped = application().as_mapped(found)
    traffic = {seen.connection_id: seen for seen in application().traffic(me.tenant_id)}
    now = datetime.now(UTC)
    with application().uow.reading() as uow:
        ended = ended_of(uow, found)
        routes = [
            row for row in uow.references.of_kind(me.tenant_id, ReferenceKind.ROUTE) if _leads_to(row, found)
        ]
    return render_template(
        "connections/connection.html",
        connection=found,
        form=form,
        role=ROLE_WORDS[found.role],
        state=state_of(found, traffic.get(found.id), ended),
        ended=ended,
        routes=[(row, key_in_words(row.kind, row.key)) for row in routes],
        settings=[
            (field, shown(field, as_mapped.connection.settings.get(field.name))) for field in form.settings
        ],
        mapped=as_mapped.row,
        may_change_rules=may(me.person, Action.PROPOSE_CONFIGURATION),
        webhook_url=application().webhook_url(found),
        has_secret=_has_secret(found),
        ends=sorted(until for until in found.secret_ends.values() if until > now),
        deliveries=queries.received(found.tenant_id, found.id),
        refused=queries.refused_signatures(found.tenant_id, found.id),
        poll=next((poll for poll in queries.polls(me.tenant_id) if poll.connection_id == found.id), None),
        has_master_data=found.role is ConnectionRole.ERP,
        may_set=may(me.person, Action.SET_CONNECTION),
        may_test=may(me.person, Action.INSPECT_CONNECTION),
        seen_shown=SEEN_SHOWN,
        **told,
    )


def _leads_to(row: ReferenceRow, connection: Connection) -> bool:
    """Whether the route leads deals there, now or later."""
    today = application().clock.now().date()
    holds = row.valid_to is None or row.valid_to > today
    role = row.key.partition("|")[0]
    return holds and role == connection.role and row.value.get("connection") == connection.name


def _has_secret(found: Connection) -> bool:
    """Whether its webhooks have a secret; one that cannot be opened is one."""
    with application().uow.reading() as uow:
        try:
            return bool(uow.connections.secrets(found.id).get(WEBHOOK_SECRETS))
        except Misconfigured:
            return True
