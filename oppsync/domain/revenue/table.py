"""The methods of recognition, and the one of each billing model unless the legal entity's policy has another.

A new method is a code in `billing_policy.py`, a file beside this one and a row here.
"""

from __future__ import annotations

from oppsync.domain.billing.table import BILLING_MODELS
from oppsync.domain.deal.opportunity import BillingModelCode
from oppsync.domain.reference.billing_policy import BillingPolicy, RevenueMethod
from oppsync.domain.revenue.as_invoiced import AsInvoiced
from oppsync.domain.revenue.milestone import AtMilestones
from oppsync.domain.revenue.percent_complete import PercentComplete
from oppsync.domain.revenue.recognition import RevenueRecognition
from oppsync.domain.revenue.straight_line import StraightLine

_METHODS: tuple[RevenueRecognition, ...] = (
    StraightLine(),
    PercentComplete(),
    AtMilestones(),
    AsInvoiced(),
)

RECOGNITIONS: dict[RevenueMethod, RevenueRecognition] = {each.method: each for each in _METHODS}

DEFAULT_METHODS: dict[BillingModelCode, RevenueMethod] = {
    model.code: model.revenue_method for model in BILLING_MODELS.values()
}


def method_of(model: BillingModelCode, policy: BillingPolicy) -> RevenueMethod:
    return policy.revenue_methods.get(model, DEFAULT_METHODS[model])
