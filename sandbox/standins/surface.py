"""The web side that all stand-ins share: the vendor's own paths behind the faults, and the control surface."""

import ipaddress
import socket
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Protocol

from flask import Flask, Response, abort, request
from pydantic import TypeAdapter, ValidationError

from sandbox.standins.faults import Fault, Faults, answer_through
from sandbox.standins.wire import IDENTITY, Call, Json, Reply, from_json, to_json

CONTROL = "/_standin"
REMEMBERED_CALLS = 5_000
FAULT_LIST = TypeAdapter(list[Fault])


class Vendor(Protocol):
    """A vendor in its own wire format."""

    def answer(self, call: Call) -> Reply:
        """Never raises: a refusal is a reply too."""

    def refuse(self, fault: Fault) -> Reply:
        """The vendor's own error shape for a fault."""

    def keeps_body_secret(self, call: Call) -> bool:
        """Whether this call's body holds credentials and must not be recorded."""


class Refused(Exception):
    """The control surface cannot carry out an order; the text gives the reason."""


def build_app(vendor: Vendor, identity: str = "") -> Flask:
    """The vendor's paths, and under /_standin: health, faults, requests.

    With an `identity`, which is a name and no secret, only orders of its own stack are accepted.
    """
    app = Flask("standin", static_folder=None)
    faults = Faults()
    seen: deque[dict[str, Json]] = deque(maxlen=REMEMBERED_CALLS)

    @app.before_request
    def only_from_here() -> None:
        if request.path.startswith(CONTROL) and not ipaddress.ip_address(request.remote_addr or "").is_loopback:
            abort(403)

    @app.before_request
    def only_for_its_own_stack() -> Response | None:
        if not request.path.startswith(CONTROL) or not identity or request.headers.get(IDENTITY) == identity:
            return None
        return answer({"error": "this stand-in belongs to another stack"}, 403)

    @app.after_request
    def say_whose(response: Response) -> Response:
        if identity and request.path.startswith(CONTROL):
            response.headers[IDENTITY] = identity
        return response

    @app.route("/", defaults={"path": ""}, methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
    @app.route("/<path:path>", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
    def vendor_call(path: str) -> Response:
        call = _call()
        fault, released = faults.take(call)
        entry = _remembered(call, vendor.keeps_body_secret(call), fault)
        seen.append(entry)
        if fault is None:
            reply: Reply | None = vendor.answer(call)
        else:
            reply = answer_through(fault, released, call, vendor.answer, vendor.refuse)
        entry["status"] = reply.status if reply else None
        return _response(reply) if reply else _broken_connection()

    @app.get(f"{CONTROL}/health")
    def health() -> Response:
        return answer({"ready": True})

    @app.route(f"{CONTROL}/faults", methods=["GET", "PUT", "DELETE"])
    def fault_rules() -> Response:
        if request.method != "GET":
            faults.put(FAULT_LIST.validate_json(request.get_data()) if request.method == "PUT" else [])
        return answer(faults.report())

    @app.route(f"{CONTROL}/requests", methods=["GET", "DELETE"])
    def requests() -> Response:
        calls = list(seen)
        if request.method == "DELETE":
            seen.clear()
        return answer(calls)

    @app.errorhandler(ValidationError)
    @app.errorhandler(Refused)
    def impossible(error: Exception) -> Response:
        return answer({"error": str(error)}, 400)

    return app


def answer(body: Json, status: int = 200) -> Response:
    return Response(to_json(body), status, mimetype="application/json")


def asked() -> dict[str, Json]:
    """The JSON object sent to the control surface. Raises Refused."""
    try:
        body = from_json(request.get_data() or b"{}")
    except ValueError as error:
        raise Refused(f"the body is not JSON: {error}") from error
    if not isinstance(body, dict):
        raise Refused("the body must be a JSON object")
    return body


def control_route(app: Flask, method: str, path: str) -> Callable[[Callable[..., Response]], None]:
    """Adds one route of a vendor's own to the control surface."""

    def add(view: Callable[..., Response]) -> None:
        app.add_url_rule(CONTROL + path, view.__name__, view, methods=[method])

    return add


def _call() -> Call:
    raw_path, _, query = request.environ["REQUEST_URI"].partition("?")
    headers = {name.lower(): value for name, value in request.headers.items()}
    return Call(request.method, raw_path, query, headers, request.get_data())


def _remembered(call: Call, secret: bool, fault: Fault | None) -> dict[str, Json]:
    return {
        "at": datetime.now(UTC).isoformat(),
        "method": call.method,
        "path": call.path,
        "query": call.query,
        "body": "" if secret else call.body.decode(errors="replace"),
        "faulty": fault is not None,
        "status": None,
    }


def _response(reply: Reply) -> Response:
    response = Response(reply.content, reply.status, dict(reply.headers))
    if reply.body is None and not reply.raw:
        del response.headers["Content-Type"]
    elif reply.body is not None:
        response.headers["Content-Type"] = "application/json;charset=UTF-8"
    return response


def _broken_connection() -> Response:
    """Close the socket under the server, so that the caller sees the end of the stream instead of an answer."""
    request.environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
    return Response()
