"""The catalog of reference data: the shape of each kind, and what is wrong where a row is missing."""

from __future__ import annotations

from typing import NamedTuple

from oppsync.domain.deal.customers import CustomerLink
from oppsync.domain.policy.approval_rule import ApprovalRule
from oppsync.domain.policy.approval_step import ApprovalStep, FurtherRole
from oppsync.domain.policy.connection_map import ConnectionMap
from oppsync.domain.policy.exception_owner import ExceptionOwner
from oppsync.domain.policy.route import Route
from oppsync.domain.policy.rule import Rule
from oppsync.domain.policy.sla_target import SlaTarget
from oppsync.domain.reference.book import ReferenceKind
from oppsync.domain.reference.calendars import Calendar
from oppsync.domain.reference.entities import (
    CostCentre,
    DeliveryModel,
    LegalEntity,
    ProjectTemplate,
    Region,
    ServiceLine,
)
from oppsync.domain.reference.exchange import ExchangeRate
from oppsync.domain.reference.rates import CostRate, MarginPolicy, Rate, TransferPrice
from oppsync.domain.reference.splitting import SplitRule
from oppsync.domain.reference.tax import TaxExemption, TaxNexus, TaxRegime, TaxTreatment, Withholding
from oppsync.domain.values.model import Frozen


class KindOfRow(NamedTuple):
    """`shape` is that of its values. `code` and `words` make the finding when a deal needs a row that is
    missing; a kind that no deal needs has neither."""

    shape: type[Frozen]
    code: str | None = None
    words: str = ""


CATALOG: dict[ReferenceKind, KindOfRow] = {
    ReferenceKind.LEGAL_ENTITY: KindOfRow(
        LegalEntity, "LEGAL_ENTITY_UNKNOWN", "No legal entity {key} is known"
    ),
    ReferenceKind.SERVICE_LINE: KindOfRow(
        ServiceLine, "SERVICE_LINE_UNKNOWN", "No service line {key} is known"
    ),
    ReferenceKind.COST_CENTRE: KindOfRow(CostCentre, "COST_CENTRE_MISSING", "No cost centre is set for {key}"),
    ReferenceKind.PROJECT_TEMPLATE: KindOfRow(
        ProjectTemplate, "TEMPLATE_MISSING", "No project template is set for {key}"
    ),
    ReferenceKind.RATE_CARD: KindOfRow(Rate, "RATE_MISSING", "The rate card has no rate for {key}"),
    ReferenceKind.TAX_TREATMENT: KindOfRow(
        TaxTreatment, "TAX_TREATMENT_MISSING", "No tax treatment is set for {key}"
    ),
    ReferenceKind.DELIVERY_MODEL: KindOfRow(
        DeliveryModel, "DELIVERY_MODEL_UNKNOWN", "No delivery model {key} is known"
    ),
    ReferenceKind.REGION: KindOfRow(Region, "REGION_UNKNOWN", "No region {key} is known"),
    ReferenceKind.SPLIT_RULE: KindOfRow(SplitRule),
    ReferenceKind.TRANSFER_PRICE: KindOfRow(
        TransferPrice, "TRANSFER_PRICE_MISSING", "No transfer price is set for {key}"
    ),
    ReferenceKind.COST_RATE: KindOfRow(CostRate),
    ReferenceKind.MARGIN_POLICY: KindOfRow(MarginPolicy),
    ReferenceKind.APPROVAL_RULE: KindOfRow(ApprovalRule),
    ReferenceKind.APPROVAL_ROLE: KindOfRow(FurtherRole),
    ReferenceKind.APPROVAL_STEP: KindOfRow(ApprovalStep),
    ReferenceKind.TAX_REGIME: KindOfRow(TaxRegime),
    ReferenceKind.TAX_NEXUS: KindOfRow(TaxNexus),
    ReferenceKind.TAX_EXEMPTION: KindOfRow(TaxExemption),
    ReferenceKind.WITHHOLDING: KindOfRow(Withholding),
    ReferenceKind.EXCHANGE_RATE: KindOfRow(
        ExchangeRate, "EXCHANGE_RATE_MISSING", "No exchange rate is set for {key}"
    ),
    ReferenceKind.EXCEPTION_OWNER: KindOfRow(ExceptionOwner),
    ReferenceKind.SLA_TARGET: KindOfRow(SlaTarget),
    ReferenceKind.RULE: KindOfRow(Rule),
    ReferenceKind.CALENDAR: KindOfRow(Calendar),
    ReferenceKind.ROUTE: KindOfRow(Route),
    ReferenceKind.CONNECTION_MAP: KindOfRow(ConnectionMap),
    ReferenceKind.CUSTOMER_LINK: KindOfRow(CustomerLink),
}
