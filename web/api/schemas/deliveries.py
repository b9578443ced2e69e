"""What became of a delivery."""

from __future__ import annotations

from oppsync.domain.reading.readings import DeliveryStatus
from web.api.schemas.opportunities import OpportunityItem


class DeliveryView(DeliveryStatus):
    """Where a delivery's opportunities are now."""

    opportunities: tuple[OpportunityItem, ...]
