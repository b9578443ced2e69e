"""The billing models. A new one is a file beside this one and a row here.

A deal that mixes them is no model of its own: each workstream has its model, their parent carries none.
"""

from __future__ import annotations

from oppsync.domain.billing.fixed_fee import FixedFee
from oppsync.domain.billing.fixed_fee_deposit import FixedFeeDeposit
from oppsync.domain.billing.fixed_fee_progress import FixedFeeProgress
from oppsync.domain.billing.milestone import MilestoneBilling
from oppsync.domain.billing.model import BillingModel
from oppsync.domain.billing.non_billable import NonBillable
from oppsync.domain.billing.recurring import Recurring
from oppsync.domain.billing.retainer import RetainerBilling
from oppsync.domain.billing.time_and_materials import TimeAndMaterials
from oppsync.domain.billing.time_and_materials_capped import TimeAndMaterialsCapped

_MODELS: tuple[BillingModel, ...] = (
    TimeAndMaterials(),
    TimeAndMaterialsCapped(),
    FixedFee(),
    FixedFeeProgress(),
    FixedFeeDeposit(),
    MilestoneBilling(),
    RetainerBilling(),
    Recurring(),
    NonBillable(),
)

BILLING_MODELS: dict[str, BillingModel] = {model.code: model for model in _MODELS}
