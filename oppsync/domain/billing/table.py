"""The billing models that are supported. A new one is a file beside this one and a row here."""

from __future__ import annotations

from oppsync.domain.billing.fixed_fee import FixedFee
from oppsync.domain.billing.milestone import MilestoneBilling
from oppsync.domain.billing.model import BillingModel
from oppsync.domain.billing.time_and_materials import TimeAndMaterials
from oppsync.domain.opportunity import BillingModelCode

_SUPPORTED: tuple[BillingModel, ...] = (TimeAndMaterials(), FixedFee(), MilestoneBilling())

BILLING_MODELS: dict[str, BillingModel] = {model.code: model for model in _SUPPORTED}


def is_known(code: str) -> bool:
    """True for a billing model the canonical opportunity can carry, supported or not."""
    return code in {known.value for known in BillingModelCode}
