"""Service levels that a firm promises: within how many business hours a part of a deal's way is done."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum

from oppsync.domain.values.model import Frozen, Quantity


class SlaMeasure(StrEnum):
    """The parts of a deal's way: from the delivery until it is validated; from the request until everybody
    approved; from the approval until its projects are active; from there until CRM and PSA are told."""

    VALIDATION = "validation"
    APPROVAL = "approval"
    ACTIVATION = "activation"
    SYNCHRONISATION = "synchronisation"


class SlaTarget(Frozen):
    """Key: `<measure>|<region>|<service line>`, where `*` stands for every other region or service line.

    `hours`: business hours of the calendar of whoever has to act. From `near_percent` of them on, the end is
    near.
    """

    hours: Quantity
    near_percent: Quantity = Decimal(75)
