"""The status of a delivery: the address a webhook's answer names."""

from __future__ import annotations

from http import HTTPStatus
from uuid import UUID

from oppsync.domain.reading.readings import DeliveryStatus
from web.api.auth import authenticate
from web.api.bridge import Blueprint
from web.api.schemas import deliveries as schemas
from web.context import application, signed_in

deliveries = Blueprint("deliveries", __name__, description="The status of a webhook's delivery.")
deliveries.before_request(authenticate)


@deliveries.route("/deliveries/<uuid:event_id>")
@deliveries.answers(schemas.DeliveryView)
@deliveries.refuses(HTTPStatus.NOT_FOUND)
def get_delivery(event_id: UUID) -> DeliveryStatus:
    """Read where a delivery's opportunities are now"""
    return application().queries.delivery(signed_in().tenant_id, event_id)
