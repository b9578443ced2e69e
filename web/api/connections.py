"""The connections of the tenant: set up, tested, paused and removed, and how the calls to each go."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from http import HTTPStatus

from oppsync.domain.approval.who_may import Action
from oppsync.domain.master_data.rows import MasterKind
from oppsync.domain.work.connections import Connection
from oppsync.kernel.errors import NotFound
from oppsync.services.admin.commands import (
    AddConnection,
    EditConnection,
    InspectConnection,
    PauseConnection,
    RemoveConnection,
    ResumeConnection,
    RotateWebhookSecret,
    SendTrialEvent,
)
from oppsync.services.mirror.commands import AskForMirror
from oppsync.services.mirror.shown import erp_connection, shown_mirror
from web.access.dear_calls import spend_dear_call
from web.api.auth import authenticate_for
from web.api.bridge import Blueprint
from web.api.schemas import connections as schemas
from web.api.schemas import master_data
from web.context import application, signed_in

connections = Blueprint(
    "connections", __name__, description="The outside systems, and the state of calls to them."
)
connections.before_request(
    authenticate_for(
        Action.VISIT_CONNECTIONS,
        add_connection=Action.SET_CONNECTION,
        edit_connection=Action.SET_CONNECTION,
        remove_connection=Action.SET_CONNECTION,
        pause_connection=Action.SET_CONNECTION,
        resume_connection=Action.SET_CONNECTION,
        rotate_webhook_secret=Action.SET_CONNECTION,
        test_connection=Action.INSPECT_CONNECTION,
        send_test_event=Action.INSPECT_CONNECTION,
        read_master_data=Action.MIRROR,
    )
)


@connections.route("/connectors")
@connections.answers(schemas.Connectors)
def list_connectors() -> Mapping[str, object]:
    """List what can be connected, with the settings and secrets each wants"""
    return {"rows": application().connectors.forms()}


@connections.route("/connections")
@connections.answers(schemas.Connections)
def list_connections() -> Mapping[str, Sequence[schemas.ConnectionView]]:
    """List the connections, without their secrets"""
    with application().uow.reading() as uow:
        found = uow.connections.of_tenant(signed_in().tenant_id)
    return {"rows": [_shown(each) for each in found]}


@connections.route("/connections", methods=["POST"])
@connections.takes(schemas.NewConnection)
@connections.answers(schemas.AddedConnection, status=HTTPStatus.CREATED)
@connections.refuses(HTTPStatus.FORBIDDEN, HTTPStatus.CONFLICT)
def add_connection(request: schemas.NewConnection) -> Mapping[str, object]:
    """Connect a system

    Needs the role integration admin. The answer holds the webhook's secret, this once. Of a live firm, a second
    system of a role that no row of `routes.csv` routes has to be confirmed: new deals would stop.
    """
    me = signed_in()
    command = AddConnection(
        me.tenant_id,
        me.asker,
        request.role,
        request.vendor,
        request.name,
        request.settings,
        request.secrets,
        confirmed=request.confirmed,
    )
    added = application().dispatch(command)
    return {"connection": _shown(_found(added.connection_id)), "webhook_secret": added.webhook_secret}


@connections.route("/connections/<connection_id>")
@connections.answers(schemas.ConnectionView)
@connections.refuses(HTTPStatus.NOT_FOUND)
def get_connection(connection_id: str) -> schemas.ConnectionView:
    """Read one connection, without its secrets"""
    return _shown(_found(connection_id))


@connections.route("/connections/<connection_id>", methods=["PATCH"])
@connections.takes(schemas.ConnectionChange)
@connections.answers(schemas.ConnectionView)
@connections.refuses(HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND)
def edit_connection(request: schemas.ConnectionChange, connection_id: str) -> schemas.ConnectionView:
    """Change name, settings or secrets

    Needs the role integration admin. Another address or database needs all secrets anew, since they would be
    sent there. What the configuration maps (`map`) is edited in its row.
    """
    me = signed_in()
    command = EditConnection(
        me.tenant_id, me.asker, connection_id, request.name, request.settings, request.secrets
    )
    application().dispatch(command)
    return _shown(_found(connection_id))


@connections.route("/connections/<connection_id>", methods=["DELETE"])
@connections.answers_nothing()
@connections.refuses(HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT)
def remove_connection(connection_id: str) -> None:
    """Disconnect a system; refused while deals under way go by it

    Needs the role integration admin. What is stored of earlier deals stays.
    """
    me = signed_in()
    application().dispatch(RemoveConnection(me.tenant_id, me.asker, connection_id))


@connections.route("/connections/<connection_id>/pause", methods=["POST"])
@connections.answers(schemas.ConnectionView)
@connections.refuses(HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND)
def pause_connection(connection_id: str) -> schemas.ConnectionView:
    """Call nothing there: webhooks are accepted, deals wait

    Needs the role integration admin.
    """
    me = signed_in()
    application().dispatch(PauseConnection(me.tenant_id, me.asker, connection_id))
    return _shown(_found(connection_id))


@connections.route("/connections/<connection_id>/resume", methods=["POST"])
@connections.answers(schemas.ConnectionView)
@connections.refuses(HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND)
def resume_connection(connection_id: str) -> schemas.ConnectionView:
    """Call again; deals that waited go on

    Needs the role integration admin.
    """
    me = signed_in()
    application().dispatch(ResumeConnection(me.tenant_id, me.asker, connection_id))
    return _shown(_found(connection_id))


@connections.route("/connections/<connection_id>/rotate-secret", methods=["POST"])
@connections.takes(schemas.Rotation)
@connections.answers(schemas.NewWebhookSecret)
@connections.refuses(HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND)
def rotate_webhook_secret(request: schemas.Rotation, connection_id: str) -> Mapping[str, str]:
    """Make a new webhook secret; the earlier ones are accepted for a while

    Needs the role integration admin. The answer holds the secret, this once.
    """
    me = signed_in()
    lasts = timedelta(hours=request.both_valid_hours)
    secret = application().dispatch(RotateWebhookSecret(me.tenant_id, me.asker, connection_id, lasts))
    return {"webhook_secret": secret}


@connections.route("/connections/<connection_id>/test", methods=["POST"])
@connections.answers(schemas.Observations)
@connections.refuses(HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.TOO_MANY_REQUESTS)
def test_connection(connection_id: str) -> Mapping[str, object]:
    """Sign in there, and list what may be done and what is missing

    Needs the role operations or integration admin. It changes nothing there.
    """
    spend_dear_call()
    me = signed_in()
    seen = application().dispatch(InspectConnection(me.tenant_id, me.asker, connection_id))
    return {"is_well": not any(each.is_fault for each in seen), "rows": seen}


@connections.route("/connections/<connection_id>/test-event", methods=["POST"])
@connections.answers(schemas.TrialEventView)
@connections.refuses(HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.TOO_MANY_REQUESTS)
def send_test_event(connection_id: str) -> Mapping[str, object]:
    """Send a signed test event to the connection's webhook; it makes no deal

    Needs the role operations or integration admin.
    """
    spend_dear_call()
    me = signed_in()
    return application().dispatch(SendTrialEvent(me.tenant_id, me.asker, connection_id))._asdict()


@connections.route("/connections/<connection_id>/deliveries")
@connections.answers(schemas.ReceivedDeliveries)
@connections.refuses(HTTPStatus.NOT_FOUND)
def list_connection_deliveries(connection_id: str) -> Mapping[str, object]:
    """List the last deliveries, and how many were refused for their signature"""
    found, queries = _found(connection_id), application().queries
    return {
        "rows": queries.received(found.tenant_id, found.id),
        "refused": queries.refused_signatures(found.tenant_id, found.id),
    }


@connections.route("/connections/<connection_id>/master-data")
@connections.answers(master_data.MasterDataView)
@connections.refuses(HTTPStatus.NOT_FOUND)
def get_master_data(connection_id: str) -> Mapping[str, object]:
    """Read how old the master data of an ERP is, what differs, and what ended while something still names it"""
    with application().uow.reading() as uow:
        shown = shown_mirror(
            uow, signed_in().tenant_id, connection_id, application().clock.now(), application().connectors
        )
    state = shown.state
    return {
        "kinds": [each._asdict() for each in state.kinds],
        "is_running": state.is_running,
        "due_at": state.due_at,
        "error": state.error,
        "runs": state.runs,
        "ended_in_use": [
            {
                **each.key._asdict(),
                "name": each.name,
                "gone_at": each.gone_at,
                "deals": [deal._asdict() for deal in each.deals],
                "rows": each.rows,
            }
            for each in shown.ended
        ],
    }


@connections.route("/connections/<connection_id>/master-data/<kind>")
@connections.takes(master_data.MasterRowsQuery, location="query")
@connections.answers(master_data.MasterRows)
@connections.refuses(HTTPStatus.NOT_FOUND)
def list_master_rows(query: master_data.MasterRowsQuery, connection_id: str, kind: str) -> Mapping[str, object]:
    """List what an ERP has of one kind, as it was read last"""
    if kind not in set(MasterKind):
        raise NotFound(f"There is no such kind: use {', '.join(MasterKind)}.")
    tenant_id = signed_in().tenant_id
    with application().uow.reading() as uow:
        found = erp_connection(uow, tenant_id, connection_id)
        rows = uow.mirror.list(tenant_id, found.id, MasterKind(kind), query.search, query.limit)
    return {"rows": rows}


@connections.route("/connections/<connection_id>/master-data/read", methods=["POST"])
@connections.takes(master_data.MasterDataRequest)
@connections.answers(master_data.MasterDataAsked)
@connections.refuses(HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT)
def read_master_data(request: master_data.MasterDataRequest, connection_id: str) -> Mapping[str, bool]:
    """Have the master data of an ERP read at once

    Needs the role operations or integration admin. A relay reads it; the answer does not wait for it.
    """
    me = signed_in()
    command = AskForMirror(me.tenant_id, me.asker, connection_id, request.kinds)
    return {"begins": application().dispatch(command)}


@connections.route("/connections/traffic")
@connections.answers(schemas.TrafficOfConnections)
def get_traffic() -> Mapping[str, object]:
    """Read limits, what is left of them, and the circuit of each connection

    `circuit` is null while it is not known. An open circuit is tried again in `retry_in` seconds, one call at a
    time; meanwhile work that needs the connection waits and comes back by itself.
    """
    return {"rows": application().traffic(signed_in().tenant_id)}


def _found(connection_id: str) -> Connection:
    with application().uow.reading() as uow:
        found = uow.connections.get(connection_id)
    if found.tenant_id != signed_in().tenant_id:
        raise NotFound("There is no such connection.")
    return found


def _shown(found: Connection) -> schemas.ConnectionView:
    connection, row = application().as_mapped(found)
    return schemas.ConnectionView(
        **connection.model_dump(include=set(schemas.ConnectionView.model_fields)),
        map=row and schemas.ConnectionMapView(row=row.connection, valid_from=row.since),
        webhook_url=application().webhook_url(found),
    )
