"""The connections of the tenant: how the calls to each go."""

from __future__ import annotations

from collections.abc import Mapping

from web.api import schemas
from web.api.auth import authenticate
from web.api.bridge import Blueprint
from web.context import application, signed_in

connections = Blueprint(
    "connections", __name__, description="The outside systems, and the state of calls to them."
)
connections.before_request(authenticate)


@connections.route("/connections/traffic")
@connections.answers(schemas.TrafficOfConnections)
def get_traffic() -> Mapping[str, object]:
    """Read limits, what is left of them, and the circuit of each connection

    `circuit` is null while it is not known. An open circuit is tried again in `retry_in` seconds, one call at a
    time; meanwhile work that needs the connection waits and comes back by itself.
    """
    return {"rows": application().traffic(signed_in().tenant_id)}
