"""The methods of recognition, and the one of each billing model unless the legal entity's policy has another.

A new method is a file beside this one and a row here.
"""

from __future__ import annotations

from oppsync.domain.deal.opportunity import BillingModelCode
from oppsync.domain.reference.billing_policy import BillingPolicy, RevenueMethod
from oppsync.domain.revenue.as_invoiced import AsInvoiced
from oppsync.domain.revenue.milestone import AtMilestones
from oppsync.domain.revenue.percent_complete import PercentComplete
from oppsync.domain.revenue.recognition import RevenueRecognition
from oppsync.domain.revenue.straight_line import StraightLine

_METHODS: tuple[RevenueRecognition, ...] = (StraightLine(), PercentComplete(), AtMilestones(), AsInvoiced())

RECOGNITIONS: dict[RevenueMethod, RevenueRecognition] = {each.method: each for each in _METHODS}

DEFAULT_METHODS: dict[BillingModelCode, RevenueMethod] = {
    BillingModelCode.TIME_AND_MATERIALS: RevenueMethod.AS_INVOICED,
    BillingModelCode.TIME_AND_MATERIALS_CAPPED: RevenueMethod.AS_INVOICED,
    BillingModelCode.FIXED_FEE: RevenueMethod.PERCENT_COMPLETE,
    BillingModelCode.FIXED_FEE_PROGRESS: RevenueMethod.PERCENT_COMPLETE,
    BillingModelCode.FIXED_FEE_DEPOSIT: RevenueMethod.PERCENT_COMPLETE,
    BillingModelCode.MILESTONE: RevenueMethod.MILESTONE,
    BillingModelCode.RETAINER: RevenueMethod.STRAIGHT_LINE,
    BillingModelCode.RECURRING: RevenueMethod.STRAIGHT_LINE,
    BillingModelCode.NON_BILLABLE: RevenueMethod.AS_INVOICED,
}


def method_of(model: BillingModelCode, policy: BillingPolicy) -> RevenueMethod:
    return policy.revenue_methods.get(model, DEFAULT_METHODS[model])
