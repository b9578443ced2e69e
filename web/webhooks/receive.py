"""The CRMs' webhook: verify the raw bytes, put the delivery into the inbox, answer with its status URL.

Everything slow happens after the answer, in the stages.
"""

from __future__ import annotations

from http import HTTPStatus

from flask import Blueprint, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import RequestEntityTooLarge

from adapters.connectors.signatures.raw_request import RawRequest
from oppsync.domain.work.attempts import AttemptKind
from oppsync.domain.work.intake import Delivery
from oppsync.kernel.errors import SignatureRefused
from oppsync.services.intake.commands import AcceptDelivery
from web.access.attempts import note_and_count
from web.context import application, traceparent

webhooks = Blueprint("webhooks", __name__, url_prefix="/webhooks")
# Headers kept with the delivery. Signatures and credentials are not kept: they are of no use once checked.
KEPT_HEADERS = (
    "Content-Type",
    "User-Agent",
    "Webhook-Id",
    "Webhook-Timestamp",
    "Svix-Id",
    "Svix-Timestamp",
    "Traceparent",
    "Tracestate",
)
_LONGEST_KEPT = 500


@webhooks.post("/<connection_id>", provide_automatic_options=False)
def receive(connection_id: str) -> ResponseReturnValue:
    """202 with the event id and its status URL; 200 with the same ones for a repeated delivery. A known id with
    another body is no repetition."""
    webhook = application().webhook(connection_id)  # before anything is read for somebody who just guesses
    body = _whole_body()
    raw = RawRequest(method=request.method, url=request.url, headers=dict(request.headers), body=body)
    try:
        delivery_id = webhook.verify(raw)
    except SignatureRefused:
        note_and_count(AttemptKind.SIGNATURE_REFUSED, webhook.connection.id)
        raise
    connection = webhook.connection
    delivery = Delivery(
        tenant_id=connection.tenant_id,
        connection_id=connection.id,
        delivery_id=delivery_id,
        headers=_kept_headers(),
        body=body,
        traceparent=traceparent(),
    )
    accepted = application().dispatch(AcceptDelivery(delivery))
    answer = {
        "event_id": str(accepted.event_id),
        "status_url": f"{application().settings.base_url}/api/v1/deliveries/{accepted.event_id}",
    }
    return answer, HTTPStatus.ACCEPTED if accepted.is_new else HTTPStatus.OK


def _whole_body() -> bytes:
    """The bytes as sent. Werkzeug cuts a body of undeclared length off at the limit; such a body is refused
    here."""
    body = request.get_data()
    cut_off = request.content_length is None and len(body) == request.max_content_length
    if cut_off and request.environ["wsgi.input"].read(1):
        raise RequestEntityTooLarge()
    return body


def _kept_headers() -> dict[str, str]:
    sent = {name.lower(): request.headers.get(name) for name in KEPT_HEADERS}
    return {
        name: value[:_LONGEST_KEPT].replace("\x00", "") for name, value in sent.items() if value is not None
    }
